import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { Agent, request } from 'node:https';
import { after, before, describe, it } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { Deployment, ServiceAccount } from 'kernetes/sdk';
import { type Fields, jsonOf } from './http.ts';
import { startCluster } from './start-cluster.ts';

const { cluster, http } = await startCluster({ nodes: 1 });
after(() => cluster.close());

const CONFIG_MAPS = '/api/v1/namespaces/default/configmaps';
const DEPLOYMENTS = '/apis/apps/v1/namespaces/default/deployments';
const MERGE = 'application/merge-patch+json';
/** How client-go asks for discovery: the newest form first. */
const AGGREGATED = [
  'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList',
  'application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList',
  'application/json',
].join(',');
const PROTOBUF = 'application/vnd.kubernetes.protobuf,application/json';

/** The requests that client-go and controller-runtime make of their own, byte by byte. */
describe('what controllers in Go ask for', { timeout: 60_000 }, () => {
  before(async () => {
    await cluster.until(
      { kind: ServiceAccount, namespace: 'default', name: 'default' },
      () => true,
    );
    await http.json('POST', DEPLOYMENTS, deployment('web'));
  });

  const accepting = async (path: string, accept: string) => {
    const reply = await http.call('GET', path, { headers: { accept } });
    assert.equal(reply.code, 200, `${path}: ${reply.body}`);
    return { type: reply.headers['content-type'] ?? '', etag: reply.headers.etag, reply };
  };

  describe('discovery', () => {
    for (const path of ['/api', '/apis']) {
      it(`${path} comes whole to who takes that, and group by group to others`, async () => {
        const newest = await accepting(path, AGGREGATED);
        assert.equal(
          newest.type,
          'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList',
        );
        const { items = [] } = jsonOf<Discovery>(newest.reply);
        const resources = items.flatMap(group => group.versions.flatMap(each => each.resources));
        assert.ok(resources.length > 5 && resources.every(each => each.responseKind?.kind));
        const [, beta = ''] = AGGREGATED.split(',');
        assert.match((await accepting(path, beta)).type, /v=v2beta1/);
        const kind = path === '/api' ? 'APIVersions' : 'APIGroupList';
        for (const accept of ['application/json', 'application/json, */*', PROTOBUF]) {
          const { type, reply } = await accepting(path, accept);
          assert.equal(type, 'application/json');
          assert.equal(jsonOf(reply).kind, kind);
        }
      });

      it(`${path} is not sent again to who has it`, async () => {
        const { etag = '' } = await accepting(path, AGGREGATED);
        assert.match(etag, /^"\w+"$/);
        const headers = { accept: AGGREGATED, 'if-none-match': etag };
        const again = await http.call('GET', path, { headers });
        assert.deepEqual([again.code, again.body.length], [304, 0]);
        // Caches take these over for what they have.
        const { 'content-type': type, 'content-length': length } = again.headers;
        assert.deepEqual([type, length], [undefined, undefined]);
      });
    }

    it('every group version that is told is there, with the verbs of each resource', async () => {
      const { groups } = await http.json<Groups>('GET', '/apis');
      const told = groups.flatMap(each => each.versions.map(version => version.groupVersion));
      for (const groupVersion of told) {
        const list = await http.json<Resources>('GET', `/apis/${groupVersion}`);
        assert.deepEqual([list.kind, list.groupVersion], ['APIResourceList', groupVersion]);
        for (const { name, kind, verbs } of list.resources)
          assert.ok(name && kind && verbs.length > 0, `${groupVersion} ${name}`);
      }
    });

    it('OpenAPI v3 documents are told with addresses that never go stale', async () => {
      const { paths } = await http.json<{ paths: Record<string, { serverRelativeURL: string }> }>(
        'GET',
        '/openapi/v3',
      );
      const url = paths['apis/apps/v1']?.serverRelativeURL ?? '';
      assert.match(url, /^\/openapi\/v3\/apis\/apps\/v1\?hash=\w+$/);
      const reply = await http.call('GET', url);
      assert.match(reply.headers['cache-control'] ?? '', /immutable/);
      const { openapi } = jsonOf<{ openapi: string }>(reply);
      assert.match(openapi, /^3\./);
      const headers = { 'if-none-match': reply.headers.etag ?? '' };
      assert.equal((await http.call('GET', url, { headers })).code, 304);
      const proto = 'application/com.github.proto-openapi.spec.v2@v1.0+protobuf';
      const older = await accepting('/openapi/v2', `${proto}, application/json`);
      assert.match(older.type, /protobuf/);
      const stale = await http.call('GET', url.replace(/hash=.*/, 'hash=old'));
      assert.deepEqual([stale.code, stale.headers.location], [301, url]);
    });
  });

  describe('caches', () => {
    const lists = [
      { accept: PROTOBUF, kind: 'DeploymentList', type: 'application/json' },
      {
        accept: [
          'application/vnd.kubernetes.protobuf;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1',
          'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1',
          'application/json',
        ].join(','),
        kind: 'PartialObjectMetadataList',
        type: 'application/json',
      },
    ];
    for (const { accept, kind, type } of lists) {
      it(`a ${kind} is given to who prefers protobuf`, async () => {
        const found = await accepting(
          '/apis/apps/v1/deployments?limit=500&resourceVersion=0',
          accept,
        );
        assert.deepEqual([found.type, jsonOf(found.reply).kind], [type, kind]);
      });
    }

    it('a watch goes on from where a list ended, with metadata alone', async () => {
      const accept = `${PROTOBUF.replace(/(,|$)/g, ';as=PartialObjectMetadata;g=meta.k8s.io;v=v1$1')}`;
      const { metadata } = await http.json('GET', `${DEPLOYMENTS}?resourceVersion=0`);
      const query = [
        'allowWatchBookmarks=true',
        `resourceVersion=${metadata.resourceVersion}`,
        'timeout=8m52s',
        'timeoutSeconds=532',
        'watch=true',
        'fieldSelector=metadata.name%3Dwatched',
      ].join('&');
      const watch = await http.watch(`${DEPLOYMENTS}?${query}`, { accept });
      await http.json('POST', DEPLOYMENTS, deployment('watched'));
      const frame = (await watch.next()) ?? assert.fail();
      const { kind, apiVersion, spec } = frame.object;
      assert.deepEqual(
        [frame.type, kind, apiVersion, spec],
        ['ADDED', 'PartialObjectMetadata', 'meta.k8s.io/v1', undefined],
      );
      watch.close();
    });
  });

  describe('writes', () => {
    it('a body of unknown length is read to its end', async () => {
      const { hostname: host, port } = http.server;
      const headers = { 'content-type': 'application/json' };
      const path = `${CONFIG_MAPS}?fieldManager=manager&fieldValidation=Warn`;
      const sent = request({
        host,
        port,
        path,
        method: 'POST',
        headers,
        agent: false,
        ...http.tls,
      });
      for (const part of ['{"metadata":{"na', 'me":"chunked"},"dat', 'a":{"a":"b"}}'])
        sent.write(part);
      sent.end();
      const [response] = (await once(sent, 'response')) as [IncomingMessage];
      response.resume();
      assert.equal(response.statusCode, 201);
      const { data } = await http.json('GET', `${CONFIG_MAPS}/chunked`);
      assert.deepEqual(data, { a: 'b' });
    });

    for (const apiVersion of ['v1', 'meta.k8s.io/v1', 'apps/v1']) {
      it(`a deletion has options of ${apiVersion}, with preconditions`, async () => {
        const name = `deleted-${apiVersion.replaceAll(/\W/g, '-')}`;
        const { metadata } = await http.json('POST', DEPLOYMENTS, deployment(name));
        const remove = (uid?: string) => {
          const preconditions = { uid };
          const propagationPolicy = 'Background';
          const body = { kind: 'DeleteOptions', apiVersion, preconditions, propagationPolicy };
          return http.call('DELETE', `${DEPLOYMENTS}/${name}`, { body });
        };
        const refused = await remove('another');
        assert.deepEqual([refused.code, jsonOf(refused).reason], [409, 'Conflict']);
        const { code, body } = await remove(metadata.uid);
        assert.equal(code, 200, body.toString());
      });
    }

    it('a finalizer is put on and taken off by patches that hold to a version', async () => {
      const { metadata } = await http.json('POST', CONFIG_MAPS, { metadata: { name: 'held' } });
      const path = `${CONFIG_MAPS}/held`;
      const patch = (finalizers: string[] | null, resourceVersion = '') =>
        http.call('PATCH', path, {
          body: { metadata: { finalizers, resourceVersion } },
          headers: { 'content-type': MERGE },
        });
      const held = await patch(['example.com/hold'], metadata.resourceVersion);
      assert.equal(held.code, 200);
      assert.equal((await patch(null, metadata.resourceVersion)).code, 409);
      const going = await http.json('DELETE', path);
      assert.ok(going.metadata.deletionTimestamp);
      assert.equal((await patch(null, going.metadata.resourceVersion)).code, 200);
      assert.equal((await http.call('GET', path)).code, 404);
    });

    it('a status is patched apart, a scale is put', async () => {
      const path = `${DEPLOYMENTS}/web`;
      const key = { kind: Deployment, namespace: 'default', name: 'web' };
      await cluster.until(key, ({ status }) => status?.availableReplicas === 1);
      const status = { conditions: [{ type: 'Mine', status: 'True' }], observedGeneration: 1 };
      const patched = await http.json(
        'PATCH',
        `${path}/status`,
        { spec: { replicas: 7 }, status },
        MERGE,
      );
      assert.equal(patched.spec?.replicas, 1);
      const scale = await http.json('GET', `${path}/scale`);
      const put = await http.json('PUT', `${path}/scale`, { ...scale, spec: { replicas: 2 } });
      assert.deepEqual([put.kind, put.spec], ['Scale', { replicas: 2 }]);
      await cluster.until(key, ({ status: now }) => now?.availableReplicas === 2);
    });

    it('a lease is held by who wrote it first', async () => {
      const leases = '/apis/coordination.k8s.io/v1/namespaces/default/leases';
      const spec = (holderIdentity: string) => ({
        holderIdentity,
        leaseDurationSeconds: 15,
        acquireTime: '2026-01-01T00:00:00.000000Z',
        renewTime: '2026-01-01T00:00:00.000000Z',
        leaseTransitions: 0,
      });
      const body = {
        kind: 'Lease',
        apiVersion: 'coordination.k8s.io/v1',
        metadata: { name: 'leader' },
      };
      const made = await http.json('POST', leases, { ...body, spec: spec('a') });
      const taken = ['b', 'c'].map(holder =>
        http.call('PUT', `${leases}/leader`, { body: { ...made, spec: spec(holder) } }),
      );
      const codes = (await Promise.all(taken)).map(({ code }) => code).sort();
      assert.deepEqual(codes, [200, 409]);
      assert.equal(
        (await http.call('POST', leases, { body: { ...body, spec: spec('b') } })).code,
        409,
      );
    });

    it('an event is told, then counted', async () => {
      const events = '/apis/events.k8s.io/v1/namespaces/default/events';
      const regarding = {
        kind: 'Deployment',
        namespace: 'default',
        name: 'web',
        apiVersion: 'apps/v1',
      };
      const made = await http.json('POST', events, {
        kind: 'Event',
        apiVersion: 'events.k8s.io/v1',
        metadata: { name: 'web.1', namespace: 'default' },
        eventTime: '2026-01-01T00:00:00.000000Z',
        reportingController: 'example.com/controller',
        reportingInstance: 'controller-0',
        action: 'Scale',
        reason: 'Scaled',
        regarding,
        note: 'twice',
        type: 'Normal',
      });
      assert.equal(made.kind, 'Event');
      const series = { count: 2, lastObservedTime: '2026-01-01T00:00:01.000000Z' };
      const type = 'application/strategic-merge-patch+json';
      const patched = await http.json<{ series: object }>(
        'PATCH',
        `${events}/web.1`,
        { series },
        type,
      );
      assert.deepEqual(patched.series, series);
    });

    it('a token is made for an audience and an object', async () => {
      const path = '/api/v1/namespaces/default/serviceaccounts/default/token';
      const body = {
        kind: 'TokenRequest',
        apiVersion: 'authentication.k8s.io/v1',
        spec: { audiences: ['vault'], expirationSeconds: 3600 },
      };
      const reply = await http.call('POST', path, { body });
      const { kind, status } = jsonOf(reply) as Fields & { status: { token: string } };
      assert.deepEqual([reply.code, kind], [201, 'TokenRequest']);
      const [, claims = ''] = status.token.split('.');
      const { aud } = JSON.parse(Buffer.from(claims, 'base64url').toString()) as { aud: string[] };
      assert.deepEqual(aud, ['vault']);
    });
  });

  it('many requests at once share few connections', async () => {
    for (const name of ['large-a', 'large-b']) {
      const body = {
        metadata: { name, labels: { large: '' } },
        data: { text: 'x'.repeat(99_999) },
      };
      await http.json('POST', CONFIG_MAPS, body);
    }
    const agent = new Agent({ keepAlive: true, maxSockets: 4, ...http.tls });
    const { hostname: host, port } = http.server;
    let connections = 0;
    const createConnection = agent.createConnection.bind(agent);
    agent.createConnection = (...args: Parameters<typeof createConnection>) => {
      connections++;
      return createConnection(...args);
    };
    const path = `${CONFIG_MAPS}?labelSelector=large`;
    const get = async () => {
      const headers = { 'accept-encoding': 'gzip' };
      const sent = request({ host, port, path, agent, headers });
      sent.end();
      const [response] = (await once(sent, 'response')) as [IncomingMessage];
      const chunks: Buffer[] = [];
      for await (const chunk of response) chunks.push(chunk as Buffer);
      assert.equal(response.headers['content-encoding'], 'gzip');
      // The list's own version goes on with what controllers write meanwhile.
      const { items } = JSON.parse(gunzipSync(Buffer.concat(chunks)).toString()) as Fields;
      return JSON.stringify(items);
    };
    const texts = await Promise.all(Array.from({ length: 24 }, get));
    agent.destroy();
    assert.equal(new Set(texts).size, 1);
    assert.equal(connections, 4);
  });
});

function deployment(name: string): object {
  const labels = { app: name };
  const spec = { containers: [{ name: 'main', image: 'nginx' }] };
  return {
    kind: 'Deployment',
    apiVersion: 'apps/v1',
    metadata: { name },
    spec: { selector: { matchLabels: labels }, template: { metadata: { labels }, spec } },
  };
}

interface Discovery {
  readonly items?: readonly {
    readonly versions: readonly {
      readonly resources: readonly { readonly responseKind?: { readonly kind: string } }[];
    }[];
  }[];
}

interface Groups {
  readonly groups: readonly { readonly versions: readonly { readonly groupVersion: string }[] }[];
}

interface Resources {
  readonly kind: string;
  readonly groupVersion: string;
  readonly resources: readonly { name: string; kind: string; verbs: readonly string[] }[];
}
