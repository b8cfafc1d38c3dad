import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { Cluster } from 'kernetes';
import { Namespace, type Pod } from 'kernetes/sdk';
import { fakeClock, seededRandom } from 'kernetes/sdk/testing';
import { type Kubectl, withoutKubectl } from './kubectl.ts';
import { bounds, counts, lines, type Moment, PodStory } from './pod-story.ts';
import { withRuntime } from './profiles.ts';
import { startCluster } from './start-cluster.ts';
import { wholeMinute } from './whole-minute.ts';

const MANIFESTS = join(import.meta.dirname, '../testdata/manifests');
const VERSIONS = ['v1.12', 'v1.13', 'v1.14', 'v1.15'] as const;
type Version = (typeof VERSIONS)[number];

/** The walk-through of a Deployment of five, each step on what the ones before it left. */
describe('the Deployment nginx-deploy', { timeout: 120_000, skip: withoutKubectl() }, () => {
  const clock = fakeClock(wholeMinute());
  let cluster: Cluster;
  let kubectl: Kubectl;
  let story: PodStory;

  before(async () => {
    // Containers take their time, each its own, so that pods become ready one after another.
    const profile = withRuntime({ startMs: { min: 100, max: 4_000 } });
    ({ cluster, kubectl } = await startCluster({
      nodes: 3,
      clock,
      random: seededRandom(),
      profile,
    }));
    await cluster.objects.create(Namespace, { metadata: { name: 'app' } });
    await clock.step(1_000);
    story = new PodStory(cluster.objects, { namespace: 'app' });
  });
  after(async () => {
    story?.stop();
    await cluster?.close();
  });

  const apply = (version: Version) => kubectl.run(applying(version));
  const rollout = (what: string) => kubectl.run(`rollout ${what} deployment nginx-deploy -n app`);
  const goOn = async (ms: number) => {
    await clock.step(ms);
    return story.take();
  };
  /** `&&` between two commands: a shell is not as quick as a stopped clock. */
  const pauseAtOnce = async () => {
    await clock.step(100);
    assert.match(await rollout('pause'), /deployment.apps\/nginx-deploy paused/);
  };
  const history = async () => {
    const [title, header, ...rows] = (await rollout('history')).trim().split('\n');
    assert.equal(title?.trim(), 'deployment.apps/nginx-deploy');
    assert.match(header ?? '', /^REVISION +CHANGE-CAUSE$/);
    return rows.map(row => row.replace(/ +/, ' '));
  };
  /** DESIRED, CURRENT and READY of each version's ReplicaSet. */
  const replicaSets = async () => {
    const text = await kubectl.run('get rs -n app -l tier=slb -L version --no-headers');
    const rows = text
      .trim()
      .split('\n')
      .map(row => row.split(/ +/));
    return Object.fromEntries(
      rows.map(([, ...cells]) => [cells.at(-1), cells.slice(0, 3).join(' ')]).sort(),
    );
  };

  it('starts with five pods of v1.12', async () => {
    assert.equal(await apply('v1.12'), 'deployment.apps/nginx-deploy created\n');
    const moments = await goOn(30_000);
    assert.deepEqual(lines(moments, versionOf).sort(), [
      ...of(5, '+v1.12'),
      ...of(5, 'v1.12 ready'),
    ]);
    assert.deepEqual(await history(), [`1 kubectl ${applying('v1.12')}`]);
    assert.deepEqual(await replicaSets(), { 'v1.12': '5 5 5' });
    const row = await kubectl.run('get deployment -n app --no-headers');
    assert.match(row, /^nginx-deploy +5\/5 +5 +5 /);
  });

  it('goes to v1.13 blue-green: five new pods first, and each old one ends for a ready one', async () => {
    assert.equal(await apply('v1.13'), 'deployment.apps/nginx-deploy configured\n');
    const beside = await goOn(1_000);
    assert.deepEqual(lines(beside, versionOf), of(5, '+v1.13'));
    assert.deepEqual(await replicaSets(), { 'v1.12': '5 5 5', 'v1.13': '5 5 0' });
    assert.equal(
      await rollout('status --watch=false'),
      'Waiting for deployment "nginx-deploy" rollout to finish: 5 old replicas are pending termination...\n',
    );
    const replaced = await goOn(60_000);
    assert.deepEqual(counts(replaced, ['v1.12', 'v1.13'], versionOf), [
      ...['5 5', '4 5', '3 5', '2 5', '1 5', '0 5'],
    ]);
    const told = lines(replaced, versionOf);
    assert.ok(told.indexOf('-v1.12') < told.lastIndexOf('v1.13 ready'), told.join());
    assertBounds([...beside, ...replaced], { most: 10 });
    assert.equal(await rollout('status'), DONE);
    assert.deepEqual(await history(), [
      `1 kubectl ${applying('v1.12')}`,
      `2 kubectl ${applying('v1.13')}`,
    ]);
    assert.deepEqual(await replicaSets(), { 'v1.12': '0 0 0', 'v1.13': '5 5 5' });
  });

  it('goes to v1.14 rolling, one pod at a time', async () => {
    await apply('v1.14');
    const moments = await goOn(120_000);
    assert.deepEqual(lines(moments, versionOf), oneByOne(5, 'v1.13', 'v1.14'));
    assertBounds(moments, { most: 6 });
    assert.deepEqual(await history(), [
      `1 kubectl ${applying('v1.12')}`,
      `2 kubectl ${applying('v1.13')}`,
      `3 kubectl ${applying('v1.14')}`,
    ]);
    assert.deepEqual(await replicaSets(), {
      'v1.12': '0 0 0',
      'v1.13': '0 0 0',
      'v1.14': '5 5 5',
    });
  });

  it('has a canary of v1.15 beside the five when it is paused at once', async () => {
    await apply('v1.15');
    await pauseAtOnce();
    const moments = await goOn(120_000);
    assert.deepEqual(lines(moments, versionOf), ['+v1.15', 'v1.15 ready']);
    assertBounds(moments, { most: 6 });
    assert.deepEqual(await history(), [
      ...VERSIONS.map((version, index) => `${index + 1} kubectl ${applying(version)}`),
    ]);
    assert.deepEqual(await replicaSets(), {
      'v1.12': '0 0 0',
      'v1.13': '0 0 0',
      'v1.14': '5 5 5',
      'v1.15': '1 1 1',
    });
  });

  it('replaces one more whenever it is resumed and paused again', async () => {
    for (const [old, young] of [
      [4, 2],
      [3, 3],
    ]) {
      assert.equal(await rollout('resume'), 'deployment.apps/nginx-deploy resumed\n');
      await pauseAtOnce();
      const moments = await goOn(120_000);
      const wanted = ['-v1.14', 'v1.14 gone', '+v1.15', 'v1.15 ready'];
      assert.deepEqual(lines(moments, versionOf), wanted);
      assertBounds(moments, { most: 6 });
      const sets = await replicaSets();
      assert.deepEqual(
        [sets['v1.14'], sets['v1.15']],
        [`${old} ${old} ${old}`, `${young} ${young} ${young}`],
      );
    }
  });

  it('replaces the rest when it is resumed', async () => {
    await rollout('resume');
    const moments = await goOn(120_000);
    assert.deepEqual(lines(moments, versionOf), [
      ...['-v1.14', 'v1.14 gone'],
      ...oneByOne(2, 'v1.14', 'v1.15'),
    ]);
    assertBounds(moments, { most: 6 });
    assert.equal(await rollout('status'), DONE);
  });

  it('is undone to v1.14, and its revision 3 becomes 5', async () => {
    assert.equal(await rollout('undo'), 'deployment.apps/nginx-deploy rolled back\n');
    const moments = await goOn(120_000);
    assert.deepEqual(lines(moments, versionOf), oneByOne(5, 'v1.15', 'v1.14'));
    assertBounds(moments, { most: 6 });
    assert.deepEqual(await history(), [
      `1 kubectl ${applying('v1.12')}`,
      `2 kubectl ${applying('v1.13')}`,
      `4 kubectl ${applying('v1.15')}`,
      `5 kubectl ${applying('v1.14')}`,
    ]);
    assert.deepEqual(await replicaSets(), {
      'v1.12': '0 0 0',
      'v1.13': '0 0 0',
      'v1.14': '5 5 5',
      'v1.15': '0 0 0',
    });
  });

  it('is undone to a revision, rolling as the Deployment says now', async () => {
    await rollout('undo --to-revision=2');
    const moments = await goOn(120_000);
    assert.deepEqual(lines(moments, versionOf), oneByOne(5, 'v1.14', 'v1.13'));
    assertBounds(moments, { most: 6 });
    const revisions = (await history()).map(row => row.split(' ', 1)[0]);
    assert.deepEqual(revisions, ['1', '4', '5', '6']);
    await assert.rejects(rollout('undo --to-revision=3'), /unable to find specified revision 3/);
  });
});

const DONE = 'deployment "nginx-deploy" successfully rolled out\n';

function versionOf({ metadata }: Pod): string {
  return metadata.labels?.version ?? '';
}

/** As `--record` tells it. */
function applying(version: Version): string {
  return `apply --filename=${MANIFESTS}/deployment-nginx-${version}.yaml --record=true`;
}

function of(count: number, line: string): string[] {
  return new Array<string>(count).fill(line);
}

/** A new pod, and when it is ready an old one's end, again and again. */
function oneByOne(count: number, old: Version, young: Version): string[] {
  const round = [`+${young}`, `${young} ready`, `-${old}`, `${old} gone`];
  return new Array(count).fill(round).flat();
}

/** Nothing may be missing of the five, and no more than `most` be there. */
function assertBounds(moments: readonly Moment[], { most }: { most: number }): void {
  assert.deepEqual(bounds(moments), { most, least: 5 });
}
