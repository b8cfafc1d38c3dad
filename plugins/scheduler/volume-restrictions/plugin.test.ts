import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  type NodeContext,
  type NodeInfo,
  PersistentVolumeClaim,
  type PodInfo,
  podInfoOf,
  type SchedulerPlugin,
  schedulerPoint,
  type Verdict,
  type Volume,
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

const gce = (pdName: string, readOnly = false): Source => ({
  gcePersistentDisk: { pdName, readOnly },
});
const ebs = (volumeID: string, readOnly = false): Source => ({
  awsElasticBlockStore: { volumeID, readOnly },
});
const iscsi = (iqn: string, readOnly = false): Source => ({
  iscsi: { targetPortal: '10.0.0.1:3260', iqn, lun: 0, readOnly },
});
const rbd = (
  monitors: string[],
  image: string,
  rest: { pool?: string; readOnly?: boolean } = {},
) => ({
  rbd: { monitors, image, ...rest },
});
const uses = (claimName: string): Source => ({ persistentVolumeClaim: { claimName } });

function using(name: string, ...sources: Source[]): PodInfo {
  const volumes = sources.map((source, i) => ({ name: `v${i}`, ...source }));
  const spec = { containers: [{ name: 'main' }], volumes };
  return podInfoOf(pod(name, { spec }));
}

testSchedulerPlugin(plugin, {
  pods: [pod('disk', { spec: { containers: [], volumes: [{ name: 'v', ...gce('d') }] } })],
});

async function setUp() {
  const kernel = new TestKernel();
  const modes: [string, string][] = [
    ['alone', 'ReadWriteOncePod'],
    ['shared', 'ReadWriteOnce'],
  ];
  for (const [name, mode] of modes) {
    const spec = { accessModes: [mode] };
    kernel.add(PersistentVolumeClaim, { metadata: { name, namespace: 'default' }, spec });
  }
  const test = await activate(plugin, { kernel });
  const [contribution] = test.context.contributions(schedulerPoint).list();
  const own = contribution?.value.local as SchedulerPlugin;
  const [state] = nodeStates([node('n')]);
  assert.ok(state);
  const tracker = own.track?.();
  const place = (other: PodInfo) => {
    state.addPod(other);
    tracker?.podAdded?.(other, state);
  };
  const contextOf = (info: PodInfo) => {
    const nodes: readonly NodeInfo[] = [state];
    return { pod: info, node: state, nodes, config: {}, state: undefined } as NodeContext;
  };
  const ask = (info: PodInfo) => {
    const context = contextOf(info);
    return textOf(own.preFilter?.(context) ?? own.filter?.(context));
  };
  return { ...test, kernel, own, state, tracker, place, contextOf, ask };
}

function textOf(verdict: Verdict | undefined): string {
  if (verdict === undefined) return 'fits';
  return 'reasons' in verdict ? `${verdict.code}: ${verdict.reasons.join(', ')}` : verdict.code;
}

const DISK = 'unschedulable: node(s) had no available disk';
const CLAIM =
  'unschedulable: node has pod using PersistentVolumeClaim with the same name and ReadWriteOncePod access mode';

describe('VolumeRestrictions of disks', () => {
  const table: [name: string, there: Source, wanted: Source, said: string][] = [
    ['rejects a GCE disk twice', gce('d'), gce('d'), DISK],
    ['accepts another GCE disk', gce('d'), gce('e'), 'fits'],
    ['accepts a GCE disk that both only read', gce('d', true), gce('d', true), 'fits'],
    ['rejects a GCE disk that one writes', gce('d', true), gce('d'), DISK],
    ['rejects an EBS volume twice, even to read', ebs('v', true), ebs('v', true), DISK],
    ['accepts another EBS volume', ebs('v'), ebs('w'), 'fits'],
    ['rejects an iSCSI target twice', iscsi('i'), iscsi('i'), DISK],
    ['accepts another iSCSI target', iscsi('i'), iscsi('j'), 'fits'],
    ['accepts an iSCSI target that both only read', iscsi('i', true), iscsi('i', true), 'fits'],
    ['rejects a Ceph image at a shared monitor', rbd(['a', 'b'], 'x'), rbd(['b', 'c'], 'x'), DISK],
    ['accepts a Ceph image at other monitors', rbd(['a'], 'x'), rbd(['b'], 'x'), 'fits'],
    ['accepts another Ceph image', rbd(['a'], 'x'), rbd(['a'], 'y'), 'fits'],
    [
      'accepts a Ceph image of another pool',
      rbd(['a'], 'x'),
      rbd(['a'], 'x', { pool: 'p' }),
      'fits',
    ],
    [
      'takes the default pool for the same',
      rbd(['a'], 'x'),
      rbd(['a'], 'x', { pool: 'rbd' }),
      DISK,
    ],
    [
      'accepts a Ceph image that both only read',
      rbd(['a'], 'x', { readOnly: true }),
      rbd(['a'], 'x', { readOnly: true }),
      'fits',
    ],
    ['keeps kinds of disks apart', gce('d'), ebs('d'), 'fits'],
    ['skips a pod without such volumes', gce('d'), { emptyDir: {} }, 'skip'],
  ];
  for (const [name, there, wanted, said] of table) {
    it(name, async () => {
      const { place, ask } = await setUp();
      place(using('there', { emptyDir: {} }, there));
      assert.equal(ask(using('p', wanted)), said);
    });
  }
});

