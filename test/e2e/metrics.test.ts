import assert from 'node:assert/strict';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { after, describe, it } from 'node:test';
import type { Cluster } from 'kernetes';
import {
  APIService,
  ConfigMap,
  createMetricsClient,
  Deployment,
  HorizontalPodAutoscaler,
  METRICS_GROUP,
} from 'kernetes/sdk';
import { fakeClock } from 'kernetes/sdk/testing';
import { systemClock } from '../../kernel/clock.ts';
import { issuePki } from '../../kernel/pki-issuer.ts';
import { withoutKubectl } from './kubectl.ts';
import { MACHINE, ProxiedServer } from './proxied-server.ts';
import { startCluster } from './start-cluster.ts';
import { wholeMinute } from './whole-minute.ts';

const WEB = `
apiVersion: apps/v1
kind: Deployment
metadata: { name: web }
spec:
  replicas: 2
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec:
      containers:
        - { name: main, image: nginx, resources: { requests: { cpu: 200m, memory: 64Mi } } }
---
apiVersion: v1
kind: ConfigMap
metadata: { name: load, labels: { sim.kubernetes.dev/load: "true" } }
data:
  selector: app=web
  container: main
  cpu: "1"
  memory: 1Gi
  pods.rps: "100"
  object.requests: "services/web: 7.5"
  external.queue: |
    name=mail: 30
    name=news: 4
`;
const LOAD = { namespace: 'default', name: 'load' };
const CUSTOM = '/apis/custom.metrics.k8s.io';
const EXTERNAL = '/apis/external.metrics.k8s.io/v1beta1';

