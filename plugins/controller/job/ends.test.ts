import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  forbidden,
  isPodActive,
  Job,
  keyOf,
  Pod,
  type PodFailurePolicyRule,
  serviceUnavailable,
} from 'kernetes/sdk';
import { job, MATCH, Scene } from './job-testing.ts';

describe('controller.job: failed pods', () => {
  it('makes a pod again 10 s after a failure, then 20 s, 40 s, and at most 10 min', async () => {
    const scene = await Scene.of({ completions: 1, backoffLimit: 100 });
    for (const seconds of [10, 20, 40, 80, 160, 320, 600, 600]) {
      await scene.fail(scene.active[0]);
      await scene.step(seconds * 1_000 - 3_000);
      assert.equal(scene.active.length, 0, `before ${seconds} s`);
      await scene.step(1_000);
      assert.equal(scene.active.length, 1, `after ${seconds} s`);
    }
    assert.equal(scene.status.failed, 8);
  });

  it('counts failures anew after a success', async () => {
    const scene = await Scene.of({ completions: 2, backoffLimit: 100 });
    await scene.fail(scene.active[0]);
    await scene.step(10_000);
    await scene.fail(scene.active[0]);
    await scene.step(20_000);
    await scene.succeed(scene.active[0]);
    await scene.fail(scene.active[0]);
    await scene.step(9_000);
    assert.deepEqual([scene.active.length, scene.status.failed], [1, 3]);
  });

  it('goes on with its back-off after a restart', async () => {
    const scene = await Scene.of({ completions: 1, backoffLimit: 100 });
    await scene.fail(scene.active[0]);
    await scene.step(10_000);
    await scene.fail(scene.active[0]);
    await scene.restart();
    await scene.step(15_000);
    assert.equal(scene.active.length, 0);
    await scene.step(3_000);
    assert.equal(scene.active.length, 1);
  });

  it('has another Job of the name not wait for the failures of the first', async () => {
    const scene = await Scene.of({ completions: 1 });
    await scene.fail(scene.active[0]);
    // Just looked at, it is not at once looked at again: the end of the first goes unseen.
    scene.kernel.modify(Job, 'default/work', each => {
      each.metadata.labels = { changed: 'yes' };
    });
    await scene.step(1);
    await scene.kernel.objects.delete(Job, { namespace: 'default', name: 'work' });
    const other = job({ completions: 1 });
    scene.kernel.add(Job, { ...other, metadata: { ...other.metadata, uid: 'other' } });
    await scene.step();
    assert.equal(scene.active.length, 1);
  });

  it('tells how many run while it waits', async () => {
    const scene = await Scene.of({ completions: 3, parallelism: 2 });
    await scene.fail(scene.active[0]);
    assert.deepEqual([scene.status.active, scene.status.failed], [1, 1]);
  });

  it('fails past backoffLimit, and ends what runs', async () => {
    const scene = await Scene.of({ completions: 4, parallelism: 2, backoffLimit: 1 });
    await scene.fail(scene.active[0]);
    await scene.step(10_000);
    const [first, second] = scene.active;
    scene.hold(second);
    await scene.fail(first);
    assert.deepEqual(scene.conditions, ['FailureTarget=True BackoffLimitExceeded']);
    const { active, terminating, failed } = scene.status;
    assert.deepEqual([active, terminating, failed, scene.active], [undefined, 1, 3, []]);
    await scene.end(second as Pod);
    assert.equal(scene.conditions[1], 'Failed=True BackoffLimitExceeded');
    const message = 'Job has reached the specified backoff limit';
    assert.deepEqual(scene.events, [`Warning BackoffLimitExceeded: ${message}`]);
    assert.ok(scene.pods.every(({ metadata }) => metadata.finalizers === undefined));
  });

  it('fails at the first failure with a backoffLimit of 0', async () => {
    const scene = await Scene.of({ completions: 1, backoffLimit: 0 });
    await scene.fail(scene.active[0]);
    assert.equal(scene.conditions.at(-1), 'Failed=True BackoffLimitExceeded');
    assert.equal(scene.pods.length, 1);
  });

  for (const { limit, restarts, fails } of [
    { limit: 0, restarts: 0, fails: false },
    { limit: 0, restarts: 1, fails: true },
    { limit: 3, restarts: 1, fails: false },
    { limit: 3, restarts: 2, fails: true },
  ]) {
    const then = fails ? 'fails' : 'goes on';
    it(`${then} with backoffLimit ${limit} and two pods restarted ${restarts} times`, async () => {
      const scene = await Scene.of({
        completions: 2,
        parallelism: 2,
        backoffLimit: limit,
        template: {
          metadata: { labels: MATCH },
          spec: { restartPolicy: 'OnFailure', containers: [] },
        },
      });
      for (const pod of scene.active) scene.run(pod, restarts);
      await scene.step();
      assert.equal(scene.conditions.includes('Failed=True BackoffLimitExceeded'), fails);
    });
  }

  it('fails past its deadline without being told, and not before', async () => {
    const scene = await Scene.of({ completions: 1, activeDeadlineSeconds: 60 });
    await scene.step(57_999);
    assert.deepEqual(scene.conditions, []);
    await scene.step(500);
    assert.deepEqual(scene.conditions, [
      'FailureTarget=True DeadlineExceeded',
      'Failed=True DeadlineExceeded',
    ]);
    assert.deepEqual([scene.pods, scene.status.failed], [[], 1]);
    assert.deepEqual(scene.events, [
      'Warning DeadlineExceeded: Job was active longer than specified deadline',
    ]);
  });

  it('fails past its deadline while it waits for a back-off', async () => {
    const scene = await Scene.of({ completions: 1, activeDeadlineSeconds: 5 });
    await scene.fail(scene.active[0]);
    await scene.step(1_000);
    assert.equal(scene.conditions.at(-1), 'Failed=True DeadlineExceeded');
  });

  it('fails past its deadline though no pod could be made', async () => {
    const scene = new Scene(job({ completions: 1, activeDeadlineSeconds: 100 }));
    scene.kernel.fault = request =>
      request.resource === 'pods' && request.verb === 'create'
        ? forbidden(request, '', 'exceeded quota')
        : undefined;
    await scene.start();
    await scene.step(97_999);
    assert.deepEqual(scene.conditions, []);
    await scene.step(500);
    assert.equal(scene.conditions.at(-1), 'Failed=True DeadlineExceeded');
  });

  it('decides nothing while pods cannot be ended, and asks ever less often', async () => {
    const scene = await Scene.of({ completions: 1, activeDeadlineSeconds: 5 });
    scene.kernel.fault = ({ verb }) =>
      verb === 'delete' ? serviceUnavailable('not now') : undefined;
    await scene.step(60_000);
    assert.deepEqual([scene.conditions, scene.active.length], [[], 1]);
    assert.ok(scene.count('pods', 'delete') < 16);
    scene.kernel.fault = () => undefined;
    await scene.step(60_000);
    assert.equal(scene.conditions.at(-1), 'Failed=True DeadlineExceeded');
  });

  it('keeps to what it decided, though the reason for it is gone', async () => {
    const scene = await Scene.of({ completions: 2, parallelism: 2, backoffLimit: 0 });
    const [first, second] = scene.active;
    scene.hold(second);
    await scene.fail(first);
    await scene.set({ backoffLimit: 6 });
    await scene.restart();
    await scene.end(second as Pod);
    assert.equal(scene.conditions.at(-1), 'Failed=True BackoffLimitExceeded');
  });
});

