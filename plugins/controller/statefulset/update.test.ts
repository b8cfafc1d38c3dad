import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  ControllerRevision,
  Pod,
  StatefulSet,
  type StatefulSetSpec,
  sortRevisions,
} from 'kernetes/sdk';
import { running, type TestKernel } from 'kernetes/sdk/testing';
import {
  changeSpec,
  eventsOf,
  imageOf,
  KEY,
  podImages,
  podWrites,
  revisionIn,
  runPods,
  setStatus,
  settle,
  setUp,
  templateWith,
  webSet,
} from './running-set.ts';

const NEXT = { template: templateWith('nginx:2') };
const BROKEN = { template: templateWith('nginx:broken') };
const isBroken = (pod: Pod) => imageOf(pod) === 'nginx:broken';

function rolling(rollingUpdate: Record<string, unknown>): Partial<StatefulSetSpec> {
  return { updateStrategy: { type: 'RollingUpdate', rollingUpdate } };
}

function statusIn(kernel: TestKernel) {
  return kernel.get(StatefulSet, KEY)?.status;
}

/** The numbers of revisions, and how many pods are of each. */
function history(kernel: TestKernel): string[] {
  return sortRevisions(kernel.all(ControllerRevision)).map(({ revision, metadata }) => {
    const pods = kernel.all(Pod).filter(pod => revisionIn(pod) === metadata.name);
    return `${revision}: ${pods.length}`;
  });
}

describe('controller.statefulset, a rolling update', () => {
  it('goes from the highest ordinal down, each when the one before is ready', async () => {
    const test = await setUp(webSet());
    const { kernel, step } = test;
    await settle(test);
    kernel.requests.length = 0;
    changeSpec(kernel, NEXT);
    await step();
    await step();
    assert.deepEqual(podWrites(kernel), ['delete web-2', 'create web-2']);
    await settle(test);
    assert.deepEqual(podImages(kernel), ['web-0=nginx:2', 'web-1=nginx:2', 'web-2=nginx:2']);
    assert.deepEqual(podWrites(kernel).slice(2), [
      ...['delete web-1', 'create web-1', 'delete web-0', 'create web-0'],
    ]);
    assert.equal(statusIn(kernel)?.currentRevision, statusIn(kernel)?.updateRevision);
    assert.deepEqual(history(kernel), ['1: 0', '2: 3']);
  });

  it('counts in the status how far it is', async () => {
    const test = await setUp(webSet());
    const { kernel, step } = test;
    await settle(test);
    changeSpec(kernel, NEXT);
    await step();
    runPods(kernel, () => true);
    await step();
    const { currentReplicas, updatedReplicas, readyReplicas, currentRevision, updateRevision } =
      statusIn(kernel) ?? {};
    assert.deepEqual([currentReplicas, updatedReplicas, readyReplicas], [2, 1, 2]);
    assert.notEqual(currentRevision, updateRevision);
  });

  it('stops at the partition; below it even new pods are of the revision before', async () => {
    const test = await setUp(webSet(rolling({ partition: 2 })));
    const { kernel } = test;
    await settle(test);
    changeSpec(kernel, NEXT);
    await settle(test);
    assert.deepEqual(podImages(kernel), ['web-0=nginx:1', 'web-1=nginx:1', 'web-2=nginx:2']);
    await kernel.objects.delete(Pod, { namespace: 'default', name: 'web-0' });
    await settle(test);
    assert.deepEqual(podImages(kernel), ['web-0=nginx:1', 'web-1=nginx:1', 'web-2=nginx:2']);
    assert.notEqual(statusIn(kernel)?.currentRevision, statusIn(kernel)?.updateRevision);
    changeSpec(kernel, rolling({ partition: 0 }));
    await settle(test);
    assert.deepEqual(history(kernel), ['1: 0', '2: 3']);
  });

  it('counts the partition from the first ordinal', async () => {
    const test = await setUp(webSet({ ...rolling({ partition: 1 }), ordinals: { start: 4 } }));
    await settle(test);
    changeSpec(test.kernel, NEXT);
    await settle(test);
    assert.deepEqual(podImages(test.kernel), ['web-4=nginx:1', 'web-5=nginx:2', 'web-6=nginx:2']);
  });

  it('leaves it to others to delete when they said so', async () => {
    const test = await setUp(webSet({ updateStrategy: { type: 'OnDelete' } }));
    const { kernel } = test;
    await settle(test);
    changeSpec(kernel, NEXT);
    await settle(test);
    assert.deepEqual(podImages(kernel), ['web-0=nginx:1', 'web-1=nginx:1', 'web-2=nginx:1']);
    await kernel.objects.delete(Pod, { namespace: 'default', name: 'web-1' });
    await settle(test);
    assert.deepEqual(podImages(kernel), ['web-0=nginx:1', 'web-1=nginx:2', 'web-2=nginx:1']);
  });

  for (const { maxUnavailable, podManagementPolicy = 'OrderedReady', first } of [
    { maxUnavailable: 1, first: ['delete web-4'] },
    { maxUnavailable: 2, first: ['delete web-4', 'delete web-3'] },
    { maxUnavailable: '59%', first: ['delete web-4', 'delete web-3'] },
    { maxUnavailable: '10%', first: ['delete web-4'] },
    { maxUnavailable: 2, podManagementPolicy: 'Parallel', first: ['delete web-4', 'delete web-3'] },
  ]) {
    it(`ends ${maxUnavailable} at a time when that may be unavailable, ${podManagementPolicy}`, async () => {
      const set = { replicas: 5, podManagementPolicy, ...rolling({ maxUnavailable }) };
      const test = await setUp(webSet(set));
      const { kernel, step } = test;
      await settle(test);
      kernel.requests.length = 0;
      changeSpec(kernel, NEXT);
      await step();
      await step();
      const deletes = podWrites(kernel).filter(write => write.startsWith('delete'));
      assert.deepEqual(deletes, first);
      await settle(test);
      assert.deepEqual(history(kernel), ['1: 0', '2: 5']);
    });
  }

  it('takes parallel pods that do not work first, and beyond what may be unavailable', async () => {
    const test = await setUp(
      webSet({ podManagementPolicy: 'Parallel', ...rolling({ maxUnavailable: 1 }) }),
    );
    const { kernel, step } = test;
    await settle(test);
    for (const key of ['default/web-0', 'default/web-1']) {
      setStatus(kernel, kernel.get(Pod, key) as Pod, running({ ready: false }));
    }
    kernel.requests.length = 0;
    changeSpec(kernel, NEXT);
    await step();
    const deletes = podWrites(kernel).filter(write => write.startsWith('delete'));
    assert.deepEqual(deletes, ['delete web-1', 'delete web-0']);
  });
});

