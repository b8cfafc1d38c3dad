import assert from 'node:assert/strict';
import { after, it } from 'node:test';
import { DaemonSet, isPodReady, Pod } from 'kernetes/sdk';
import { until } from './eventually.ts';
import { withoutKubectl } from './kubectl.ts';
import { startCluster } from './start-cluster.ts';

const skip = withoutKubectl();
const NODES = ['node-1', 'node-2', 'node-3'];
const { cluster, kubectl } = await startCluster({ nodes: NODES.length });
after(() => cluster.close());

async function ready(app: string): Promise<number> {
  const { items } = await cluster.objects.list(Pod, { labelSelector: `app=${app}` });
  return items.filter(pod => isPodReady(pod) && !pod.metadata.deletionTimestamp).length;
}

async function createBudget(name: string, maxUnavailable: number): Promise<void> {
  const selector = `--selector=app=${name} --max-unavailable=${maxUnavailable}`;
  await kubectl.run(`create deployment ${name} --image=nginx --replicas=4`);
  await kubectl.run(`create poddisruptionbudget ${name} ${selector}`);
  await kubectl.run(`rollout status deployment/${name} --timeout=30s`);
}

it('kubectl drain waits for the budget, and empties all nodes with one pod missing at most', {
  skip,
}, async () => {
  await createBudget('web', 1);
  let fewest = 4;
  let isOver = false;
  const watched = until(async () => {
    fewest = Math.min(fewest, await ready('web'));
    return isOver;
  });
  for (const node of NODES) {
    assert.match(await kubectl.run(`drain ${node} --timeout=50s`), /drained/);
    await kubectl.run(`uncordon ${node}`);
  }
  isOver = true;
  await watched;
  assert.ok(fewest >= 3, `only ${fewest} of 4 were ready`);
});

it('kubectl drain gives up where the budget has nothing to give', { skip }, async () => {
  await createBudget('fixed', 0);
  const { items } = await cluster.objects.list(Pod, { labelSelector: 'app=fixed' });
  const node = items[0]?.spec?.nodeName;
  const drain = kubectl.run(`drain ${node} --timeout=1s --pod-selector=app=fixed`);
  await assert.rejects(drain, /Cannot evict pod as it would violate the pod's disruption budget/);
  assert.equal(await ready('fixed'), 4);
  await kubectl.run(`uncordon ${node}`);
});

it("kubectl drain leaves a DaemonSet's pods, and cordoned nodes get theirs", { skip }, async () => {
  const labels = { app: 'proxy' };
  await kubectl.run('cordon node-1');
  await cluster.objects.create(DaemonSet, {
    metadata: { name: 'proxy', namespace: 'default' },
    spec: {
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: { containers: [{ name: 'main', image: 'nginx' }] },
      },
    },
  });
  await kubectl.run('rollout status daemonset/proxy --timeout=30s');
  assert.equal(await ready('proxy'), NODES.length);
  await kubectl.run('drain node-1 --ignore-daemonsets --pod-selector=app=proxy --timeout=20s');
  assert.equal(await ready('proxy'), NODES.length);
});