describe('controller.job: deleted pods', () => {
  it('counts one as failed and replaces it while it ends', async () => {
    const scene = await Scene.of({ completions: 1, podReplacementPolicy: 'TerminatingOrFailed' });
    const [pod] = scene.active;
    scene.hold(pod);
    await scene.delete(pod);
    const { failed, terminating } = scene.status;
    assert.deepEqual([failed, terminating], [1, 1]);
    await scene.step(10_000);
    assert.deepEqual([scene.active.length, scene.pods.length], [1, 2]);
    await scene.end(pod as Pod);
    assert.deepEqual([scene.status.terminating, scene.pods.length], [0, 1]);
  });

  it('replaces it only when it has failed, with the policy Failed', async () => {
    const scene = await Scene.of({ completions: 1, podReplacementPolicy: 'Failed' });
    const [pod] = scene.active;
    scene.hold(pod);
    await scene.delete(pod);
    await scene.step(60_000);
    const { failed, terminating, active } = scene.status;
    assert.deepEqual([failed, terminating, active], [undefined, 1, undefined]);
    assert.equal(scene.active.length, 0);
    await scene.fail(pod);
    assert.equal(scene.status.failed, 1);
    await scene.step(10_000);
    assert.equal(scene.active.length, 1);
  });

  it('holds one until it is counted, and counts it as what it came to', async () => {
    const scene = await Scene.of({ completions: 1 });
    const [pod] = scene.active;
    scene.hold(pod);
    await scene.succeed(pod);
    await scene.delete(pod);
    const { succeeded, failed } = scene.status;
    assert.deepEqual([succeeded, failed], [1, undefined]);
    assert.equal(scene.conditions.at(-1), 'Complete=True CompletionsReached');
  });
});

