import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  controllerReference,
  Job,
  type ObjectRequest,
  Pod,
  ReplicaSet,
  serviceUnavailable,
} from 'kernetes/sdk';
import { pod, replicaSet } from 'kernetes/sdk/testing';
import { JOB_KEY, job, MATCH, Scene } from './job-testing.ts';
import { TRACKING_FINALIZER } from './tracked-pod.ts';

const isWrite = ({ verb, resource }: ObjectRequest) =>
  ['create', 'update', 'patch', 'delete'].includes(verb) && resource !== 'events';

/** Three completions, two pods at a time, with one failure on the way. */
async function history(scene: Scene, afterStep: () => Promise<unknown>): Promise<void> {
  await afterStep();
  await scene.succeed(scene.active[0]);
  await afterStep();
  await scene.fail(scene.active[0]);
  await afterStep();
  for (let i = 0; i < 2; i++) {
    await scene.step(60_000);
    await afterStep();
    await scene.succeed(scene.active[0]);
    await afterStep();
  }
  await scene.step(60_000);
}

function assertRight(scene: Scene, crash: string): void {
  const { succeeded, failed, uncountedTerminatedPods, active } = scene.status;
  assert.deepEqual(
    [succeeded, failed, active, uncountedTerminatedPods, scene.conditions.at(-1)],
    [3, 1, undefined, {}, 'Complete=True CompletionsReached'],
    crash,
  );
  assert.ok(scene.pods.every(({ metadata }) => metadata.finalizers === undefined));
}

for (const mode of ['NonIndexed', 'Indexed']) {
  const wanted = () => job({ completions: 3, parallelism: 2, completionMode: mode });

  for (const isLost of [false, true]) {
    const what = isLost ? 'was done, the answer being lost' : 'was not done';

    it(`counts each pod once, ${mode}, after a crash at any write that ${what}`, async () => {
      let crashAt = 0;
      for (let writes = 1; crashAt < writes; crashAt++) {
        writes = 0;
        const scene = new Scene(wanted());
        let isDown = false;
        scene.kernel.fault = request => {
          if (!isWrite(request)) return undefined;
          if (isDown) return serviceUnavailable('down');
          if (writes++ !== crashAt) return undefined;
          isDown = true;
          return serviceUnavailable('crash');
        };
        if (isLost) doBeforeAnswer(scene);
        await scene.start();
        await history(scene, async () => {
          if (!isDown) return;
          await scene.stop();
          isDown = false;
          await scene.start();
        });
        assertRight(scene, `crash at write ${crashAt}`);
      }
      assert.ok(crashAt > 15);
    });
  }

  it(`counts each pod once, ${mode}, when every second write fails`, async () => {
    const scene = new Scene(wanted());
    let writes = 0;
    scene.kernel.fault = request =>
      isWrite(request) && ++writes % 2 === 0 ? serviceUnavailable('busy') : undefined;
    await scene.start();
    await history(scene, () => scene.step(10_000));
    assertRight(scene, 'every second write');
  });

  it(`neither makes nor counts a pod twice, ${mode}, when its copies lag behind`, async () => {
    const scene = await new Scene(wanted()).start();
    await history(scene, async () => {
      const release = scene.kernel.holdWatches();
      await scene.step(120_000);
      release();
      await scene.step();
      assert.ok(scene.active.length <= 2);
    });
    assertRight(scene, 'held watches');
    assert.equal(scene.count('pods', 'create'), 4);
  });
}

/** What fails has been done all the same. */
function doBeforeAnswer(scene: Scene): void {
  const { fault } = scene.kernel;
  const link = scene.kernel.link('effects');
  scene.kernel.fault = (request, plugin) => {
    if (plugin === 'effects') return undefined;
    const error = fault(request, plugin);
    if (error?.status.message === 'crash') void link.request([request]);
    return error;
  };
}

it('asks which pods there are when a creation had no answer, before it makes more', async () => {
  const scene = new Scene(job({ completions: 4, parallelism: 4 }));
  const link = scene.kernel.link('effects');
  let release: (() => void) | undefined;
  scene.kernel.fault = (request, plugin) => {
    const isCreate = request.resource === 'pods' && request.verb === 'create';
    if (plugin === 'effects' || !isCreate || release) return undefined;
    release = scene.kernel.holdWatches({ resource: 'pods' });
    void link.request([request]);
    return serviceUnavailable('the answer was lost');
  };
  await scene.start();
  await scene.step(60_000);
  assert.equal(scene.pods.length, 1);
  release?.();
  await scene.step(60_000);
  assert.equal(scene.pods.length, 4);
});

