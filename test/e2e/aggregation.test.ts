import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { after, before, describe, it } from 'node:test';
import type { TLSSocket } from 'node:tls';
import { APIService, ConfigMap, EndpointSlice } from 'kernetes/sdk';
import { systemClock } from '../../kernel/clock.ts';
import { issuePki } from '../../kernel/pki-issuer.ts';
import { crdOf, establish } from './crds.ts';
import { jsonOf } from './http.ts';
import { withoutKubectl } from './kubectl.ts';
import { MACHINE, ProxiedServer, textOf } from './proxied-server.ts';
import { startCluster } from './start-cluster.ts';

const { cluster, http, kubectl } = await startCluster({ nodes: 0 });
after(() => cluster.close());

const noAddress = MACHINE === undefined && 'this machine has no address but its loopback one';
const NAME = 'v1beta1.metrics.example';
const KEY = { kind: APIService, name: NAME };
const NODES = '/apis/metrics.example/v1beta1/nodes';

describe('APIServices', { timeout: 120_000 }, () => {
  it('stand for what this server has itself', async () => {
    const { spec, status, metadata } = await cluster.until(
      { kind: APIService, name: 'v1.apps' },
      () => true,
    );
    assert.deepEqual(spec, {
      group: 'apps',
      version: 'v1',
      groupPriorityMinimum: 17_800,
      versionPriority: 15,
    });
    assert.equal(metadata.labels?.['kube-aggregator.kubernetes.io/automanaged'], 'onstart');
    assert.equal(status?.conditions?.[0]?.message, 'Local APIServices are always available');
    await cluster.until({ kind: APIService, name: 'v1.' }, () => true);
  });

  it('of custom resources come and go with them', async () => {
    await establish(cluster, crdOf({ group: 'example.com', kind: 'Widget' }));
    const widgets = { kind: APIService, name: 'v1.example.com' };
    const { spec } = await cluster.until(widgets, () => true);
    assert.deepEqual([spec?.groupPriorityMinimum, spec?.versionPriority], [1_000, 100]);
    const path = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions/widgets.example.com';
    await http.json('DELETE', path);
    for (let code = 200; code !== 404; ) {
      code = (await http.call('GET', `${SERVICES}/v1.example.com`)).code;
    }
  });

  it('that nobody serves say so', async () => {
    const nowhere = { namespace: 'default', name: 'nowhere' };
    await cluster.apply(apiService('v1.nowhere.example', { service: nowhere }) as never);
    const { status } = await cluster.until(
      { kind: APIService, name: 'v1.nowhere.example' },
      ({ status }) => status?.conditions !== undefined,
    );
    const [{ status: value, reason, message } = { status: '' }] = status?.conditions ?? [];
    assert.deepEqual(
      [value, reason, message],
      ['False', 'ServiceNotFound', 'service/nowhere in "default" is not present'],
    );
    const reply = await http.call('GET', '/apis/nowhere.example/v1/things');
    assert.deepEqual([reply.code, reply.body.toString()], [503, 'service unavailable\n']);
    assert.equal((await http.call('GET', '/apis/nowhere.example/v1')).code, 503);
    await http.json('DELETE', `${SERVICES}/v1.nowhere.example`);
  });

  describe('of other servers', { skip: noAddress }, () => {
    let extension: ProxiedServer;
    let bundle: string;
    let fails = false;
    const seen: Seen[] = [];

    before(async () => {
      const hosts = ['metrics.default.svc'];
      const pki = await issuePki({ hosts, now: systemClock().now() });
      bundle = Buffer.from(pki.ca.certificate).toString('base64');
      extension = await ProxiedServer.listen(async (from: IncomingMessage, to: ServerResponse) => {
        const client = (from.socket as TLSSocket).getPeerCertificate().subject?.CN;
        const path = from.url ?? '';
        seen.push({ path, headers: from.headers, client: [client].flat()[0] ?? '' });
        if (fails) return void to.writeHead(500).end();
        to.setHeader('content-type', 'application/json');
        if (path.startsWith('/apis/metrics.example/v1beta1/nodes')) {
          if (path.includes('watch=1')) return void to.write('{"type":"ADDED"}\n');
          if (from.method === 'POST') return void to.end(await textOf(from));
          to.end(JSON.stringify(LIST));
        } else if (path.startsWith('/openapi/v3')) to.end('{"openapi":"3.0.0"}');
        else to.end(JSON.stringify(RESOURCES));
      }, pki.server);
      await cluster.apply(
        MANUAL.replace('ADDRESS', MACHINE ?? '').replace('PORT', `${extension.port}`),
      );
      const service = { namespace: 'default', name: 'metrics' };
      await cluster.apply(apiService(NAME, { service, caBundle: bundle }) as never);
      await cluster.until(KEY, isAvailable);
    });
    after(() => extension?.close());

    it('are in discovery, in the order of their priority', async () => {
      const { groups } = await http.json<{ groups: { name: string }[] }>('GET', '/apis');
      assert.equal(groups[0]?.name, 'apiregistration.k8s.io');
      const last = groups.slice(-2).map(({ name }) => name);
      assert.deepEqual(last, ['metrics.example', 'metrics.k8s.io']);
      const accept = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';
      const reply = await http.call('GET', '/apis', { headers: { accept } });
      const { items } = jsonOf<{ items: Discovered[] }>(reply);
      const [version] = items.find(({ metadata }) => metadata.name === 'metrics.example')
        ?.versions ?? [undefined];
      assert.equal(version?.freshness, 'Current');
      assert.deepEqual(
        version?.resources.map(({ resource }) => resource),
        ['nodes'],
      );
      const list = await http.json<{ resources: unknown[] }>(
        'GET',
        '/apis/metrics.example/v1beta1',
      );
      assert.deepEqual(list, RESOURCES);
    });

    it('get what is asked of them, and by whom', async () => {
      const headers = {
        'impersonate-user': 'jané',
        'impersonate-group': 'system:masters',
        'impersonate-extra-example.com%2fscope': 'a',
        'x-remote-user': 'root',
      };
      const reply = await http.call('GET', `${NODES}?limit=5`, { headers });
      assert.deepEqual(jsonOf(reply), LIST);
      const { path, headers: sent, client } = seen.at(-1) as Seen;
      assert.equal(path, `${NODES}?limit=5`);
      assert.equal(client, 'front-proxy-client');
      const user = Buffer.from(String(sent['x-remote-user']), 'latin1').toString();
      assert.equal(user, 'jané');
      assert.match(String(sent['x-remote-group']), /system:masters/);
      assert.equal(sent['x-remote-extra-example.com%2fscope'], 'a');
      assert.equal(sent['impersonate-user'], undefined);
      const created = await http.call('POST', NODES, { body: { kind: 'NodeMetrics' } });
      assert.deepEqual(jsonOf(created), { kind: 'NodeMetrics' });
      assert.equal((await http.anonymous().call('GET', NODES)).code, 403);
    });

    it('are watched, and have their own OpenAPI', async () => {
      const watch = await http.open('GET', `${NODES}?watch=1`);
      const [frame] = (await once(watch, 'data')) as [Buffer];
      assert.equal(frame.toString(), '{"type":"ADDED"}\n');
      watch.destroy();
      const path = '/openapi/v3/apis/metrics.example/v1beta1';
      const { paths } = await http.json<{ paths: object }>('GET', '/openapi/v3');
      assert.ok('apis/metrics.example/v1beta1' in paths);
      assert.deepEqual(await http.json('GET', path), { openapi: '3.0.0' });
    });

    it('are known to kubectl', { skip: withoutKubectl() }, async () => {
      const table = await kubectl.run(`get apiservices ${NAME} --no-headers`);
      assert.match(table, /^v1beta1\.metrics\.example\s+default\/metrics\s+True\s/);
      assert.match(await kubectl.run('api-resources --api-group=metrics.example'), /nodes .*Node/);
      assert.match(await kubectl.run('get nodes.metrics.example -o name'), /n1/);
    });

    it('are told whom to believe', async () => {
      const { data = {} } = await cluster.until(
        { kind: ConfigMap, namespace: 'kube-system', name: 'extension-apiserver-authentication' },
        () => true,
      );
      assert.match(data['client-ca-file'] ?? '', /BEGIN CERTIFICATE/);
      assert.match(data['requestheader-client-ca-file'] ?? '', /BEGIN CERTIFICATE/);
      assert.equal(data['requestheader-allowed-names'], '["front-proxy-client"]');
    });

    it('are not believed without the right certificate', async () => {
      const patch = (spec: object) =>
        http.json('PATCH', `${SERVICES}/${NAME}`, { spec }, 'application/merge-patch+json');
      await patch({ caBundle: Buffer.from(http.tls.ca).toString('base64') });
      const { status } = await cluster.until(KEY, object => !isAvailable(object));
      const [condition] = status?.conditions ?? [];
      assert.equal(condition?.reason, 'FailedDiscoveryCheck');
      assert.match(condition?.message ?? '', /x509: certificate signed by unknown authority$/);
      await patch({ caBundle: null, insecureSkipTLSVerify: true });
      await cluster.until(KEY, isAvailable);
      await patch({ caBundle: bundle, insecureSkipTLSVerify: null });
      await cluster.until(KEY, isAvailable);
    });

    it('are stale in discovery as long as their endpoints are gone', async () => {
      const slice = { namespace: 'default', name: 'metrics-1' };
      const found = await cluster.objects.get(EndpointSlice, slice);
      await cluster.objects.update(EndpointSlice, { ...found, endpoints: [] });
      const { status } = await cluster.until(KEY, object => !isAvailable(object));
      assert.equal(status?.conditions?.[0]?.reason, 'MissingEndpoints');
      assert.equal((await http.call('GET', NODES)).code, 503);
      const accept = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';
      const reply = await http.call('GET', '/apis', { headers: { accept } });
      const { items } = jsonOf<{ items: Discovered[] }>(reply);
      const item = items.find(({ metadata }) => metadata.name === 'metrics.example');
      assert.equal(item?.versions[0]?.freshness, 'Stale');
      assert.equal(item?.versions[0]?.resources.length, 1);
      fails = true;
      const now = await cluster.objects.get(EndpointSlice, slice);
      const { endpoints = [] } = found;
      await cluster.objects.update(EndpointSlice, { ...now, endpoints });
      await cluster.until(KEY, ({ status: { conditions } = {} }) => {
        return /bad status from \S+: 500$/.test(conditions?.[0]?.message ?? '');
      });
      fails = false;
      await cluster.until(KEY, isAvailable);
    });
  });
});

