import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Job, type JobSpec, Pod, serviceUnavailable } from 'kernetes/sdk';
import { job, MATCH, Scene } from './job-testing.ts';
import { FAILURES, IGNORED_FAILURES, INDEX } from './tracked-pod.ts';

const indexed = (completions: number, spec: Partial<JobSpec> = {}) =>
  Scene.of({ completionMode: 'Indexed', completions, parallelism: completions, ...spec });

/** Fails the pod of an index, and lets its back-off pass. */
async function failIndex(scene: Scene, index: number, exitCode = 1): Promise<void> {
  await scene.fail(scene.at(index), exitCode);
  await scene.step(60_000);
}

describe('controller.job: indexed Jobs', () => {
  it('tells each pod its index, in names, labels and an environment variable', async () => {
    const own = { name: 'JOB_COMPLETION_INDEX', value: 'mine' };
    const containers = [{ name: 'main' }, { name: 'own', env: [own] }];
    const spec = { restartPolicy: 'Never', initContainers: [{ name: 'init' }], containers };
    const scene = await indexed(2, { template: { metadata: { labels: MATCH }, spec } });
    const pod = scene.at(1);
    assert.match(pod.metadata.name ?? '', /^work-1-[a-z0-9]{5}$/);
    assert.equal(pod.spec?.hostname, 'work-1');
    assert.deepEqual(pod.metadata.labels, { ...MATCH, [INDEX]: '1' });
    assert.deepEqual(pod.metadata.annotations, { [INDEX]: '1' });
    const fieldRef = { fieldPath: `metadata.labels['${INDEX}']` };
    const told = [{ name: 'JOB_COMPLETION_INDEX', valueFrom: { fieldRef } }];
    assert.deepEqual(pod.spec?.containers, [{ name: 'main', env: told }, containers[1]]);
    assert.deepEqual(pod.spec?.initContainers, [{ name: 'init', env: told }]);
  });

  it('cuts a long name before the index', async () => {
    const long = { ...job({ completionMode: 'Indexed', completions: 1 }) };
    const scene = new Scene({ ...long, metadata: { ...long.metadata, name: 'n'.repeat(60) } });
    await scene.start();
    assert.match(scene.pods[0]?.metadata.name ?? '', /^n{55}-0-[a-z0-9]{5}$/);
  });

  it('runs the lowest indexes first, and tells which have succeeded', async () => {
    const scene = await indexed(6, { parallelism: 3 });
    assert.deepEqual(scene.index.sort(), ['0', '1', '2']);
    await scene.succeed(scene.at(1));
    assert.deepEqual(scene.index.sort(), ['0', '2', '3']);
    await scene.succeed(scene.at(0), scene.at(3));
    await scene.succeed(scene.at(5));
    assert.deepEqual([scene.status.completedIndexes, scene.status.succeeded], ['0,1,3,5', 4]);
    await scene.succeed(scene.at(2), scene.at(4));
    assert.equal(scene.status.completedIndexes, '0-5');
    assert.equal(scene.conditions.at(-1), 'Complete=True CompletionsReached');
  });

  it('is not complete before its last pod is let go', async () => {
    const scene = await indexed(1);
    scene.kernel.fault = ({ resource, verb }) =>
      resource === 'pods' && verb === 'patch' ? serviceUnavailable('not now') : undefined;
    await scene.succeed(scene.at(0));
    assert.deepEqual(scene.conditions, ['SuccessCriteriaMet=True CompletionsReached']);
    scene.kernel.fault = () => undefined;
    await scene.step(60_000);
    assert.equal(scene.conditions.at(-1), 'Complete=True CompletionsReached');
  });

  it('runs an index that failed again', async () => {
    const scene = await indexed(2);
    await failIndex(scene, 0);
    assert.deepEqual(scene.index.sort(), ['0', '1']);
    assert.equal(scene.status.failed, 1);
  });

  it('counts an index once, though two pods of it succeed', async () => {
    const scene = await indexed(2);
    const twin = structuredClone(scene.at(0));
    await scene.stop();
    scene.kernel.add(Pod, { ...twin, metadata: { ...twin.metadata, name: 'twin', uid: 'twin' } });
    for (const pod of scene.active.filter(each => each.metadata.annotations?.[INDEX] === '0')) {
      scene.setStatus(pod, { phase: 'Succeeded' });
    }
    await scene.start();
    assert.deepEqual([scene.status.succeeded, scene.status.completedIndexes], [1, '0']);
  });

  it('removes pods of no index, of one there is not, and all but one of the same', async () => {
    const scene = await indexed(2);
    const owned = structuredClone(scene.at(0));
    await scene.stop();
    const strays = { twin: '0', wide: '7', none: 'x' };
    for (const [name, index] of Object.entries(strays)) {
      const annotations = { [INDEX]: index };
      const metadata = { ...owned.metadata, name, uid: name, annotations };
      scene.kernel.add(Pod, { ...owned, metadata });
    }
    await scene.start();
    assert.deepEqual(scene.index.sort(), ['0', '1']);
    assert.equal(scene.status.failed, undefined);
  });

  it('grows and shrinks', async () => {
    const scene = await indexed(3);
    await scene.succeed(scene.at(2));
    await scene.set({ completions: 2, parallelism: 2 });
    const { completedIndexes, succeeded } = scene.status;
    assert.deepEqual(
      [scene.index.sort(), completedIndexes, succeeded],
      [['0', '1'], undefined, undefined],
    );
    await scene.set({ completions: 4, parallelism: 4 });
    assert.deepEqual(scene.index.sort(), ['0', '1', '2', '3']);
    await scene.set({ completions: 1, parallelism: 1 });
    await scene.succeed(scene.at(0));
    assert.equal(scene.conditions.at(-1), 'Complete=True CompletionsReached');
  });

  it('does not run an index again whose pod still ends, with the policy Failed', async () => {
    const scene = await indexed(2, { podReplacementPolicy: 'Failed' });
    const pod = scene.at(0);
    scene.hold(pod);
    await scene.delete(pod);
    await scene.step(60_000);
    assert.deepEqual(scene.index, ['1']);
    await scene.fail(pod);
    await scene.step(60_000);
    assert.deepEqual(scene.index.sort(), ['0', '1']);
  });
});