describe('controller.job: pod failure policy', () => {
  const rules = (...list: PodFailurePolicyRule[]) => ({ podFailurePolicy: { rules: list } });
  const on = (action: string, code: number): PodFailurePolicyRule => ({
    action,
    onExitCodes: { operator: 'In', values: [code] },
  });

  it('fails the Job at once', async () => {
    const scene = await Scene.of({ completions: 2, parallelism: 2, ...rules(on('FailJob', 42)) });
    const [pod] = scene.active;
    await scene.fail(pod, 42);
    assert.deepEqual(scene.conditions, [
      'FailureTarget=True PodFailurePolicy',
      'Failed=True PodFailurePolicy',
    ]);
    const name = pod && keyOf(pod);
    assert.deepEqual(scene.events, [
      `Warning PodFailurePolicy: Container main for pod ${name} failed with exit code 42 matching FailJob rule at index 0`,
    ]);
    assert.deepEqual([scene.active.length, scene.status.failed], [0, 2]);
  });

  it('ignores failures, but not their back-off', async () => {
    const scene = await Scene.of({ completions: 1, backoffLimit: 0, ...rules(on('Ignore', 7)) });
    const [pod] = scene.active;
    await scene.fail(pod, 7);
    assert.deepEqual([scene.active.length, scene.status.failed], [0, undefined]);
    assert.equal(scene.kernel.get(Pod, keyOf(pod as Pod))?.metadata.finalizers, undefined);
    await scene.step(10_000);
    assert.equal(scene.active.length, 1);
  });

  it('counts failures that a rule counts, and those of no rule', async () => {
    const policy = rules(on('Count', 1), on('Ignore', 7));
    const scene = await Scene.of({ completions: 1, ...policy });
    await scene.fail(scene.active[0], 1);
    await scene.step(10_000);
    await scene.fail(scene.active[0], 2);
    assert.equal(scene.status.failed, 2);
  });

  it('waits until a pod that is deleted has failed: its exit code may decide', async () => {
    const scene = await Scene.of({ completions: 1, ...rules(on('FailJob', 42)) });
    const [pod] = scene.active;
    scene.hold(pod);
    await scene.delete(pod);
    await scene.step(60_000);
    assert.deepEqual([scene.pods.filter(isPodActive), scene.status.failed], [[], undefined]);
    await scene.fail(pod, 42);
    assert.equal(scene.conditions.at(-1), 'Failed=True PodFailurePolicy');
  });
});