interface Seen {
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly client: string;
}

interface Discovered {
  readonly metadata: { readonly name: string };
  readonly versions: readonly {
    readonly freshness: string;
    readonly resources: readonly { readonly resource: string }[];
  }[];
}

function isAvailable({ status }: APIService): boolean {
  return status?.conditions?.[0]?.status === 'True';
}

function apiService(name: string, spec: object): object {
  const dot = name.indexOf('.');
  return {
    apiVersion: 'apiregistration.k8s.io/v1',
    kind: 'APIService',
    metadata: { name },
    spec: {
      group: name.slice(dot + 1),
      version: name.slice(0, dot),
      groupPriorityMinimum: 100,
      versionPriority: 100,
      ...spec,
    },
  };
}

const SERVICES = '/apis/apiregistration.k8s.io/v1/apiservices';

const RESOURCES = {
  kind: 'APIResourceList',
  apiVersion: 'v1',
  groupVersion: 'metrics.example/v1beta1',
  resources: [
    {
      name: 'nodes',
      singularName: 'node',
      namespaced: false,
      kind: 'NodeMetrics',
      verbs: ['get', 'list'],
    },
  ],
};

const LIST = {
  kind: 'NodeMetricsList',
  apiVersion: 'metrics.example/v1beta1',
  metadata: {},
  items: [{ kind: 'NodeMetrics', apiVersion: 'metrics.example/v1beta1', metadata: { name: 'n1' } }],
};

const MANUAL = `
apiVersion: v1
kind: Service
metadata: { name: metrics }
spec: { ports: [{ port: 443, name: https }] }
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: metrics-1, labels: { kubernetes.io/service-name: metrics } }
addressType: IPv4
ports: [{ name: https, port: PORT }]
endpoints: [{ addresses: [ADDRESS] }]
`;