describe('metrics of simulated pods', { timeout: 120_000 }, async () => {
  const clock = fakeClock(wholeMinute());
  const { cluster, http, kubectl } = await startCluster({ nodes: 2, clock });
  after(() => cluster.close());
  await cluster.apply(WEB);
  await clock.step(30_000);

  it('are shown by kubectl top', { skip: withoutKubectl() }, async () => {
    const lines = async (command: string) => (await kubectl.run(command)).trim().split('\n');
    const nodes = await lines('top nodes --no-headers');
    assert.equal(nodes.length, 2);
    for (const line of nodes) assert.match(line, /^node-\d\s+500m\s+6%\s+512Mi\s+1%/);
    const pods = await lines('top pods -A -l app=web');
    assert.match(pods[0] ?? '', /^NAMESPACE\s+NAME\s+CPU\(cores\)\s+MEMORY\(bytes\)/);
    assert.equal(pods.length, 3);
    for (const line of pods.slice(1)) assert.match(line, /^default\s+web-\S+\s+500m\s+512Mi\s*$/);
    const [, container = ''] = await lines('top pods --containers --selector=app=web');
    assert.match(container, /^web-\S+\s+main\s+500m\s+512Mi\s*$/);
    const [headers = '', row = ''] = await lines('get podmetrics');
    assert.match(headers, /^NAME\s+CPU\s+MEMORY\s+WINDOW$/);
    assert.match(row, /^web-\S+\s+500m\s+512Mi\s+15s$/);
    assert.match(await kubectl.run('explain podmetrics'), /containers\t<\[\]Object>/);
    await assert.rejects(kubectl.run('top pod nope'), /podmetrics.*"default\/nope" not found/);
  });

  it('are in discovery, and none of them has an APIService', async () => {
    const { groups } = await http.json<{ groups: { name: string }[] }>('GET', '/apis');
    const names = groups.map(({ name }) => name).filter(name => name.endsWith(METRICS_GROUP));
    assert.deepEqual(names.sort(), [
      'custom.metrics.k8s.io',
      'external.metrics.k8s.io',
      'metrics.k8s.io',
    ]);
    const { items } = await cluster.objects.list(APIService);
    const ours = items.filter(({ spec }) => spec?.group?.endsWith(METRICS_GROUP));
    assert.deepEqual(ours, []);
    const { resources } = await http.json<{ resources: { name: string }[] }>(
      'GET',
      `${CUSTOM}/v1beta2`,
    );
    assert.deepEqual(
      resources.map(({ name }) => name),
      ['pods/rps', 'services/requests'],
    );
    const { paths } = await http.json<{ paths: object }>('GET', '/openapi/v3');
    assert.ok('apis/external.metrics.k8s.io/v1beta1' in paths);
    await http.json('GET', '/openapi/v3/apis/external.metrics.k8s.io/v1beta1');
  });

  const values = async (path: string) => {
    const { items } = await http.json<{ items: { value: string }[] }>('GET', path);
    return items.map(({ value }) => value);
  };

  it('of objects and of nothing in the cluster are served as by adapters', async () => {
    const pods = `${CUSTOM}/v1beta2/namespaces/default/pods`;
    assert.deepEqual(await values(`${pods}/*/rps?labelSelector=app%3Dweb`), ['50', '50']);
    assert.deepEqual(await values(`${pods}/*/rps?labelSelector=app%3Ddb`), []);
    const service = '/namespaces/default/services/web/requests';
    assert.deepEqual(await values(`${CUSTOM}/v1beta1${service}`), ['7500m']);
    const queue = `${EXTERNAL}/namespaces/default/queue`;
    assert.deepEqual(await values(queue), ['30', '4']);
    assert.deepEqual(await values(`${queue}?labelSelector=name%3Dmail`), ['30']);
    for (const path of [`${pods}/*/nope`, `${EXTERNAL}/namespaces/default/nope`]) {
      assert.equal((await http.call('GET', path)).code, 404);
    }
    assert.equal((await http.call('POST', `${pods}/*/rps`, { body: {} })).code, 405);
  });

  it('are authorized by resource, name and metric', async () => {
    const rules = [
      { apiGroups: ['custom.metrics.k8s.io'], resources: ['pods/rps'], verbs: ['get'] },
    ];
    const apiVersion = 'rbac.authorization.k8s.io/v1';
    const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'rps' };
    const metadata = { name: 'rps', namespace: 'default' };
    await cluster.apply([
      { apiVersion, kind: 'Role', metadata, rules },
      {
        ...{ apiVersion, kind: 'RoleBinding', metadata, roleRef },
        subjects: [{ kind: 'User', name: 'bob', apiGroup: 'rbac.authorization.k8s.io' }],
      },
    ] as never);
    await clock.step(1_000);
    const codeOf = async (path: string) =>
      (await http.call('GET', path, { headers: { 'impersonate-user': 'bob' } })).code;
    assert.equal(await codeOf(`${CUSTOM}/v1beta2/namespaces/default/pods/*/rps`), 200);
    assert.equal(await codeOf(`${CUSTOM}/v1beta2/namespaces/default/services/web/requests`), 403);
    assert.equal(await codeOf(`${EXTERNAL}/namespaces/default/queue`), 403);
    assert.equal(await codeOf('/apis/metrics.k8s.io/v1beta1/namespaces/default/pods'), 403);
  });

  it('make an autoscaler settle where each pod has what it should', async () => {
    await cluster.objects.create(HorizontalPodAutoscaler, autoscalerOf('web'));
    const settled = async (replicas: number, minutes: number) => {
      await clock.step(minutes * 60_000);
      const { spec, status } = await cluster.objects.get(Deployment, {
        ...LOAD,
        name: 'web',
      });
      assert.deepEqual([spec?.replicas, status?.readyReplicas], [replicas, replicas]);
      const milli = await usedMilli(cluster);
      assert.deepEqual(milli, Array(replicas).fill(milli[0]));
    };
    // Of 200m that each asks for a half.
    await settled(10, 6);
    await cluster.objects.patch(ConfigMap, LOAD, { data: { cpu: '1600m' } });
    await settled(16, 6);
    await cluster.objects.patch(ConfigMap, LOAD, { data: { cpu: '480m' } });
    await settled(5, 12);
  });

  it('go with the load', async () => {
    await cluster.objects.delete(ConfigMap, LOAD);
    await clock.step(1_000);
    assert.equal((await http.call('GET', `${CUSTOM}/v1beta2`)).code, 404);
    assert.equal((await http.call('GET', `${EXTERNAL}/namespaces/default/queue`)).code, 404);
  });
});

