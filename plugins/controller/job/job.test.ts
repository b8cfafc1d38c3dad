import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { controllerOf, Event, forbidden, Job, Pod } from 'kernetes/sdk';
import { pod } from 'kernetes/sdk/testing';
import { JOB_KEY, job, MATCH, Scene } from './job-testing.ts';
import { TRACKING_FINALIZER } from './tracked-pod.ts';

describe('controller.job: running pods', () => {
  it('makes a pod of the template, owned and held', async () => {
    const scene = await Scene.of({ completions: 1 });
    const [made] = scene.pods;
    assert.match(made?.metadata.name ?? '', /^work-[a-z0-9]{5}$/);
    assert.deepEqual(made?.metadata.labels, MATCH);
    assert.deepEqual(made?.metadata.finalizers, [TRACKING_FINALIZER]);
    assert.deepEqual(controllerOf(made ?? pod('x')), {
      ...{ apiVersion: 'batch/v1', kind: 'Job', name: 'work', uid: 'job-uid' },
      ...{ controller: true, blockOwnerDeletion: true },
    });
    assert.deepEqual(made?.spec, scene.job.spec?.template.spec);
    const [event] = scene.kernel.all(Event);
    assert.equal(event?.message, `Created pod: ${made?.metadata.name}`);
    assert.equal(event?.source?.component, 'job-controller');
  });

  it('tells how many pods there are, and since when', async () => {
    const scene = await Scene.of({ completions: 3, parallelism: 2 });
    const base = { startTime: '2026-01-01T00:00:00Z', terminating: 0, uncountedTerminatedPods: {} };
    assert.deepEqual(scene.status, { ...base, active: 2, ready: 0 });
    assert.equal(scene.count('jobs', 'update'), 1);
    scene.run(scene.active[0]);
    await scene.step();
    assert.deepEqual(scene.status, { ...base, active: 2, ready: 1 });
  });

  it('runs no more pods at a time than parallelism, and none beyond completions', async () => {
    const scene = await Scene.of({ completions: 5, parallelism: 3 });
    const seen: number[] = [];
    while (scene.active.length > 0) {
      seen.push(scene.active.length);
      await scene.succeed(scene.active[0]);
    }
    assert.deepEqual(seen, [3, 3, 3, 2, 1]);
    assert.deepEqual([scene.pods.length, scene.status.succeeded], [5, 5]);
  });

  it('decides that it is complete, and tells so when all is counted', async () => {
    const scene = await Scene.of({ completions: 1 });
    await scene.succeed(scene.active[0]);
    assert.deepEqual(scene.conditions, [
      'SuccessCriteriaMet=True CompletionsReached',
      'Complete=True CompletionsReached',
    ]);
    const { completionTime, active, succeeded, uncountedTerminatedPods } = scene.status;
    assert.deepEqual([active, succeeded, uncountedTerminatedPods], [undefined, 1, {}]);
    assert.equal(completionTime, '2026-01-01T00:00:02Z');
    assert.deepEqual(scene.events, ['Normal Completed: Job completed']);
    assert.equal(scene.pods[0]?.metadata.finalizers, undefined);
  });

  it('tells when more pods have succeeded than were wanted', async () => {
    const scene = await Scene.of({ completions: 1 });
    const twin = structuredClone(scene.active[0]);
    assert.ok(twin);
    await scene.stop();
    scene.kernel.add(Pod, { ...twin, metadata: { ...twin.metadata, name: 'twin', uid: 'twin' } });
    for (const each of scene.active) scene.setStatus(each, { phase: 'Succeeded' });
    await scene.start();
    assert.deepEqual(scene.events, [
      'Warning TooManySucceededPods: Too many succeeded pods running after completion count reached',
      'Normal Completed: Job completed',
    ]);
  });

  it('takes a work queue for done when one pod succeeded and the others ended', async () => {
    const scene = await Scene.of({ parallelism: 3 });
    const [first, second, third] = scene.active;
    await scene.succeed(first);
    assert.equal(scene.active.length, 2);
    await scene.fail(second);
    await scene.step(60_000);
    assert.deepEqual([scene.active.length, scene.conditions], [1, []]);
    await scene.succeed(third);
    assert.equal(scene.conditions.at(-1), 'Complete=True CompletionsReached');
    const { succeeded, failed } = scene.status;
    assert.deepEqual([succeeded, failed], [2, 1]);
  });

  it('runs nothing with a parallelism of 0, and is complete with completions of 0', async () => {
    const idle = await Scene.of({ completions: 2, parallelism: 0 });
    assert.deepEqual([idle.pods, idle.conditions], [[], []]);
    await idle.set({ parallelism: 2 });
    assert.equal(idle.active.length, 2);
    const empty = await Scene.of({ completions: 0 });
    assert.equal(empty.conditions.at(-1), 'Complete=True CompletionsReached');
  });

  it('removes pods when parallelism shrinks, without counting them', async () => {
    const scene = await Scene.of({ completions: 6, parallelism: 4 });
    const [kept] = scene.active;
    scene.run(kept);
    await scene.set({ parallelism: 1 });
    assert.deepEqual(
      scene.pods.map(each => each.metadata.name),
      [kept?.metadata.name],
    );
    assert.deepEqual([scene.status.active, scene.status.failed], [1, undefined]);
    const deleted = scene.kernel.all(Event).filter(({ reason }) => reason === 'SuccessfulDelete');
    assert.equal(deleted.length, 3);
  });

  it('adopts pods that it selects and holds them, and lets go what it no longer selects', async () => {
    const orphan = pod('orphan', { metadata: { labels: MATCH } });
    const scene = await new Scene(job({ completions: 1 }), orphan).start();
    assert.equal(scene.pods.length, 1);
    assert.equal(controllerOf(scene.pods[0] ?? orphan)?.uid, 'job-uid');
    assert.deepEqual(scene.pods[0]?.metadata.finalizers, [TRACKING_FINALIZER]);
    scene.kernel.modify(Pod, 'default/orphan', each => {
      each.metadata.labels = {};
    });
    await scene.step();
    const released = scene.kernel.get(Pod, 'default/orphan')?.metadata;
    assert.deepEqual([released?.finalizers, released?.ownerReferences], [undefined, undefined]);
    assert.deepEqual([scene.pods.length, scene.status.active], [2, 1]);
  });

  it('begins with one pod and stops at the first refusal, and tells how many it made', async () => {
    const scene = new Scene(job({ completions: 9, parallelism: 9 }));
    let creates = 0;
    scene.kernel.fault = request => {
      const isRefused = request.resource === 'pods' && request.verb === 'create' && ++creates > 2;
      return isRefused ? forbidden(request, '', 'exceeded quota') : undefined;
    };
    await scene.start();
    const { active } = scene.status;
    assert.deepEqual([active, scene.pods.length], [2, 2]);
    assert.ok(
      scene.events.every(e => e.includes('FailedCreate: Error creating: pods is forbidden')),
    );
    scene.kernel.fault = () => undefined;
    await scene.step(60_000);
    assert.equal(scene.active.length, 9);
  });

  it('leaves Jobs of other controllers alone', async () => {
    const scene = await Scene.of({ completions: 1, managedBy: 'example.com/other' });
    assert.deepEqual([scene.pods, scene.status], [[], {}]);
    const own = await Scene.of({ completions: 1, managedBy: 'kubernetes.io/job-controller' });
    assert.equal(own.pods.length, 1);
  });

  it('does nothing when all is as it should be, nor after the end', async () => {
    const scene = await Scene.of({ completions: 2 });
    scene.kernel.requests.length = 0;
    await scene.step(900_000);
    assert.equal(scene.kernel.requests.length, 0);
    await scene.succeed(scene.active[0]);
    await scene.succeed(scene.active[0]);
    scene.kernel.requests.length = 0;
    await scene.delete(scene.pods[0]);
    assert.deepEqual([scene.kernel.requests.length, scene.pods.length], [0, 1]);
  });
});

