import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  CSIDriver,
  CSINode,
  type NodeContext,
  PersistentVolume,
  PersistentVolumeClaim,
  type PersistentVolumeSpec,
  type PodInfo,
  podInfoOf,
  type SchedulerPlugin,
  StorageClass,
  schedulerPoint,
  type Verdict,
  type Volume,
  VolumeAttachment,
} from 'kernetes/sdk';
import {
  activate,
  node,
  nodeStates,
  pod,
  TestKernel,
  testSchedulerPlugin,
} from 'kernetes/sdk/testing';
import plugin from './plugin.ts';

type Source = Omit<Volume, 'name'>;
const EBS = 'ebs.csi.aws.com';
const MIGRATED = 'storage.alpha.kubernetes.io/migrated-plugins';

testSchedulerPlugin(plugin);

const uses = (claimName: string): Source => ({ persistentVolumeClaim: { claimName } });
const ebs = (volumeID: string): Source => ({ awsElasticBlockStore: { volumeID } });
const csi = (driver: string, volumeHandle: string) => ({ csi: { driver, volumeHandle } });

function using(name: string, ...sources: Source[]): PodInfo {
  const volumes = sources.map((source, i) => ({ name: `v${i}`, ...source }));
  const spec = { containers: [{ name: 'main' }], volumes };
  return podInfoOf(pod(name, { spec, metadata: { uid: name } }));
}

function claim(name: string, spec: PersistentVolumeClaim['spec'] = {}): PersistentVolumeClaim {
  return { metadata: { name, namespace: 'default' }, spec };
}

function csiNode(limits: Record<string, number | undefined>, migrated?: string): CSINode {
  const drivers = Object.entries(limits).map(([name, count]) => ({
    name,
    nodeID: 'n',
    ...(count !== undefined && { allocatable: { count } }),
  }));
  const annotations = migrated === undefined ? {} : { [MIGRATED]: migrated };
  return { metadata: { name: 'n', annotations }, spec: { drivers } };
}

/** Claims `a`, `b`, `c` of volumes of EBS, `x` of another driver, `late` of a class. */
async function setUp(own?: CSINode, more: (kernel: TestKernel) => void = () => {}) {
  const kernel = new TestKernel();
  const volumes: Record<string, PersistentVolumeSpec> = {
    a: csi(EBS, 'vol-a'),
    b: csi(EBS, 'vol-b'),
    c: csi(EBS, 'vol-c'),
    x: csi('other.example.com', 'vol-a'),
    old: { awsElasticBlockStore: { volumeID: 'aws://us-east-1a/vol-a' } },
    nfs: { nfs: { server: 's', path: '/' } },
  };
  for (const [name, spec] of Object.entries(volumes)) {
    kernel.add(PersistentVolume, { metadata: { name: `pv-${name}` }, spec });
    kernel.add(PersistentVolumeClaim, claim(name, { volumeName: `pv-${name}` }));
  }
  kernel.add(
    StorageClass,
    { metadata: { name: 'ebs' }, provisioner: EBS },
    { metadata: { name: 'in-tree' }, provisioner: 'kubernetes.io/aws-ebs' },
  );
  kernel.add(
    PersistentVolumeClaim,
    claim('late', { storageClassName: 'ebs' }),
    claim('late-2', { storageClassName: 'ebs' }),
    claim('late-old', { storageClassName: 'in-tree' }),
    claim('classless'),
    claim('lost', { storageClassName: 'ebs', volumeName: 'gone' }),
  );
  if (own) kernel.add(CSINode, own);
  more(kernel);
  const test = await activate(plugin, { kernel });
  const [contribution] = test.context.contributions(schedulerPoint).list();
  const local = contribution?.value.local as SchedulerPlugin;
  const ask = (info: PodInfo, ...there: PodInfo[]) => {
    const [state] = nodeStates([node('n')]);
    assert.ok(state);
    for (const other of there) state.addPod(other);
    const context = {
      pod: info,
      node: state,
      nodes: [state],
      config: {},
    } as unknown as NodeContext;
    return textOf(local.preFilter?.(context) ?? local.filter?.(context));
  };
  return { ...test, kernel, local, ask };
}

