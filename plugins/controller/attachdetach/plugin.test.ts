import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, it } from 'node:test';
import {
  CSIDriver,
  Event,
  Node,
  PersistentVolume,
  PersistentVolumeClaim,
  Pod,
  VolumeAttachment,
} from 'kernetes/sdk';
import { activate, node, pod, TestKernel } from 'kernetes/sdk/testing';
import plugin from './plugin.ts';

const DRIVER = 'disks.example.com';
const DEVICE = `kubernetes.io/csi/${DRIVER}^handle`;

function podOn(nodeName: string, name: string, namespace = 'default'): Pod {
  const volumes = [{ name: 'v', persistentVolumeClaim: { claimName: 'c' } }];
  const spec = { nodeName, containers: [{ name: 'main' }], volumes };
  return pod(name, { metadata: { namespace }, spec });
}

function world(accessModes = ['ReadWriteOnce']): TestKernel {
  const kernel = new TestKernel();
  kernel.add(Node, node('n1'), node('n2'));
  const claimRef = { namespace: 'default', name: 'c', uid: 'u' };
  const csi = { driver: DRIVER, volumeHandle: 'handle' };
  kernel.add(PersistentVolumeClaim, {
    metadata: { name: 'c', namespace: 'default', uid: 'u' },
    spec: { volumeName: 'v' },
    status: { phase: 'Bound' },
  });
  kernel.add(PersistentVolume, { metadata: { name: 'v' }, spec: { claimRef, csi, accessModes } });
  return kernel;
}

async function setUp(kernel = world(), simulatedAttachers = [DRIVER]) {
  const config = {
    ...{ maxWaitForUnmountMs: 360_000, forceDetachOnTimeout: true },
    ...{ simulatedAttachers, simulatedDelayMs: 500 },
  };
  const { clock, dispose } = await activate(plugin, { kernel, config });
  await clock.step(0);
  const nodesOf = () => kernel.all(VolumeAttachment).map(({ spec }) => spec.nodeName);
  const attachedTo = (name: string) =>
    kernel.get(Node, name)?.status?.volumesAttached?.map(each => each.name) ?? [];
  const told = (name: string) =>
    kernel
      .all(Event)
      .filter(({ involvedObject }) => involvedObject.name === name)
      .map(({ reason, message }) => `${reason}: ${message}`);
  const remove = async (name: string) => {
    await kernel.objects.delete(Pod, { namespace: 'default', name });
    await clock.step(0);
  };
  return { kernel, clock, dispose, nodesOf, attachedTo, told, remove };
}

const setNode = (kernel: TestKernel, name: string, change: (each: Node) => void) =>
  kernel.modify(Node, name, change);