describe('VolumeRestrictions of claims', () => {
  it('skips a pod whose claims may be shared', async () => {
    const { place, ask } = await setUp();
    place(using('there', uses('shared')));
    assert.equal(ask(using('p', uses('shared'))), 'skip');
  });

  it('rejects a claim for one pod that another uses on any node, until that is gone', async () => {
    const { tracker, state, place, ask } = await setUp();
    const there = using('there', uses('alone'));
    place(there);
    assert.equal(ask(using('p', uses('alone'))), CLAIM);
    tracker?.podRemoved?.(there, state);
    assert.equal(ask(using('p', uses('alone'))), 'fits');
  });

  it('rejects a claim that there is not', async () => {
    const { ask } = await setUp();
    const said = 'unresolvable: persistentvolumeclaim "none" not found';
    assert.equal(ask(using('p', uses('none'))), said);
  });

  it('does not take a claim of that name in another namespace for it', async () => {
    const { place, own, contextOf, ask } = await setUp();
    const elsewhere = { ...using('there', uses('alone')), namespace: 'other', key: 'other/there' };
    place(elsewhere);
    assert.equal(ask(using('p', uses('alone'))), 'fits');
    place(using('here', uses('alone')));
    const context = contextOf(using('p', uses('alone')));
    own.preFilter?.(context);
    own.removePod?.(context, elsewhere);
    assert.equal(textOf(own.filter?.(context)), CLAIM);
  });

  it('fits once the pod that uses it is thought away, in a copy of the state', async () => {
    const { place, own, contextOf } = await setUp();
    const there = using('there', uses('alone'), uses('alone'));
    place(there);
    const context = contextOf(using('p', uses('alone')));
    own.preFilter?.(context);
    const trial = { ...context, state: own.cloneState?.(context.state) };
    own.removePod?.(trial, there);
    assert.equal(own.filter?.(trial), undefined);
    own.addPod?.(trial, there);
    assert.equal(textOf(own.filter?.(trial)), CLAIM);
    assert.equal(textOf(own.filter?.(context)), CLAIM);
  });

  it('rejects a node to which a pod is nominated that is to have the claim', async () => {
    const { own, contextOf } = await setUp();
    const context = contextOf(using('p', uses('alone')));
    assert.equal(own.preFilter?.(context), undefined);
    own.addPod?.(context, using('nominated', uses('alone')));
    assert.equal(textOf(own.filter?.(context)), CLAIM);
  });

  it('counts anew when it is enabled again', async () => {
    const { place, own, ask } = await setUp();
    place(using('there', uses('alone')));
    own.track?.();
    assert.equal(ask(using('p', uses('alone'))), 'fits');
  });

  it('has pods tried again when a pod goes that had their disk or claim', async () => {
    const { own } = await setUp();
    const [hint] = own.requeueOn?.filter(each => typeof each !== 'string') ?? [];
    assert.ok(hint && typeof hint !== 'string');
    const pairs: [PodInfo, PodInfo, boolean][] = [
      [using('p', gce('d')), using('gone', gce('d')), true],
      [using('p', gce('d')), using('gone', gce('e')), false],
      [using('p', uses('alone')), using('gone', uses('alone')), true],
      [using('p', uses('alone')), using('gone', uses('shared')), false],
    ];
    for (const [info, other, fits] of pairs) {
      const change = { event: 'PodDelete' as const, pod: info, other, node: undefined, config: {} };
      assert.equal(hint.fits(change), fits);
    }
  });

  it('wakes the pods whose claim comes', async () => {
    const { kernel, clock, own } = await setUp();
    const woken: boolean[] = [];
    own.watch?.(concerns => woken.push(concerns?.(using('p', uses('late'))) ?? true));
    await clock.step(0);
    woken.length = 0;
    kernel.add(PersistentVolumeClaim, { metadata: { name: 'late', namespace: 'default' } });
    await clock.step(0);
    assert.deepEqual(woken, [true]);
  });
});
