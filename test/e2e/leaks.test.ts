import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:http2';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { type Cluster, type ClusterOptions, createCluster } from 'kernetes';
import { ConfigMap, Deployment, Node, Pod } from 'kernetes/sdk';
import { Wire } from './wire.ts';

/** A cluster that is closed leaves nothing of itself in the process or on the disk. */
const ROUNDS = 5;

const WEB = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'web' },
  spec: {
    replicas: 2,
    selector: { matchLabels: { app: 'web' } },
    template: {
      metadata: { labels: { app: 'web' } },
      spec: { containers: [{ name: 'web', image: 'nginx' }] },
    },
  },
};

let folder: string;

before(() => {
  folder = mkdtempSync(join(tmpdir(), 'leaks-'));
  // Other tests have temporary files at the same time.
  process.env.TMPDIR = mkdtempSync(join(folder, 'tmp-'));
});

after(() => rmSync(folder, { recursive: true, force: true }));

const WAYS: Readonly<Record<string, () => ClusterOptions>> = {
  'in this thread': () => ({}),
  'on the disk': () => ({ data: join(folder, 'data') }),
  'in threads': () => ({ placement: 'default' }),
  'in threads, with a process': () => {
    const path = join(folder, 'idle.mjs');
    writeFileSync(path, 'export default { name: "idle", activate() {} }');
    return { placement: 'default', plugins: [{ path, placement: 'process' }] };
  },
};

for (const [where, options] of Object.entries(WAYS)) {
  test(`clusters ${where} leave nothing, one after the other`, async () => {
    // The first loads modules, and starts what the process keeps: the bundler, the thread pool.
    const clusters = [await live(options())];
    const before = await held();
    for (let round = 1; round < ROUNDS; round++) clusters.push(await live(options()));
    assert.deepEqual(await held(), before);
    // Of the last one, something may be in the event loop's hands yet.
    const left = clusters.slice(0, -1).filter(cluster => cluster.deref() !== undefined);
    assert.equal(left.length, 0, 'Clusters are still in memory');
  });
}

test('clusters side by side do not see each other, and end apart', async () => {
  const before = await held();
  {
    await using one = await createCluster({ nodes: 1 });
    const others = await Promise.all([
      createCluster({ nodes: 2, placement: 'default' }),
      createCluster({ nodes: 3 }),
    ]);
    const clusters = [one, ...others];
    await Promise.all(clusters.map((cluster, i) => cluster.apply(configMap(`only-${i}`))));
    await Promise.all(others.map(deploy));
    for (const [i, cluster] of clusters.entries()) {
      const maps = await cluster.objects.list(ConfigMap, { namespace: 'default' });
      const names = maps.items.map(({ metadata }) => metadata.name);
      assert.deepEqual(
        names.filter(name => name?.startsWith('only-')),
        [`only-${i}`],
      );
      const nodes = await cluster.objects.list(Node);
      assert.equal(nodes.items.length, i + 1);
    }
    assert.equal((await one.objects.list(Pod, { namespace: 'default' })).items.length, 0);
    await Promise.all(others.map(cluster => cluster.close()));
    await deploy(one);
  }
  assert.deepEqual(await held(), before);
});

/** All that a cluster can do that takes something of the process. */
async function live(options: ClusterOptions): Promise<WeakRef<Cluster>> {
  let kubeconfig: string;
  let ref: WeakRef<Cluster>;
  {
    await using cluster = await createCluster(options);
    ref = new WeakRef(cluster);
    await deploy(cluster);
    kubeconfig = await cluster.kubeconfig();
    await watchForEver(kubeconfig);
    const never = cluster.until({ kind: ConfigMap, name: 'none' }, () => true, { timeoutMs: 100 });
    await assert.rejects(never, /it does not exist/);
  }
  assert.ok(!existsSync(dirname(kubeconfig)));
  return ref;
}

async function deploy(cluster: Cluster): Promise<void> {
  await cluster.apply(WEB);
  await cluster.until(
    { kind: Deployment, name: 'web' },
    ({ status }) => status?.availableReplicas === 2,
  );
}

/** A client that does not end its stream: the cluster does, when it is closed. */
async function watchForEver(kubeconfig: string): Promise<void> {
  const { server, tls } = new Wire(kubeconfig);
  const client = connect(server, tls);
  client.on('error', () => undefined);
  const stream = client.request({ ':path': '/api/v1/namespaces/default/configmaps?watch=1' });
  const [headers] = (await once(stream, 'response')) as [Record<string, unknown>];
  assert.equal(headers[':status'], 200);
  stream.on('error', () => undefined).resume();
}

function configMap(name: string) {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name } };
}

/** What this process has, but for what the test runner itself comes and goes with. */
async function held() {
  let last = '';
  // What was closed is reported until the event loop has come round.
  for (let turn = 0; turn < 1_000; turn++) {
    await new Promise(resolve => setImmediate(resolve));
    const resources = process.getActiveResourcesInfo().filter(name => !PASSING.has(name));
    const now = JSON.stringify(resources.sort());
    if (turn > 20 && now === last) break;
    last = now;
  }
  collectGarbage();
  return {
    resources: last,
    files: readdirSync('/proc/self/fd').length,
    threads: readdirSync('/proc/self/task').length,
    temporary: readdirSync(tmpdir()),
  };
}

const PASSING = new Set(['Immediate', 'FSReqCallback', 'WriteWrap', 'SimpleWriteWrap']);

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;
