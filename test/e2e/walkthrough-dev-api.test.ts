import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { Cluster } from 'kernetes';
import type { Pod } from 'kernetes/sdk';
import { fakeClock, seededRandom } from 'kernetes/sdk/testing';
import { type Kubectl, withoutKubectl } from './kubectl.ts';
import { bounds, lines, PodStory } from './pod-story.ts';
import { withRuntime } from './profiles.ts';
import { startCluster } from './start-cluster.ts';
import { wholeMinute } from './whole-minute.ts';

const MANIFEST = join(import.meta.dirname, '../testdata/manifests/dev-api.yaml');
const DAY_MS = 86_400_000;

/** Two pods with `minReadySeconds: 5` of an image that is never pulled. */
describe('the Deployment dev-api', { timeout: 120_000, skip: withoutKubectl() }, () => {
  const clock = fakeClock(wholeMinute());
  let cluster: Cluster;
  let kubectl: Kubectl;
  let story: PodStory;

  before(async () => {
    // The nodes have the image in two versions. Its shell has no command to run, but may go on.
    const rule = { image: '^vinterhe/n-p-xh:1\\.[12]$', preloaded: true, runMs: DAY_MS };
    const profile = withRuntime({ images: [rule] });
    const options = { nodes: 2, clock, random: seededRandom(), profile };
    ({ cluster, kubectl } = await startCluster(options));
    await clock.step(1_000);
    story = new PodStory(cluster.objects, { namespace: 'default' });
  });
  after(async () => {
    story?.stop();
    await cluster?.close();
  });

  const setImage = (tag: string) =>
    kubectl.run(`set image deployment dev-api dev-api=vinterhe/n-p-xh:${tag}`);
  /** Of its pods: how many are ready, of the template and available. */
  const row = async () => {
    const text = await kubectl.run('get deployment dev-api --no-headers');
    return text.split(/ +/).slice(1, 4).join(' ');
  };
  /** What happened in so many seconds, those of one moment by name. */
  const goOn = async (seconds: number) => {
    await clock.step(seconds * 1_000);
    return lines(story.take(), tagOf).sort();
  };

  it('is available when its pods have been ready for five seconds', async () => {
    await kubectl.run(`apply -f ${MANIFEST}`);
    assert.deepEqual(await goOn(1), ['+1.1', '+1.1', '1.1 ready', '1.1 ready']);
    assert.equal(await row(), '2/2 2 0');
    await goOn(3);
    assert.equal(await row(), '2/2 2 0');
    await goOn(2);
    assert.equal(await row(), '2/2 2 2');
  });

  it('lets one old pod go at once, the other only when a new one is available', async () => {
    await setImage('1.2');
    const first = ['+1.2', '+1.2', '-1.1', '1.1 gone', '1.2 ready', '1.2 ready'];
    assert.deepEqual(await goOn(1), first);
    assert.equal(await row(), '3/2 2 1');
    assert.deepEqual(await goOn(3), []);
    assert.deepEqual(await goOn(2), ['-1.1', '1.1 gone']);
    assert.equal(await row(), '2/2 2 2');
  });

  it('keeps an old pod while nodes lack the image, which is never pulled', async () => {
    await setImage('1.3');
    assert.deepEqual(await goOn(60), ['+1.3', '+1.3', '-1.2', '1.2 gone']);
    assert.equal(await row(), '1/2 2 1');
    const pods = await kubectl.run('get pods --no-headers');
    assert.equal(pods.match(/ 0\/1 +ErrImageNeverPull /g)?.length, 2, pods);
  });

  it('says that it makes no progress, and is undone', async () => {
    await goOn(600);
    await assert.rejects(
      kubectl.run('rollout status deployment dev-api'),
      /error: deployment "dev-api" exceeded its progress deadline/,
    );
    await kubectl.run('rollout undo deployment dev-api');
    assert.deepEqual(await goOn(10), [
      ...['+1.2', '-1.3', '-1.3', '1.2 ready', '1.3 gone', '1.3 gone'],
    ]);
    assert.equal(await row(), '2/2 2 2');
    assert.match(await kubectl.run('rollout status deployment dev-api'), /successfully rolled out/);
  });

  it('is restarted as it is updated', async () => {
    await kubectl.run('rollout restart deployment dev-api');
    const moments = async (seconds: number) => {
      await clock.step(seconds * 1_000);
      return story.take();
    };
    const early = await moments(4);
    assert.deepEqual(bounds(early), { most: 3, least: 1 });
    assert.equal(lines(early, tagOf).filter(line => line === '-1.2').length, 1);
    const late = await moments(2);
    assert.deepEqual(lines(late, tagOf), ['-1.2', '1.2 gone']);
    assert.deepEqual(bounds(late), { most: 3, least: 2 });
  });
});

function tagOf({ spec }: Pod): string {
  return spec?.containers[0]?.image?.split(':')[1] ?? '';
}
