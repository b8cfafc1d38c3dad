import assert from 'node:assert/strict';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { ConfigMap, Deployment, definePlugin, Lease, Node, Service } from '../sdk/sdk.ts';
import { createCluster, LoadError, UntilTimeoutError } from './cluster.ts';

const WEB = `
apiVersion: apps/v1
kind: Deployment
metadata: { name: web }
spec:
  replicas: 3
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec: { containers: [{ name: web, image: nginx }] }
---
apiVersion: v1
kind: Service
metadata: { name: web }
spec: { type: NodePort, selector: { app: web }, ports: [{ port: 80 }] }
`;

let folder: string;

before(() => {
  folder = mkdtempSync(join(tmpdir(), 'kernetes-cluster-'));
  // Other tests have temporary files at the same time.
  process.env.TMPDIR = mkdtempSync(join(folder, 'tmp-'));
  // What a cluster puts into the folder for temporary files must be told from what others do.
  process.env.TMPDIR = join(folder, 'tmp');
  mkdirSync(process.env.TMPDIR);
});

after(() => {
  delete process.env.TMPDIR;
  rmSync(folder, { recursive: true, force: true });
});

test('a cluster runs what is applied, and close() leaves nothing behind', async () => {
  const cluster = await createCluster();
  await cluster.apply(WEB);
  const web = await cluster.until(
    { kind: Deployment, name: 'web' },
    ({ status }) => status?.availableReplicas === 3,
  );
  assert.equal(web.metadata.namespace, 'default');
  assert.equal(cluster.server, undefined);
  const path = await cluster.kubeconfig();
  assert.equal(await cluster.kubeconfig(), path);
  assert.equal(statSync(path).mode & 0o777, 0o600);
  assert.match(cluster.server ?? '', /^https:\/\/127\.0\.0\.1:\d+$/);
  await cluster.close();
  await cluster.close();
  assert.ok(!existsSync(dirname(path)));
  await assert.rejects(cluster.kubeconfig(), /the cluster is closed/);
  assert.deepEqual(readdirSync(tmpdir()), []);
  await assertQuiet();
});

test('apply() merges what others set, and writes nothing when nothing changed', async () => {
  await using cluster = await createCluster({ nodes: 0 });
  const [, first] = await cluster.apply(WEB);
  const nodePort = (first as Service).spec?.ports?.[0]?.nodePort;
  assert.ok(nodePort);
  const [, same] = await cluster.apply(WEB);
  assert.equal(same?.metadata.resourceVersion, first?.metadata.resourceVersion);
  const [changed] = await cluster.apply({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'web', labels: { tier: 'front' } },
    spec: { type: 'NodePort', selector: { app: 'web' }, ports: [{ port: 80, name: 'http' }] },
  });
  const service = changed as Service;
  assert.equal(service.spec?.ports?.[0]?.nodePort, nodePort);
  assert.equal(service.spec?.ports?.length, 1);
  assert.equal(service.metadata.labels?.tier, 'front');
});

test('createCluster() starts in a pod network smaller than the range of a node, which has all of it', async () => {
  await using cluster = await createCluster({ nodes: 1, podNetworkCidr: '10.1.0.0/26' });
  const node = await cluster.until({ kind: Node, name: 'node-1' }, each => !!each.spec?.podCIDR);
  assert.equal(node.spec?.podCIDR, '10.1.0.0/26');
});

test('createCluster() without nodes starts in any pod network', async () => {
  await using cluster = await createCluster({ nodes: 0, podNetworkCidr: '10.1.0.0/32' });
  assert.deepEqual((await cluster.objects.list(Node)).items, []);
});

test('apply() refuses what cannot be applied', async () => {
  await using cluster = await createCluster({ nodes: 0 });
  await assert.rejects(cluster.apply('a: [1'), /Cannot read the manifest: /);
  await assert.rejects(cluster.apply({ kind: 'ConfigMap' }), /apiVersion or kind is not set/);
  const nameless = { apiVersion: 'v1', kind: 'ConfigMap', metadata: {} };
  await assert.rejects(cluster.apply([nameless]), /metadata.name is not set/);
  const unknown = { apiVersion: 'v2', kind: 'ConfigMap', metadata: { name: 'a' } };
  await assert.rejects(cluster.apply(unknown), /no kind ConfigMap of v2 is served/);
});

