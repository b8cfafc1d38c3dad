import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { Cluster } from 'kernetes';
import { Namespace, Node, type Pod } from 'kernetes/sdk';
import { fakeClock, seededRandom } from 'kernetes/sdk/testing';
import { type Kubectl, withoutKubectl } from './kubectl.ts';
import { bounds, lines, type Moment, PodStory } from './pod-story.ts';
import { startCluster } from './start-cluster.ts';
import { wholeMinute } from './whole-minute.ts';

const MANIFEST = join(import.meta.dirname, '../testdata/manifests/daemonset-proxy.yaml');
const VERSIONS = ['v1.12', 'v1.13'] as const;
const NODES = ['node-1', 'node-2', 'node-3'];
type Version = (typeof VERSIONS)[number];

/** The walk-through of a DaemonSet, each step on what the ones before it left. */
describe('the DaemonSet proxy-daemonset', { timeout: 120_000, skip: withoutKubectl() }, () => {
  const clock = fakeClock(wholeMinute());
  let folder: string;
  let cluster: Cluster;
  let kubectl: Kubectl;
  let story: PodStory;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'walkthrough-'));
    const text = await readFile(MANIFEST, 'utf8');
    for (const version of VERSIONS) {
      await writeFile(fileOf(version), text.replaceAll('v1.12', version));
    }
    ({ cluster, kubectl } = await startCluster({ nodes: 3, clock, random: seededRandom() }));
    await cluster.objects.create(Namespace, { metadata: { name: 'app' } });
    await clock.step(1_000);
    story = new PodStory(cluster.objects, { namespace: 'app' });
  });
  after(async () => {
    story?.stop();
    await cluster?.close();
    await rm(folder, { recursive: true, force: true });
  });

  const fileOf = (version: Version) => join(folder, `proxy-${version}.yaml`);
  const applying = (version: Version) => `apply --filename=${fileOf(version)} --record=true`;
  const rollout = (what: string) => kubectl.run(`rollout ${what} daemonset proxy-daemonset -n app`);
  const goOn = async () => {
    await clock.step(120_000);
    return story.take();
  };
  /** DESIRED CURRENT READY UP-TO-DATE AVAILABLE */
  const row = async () => {
    const text = await kubectl.run('get daemonset -n app --no-headers');
    return text.replace(/ +/g, ' ').split(' ').slice(1, 6).join(' ');
  };
  const history = async () => {
    const [title, , ...rows] = (await rollout('history')).trim().split('\n');
    assert.equal(title?.trim(), 'daemonset.apps/proxy-daemonset');
    return rows.map(each => each.replace(/ +/, ' '));
  };

  it('runs a pod on every node', async () => {
    const said = await kubectl.run(applying('v1.12'));
    assert.equal(said, 'daemonset.apps/proxy-daemonset created\n');
    const told = lines(await goOn(), nodeAndVersionOf);
    const made = NODES.map(node => `+${node} v1.12`);
    const ready = NODES.map(node => `${node} v1.12 ready`);
    assert.deepEqual(told.sort(), [...made, ...ready].sort());
    assert.equal(await row(), '3 3 3 3 3');
    assert.deepEqual(await history(), [`1 kubectl ${applying('v1.12')}`]);
    const port = '-o jsonpath={.items[*].spec.containers[0].ports[0].hostPort}';
    assert.equal(await kubectl.run(`get pod -n app -l tier=proxy ${port}`), '10080 10080 10080');
  });

  it('runs one on a node that joins', async () => {
    await cluster.objects.create(Node, {
      metadata: { name: 'joined', labels: { 'node.kernetes.io/agent': 'node.agent' } },
    });
    const told = lines(await goOn(), nodeAndVersionOf);
    assert.deepEqual(told, ['+joined v1.12', 'joined v1.12 ready']);
    assert.equal(await row(), '4 4 4 4 4');
  });

  it('is updated a node at a time', async () => {
    const said = await kubectl.run(applying('v1.13'));
    assert.equal(said, 'daemonset.apps/proxy-daemonset configured\n');
    assertNodeByNode(await goOn(), 'v1.12', 'v1.13');
    assert.equal(await row(), '4 4 4 4 4');
    assert.deepEqual(
      await history(),
      VERSIONS.map((v, i) => `${i + 1} kubectl ${applying(v)}`),
    );
    assert.match(await rollout('status'), /daemon set "proxy-daemonset" successfully rolled out/);
  });

  it('is undone, and its revision 1 becomes 3', async () => {
    assert.equal(await rollout('undo'), 'daemonset.apps/proxy-daemonset rolled back\n');
    assertNodeByNode(await goOn(), 'v1.13', 'v1.12');
    assert.deepEqual(await history(), [
      `2 kubectl ${applying('v1.13')}`,
      `3 kubectl ${applying('v1.12')}`,
    ]);
  });

  it('leaves a node that goes, and ends with its pods', async () => {
    await kubectl.run('delete node joined');
    assert.deepEqual(lines(await goOn(), nodeAndVersionOf), ['joined v1.12 gone']);
    assert.equal(await row(), '3 3 3 3 3');
    await kubectl.run('delete daemonset proxy-daemonset -n app');
    const told = lines(await goOn(), nodeAndVersionOf);
    const ends = NODES.flatMap(node => [`-${node} v1.12`, `${node} v1.12 gone`]);
    assert.deepEqual(told.sort(), ends.sort());
  });
});

/** The node that a pod is for, also before it is there, and the pod's version. */
function nodeAndVersionOf({ metadata, spec }: Pod): string {
  const terms = spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  const [node = ''] = terms?.nodeSelectorTerms[0]?.matchFields?.[0]?.values ?? [];
  return `${node} ${metadata.labels?.version}`;
}

/** On each node the old pod is gone before the new one comes, and ready before the next ends. */
function assertNodeByNode(moments: readonly Moment[], old: Version, young: Version): void {
  const told = lines(moments, nodeAndVersionOf);
  const order = told.filter((_, index) => index % 4 === 0).map(line => line.slice(1).split(' ')[0]);
  const rounds = order.flatMap(node => [
    `-${node} ${old}`,
    `${node} ${old} gone`,
    `+${node} ${young}`,
    `${node} ${young} ready`,
  ]);
  assert.deepEqual(told, rounds);
  assert.deepEqual(order.sort(), ['joined', ...NODES]);
  assert.deepEqual(bounds(moments), { most: 4, least: 3 });
}
