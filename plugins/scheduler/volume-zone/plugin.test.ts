import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  type NodeContext,
  PersistentVolume,
  PersistentVolumeClaim,
  type PodContext,
  podInfoOf,
  type SchedulerPlugin,
  StorageClass,
  schedulerPoint,
  type Verdict,
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

const ZONE = 'topology.kubernetes.io/zone';
const REGION = 'topology.kubernetes.io/region';
const OLD_ZONE = 'failure-domain.beta.kubernetes.io/zone';
const OLD_REGION = 'failure-domain.beta.kubernetes.io/region';
type Labels = Record<string, string>;

testSchedulerPlugin(plugin);

function using(...claims: string[]) {
  const volumes = claims.map(claimName => ({
    name: claimName,
    persistentVolumeClaim: { claimName },
  }));
  return podInfoOf(pod('p', { spec: { containers: [{ name: 'main' }], volumes } }));
}

async function setUp(volumes: Record<string, Labels>) {
  const kernel = new TestKernel();
  for (const [name, labels] of Object.entries(volumes)) {
    kernel.add(PersistentVolume, { metadata: { name, labels } });
    kernel.add(PersistentVolumeClaim, claim(`of-${name}`, { volumeName: name }));
  }
  const test = await activate(plugin, { kernel });
  const [contribution] = test.context.contributions(schedulerPoint).list();
  const own = contribution?.value.local as SchedulerPlugin;
  const ask = (info: ReturnType<typeof using>, labels: Labels = {}) => {
    const nodes = nodeStates([node('n', { metadata: { labels } })]);
    const context = { pod: info, config: {}, nodes, state: undefined } as PodContext;
    const first = own.preFilter?.(context);
    if (first) return textOf(first);
    return textOf(own.filter?.({ ...context, node: nodes[0] } as NodeContext));
  };
  return { ...test, kernel, own, ask };
}

function claim(name: string, spec: PersistentVolumeClaim['spec'] = {}): PersistentVolumeClaim {
  return { metadata: { name, namespace: 'default' }, spec };
}

function textOf(verdict: Verdict | undefined): string {
  if (verdict === undefined) return 'fits';
  return 'reasons' in verdict ? `${verdict.code}: ${verdict.reasons.join(', ')}` : verdict.code;
}