test('until() rejects with the last state, and with what the predicate throws', async () => {
  await using cluster = await createCluster({ nodes: 0 });
  const target = { kind: ConfigMap, name: 'a' };
  const absent = cluster.until(target, () => true, { timeoutMs: 20 });
  await assert.rejects(absent, /Cannot wait longer for v1 ConfigMap "a": .* it does not exist/);
  await cluster.apply({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' } });
  await assert.rejects(
    cluster.until(target, () => false, { timeoutMs: 20 }),
    (error: unknown) => error instanceof UntilTimeoutError && error.last?.metadata.name === 'a',
  );
  const thrown = cluster.until(target, () => {
    throw new Error('my mistake');
  });
  await assert.rejects(thrown, /my mistake/);
  const signal = AbortSignal.abort(new Error('enough'));
  await assert.rejects(
    cluster.until(target, () => false, { signal }),
    /enough/,
  );
});

test('clusters in one process do not know each other', async () => {
  await using a = await createCluster({ nodes: 0 });
  await using b = await createCluster({ nodes: 0, serviceCidr: '10.1.0.0/16' });
  await a.apply({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' } });
  const list = await b.objects.list(ConfigMap, { namespace: 'default' });
  assert.deepEqual(
    list.items.map(({ metadata }) => metadata.name),
    [],
  );
  const kubernetes = await b.until({ kind: Service, name: 'kubernetes' }, () => true);
  assert.equal(kubernetes.spec?.clusterIP, '10.1.0.1');
});

test('plugins come as definitions and as TypeScript files, with the SDK of the cluster', async () => {
  const file = join(folder, 'marker.ts');
  writeFileSync(
    file,
    `import { ApiError, ConfigMap, definePlugin } from 'kernetes/sdk';
     export default definePlugin({
       name: 'marker',
       async activate(ctx) {
         const error: unknown = await ctx.objects
           .get(ConfigMap, { namespace: 'default', name: 'none' })
           .catch(e => e);
         const metadata = { namespace: 'kube-system', name: 'marker' };
         await ctx.objects.create(ConfigMap, {
           metadata, data: { same: String(error instanceof ApiError) },
         });
       },
     });`,
  );
  let activated = false;
  const definition = definePlugin({
    name: 'mine',
    activate() {
      activated = true;
    },
  });
  const namespace = definePlugin({
    name: 'namespaces',
    async activate(ctx) {
      const create = (name: string) =>
        ctx.objects.request({
          verb: 'create',
          group: '',
          version: 'v1',
          resource: 'namespaces',
          body: { metadata: { name } },
        });
      await create('kube-system').catch(() => undefined);
    },
  });
  await using cluster = await createCluster({ nodes: 0, plugins: [namespace, definition, file] });
  assert.ok(activated);
  const marker = await cluster.objects.get(ConfigMap, { namespace: 'kube-system', name: 'marker' });
  assert.equal(marker.data?.same, 'true');
});

test('a cluster in a directory is there again', async () => {
  const data = join(folder, 'data');
  const first = await createCluster({ nodes: 0, data });
  const [made] = await first.apply({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'kept' },
  });
  await assert.rejects(createCluster({ data }), /process \d+ uses it/);
  await first.close();
  await using second = await createCluster({ nodes: 0, data });
  const kept = await second.objects.get(ConfigMap, { namespace: 'default', name: 'kept' });
  assert.equal(kept.metadata.uid, made?.metadata.uid);
  assert.equal(kept.metadata.resourceVersion, made?.metadata.resourceVersion);
});

test('the placement of the profile runs plugins in threads, which end at close()', async () => {
  const cluster = await createCluster({ placement: 'default' });
  await cluster.apply(WEB);
  await cluster.until(
    { kind: Deployment, name: 'web' },
    ({ status }) => status?.availableReplicas === 3,
  );
  await cluster.close();
  await assertQuiet();
});

for (const placement of ['inline', 'default'] as const) {
  test(`with leader election, what is placed ${placement} acts when it is elected`, async () => {
    await using cluster = await createCluster({ placement, leaderElection: true });
    await cluster.apply(WEB);
    await cluster.until(
      { kind: Deployment, name: 'web' },
      ({ status }) => status?.availableReplicas === 3,
    );
    const { items } = await cluster.objects.list(Lease, { namespace: 'kube-system' });
    const names = items.map(({ metadata }) => metadata.name);
    assert.deepEqual(names, ['kube-controller-manager', 'kube-scheduler', 'node-agents']);
    const holders = new Set(items.map(({ spec }) => spec?.holderIdentity));
    assert.equal(holders.size, 1);
  });
}

test('nobody is elected where the database lets no second process in', async () => {
  await using cluster = await createCluster({ nodes: 0 });
  const { items } = await cluster.objects.list(Lease, { namespace: 'kube-system' });
  assert.deepEqual(items, []);
});

const REFUSED = [
  [{ nodes: -1 }, /The number of nodes is -1/],
  [{ data: 'x', etcd: ['http://x'] }, /Both a data directory and etcd are given/],
  [{ plugins: ['./no-such.ts'] }, /there is no such file/],
  [
    { leaderElection: { leaseDurationMs: 9_000 } },
    /a lease of 9000 ms, a renew deadline of 10000 ms and a retry period of 2000 ms: want each/,
  ],
  [{ leaderElection: { retryPeriodMs: 9_000 } }, /want each to be longer than the next/],
  [{ serviceCidr: '10.0.0.1/8' }, /the range that holds it begins at 10.0.0.0/],
  [{ profile: { plugins: [{ name: 'no.such' }] } }, /no built-in plugin "no.such"/],
  [
    { profile: { plugins: [{ name: 'api.health', config: { version: '$(nope)' } }] } },
    /uses the setting "nope": there are only nodes, /,
  ],
] as const;

for (const [options, message] of REFUSED) {
  test(`createCluster(${JSON.stringify(options)}) is refused and leaves nothing`, async () => {
    await assert.rejects(
      createCluster(options),
      (error: unknown) => error instanceof LoadError && message.test(error.message),
    );
    await assertQuiet();
  });
}

test('a plugin that throws while it is activated is named, and nothing is left', async () => {
  const definition = definePlugin({
    name: 'broken',
    activate() {
      throw new Error('my fault');
    },
  });
  await assert.rejects(createCluster({ plugins: [definition] }), /plugin\/broken: my fault/);
  await assertQuiet();
});

/** Nothing is under way that could keep the process alive, but for the test runner's own pipes. */
async function assertQuiet(): Promise<void> {
  const own = new Set([
    'PipeWrap',
    'TTYWrap',
    'FSReqCallback',
    'CloseReq',
    'SimpleWriteWrap',
    'WriteWrap',
  ]);
  let found: string[] = [];
  // What has been closed is reported until the event loop has come round.
  for (let turn = 0; turn < 10; turn++) {
    await new Promise(resolve => setImmediate(resolve));
    found = process.getActiveResourcesInfo().filter(name => !own.has(name) && name !== 'Immediate');
    if (found.length === 0) return;
  }
  assert.deepEqual(found, []);
}