async function usedMilli(cluster: Cluster): Promise<number[]> {
  const query = { namespace: 'default', podSelector: 'app=web', resource: 'cpu' };
  const pods = await createMetricsClient(cluster.objects).resource(query);
  return [...pods.values()].map(({ milli }) => milli);
}

function autoscalerOf(name: string): HorizontalPodAutoscaler {
  return {
    metadata: { name, namespace: 'default' },
    spec: {
      scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name },
      minReplicas: 1,
      maxReplicas: 20,
      metrics: [
        {
          type: 'Resource',
          resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 50 } },
        },
      ],
    },
  };
}

describe('a server of metrics behind an APIService', { timeout: 120_000 }, () => {
  const skip = MACHINE === undefined && 'this machine has no address but its loopback one';

  it('goes before ours, for HTTP and for plugins, until it goes', { skip }, async () => {
    const told: unknown[] = [];
    const { cluster, http } = await startCluster({ nodes: 0 });
    await using _ = cluster;
    const hosts = ['metrics.default.svc'];
    const pki = await issuePki({ hosts, now: systemClock().now() });
    const adapter = await ProxiedServer.listen((from: IncomingMessage, to: ServerResponse) => {
      told.push(from.url);
      to.setHeader('content-type', 'application/json');
      to.end(JSON.stringify(from.url?.includes('/pods') ? LISTS : { resources: [] }));
    }, pki.server);
    try {
      await cluster.apply(
        MANUAL.replace('ADDRESS', MACHINE ?? '').replace('PORT', `${adapter.port}`),
      );
      const caBundle = Buffer.from(pki.ca.certificate).toString('base64');
      for (const group of [METRICS_GROUP, 'custom.metrics.k8s.io']) {
        await cluster.objects.create(APIService, apiService(group, caBundle));
        await cluster.until(
          { kind: APIService, name: `v1beta1.${group}` },
          ({ status }) => status?.conditions?.[0]?.status === 'True',
        );
      }
      const path = '/apis/metrics.k8s.io/v1beta1/pods';
      assert.deepEqual(await http.json('GET', path), LISTS);
      assert.deepEqual(await usedMilli(cluster), [123]);
      assert.equal(
        told.at(-1),
        '/apis/metrics.k8s.io/v1beta1/namespaces/default/pods?labelSelector=app%3Dweb',
      );
      const query = {
        namespace: 'default',
        podSelector: 'app=web',
        metric: 'rps',
        metricSelector: '',
      };
      const pods = await createMetricsClient(cluster.objects).pods(query);
      assert.equal(pods.get('web')?.milli, 7_000);
      await cluster.objects.delete(APIService, { name: `v1beta1.${METRICS_GROUP}` });
      for (let items: unknown[] | undefined; items?.length !== 0; ) {
        ({ items } = await http.json<{ items: unknown[] }>('GET', path));
      }
    } finally {
      await adapter.close();
    }
  });
});

/** What it answers of pods, in either group. */
const LISTS = {
  kind: 'PodMetricsList',
  apiVersion: 'metrics.k8s.io/v1beta1',
  metadata: {},
  items: [
    {
      metadata: { name: 'web', namespace: 'default' },
      timestamp: '2026-01-01T00:00:15Z',
      window: '15s',
      containers: [{ name: 'main', usage: { cpu: '123m', memory: '1Mi' } }],
      describedObject: { name: 'web' },
      value: '7',
    },
  ],
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

function apiService(group: string, caBundle: string): APIService {
  return {
    metadata: { name: `v1beta1.${group}` },
    spec: {
      group,
      version: 'v1beta1',
      groupPriorityMinimum: 100,
      versionPriority: 100,
      service: { namespace: 'default', name: 'metrics' },
      caBundle,
    },
  };
}