describe('controller.job: a limit for each index', () => {
  const limit = (backoffLimitPerIndex: number, spec: Partial<JobSpec> = {}) =>
    indexed(3, { backoffLimit: 2_147_483_647, backoffLimitPerIndex, ...spec });

  it('hands the count of failures from pod to pod, and keeps the last until then', async () => {
    const scene = await limit(2);
    const first = scene.at(0);
    assert.equal(first.metadata.annotations?.[FAILURES], '0');
    await scene.fail(first);
    const name = first.metadata.name ?? '';
    assert.ok(scene.kernel.get(Pod, `default/${name}`)?.metadata.finalizers);
    assert.equal(scene.status.failed, undefined);
    await scene.step(10_000);
    assert.equal(scene.at(0).metadata.annotations?.[FAILURES], '1');
    assert.equal(scene.kernel.get(Pod, `default/${name}`)?.metadata.finalizers, undefined);
    assert.equal(scene.status.failed, 1);
  });

  it('waits for one index after its failures while others run', async () => {
    const scene = await limit(9, { parallelism: 2 });
    await failIndex(scene, 0);
    await scene.fail(scene.at(0));
    await scene.succeed(scene.at(1));
    await scene.step(10_000);
    assert.deepEqual(scene.index, ['2']);
    await scene.step(8_000);
    assert.deepEqual(scene.index.sort(), ['0', '2']);
  });

  it('fails when all indexes have ended and one has failed', async () => {
    const scene = await limit(1);
    await failIndex(scene, 1);
    await scene.succeed(scene.at(0));
    await failIndex(scene, 1);
    assert.deepEqual([scene.status.failedIndexes, scene.index], ['1', ['2']]);
    await scene.succeed(scene.at(2));
    assert.deepEqual(scene.conditions, [
      'FailureTarget=True FailedIndexes',
      'Failed=True FailedIndexes',
    ]);
    const { completedIndexes, failedIndexes, succeeded, failed } = scene.status;
    assert.deepEqual([completedIndexes, failedIndexes, succeeded, failed], ['0,2', '1', 2, 2]);
    assert.deepEqual(scene.events, ['Warning FailedIndexes: Job has failed indexes']);
  });

  it('fails past maxFailedIndexes', async () => {
    const scene = await limit(0, { maxFailedIndexes: 1 });
    await failIndex(scene, 0);
    assert.deepEqual([scene.status.failedIndexes, scene.conditions], ['0', []]);
    await failIndex(scene, 2);
    assert.equal(scene.conditions.at(-1), 'Failed=True MaxFailedIndexesExceeded');
    assert.deepEqual([scene.active, scene.status.failed], [[], 3]);
  });

  it('fails an index at once by the action FailIndex, and does not count what it ignores', async () => {
    const rules = [
      { action: 'FailIndex', onExitCodes: { operator: 'In', values: [9] } },
      { action: 'Ignore', onExitCodes: { operator: 'In', values: [7] } },
    ];
    const scene = await limit(1, { podFailurePolicy: { rules } });
    await failIndex(scene, 0, 9);
    await failIndex(scene, 1, 7);
    assert.equal(scene.status.failedIndexes, '0');
    const { [FAILURES]: failures, [IGNORED_FAILURES]: ignored } =
      scene.at(1).metadata.annotations ?? {};
    assert.deepEqual([failures, ignored, scene.status.failed], ['0', '1', 1]);
  });

  it('counts anew what annotations say that nobody understands', async () => {
    const scene = await limit(3);
    scene.kernel.modify(Pod, `default/${scene.at(0).metadata.name}`, pod => {
      pod.metadata.annotations = { [INDEX]: '0', [FAILURES]: '-5' };
    });
    await failIndex(scene, 0);
    assert.equal(scene.at(0).metadata.annotations?.[FAILURES], '1');
  });
});