describe('controller.attachdetach', () => {
  it('attaches a volume to the node of its pod, and says so when it is done', async () => {
    const { kernel, clock, nodesOf, attachedTo, told } = await setUp();
    kernel.add(Pod, podOn('n1', 'a'));
    await clock.step(0);
    const [attachment] = kernel.all(VolumeAttachment);
    const hash = createHash('sha256').update(`handle${DRIVER}n1`).digest('hex');
    assert.equal(attachment?.metadata.name, `csi-${hash}`);
    assert.deepEqual(attachment?.spec, {
      ...{ attacher: DRIVER, nodeName: 'n1', source: { persistentVolumeName: 'v' } },
    });
    assert.deepEqual(attachedTo('n1'), []);
    await clock.step(500);
    assert.deepEqual(nodesOf(), ['n1']);
    assert.deepEqual(attachedTo('n1'), [DEVICE]);
    assert.deepEqual(told('a'), [
      'SuccessfulAttachVolume: AttachVolume.Attach succeeded for volume "v" ',
    ]);
  });

  it('detaches it when the pod is gone, or has ended', async () => {
    const { kernel, clock, nodesOf, attachedTo, remove } = await setUp();
    kernel.add(Pod, podOn('n1', 'a'));
    await clock.step(1_000);
    kernel.modify(Pod, 'default/a', each => {
      each.status = { phase: 'Succeeded' };
    });
    await clock.step(0);
    assert.deepEqual(nodesOf(), []);
    assert.deepEqual(attachedTo('n1'), []);
    kernel.add(Pod, podOn('n1', 'b'));
    await clock.step(1_000);
    assert.deepEqual(attachedTo('n1'), [DEVICE]);
    await remove('b');
    assert.deepEqual(nodesOf(), []);
  });

  it('detaches it when the volume itself is gone', async () => {
    const { kernel, clock, nodesOf, attachedTo } = await setUp();
    kernel.add(Pod, podOn('n1', 'a'));
    await clock.step(1_000);
    await kernel.objects.delete(PersistentVolume, { name: 'v' });
    await clock.step(0);
    assert.deepEqual(nodesOf(), []);
    assert.deepEqual(attachedTo('n1'), []);
  });

  it('attaches nothing whose driver does not want it, and nothing that is no CSI volume', async () => {
    const kernel = world();
    kernel.add(CSIDriver, { metadata: { name: DRIVER }, spec: { attachRequired: false } });
    const { clock, nodesOf } = await setUp(kernel);
    kernel.add(Pod, podOn('n1', 'a'));
    await clock.step(0);
    assert.deepEqual(nodesOf(), []);
    const plain = world();
    plain.modify(PersistentVolume, 'v', ({ spec = {} }) => {
      delete spec.csi;
      spec.hostPath = { path: '/x' };
    });
    const other = await setUp(plain);
    plain.add(Pod, podOn('n1', 'a'));
    await other.clock.step(0);
    assert.deepEqual(other.nodesOf(), []);
  });

  it('looks again when the driver says that it does not want that, or does', async () => {
    const { kernel, clock, nodesOf } = await setUp();
    kernel.add(Pod, podOn('n1', 'a'));
    await clock.step(1_000);
    assert.deepEqual(nodesOf(), ['n1']);
    kernel.add(CSIDriver, { metadata: { name: DRIVER }, spec: { attachRequired: false } });
    await clock.step(0);
    assert.deepEqual(nodesOf(), []);
    await kernel.objects.delete(CSIDriver, { name: DRIVER });
    await clock.step(0);
    assert.deepEqual(nodesOf(), ['n1']);
  });

  it('gives an exclusive volume to one node, and to the next when that is done', async () => {
    const { kernel, clock, nodesOf, told, remove } = await setUp();
    kernel.add(Pod, podOn('n1', 'a'));
    await clock.step(1_000);
    kernel.add(Pod, podOn('n2', 'b'));
    await clock.step(1_000);
    assert.deepEqual(nodesOf(), ['n1']);
    assert.deepEqual(told('b'), [
      'FailedAttachVolume: Multi-Attach error for volume "v" Volume is already used by pod(s) a',
    ]);
    await remove('a');
    await clock.step(1_000);
    assert.deepEqual(nodesOf(), ['n2']);
  });

  it('gives it to one of two even if it does not see what it made', async () => {
    const { kernel, clock, nodesOf } = await setUp();
    const release = kernel.holdWatches({ resource: 'volumeattachments' });
    kernel.add(Pod, podOn('n1', 'a'));
    await clock.step(0);
    kernel.add(Pod, podOn('n2', 'b'));
    await clock.step(0);
    release();
    await clock.step(1_000);
    assert.deepEqual(nodesOf(), ['n1']);
  });

  it('gives a shared volume to all', async () => {
    const { kernel, clock, nodesOf } = await setUp(world(['ReadWriteMany']));
    kernel.add(Pod, podOn('n1', 'a'), podOn('n2', 'b'));
    await clock.step(1_000);
    assert.deepEqual(nodesOf().sort(), ['n1', 'n2']);
  });

  it('tells pods why it failed', async () => {
    const { kernel, clock, told } = await setUp(world(), []);
    kernel.add(Pod, podOn('n1', 'a'));
    await clock.step(0);
    const [attachment] = kernel.all(VolumeAttachment);
    kernel.modify(VolumeAttachment, attachment?.metadata.name ?? '', each => {
      each.status = { attached: false, attachError: { message: 'no such disk' } };
    });
    await clock.step(0);
    assert.deepEqual(told('a'), [
      'FailedAttachVolume: AttachVolume.Attach failed for volume "v" : no such disk',
    ]);
  });

  const held: [string, (each: Node) => void, number | undefined][] = [
    ['keeps it at a node that is ready and has it mounted', () => {}, undefined],
    [
      'takes it after six minutes from one that is not ready',
      each => {
        each.status = { ...each.status, conditions: [{ type: 'Ready', status: 'Unknown' }] };
      },
      360_000,
    ],
    [
      'takes it at once from one that is out of service',
      each => {
        const key = 'node.kubernetes.io/out-of-service';
        each.spec = { taints: [{ key, effect: 'NoExecute' }] };
      },
      0,
    ],
  ];
  for (const [what, change, ms] of held) {
    it(what, async () => {
      const { kernel, clock, nodesOf, remove } = await setUp();
      kernel.add(Pod, podOn('n1', 'a'));
      await clock.step(1_000);
      setNode(kernel, 'n1', each => {
        each.status = { ...each.status, volumesInUse: [DEVICE] };
        change(each);
      });
      await clock.step(0);
      await remove('a');
      if (ms) await clock.step(ms - 1_000);
      assert.deepEqual(nodesOf(), ms === 0 ? [] : ['n1']);
      await clock.step(1_000_000);
      assert.deepEqual(nodesOf(), ms === undefined ? ['n1'] : []);
      setNode(kernel, 'n1', ({ status = {} }) => {
        delete status.volumesInUse;
      });
      await clock.step(0);
      assert.deepEqual(nodesOf(), []);
    });
  }

  it('goes on after a restart, and repeats no event', async () => {
    const kernel = world();
    const first = await setUp(kernel);
    kernel.add(Pod, podOn('n1', 'a'));
    await first.clock.step(1_000);
    await first.dispose();
    const { clock, nodesOf, remove } = await setUp(kernel);
    const events = kernel.all(Event).map(({ count }) => count);
    assert.deepEqual(events, [1]);
    await remove('a');
    await clock.step(0);
    assert.deepEqual(nodesOf(), []);
  });
});
