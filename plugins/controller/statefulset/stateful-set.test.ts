import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  ControllerRevision,
  controllerOf,
  controllerReference,
  forbidden,
  PersistentVolumeClaim,
  Pod,
  StatefulSet,
  type StatefulSetSpec,
  serviceUnavailable,
} from 'kernetes/sdk';
import { activate, pod, running, TestKernel } from 'kernetes/sdk/testing';
import plugin from './plugin.ts';
import {
  changeSpec,
  claimTemplate,
  eventsOf,
  KEY,
  podNames,
  podWrites,
  revisionIn,
  runPods,
  setStatus,
  settle,
  setUp,
  webSet,
} from './running-set.ts';

const PARALLEL: Partial<StatefulSetSpec> = { podManagementPolicy: 'Parallel' };

function statusIn(kernel: TestKernel) {
  return kernel.get(StatefulSet, KEY)?.status;
}

describe('controller.statefulset', () => {
  it('gives pods their names, labels, host names and their set as the owner', async () => {
    const { kernel, set } = await setUp(webSet({ replicas: 1, ordinals: { start: 5 } }));
    const [first] = kernel.all(Pod);
    const revision = kernel.all(ControllerRevision)[0]?.metadata.name;
    assert.equal(first?.metadata.name, 'web-5');
    assert.deepEqual(first?.metadata.labels, {
      app: 'web',
      'apps.kubernetes.io/pod-index': '5',
      'controller-revision-hash': revision,
      'statefulset.kubernetes.io/pod-name': 'web-5',
    });
    assert.deepEqual(first?.metadata.ownerReferences, [controllerReference(StatefulSet, set)]);
    assert.deepEqual([first?.spec?.hostname, first?.spec?.subdomain], ['web-5', 'web-svc']);
    const made = 'create Pod web-5 in StatefulSet web successful';
    assert.deepEqual(eventsOf(kernel), [`SuccessfulCreate ${made}`]);
  });

  it('creates in order, each when the one before is ready', async () => {
    const test = await setUp(webSet());
    const { kernel, step } = test;
    await step();
    assert.deepEqual(podNames(kernel), ['web-0']);
    runPods(kernel, () => true);
    await step();
    assert.deepEqual(podNames(kernel), ['web-0']);
    setStatus(kernel, kernel.all(Pod)[0] as Pod, running());
    await step();
    assert.deepEqual(podNames(kernel), ['web-0', 'web-1']);
    await settle(test);
    assert.deepEqual(podNames(kernel), ['web-0', 'web-1', 'web-2']);
  });

  it('waits until a pod was ready for minReadySeconds, without being told', async () => {
    const { kernel, clock } = await setUp(webSet({ replicas: 2, minReadySeconds: 10 }));
    const since = new Date(clock.now()).toISOString();
    setStatus(kernel, kernel.all(Pod)[0] as Pod, running({ since }));
    await clock.step(9_900);
    assert.deepEqual([podNames(kernel), statusIn(kernel)?.readyReplicas], [['web-0'], 1]);
    assert.equal(statusIn(kernel)?.availableReplicas ?? 0, 0);
    await clock.step(200);
    assert.deepEqual(podNames(kernel), ['web-0', 'web-1']);
    assert.equal(statusIn(kernel)?.availableReplicas, 1);
  });

  it('creates and deletes all at once when that is allowed', async () => {
    const test = await setUp(webSet({ ...PARALLEL, replicas: 5 }));
    const { kernel, step } = test;
    await step();
    assert.equal(podNames(kernel).length, 5);
    changeSpec(kernel, { replicas: 1 });
    await step();
    assert.deepEqual(podNames(kernel), ['web-0']);
  });

  it('deletes from the highest down, one by one, and only while the others are ready', async () => {
    const test = await setUp(webSet({ replicas: 4 }));
    const { kernel, step } = test;
    await settle(test);
    setStatus(kernel, kernel.get(Pod, 'default/web-0') as Pod, running({ ready: false }));
    changeSpec(kernel, { replicas: 1 });
    await step();
    assert.equal(podNames(kernel).length, 4);
    kernel.requests.length = 0;
    setStatus(kernel, kernel.get(Pod, 'default/web-0') as Pod, running());
    await step();
    await step();
    await step();
    assert.deepEqual(podWrites(kernel), ['delete web-3', 'delete web-2', 'delete web-1']);
    assert.ok(
      eventsOf(kernel).includes('SuccessfulDelete delete Pod web-3 in StatefulSet web successful'),
    );
  });

  it('waits for a pod that ends before it deletes the next', async () => {
    const test = await setUp(webSet({ replicas: 3 }));
    const { kernel, step } = test;
    await settle(test);
    kernel.modify(Pod, 'default/web-2', ({ metadata }) => {
      metadata.finalizers = ['example.com/slow'];
    });
    changeSpec(kernel, { replicas: 1 });
    await step();
    await step();
    assert.deepEqual(podNames(kernel), ['web-0', 'web-1', 'web-2']);
    kernel.modify(Pod, 'default/web-2', ({ metadata }) => {
      delete metadata.finalizers;
    });
    await step();
    assert.deepEqual(podNames(kernel), ['web-0']);
  });

  it('moves to other ordinals when the first one changes', async () => {
    const test = await setUp(webSet({ replicas: 2 }));
    await settle(test);
    changeSpec(test.kernel, { ordinals: { start: 1 } });
    await settle(test);
    assert.deepEqual(podNames(test.kernel), ['web-1', 'web-2']);
  });

  for (const { phase, event } of [
    { phase: 'Failed', event: 'RecreatingFailedPod StatefulSet default/web is recreating failed' },
    {
      phase: 'Succeeded',
      event: 'RecreatingTerminatedPod StatefulSet default/web is recreating terminated',
    },
  ]) {
    it(`replaces a pod that is ${phase}`, async () => {
      const test = await setUp(webSet({ replicas: 2 }));
      const { kernel, step } = test;
      await settle(test);
      const { uid } = kernel.get(Pod, 'default/web-0')?.metadata ?? {};
      setStatus(kernel, kernel.get(Pod, 'default/web-0') as Pod, { phase });
      await step();
      assert.notEqual(kernel.get(Pod, 'default/web-0')?.metadata.uid, uid);
      assert.ok(eventsOf(kernel).includes(`${event} Pod web-0`));
    });
  }

  it('makes a deleted pod anew, under its name', async () => {
    const test = await setUp(webSet());
    await settle(test);
    await test.kernel.objects.delete(Pod, { namespace: 'default', name: 'web-1' });
    await test.step();
    assert.deepEqual(podNames(test.kernel), ['web-0', 'web-1', 'web-2']);
  });

  it('tells in the status how many there are, and of which revision', async () => {
    const test = await setUp(webSet({ replicas: 2 }));
    const { kernel } = test;
    await settle(test);
    const revision = kernel.all(ControllerRevision)[0]?.metadata.name;
    assert.deepEqual(statusIn(kernel), {
      observedGeneration: 1,
      replicas: 2,
      readyReplicas: 2,
      availableReplicas: 2,
      currentReplicas: 2,
      updatedReplicas: 2,
      currentRevision: revision,
      updateRevision: revision,
      collisionCount: 0,
    });
  });

  it('adopts pods with names of its own, and no others', async () => {
    const orphan = (name: string) =>
      pod(name, { metadata: { labels: { app: 'web' }, ownerReferences: [] }, status: running() });
    const names = ['web-0', 'web-01', 'web-x', 'other-0'];
    const { kernel, step } = await setUp(webSet({ replicas: 1 }), ...names.map(orphan));
    await step();
    const owned = kernel.all(Pod).filter(each => controllerOf(each));
    assert.deepEqual(
      owned.map(({ metadata }) => metadata.name),
      ['web-0'],
    );
    assert.equal(owned[0]?.metadata.labels?.['statefulset.kubernetes.io/pod-name'], 'web-0');
    assert.ok(
      eventsOf(kernel).includes('SuccessfulUpdate update Pod web-0 in StatefulSet web successful'),
    );
  });

  it('releases pods that it owns and whose names or labels are not its own', async () => {
    const labels = { app: 'web' };
    const { kernel, step } = await setUp(
      webSet({ replicas: 1 }),
      pod('web-x', { metadata: { labels }, status: running() }),
      pod('other-0', { metadata: { labels }, status: running() }),
      pod('web-7', { metadata: { labels: { app: 'debug' } }, status: running() }),
    );
    await step();
    const owned = kernel.all(Pod).filter(each => controllerOf(each));
    assert.deepEqual(
      owned.map(({ metadata }) => metadata.name),
      ['web-0'],
    );
    assert.equal(kernel.all(Pod).length, 4);
  });

  it('begins with some of very many replicas', async () => {
    const replicas = 2 ** 31 - 1;
    const kernel = new TestKernel();
    kernel.add(StatefulSet, webSet({ ...PARALLEL, replicas }));
    kernel.fault = ({ resource, verb }) =>
      resource === 'pods' && verb === 'create' && kernel.all(Pod).length >= 600
        ? serviceUnavailable('full')
        : undefined;
    const { clock } = await activate(plugin, { kernel });
    await clock.step(1_000);
    assert.equal(podNames(kernel).length, 600);
    assert.equal(kernel.get(Pod, 'default/web-599')?.metadata.name, 'web-599');
  });

  it('adopts revisions that an earlier set of the name has left', async () => {
    const test = await setUp(webSet({ replicas: 1 }));
    const { kernel } = test;
    await settle(test);
    const [revision] = kernel.all(ControllerRevision);
    await test.dispose();
    kernel.modify(ControllerRevision, `default/${revision?.metadata.name}`, ({ metadata }) => {
      delete metadata.ownerReferences;
    });
    const again = await activate(plugin, { kernel });
    await again.clock.step(100);
    const revisions = kernel.all(ControllerRevision);
    assert.deepEqual(
      [revisions.length, controllerOf(revisions[0] as ControllerRevision)?.name],
      [1, 'web'],
    );
  });

  it('does not create twice or too early when its copy lags behind its writes', async () => {
    const kernel = new TestKernel();
    kernel.add(StatefulSet, webSet());
    let release: (() => void) | undefined;
    kernel.fault = request => {
      if (request.resource === 'pods' && request.verb === 'create')
        release ??= kernel.holdWatches();
      return undefined;
    };
    const { clock } = await activate(plugin, { kernel });
    runPods(kernel);
    await clock.step(100_000);
    assert.deepEqual(podWrites(kernel), ['create web-0']);
    release?.();
    await clock.step(100);
    assert.deepEqual(podWrites(kernel), ['create web-0', 'create web-1']);
  });

  it('goes on when a pod was made but the answer was lost', async () => {
    const kernel = new TestKernel();
    kernel.add(StatefulSet, webSet({ replicas: 2 }));
    let lost = 0;
    kernel.fault = request => {
      if (request.resource !== 'pods' || request.verb !== 'create' || ++lost > 1) return undefined;
      kernel.add(Pod, request.body as Pod);
      return serviceUnavailable('the answer was lost');
    };
    const { clock } = await activate(plugin, { kernel });
    await settle({ kernel, step: () => clock.step(2_000) });
    assert.deepEqual(podNames(kernel), ['web-0', 'web-1']);
  });

  it('goes on where a crashed one stopped', async () => {
    const kernel = new TestKernel();
    kernel.add(
      StatefulSet,
      webSet({ ...PARALLEL, replicas: 7, volumeClaimTemplates: [claimTemplate('www')] }),
    );
    let creates = 0;
    kernel.fault = request => {
      const isCreate = request.verb === 'create' && request.resource !== 'events';
      return isCreate && ++creates > 6 ? serviceUnavailable('gone') : undefined;
    };
    const first = await activate(plugin, { kernel });
    await first.dispose();
    assert.ok(podNames(kernel).length < 7);
    kernel.fault = () => undefined;
    await activate(plugin, { kernel });
    assert.deepEqual([kernel.all(Pod).length, kernel.all(PersistentVolumeClaim).length], [7, 7]);
  });

  it('begins a burst with one pod, and says why it is refused', async () => {
    const kernel = new TestKernel();
    kernel.add(StatefulSet, webSet({ ...PARALLEL, replicas: 50 }));
    kernel.fault = request =>
      request.resource === 'pods' && request.verb === 'create'
        ? forbidden(request, 'web-0', 'exceeded quota')
        : undefined;
    const { clock } = await activate(plugin, { kernel });
    assert.deepEqual(podWrites(kernel), ['create web-0']);
    const why =
      'create Pod web-0 in StatefulSet web failed error: pods "web-0" is forbidden: exceeded quota';
    assert.ok(eventsOf(kernel).includes(`FailedCreate ${why}`));
    assert.equal(statusIn(kernel)?.observedGeneration, 1);
    kernel.fault = () => undefined;
    await clock.step(60_000);
    assert.equal(kernel.all(Pod).length, 50);
  });

  it('only tells the status of a set that is being deleted', async () => {
    const test = await setUp(webSet({}, { finalizers: ['foregroundDeletion'] }));
    const { kernel, step } = test;
    await settle(test);
    await kernel.objects.delete(StatefulSet, { namespace: 'default', name: 'web' });
    await kernel.objects.delete(Pod, { namespace: 'default', name: 'web-1' });
    kernel.requests.length = 0;
    await step();
    assert.deepEqual(podWrites(kernel), []);
    assert.equal(statusIn(kernel)?.replicas, 2);
  });

  it('does nothing when all is as it should be', async () => {
    const test = await setUp(webSet({ volumeClaimTemplates: [claimTemplate('www')] }));
    await settle(test);
    test.kernel.requests.length = 0;
    await test.clock.step(600_000);
    assert.deepEqual(test.kernel.requests, []);
    assert.equal(revisionIn(test.kernel.all(Pod)[0]), statusIn(test.kernel)?.updateRevision);
  });
});
