import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { controllerOf, Event, forbidden, Pod, ReplicationController } from 'kernetes/sdk';
import { activate, pod, TestKernel } from 'kernetes/sdk/testing';
import plugin from './plugin.ts';

const LABELS = { app: 'web' };

async function setUp(replicas: number, ...pods: Pod[]) {
  const kernel = new TestKernel();
  kernel.add(ReplicationController, {
    metadata: { name: 'web', namespace: 'default' },
    spec: {
      replicas,
      selector: LABELS,
      template: { metadata: { labels: LABELS }, spec: { containers: [{ name: 'c', image: 'i' }] } },
    },
  });
  kernel.add(Pod, ...pods);
  return activate(plugin, { kernel });
}

const status = (kernel: TestKernel) => kernel.get(ReplicationController, 'default/web')?.status;

describe('controller.replication', () => {
  it('creates pods that it controls, as upstream’s component', async () => {
    const { kernel } = await setUp(2);
    const pods = kernel.all(Pod);
    assert.equal(pods.length, 2);
    for (const each of pods) {
      assert.equal(controllerOf(each)?.kind, 'ReplicationController');
      assert.deepEqual(each.metadata.labels, LABELS);
    }
    const [event] = kernel.all(Event);
    assert.deepEqual(
      [event?.reason, event?.source?.component],
      ['SuccessfulCreate', 'replication-controller'],
    );
  });

  it('adopts by its labels, and releases what has lost them', async () => {
    const orphan = pod('orphan', { metadata: { labels: LABELS } });
    const { kernel, clock } = await setUp(1, orphan);
    assert.equal(kernel.all(Pod).length, 1);
    kernel.modify(Pod, 'default/orphan', p => {
      p.metadata.labels = { app: 'debug' };
    });
    await clock.step(100);
    assert.equal(kernel.get(Pod, 'default/orphan')?.metadata.ownerReferences, undefined);
    assert.equal(kernel.all(Pod).length, 2);
  });

  it('counts in its status, and says there why pods cannot be made', async () => {
    const { kernel, clock } = await setUp(0);
    await clock.step(100);
    assert.deepEqual(status(kernel), {
      ...{ replicas: 0, fullyLabeledReplicas: 0, readyReplicas: 0, availableReplicas: 0 },
      observedGeneration: 1,
    });
    kernel.fault = request =>
      request.resource === 'pods' && request.verb === 'create'
        ? forbidden(request, '', 'exceeded quota')
        : undefined;
    kernel.modify(ReplicationController, 'default/web', rc => {
      rc.spec = { ...rc.spec, replicas: 3 };
    });
    await clock.step(20);
    const [condition] = status(kernel)?.conditions ?? [];
    assert.deepEqual([condition?.type, condition?.reason], ['ReplicaFailure', 'FailedCreate']);
  });
});