function textOf(verdict: Verdict | undefined): string {
  if (verdict === undefined) return 'fits';
  return 'reasons' in verdict ? `${verdict.code}: ${verdict.reasons.join(', ')}` : verdict.code;
}

const FULL = 'unschedulable: node(s) exceed max volume count';
const ALL_MIGRATED = 'kubernetes.io/aws-ebs,kubernetes.io/gce-pd';

describe('NodeVolumeLimits', () => {
  const table: [name: string, CSINode | undefined, wanted: Source[], there: Source[][], string][] =
    [
      [
        'accepts as many volumes as there is room for',
        csiNode({ [EBS]: 2 }),
        [uses('a')],
        [[uses('b')]],
        'fits',
      ],
      ['rejects one more', csiNode({ [EBS]: 2 }), [uses('a')], [[uses('b')], [uses('c')]], FULL],
      [
        'rejects two where there is room for one',
        csiNode({ [EBS]: 2 }),
        [uses('a'), uses('b')],
        [[uses('c')]],
        FULL,
      ],
      [
        'counts a volume of several pods once',
        csiNode({ [EBS]: 2 }),
        [uses('a')],
        [[uses('b')], [uses('b')]],
        'fits',
      ],
      ['counts its own volume once', csiNode({ [EBS]: 1 }), [uses('a'), uses('a')], [], 'fits'],
      ['accepts a volume that is there', csiNode({ [EBS]: 1 }), [uses('a')], [[uses('a')]], 'fits'],
      [
        'accepts that even when there are too many',
        csiNode({ [EBS]: 1 }),
        [uses('a')],
        [[uses('a')], [uses('b')]],
        'fits',
      ],
      ['counts drivers apart', csiNode({ [EBS]: 1 }), [uses('a')], [[uses('x')]], 'fits'],
      [
        'has no limit for a driver without',
        csiNode({ [EBS]: undefined }),
        [uses('a')],
        [[uses('b')]],
        'fits',
      ],
      ['has no limit on a node without CSINode', undefined, [uses('a')], [[uses('b')]], 'fits'],
      ['takes a limit of 0 for one', csiNode({ [EBS]: 0 }), [uses('a')], [], FULL],
      ['counts what will be made', csiNode({ [EBS]: 1 }), [uses('late')], [[uses('a')]], FULL],
      [
        'counts what will be made for others',
        csiNode({ [EBS]: 1 }),
        [uses('late')],
        [[uses('late-2')]],
        FULL,
      ],
      [
        'counts a claim whose volume is gone by its class',
        csiNode({ [EBS]: 1 }),
        [uses('lost')],
        [[uses('a')]],
        FULL,
      ],
      ['skips a claim without a class', csiNode({ [EBS]: 0 }), [uses('classless')], [], 'skip'],
      [
        'skips volumes of no driver',
        csiNode({ [EBS]: 0 }),
        [uses('nfs'), { emptyDir: {} }],
        [],
        'skip',
      ],
      ['skips a pod without volumes', csiNode({ [EBS]: 0 }), [], [], 'skip'],
      [
        'does not count claims there that are gone',
        csiNode({ [EBS]: 1 }),
        [uses('a')],
        [[uses('none')]],
        'fits',
      ],
      [
        'counts an in-tree volume that the driver took over',
        csiNode({ [EBS]: 1 }, ALL_MIGRATED),
        [ebs('vol-9')],
        [[uses('a')]],
        FULL,
      ],
      ['does not count one that it did not', csiNode({ [EBS]: 0 }), [ebs('vol-9')], [], 'fits'],
      [
        'does not count one of another type',
        csiNode({ [EBS]: 0 }, 'kubernetes.io/gce-pd'),
        [ebs('vol-9')],
        [],
        'fits',
      ],
      [
        'knows the same volume under both names',
        csiNode({ [EBS]: 1 }, ALL_MIGRATED),
        [uses('old')],
        [[uses('a')]],
        'fits',
      ],
      [
        'counts an in-tree volume of a claim',
        csiNode({ [EBS]: 1 }, ALL_MIGRATED),
        [uses('old')],
        [[uses('b')]],
        FULL,
      ],
      [
        'counts what an in-tree class will make',
        csiNode({ [EBS]: 1 }, ALL_MIGRATED),
        [uses('late-old')],
        [[uses('b')]],
        FULL,
      ],
      [
        'does not count it without the driver',
        csiNode({ [EBS]: 1 }),
        [uses('late-old')],
        [[uses('b')]],
        'fits',
      ],
    ];
  for (const [name, own, wanted, there, said] of table) {
    it(name, async () => {
      const { ask } = await setUp(own);
      const others = there.map((sources, i) => using(`there-${i}`, ...sources));
      assert.equal(ask(using('p', ...wanted), ...others), said);
    });
  }

  it('rejects a claim that there is not', async () => {
    const { ask } = await setUp();
    const why = 'looking up PVC default/none: persistentvolumeclaim "none" not found';
    assert.equal(ask(using('p', uses('none'))), `unresolvable: ${why}`);
  });

  it("rejects a claim by the name of an ephemeral volume that is not the pod's", async () => {
    const { ask } = await setUp(undefined, kernel => {
      kernel.add(PersistentVolumeClaim, claim('p-v0'));
    });
    const why = 'PVC default/p-v0 was not created for pod default/p (pod is not owner)';
    assert.equal(ask(using('p', { ephemeral: {} })), `unresolvable: ${why}`);
  });

  it('counts what is attached beside what pods use', async () => {
    const { ask } = await setUp(csiNode({ [EBS]: 2 }), kernel => {
      for (const name of ['a', 'b']) {
        const source = { persistentVolumeName: `pv-${name}` };
        const spec = { attacher: EBS, nodeName: 'n', source };
        kernel.add(VolumeAttachment, { metadata: { name: `at-${name}` }, spec });
      }
    });
    assert.equal(ask(using('p', uses('c'))), FULL);
    assert.equal(ask(using('p', uses('c')), using('q', uses('a'))), FULL);
    assert.equal(ask(using('p', uses('a')), using('q', uses('a'))), 'fits');
  });

  it('wants a driver that says so to be on the node', async () => {
    const { ask } = await setUp(csiNode({ 'other.example.com': 5 }), kernel => {
      const spec = { preventPodSchedulingIfMissing: true };
      kernel.add(CSIDriver, { metadata: { name: EBS }, spec });
    });
    const why = 'ebs.csi.aws.com CSI driver is not installed on the node';
    assert.equal(ask(using('p', uses('a'))), `unschedulable: ${why}`);
    assert.equal(ask(using('p', uses('x'))), 'fits');
  });

  it('wakes pods when nodes can attach more, claims come or attachments go', async () => {
    const { kernel, clock, local } = await setUp(csiNode({ [EBS]: 1 }));
    const attachment: VolumeAttachment = {
      metadata: { name: 'at' },
      spec: { attacher: EBS, nodeName: 'n', source: { persistentVolumeName: 'pv-a' } },
    };
    const woken: boolean[] = [];
    local.watch?.(concerns => woken.push(concerns?.(using('p', uses('new'))) ?? true));
    await clock.step(0);
    woken.length = 0;
    const setLimit = (count: number) =>
      kernel.modify(CSINode, 'n', each => {
        each.spec.drivers = csiNode({ [EBS]: count }).spec.drivers;
      });
    const steps: [() => unknown, boolean[]][] = [
      [() => setLimit(2), [true]],
      [() => setLimit(1), []],
      [() => kernel.add(PersistentVolumeClaim, claim('new')), [true]],
      [() => kernel.add(PersistentVolumeClaim, claim('other')), [false]],
      [() => kernel.add(VolumeAttachment, attachment), []],
      [() => kernel.objects.delete(VolumeAttachment, { name: 'at' }), [true]],
    ];
    for (const [change, wanted] of steps) {
      await change();
      await clock.step(0);
      assert.deepEqual(woken.splice(0), wanted);
    }
  });

  it('has pods tried again when a pod with such volumes goes', async () => {
    const { local } = await setUp();
    const [hint] = local.requeueOn ?? [];
    assert.ok(hint && typeof hint !== 'string');
    for (const [source, fits] of [
      [uses('a'), true],
      [{ emptyDir: {} }, false],
    ] as const) {
      const other = using('gone', source);
      const change = { pod: using('p', uses('b')), other, node: undefined, config: {} };
      assert.equal(hint.fits({ event: 'PodDelete', ...change }), fits);
    }
  });
});