describe('VolumeZone', () => {
  const REFUSED = 'unresolvable: node(s) had no available volume zone';
  const table: [name: string, volume: Labels, node: Labels, said: string][] = [
    ['skips a volume without labels', { type: 'ssd' }, { [ZONE]: 'a' }, 'skip'],
    ['accepts a node that does not say where it is', { [ZONE]: 'a' }, {}, 'fits'],
    ['accepts a node of the zone', { [ZONE]: 'a' }, { [ZONE]: 'a', more: 'x' }, 'fits'],
    ['rejects a node of another zone', { [ZONE]: 'a' }, { [ZONE]: 'b' }, REFUSED],
    ['accepts a node of one of several zones', { [ZONE]: 'a__b' }, { [ZONE]: 'b' }, 'fits'],
    ['rejects a node of none of several zones', { [ZONE]: 'a__b' }, { [ZONE]: 'c' }, REFUSED],
    ['trims the names of zones', { [ZONE]: 'a __ b' }, { [ZONE]: 'b' }, 'fits'],
    ['makes nothing of a label with an empty zone', { [ZONE]: 'a__' }, { [ZONE]: 'c' }, 'skip'],
    [
      'wants the region too',
      { [ZONE]: 'a', [REGION]: 'r' },
      { [ZONE]: 'a', [REGION]: 's' },
      REFUSED,
    ],
    ['rejects a node that names no region', { [REGION]: 'r' }, { [ZONE]: 'a' }, REFUSED],
    ['reads earlier labels', { [OLD_ZONE]: 'a' }, { [OLD_ZONE]: 'a' }, 'fits'],
    ['matches an earlier label to a newer one', { [OLD_ZONE]: 'a' }, { [ZONE]: 'a' }, 'fits'],
    ['rejects a newer label of another region', { [OLD_REGION]: 'r' }, { [REGION]: 's' }, REFUSED],
    [
      'does not match a newer label to an earlier one',
      { [ZONE]: 'a' },
      { [OLD_ZONE]: 'a' },
      REFUSED,
    ],
  ];
  for (const [name, volume, labels, said] of table) {
    it(name, async () => {
      const { ask } = await setUp({ v: volume });
      assert.equal(ask(using('of-v'), labels), said);
    });
  }

  it('wants the zones of all of its volumes', async () => {
    const { ask } = await setUp({ v: { [ZONE]: 'a__b' }, w: { [ZONE]: 'b__c' } });
    assert.equal(ask(using('of-v', 'of-w'), { [ZONE]: 'b' }), 'fits');
    assert.equal(ask(using('of-v', 'of-w'), { [ZONE]: 'a' }), REFUSED);
  });

  it('skips a pod without claims, or with a claim that waits for its first consumer', async () => {
    const { kernel, clock, ask } = await setUp({});
    kernel.add(StorageClass, {
      metadata: { name: 'late' },
      provisioner: 'x',
      volumeBindingMode: 'WaitForFirstConsumer',
    });
    kernel.add(PersistentVolumeClaim, claim('c', { storageClassName: 'late' }));
    await clock.step(0);
    assert.equal(ask(using()), 'skip');
    assert.equal(ask(using('c')), 'skip');
  });

  const broken: [name: string, spec: PersistentVolumeClaim['spec'] | undefined, said: string][] = [
    ['a claim that there is not', undefined, 'persistentvolumeclaim "c" not found'],
    ['a volume that there is not', { volumeName: 'v' }, 'persistentvolume "v" not found'],
    ['a claim without class', {}, 'PersistentVolumeClaim had no pv name and storageClass name'],
    [
      'a class that there is not',
      { storageClassName: 'none' },
      'storageclass.storage.k8s.io "none" not found',
    ],
    [
      'an unbound claim that should be bound at once',
      { storageClassName: 'now' },
      'PersistentVolume had no name',
    ],
  ];
  for (const [name, spec, said] of broken) {
    it(`rejects ${name}`, async () => {
      const { kernel, clock, ask } = await setUp({});
      kernel.add(StorageClass, {
        metadata: { name: 'now' },
        provisioner: 'x',
        volumeBindingMode: 'Immediate',
      });
      if (spec) kernel.add(PersistentVolumeClaim, claim('c', spec));
      await clock.step(0);
      assert.equal(ask(using('c')), `unresolvable: ${said}`);
    });
  }

  it('wakes pods when their claims come, and all when zones or classes change', async () => {
    const { kernel, clock, own } = await setUp({ v: { [ZONE]: 'a' } });
    const woken: boolean[] = [];
    const end = own.watch?.(concerns => woken.push(concerns?.(using('c')) ?? true));
    await clock.step(0);
    woken.length = 0;
    const steps: [() => unknown, boolean[]][] = [
      [() => kernel.add(PersistentVolumeClaim, claim('c')), [true]],
      [() => kernel.add(PersistentVolumeClaim, claim('other')), [false]],
      [() => kernel.add(StorageClass, { metadata: { name: 'now' }, provisioner: 'x' }), []],
      [() => kernel.modify(PersistentVolume, 'v', each => (each.spec = { csi: CSI })), []],
      [
        () =>
          kernel.modify(PersistentVolume, 'v', each => {
            each.metadata.labels = { [ZONE]: 'b' };
          }),
        [true],
      ],
    ];
    for (const [change, wanted] of steps) {
      change();
      await clock.step(0);
      assert.deepEqual(woken.splice(0), wanted);
    }
    await end?.();
    kernel.add(PersistentVolumeClaim, claim('d'));
    await clock.step(0);
    assert.deepEqual(woken, []);
  });
});

const CSI = { driver: 'd', volumeHandle: 'h' };