describe('controller.job: suspended Jobs', () => {
  it('begins nothing, and tells so', async () => {
    const scene = await Scene.of({ completions: 1, suspend: true });
    assert.deepEqual([scene.pods, scene.status.startTime], [[], undefined]);
    assert.deepEqual(scene.conditions, ['Suspended=True JobSuspended']);
    assert.deepEqual(scene.events, ['Normal Suspended: Job suspended']);
  });

  it('takes its pods away, uncounted, and makes them again when it is resumed', async () => {
    const scene = await Scene.of({ completions: 3, parallelism: 2 });
    await scene.succeed(scene.active[0]);
    await scene.set({ suspend: true });
    const { active, failed, succeeded } = scene.status;
    assert.deepEqual([active, failed, succeeded, scene.active], [undefined, undefined, 1, []]);
    await scene.step(50_000);
    await scene.set({ suspend: false });
    assert.equal(scene.active.length, 2);
    assert.deepEqual(scene.conditions, ['Suspended=False JobResumed']);
    assert.equal(scene.status.startTime, '2026-01-01T00:00:56Z');
    assert.deepEqual(scene.events.sort(), [
      'Normal Resumed: Job resumed',
      'Normal Suspended: Job suspended',
    ]);
  });

  it('does not count the time towards the deadline', async () => {
    const scene = await Scene.of({ completions: 1, activeDeadlineSeconds: 30 });
    await scene.set({ suspend: true });
    await scene.step(100_000);
    assert.deepEqual(scene.conditions, ['Suspended=True JobSuspended']);
    await scene.set({ suspend: false });
    await scene.step(27_000);
    assert.equal(scene.active.length, 1);
    await scene.step(3_000);
    assert.equal(scene.conditions.at(-1), 'Failed=True DeadlineExceeded');
  });

  it('can still be deleted', async () => {
    const scene = await Scene.of({ completions: 1, suspend: true });
    await scene.kernel.objects.delete(Job, { namespace: 'default', name: 'work' });
    await scene.step();
    assert.equal(scene.kernel.get(Job, JOB_KEY), undefined);
  });
});