describe('controller.statefulset, an update that is broken', () => {
  async function broken() {
    const test = await setUp(webSet());
    await settle(test);
    changeSpec(test.kernel, BROKEN);
    await settle(test, isBroken);
    assert.deepEqual(podImages(test.kernel), [
      ...['web-0=nginx:1', 'web-1=nginx:1', 'web-2=nginx:broken'],
    ]);
    return test;
  }

  it('stops at the first pod', async () => {
    const test = await broken();
    test.kernel.requests.length = 0;
    await settle(test, isBroken);
    assert.deepEqual(podWrites(test.kernel), []);
  });

  it('is rolled back with the template', async () => {
    const test = await broken();
    const { kernel } = test;
    kernel.requests.length = 0;
    changeSpec(kernel, { template: templateWith('nginx:1') });
    await settle(test, isBroken);
    assert.deepEqual(podImages(kernel), ['web-0=nginx:1', 'web-1=nginx:1', 'web-2=nginx:1']);
    assert.deepEqual(podWrites(kernel), ['delete web-2', 'create web-2']);
    assert.deepEqual(history(kernel), ['2: 0', '3: 3']);
  });

  it('is rolled back with the partition', async () => {
    const test = await broken();
    changeSpec(test.kernel, rolling({ partition: 3 }));
    await settle(test, isBroken);
    assert.deepEqual(history(test.kernel), ['1: 3', '2: 0']);
  });

  it('is mended by another template', async () => {
    const test = await broken();
    changeSpec(test.kernel, NEXT);
    await settle(test, isBroken);
    assert.deepEqual(history(test.kernel), ['1: 0', '2: 0', '3: 3']);
  });

  it('does not take the old pods that are weak for a moment', async () => {
    const test = await broken();
    const { kernel, step } = test;
    kernel.requests.length = 0;
    setStatus(kernel, kernel.get(Pod, 'default/web-0') as Pod, running({ ready: false }));
    await step();
    assert.deepEqual(podWrites(kernel), []);
  });

  it('can be the first template of all', async () => {
    const test = await setUp(webSet(BROKEN));
    await settle(test, isBroken);
    changeSpec(test.kernel, NEXT);
    await settle(test, isBroken);
    assert.deepEqual(podImages(test.kernel), ['web-0=nginx:2', 'web-1=nginx:2', 'web-2=nginx:2']);
  });

  it('stays when only deletions update', async () => {
    const test = await setUp(webSet({ ...BROKEN, updateStrategy: { type: 'OnDelete' } }));
    await settle(test, isBroken);
    changeSpec(test.kernel, NEXT);
    await settle(test, isBroken);
    assert.deepEqual(podImages(test.kernel), ['web-0=nginx:broken']);
  });
});

describe('controller.statefulset, revisions', () => {
  it('keeps as many as it shall beside those in use, and numbers one anew that comes back', async () => {
    const test = await setUp(webSet({ replicas: 1, revisionHistoryLimit: 1 }));
    const { kernel } = test;
    for (const tag of [2, 3, 4, 3]) {
      await settle(test);
      changeSpec(kernel, { template: templateWith(`nginx:${tag}`) });
    }
    await settle(test);
    assert.deepEqual(history(kernel), ['4: 0', '5: 1']);
  });

  it('keep the change-cause for the history, and one that a pod is of', async () => {
    const annotations = { 'kubernetes.io/change-cause': 'the beginning' };
    const spec = { revisionHistoryLimit: 0, ...rolling({ partition: 3 }) };
    const test = await setUp(webSet(spec, { annotations }));
    await settle(test);
    changeSpec(test.kernel, NEXT);
    await settle(test);
    assert.deepEqual(history(test.kernel), ['1: 3', '2: 0']);
    const [first] = sortRevisions(test.kernel.all(ControllerRevision));
    assert.deepEqual(first?.metadata.annotations, annotations);
    assert.ok(!eventsOf(test.kernel).some(event => event.startsWith('Failed')));
  });
});