describe('controller.job: success policy', () => {
  it('is complete when a rule holds, and does not count what it ends then', async () => {
    const rules = [{ succeededIndexes: '0,2', succeededCount: 1 }];
    const scene = await indexed(3, { successPolicy: { rules } });
    await scene.succeed(scene.at(1));
    assert.deepEqual(scene.conditions, []);
    const pod = scene.at(0);
    scene.hold(pod);
    await scene.succeed(scene.at(2));
    assert.deepEqual(scene.conditions, ['SuccessCriteriaMet=True SuccessPolicy']);
    assert.deepEqual([scene.status.terminating, scene.active], [1, []]);
    await scene.end(pod);
    assert.equal(scene.conditions[1], 'Complete=True SuccessPolicy');
    const { conditions = [], failed, succeeded, completedIndexes } = scene.status;
    assert.equal(conditions[1]?.message, 'Matched rules at index 0');
    assert.deepEqual([failed, succeeded, completedIndexes], [undefined, 2, '1,2']);
    assert.deepEqual(scene.events, ['Normal Completed: Job completed']);
  });

  it('comes after what has the Job fail', async () => {
    const rules = [{ succeededCount: 1 }];
    const scene = await indexed(2, { successPolicy: { rules }, backoffLimit: 0 });
    await scene.stop();
    scene.setStatus(scene.at(0), { phase: 'Failed' });
    scene.setStatus(scene.at(1), { phase: 'Succeeded' });
    await scene.start();
    assert.equal(scene.conditions.at(-1), 'Failed=True BackoffLimitExceeded');
    assert.equal(scene.kernel.all(Job)[0]?.status?.completedIndexes, '1');
  });
});