describe('controller.job: pods that are held', () => {
  it('are let go, uncounted, when their Job is deleted', async () => {
    const scene = await Scene.of({ completions: 2, parallelism: 2 });
    await scene.kernel.objects.delete(Job, { namespace: 'default', name: 'work' });
    await scene.step();
    assert.deepEqual(
      scene.pods.map(({ metadata }) => metadata.finalizers),
      [undefined, undefined],
    );
  });

  it('are let go when their Job was deleted while nobody looked, and another has its name', async () => {
    const scene = await Scene.of({ completions: 1 });
    await scene.stop();
    await scene.kernel.objects.delete(Job, { namespace: 'default', name: 'work' });
    const other = job({ completions: 1 });
    scene.kernel.add(Job, { ...other, metadata: { ...other.metadata, uid: 'other' } });
    await scene.start();
    const [mine, others] = [...scene.pods].sort(
      (a, b) => Number(Boolean(a.metadata.finalizers)) - Number(Boolean(b.metadata.finalizers)),
    );
    assert.equal(mine?.metadata.ownerReferences?.[0]?.uid, 'job-uid');
    assert.equal(others?.metadata.ownerReferences?.[0]?.uid, 'other');
  });

  it('are let go while their Job waits for the end of its deletion', async () => {
    const scene = await Scene.of({ completions: 1 });
    const options = { propagationPolicy: 'Foreground' } as const;
    await scene.kernel.objects.delete(Job, { namespace: 'default', name: 'work' }, options);
    await scene.step();
    assert.equal(scene.pods[0]?.metadata.finalizers, undefined);
    await scene.delete(scene.pods[0]);
    await scene.step(60_000);
    assert.deepEqual(scene.pods, []);
  });

  it('are let go while their Job waits for its end, though it selects them no more', async () => {
    const scene = await Scene.of({ completions: 1 });
    await scene.stop();
    const [held] = scene.pods;
    scene.kernel.modify(Pod, `default/${held?.metadata.name}`, each => {
      each.metadata.labels = {};
    });
    const options = { propagationPolicy: 'Foreground' } as const;
    await scene.kernel.objects.delete(Job, { namespace: 'default', name: 'work' }, options);
    await scene.start();
    assert.equal(scene.pods[0]?.metadata.finalizers, undefined);
  });

  it('stay held while the copy does not have their Job yet, which then counts them', async () => {
    const scene = await new Scene(job({ completions: 0 })).start();
    const release = scene.kernel.holdWatches({ resource: 'jobs' });
    const other = job({ completions: 1 });
    const wanted = { ...other, metadata: { ...other.metadata, name: 'new', uid: 'new' } };
    scene.kernel.add(Job, wanted);
    const ownerReferences = [controllerReference(Job, wanted)];
    const metadata = { labels: MATCH, ownerReferences, finalizers: [TRACKING_FINALIZER] };
    scene.kernel.add(Pod, pod('made-by-another', { metadata }));
    await scene.succeed(scene.pods[0]);
    assert.deepEqual(scene.pods[0]?.metadata.finalizers, [TRACKING_FINALIZER]);
    release();
    await scene.step();
    const { succeeded } = scene.kernel.get(Job, 'default/new')?.status ?? {};
    assert.deepEqual([succeeded, scene.pods.length], [1, 1]);
  });

  it('are let go when the garbage collector has made them orphans', async () => {
    const held = pod('held', { metadata: { finalizers: [TRACKING_FINALIZER, 'other/one'] } });
    const scene = await new Scene(job({ completions: 0 }), held).start();
    assert.deepEqual(scene.kernel.get(Pod, 'default/held')?.metadata.finalizers, ['other/one']);
  });

  it('stay held when somebody adopts them meanwhile', async () => {
    const held = pod('held', { metadata: { finalizers: [TRACKING_FINALIZER] } });
    const scene = new Scene(job({ completions: 0 }), held);
    const ownerReferences = [
      controllerReference(ReplicaSet, replicaSet('web', {}, { uid: 'set' })),
    ];
    scene.kernel.fault = ({ resource, verb }) => {
      if (resource !== 'pods' || verb !== 'patch') return undefined;
      scene.kernel.modify(Pod, 'default/held', each => {
        each.metadata.ownerReferences = ownerReferences;
      });
      return undefined;
    };
    await scene.start();
    assert.deepEqual(scene.pods[0]?.metadata.finalizers, [TRACKING_FINALIZER]);
  });

  it('are let go when they are deleted after their Job has finished', async () => {
    const scene = await Scene.of({ completions: 1 });
    await scene.succeed(scene.active[0]);
    scene.kernel.modify(Pod, `default/${scene.pods[0]?.metadata.name}`, each => {
      each.metadata.finalizers = [TRACKING_FINALIZER];
    });
    await scene.delete(scene.pods[0]);
    assert.deepEqual(scene.pods, []);
  });

  it('stay held by others: of another kind, or of a Job that somebody else manages', async () => {
    const set = replicaSet('web', {}, { uid: 'set' });
    const finalizers = [TRACKING_FINALIZER];
    const ofSet = [controllerReference(ReplicaSet, set)];
    const ofJob = [controllerReference(Job, job())];
    const scene = new Scene(
      job({ managedBy: 'example.com/other' }),
      pod('of-set', { metadata: { finalizers, ownerReferences: ofSet } }),
      pod('of-job', { metadata: { finalizers, ownerReferences: ofJob } }),
    );
    await scene.start();
    assert.ok(scene.pods.every(({ metadata }) => metadata.finalizers?.length === 1));
  });

  it('are adopted, not let go, when a Job selects them', async () => {
    const metadata = { labels: MATCH, finalizers: [TRACKING_FINALIZER] };
    const scene = await new Scene(job({ completions: 1 }), pod('mine', { metadata })).start();
    await scene.succeed(scene.kernel.get(Pod, 'default/mine'));
    assert.equal(scene.status.succeeded, 1);
  });

  it('are counted 500 at a time', async () => {
    const scene = await Scene.of({ completions: 600, parallelism: 600 });
    await scene.step();
    assert.equal(scene.active.length, 600);
    await scene.stop();
    for (const each of scene.active) scene.setStatus(each, { phase: 'Succeeded' });
    const listed: number[] = [];
    scene.kernel.fault = ({ resource, verb, body }) => {
      if (resource === 'jobs' && verb === 'update') {
        const { uncountedTerminatedPods } = (body as Job).status ?? {};
        listed.push(uncountedTerminatedPods?.succeeded?.length ?? 0);
      }
      return undefined;
    };
    await scene.start();
    assert.deepEqual(listed, [500, 0, 100, 0]);
    assert.deepEqual(
      [scene.status.succeeded, scene.kernel.get(Job, JOB_KEY)?.status?.active],
      [600, undefined],
    );
    assert.equal(scene.conditions.at(-1), 'Complete=True CompletionsReached');
  });
});
