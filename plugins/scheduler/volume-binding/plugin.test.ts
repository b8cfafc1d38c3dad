import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  CSIDriver,
  CSIStorageCapacity,
  type NodeContext,
  PersistentVolume,
  PersistentVolumeClaim,
  type PersistentVolumeSpec,
  Pod,
  type PodContext,
  podInfoOf,
  type SchedulerPlugin,
  StorageClass,
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

const COMPLETED = 'pv.kubernetes.io/bind-completed';
const SELECTED = 'volume.kubernetes.io/selected-node';
const onNode = (name: string): PersistentVolumeSpec => {
  const key = 'kubernetes.io/hostname';
  const matchExpressions = [{ key, operator: 'In', values: [name] }];
  return { nodeAffinity: { required: { nodeSelectorTerms: [{ matchExpressions }] } } };
};

const NODES = nodeStates([node('n1'), node('n2')]);

function claim(name: string, rest: Partial<PersistentVolumeClaim> = {}): PersistentVolumeClaim {
  return {
    metadata: { name, namespace: 'default', uid: `uid-${name}`, ...rest.metadata },
    spec: {
      accessModes: ['ReadWriteOnce'],
      resources: { requests: { storage: '1Gi' } },
      storageClassName: 'late',
      ...rest.spec,
    },
    status: { phase: 'Pending', ...rest.status },
  };
}

function volume(name: string, spec: PersistentVolumeSpec = {}): PersistentVolume {
  return {
    metadata: { name },
    spec: {
      capacity: { storage: '1Gi' },
      accessModes: ['ReadWriteOnce'],
      storageClassName: 'late',
      ...spec,
    },
    status: { phase: 'Available' },
  };
}

const bound = (name: string, volumeName: string) =>
  claim(name, {
    metadata: { annotations: { [COMPLETED]: 'yes' } },
    spec: { volumeName },
    status: { phase: 'Bound' },
  });

function publish(
  kernel: TestKernel,
  name: string,
  room: Pick<CSIStorageCapacity, 'capacity' | 'maximumVolumeSize'>,
): void {
  const driver = { metadata: { name: 'example.com/disks' }, spec: { storageCapacity: true } };
  if (!kernel.get(CSIDriver, driver.metadata.name)) kernel.add(CSIDriver, driver);
  kernel.add(CSIStorageCapacity, {
    metadata: { name, namespace: 'default' },
    storageClassName: 'made',
    nodeTopology: { matchLabels: { 'kubernetes.io/hostname': name } },
    ...room,
  });
}

const uses = (...names: string[]): Volume[] =>
  names.map(claimName => ({ name: claimName, persistentVolumeClaim: { claimName } }));

async function setUp(volumes: Volume[], objects: (kernel: TestKernel) => void = () => {}) {
  const kernel = new TestKernel();
  const late = { volumeBindingMode: 'WaitForFirstConsumer' };
  kernel.add(
    StorageClass,
    { metadata: { name: 'late' }, provisioner: 'kubernetes.io/no-provisioner', ...late },
    { metadata: { name: 'made' }, provisioner: 'example.com/disks', ...late },
    { metadata: { name: 'now' }, provisioner: 'example.com/disks' },
  );
  objects(kernel);
  const config = { bindTimeoutSeconds: 600 };
  const { context, clock, dispose } = await activate(plugin, { kernel, config });
  const [contribution] = context.contributions(schedulerPoint).list();
  const own = contribution?.value.local as SchedulerPlugin;
  const spec = { containers: [{ name: 'main' }], volumes };
  const [made] = kernel.add(Pod, pod('p', { spec }));
  const info = podInfoOf(made as Pod);
  const contextOn = (name = 'n1') => ({
    ...{ pod: info, config, nodes: NODES, state: undefined as unknown },
    node: NODES.find(each => each.name === name) as NodeContext['node'],
  });
  /** What is said of the pod, and then of each node. */
  const ask = () => {
    const about = contextOn() as PodContext;
    const first = own.preFilter?.(about);
    if (first) return { first: textOf(first), nodes: [] };
    const nodes = NODES.map(({ name }) =>
      textOf(own.filter?.({ ...contextOn(name), state: about.state })),
    );
    return { first: '', nodes, state: about.state };
  };
  const claimed = (name: string) => kernel.get(PersistentVolumeClaim, `default/${name}`);
  return { kernel, clock, dispose, own, ask, contextOn, claimed };
}

function textOf(verdict: Verdict | undefined): string {
  if (verdict === undefined) return 'fits';
  return 'reasons' in verdict ? verdict.reasons.join(', ') : verdict.code;
}

testSchedulerPlugin(plugin);

describe('VolumeBinding', () => {
  const NO_SPACE = 'node(s) did not have enough free storage';
  const NO_VOLUME = "node(s) didn't find available persistent volumes to bind";
  const WRONG_NODE = "node(s) didn't match PersistentVolume's node affinity";
  const cases: [string, Volume[], (kernel: TestKernel) => void, string, string[]][] = [
    ['skips a pod without claims', [{ name: 'e', emptyDir: {} }], () => {}, 'skip', []],
    [
      'refuses a claim that there is not',
      uses('c'),
      () => {},
      'persistentvolumeclaim "c" not found',
      [],
    ],
    [
      'waits for the claim of an ephemeral volume',
      [{ name: 'e', ephemeral: { volumeClaimTemplate: { spec: {} } } }],
      () => {},
      'waiting for ephemeral volume controller to create the persistentvolumeclaim "p-e"',
      [],
    ],
    [
      'refuses a claim that lost its volume',
      uses('c'),
      kernel => {
        const lost = { spec: { volumeName: 'v' }, status: { phase: 'Lost' } };
        kernel.add(PersistentVolumeClaim, claim('c', lost as Partial<PersistentVolumeClaim>));
      },
      'persistentvolumeclaim "c" bound to non-existent persistentvolume "v"',
      [],
    ],
    [
      'refuses a claim that is being deleted',
      uses('c'),
      kernel => {
        const deletionTimestamp = '2026-01-01T00:00:00Z';
        const metadata = { deletionTimestamp, finalizers: ['x'] };
        kernel.add(PersistentVolumeClaim, claim('c', { metadata }));
      },
      'persistentvolumeclaim "c" is being deleted',
      [],
    ],
    [
      'refuses a claim that should be bound at once',
      uses('c'),
      kernel =>
        kernel.add(PersistentVolumeClaim, claim('c', { spec: { storageClassName: 'now' } })),
      'pod has unbound immediate PersistentVolumeClaims',
      [],
    ],
    [
      'keeps to the nodes of a bound volume',
      uses('c'),
      kernel => {
        kernel.add(PersistentVolumeClaim, bound('c', 'v'));
        kernel.add(PersistentVolume, volume('v', onNode('n2')));
      },
      '',
      [WRONG_NODE, 'fits'],
    ],
    [
      'refuses a volume that is gone',
      uses('c'),
      kernel => kernel.add(PersistentVolumeClaim, bound('c', 'v')),
      '',
      Array(2).fill(
        'node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)',
      ) as string[],
    ],
    [
      'looks for a free volume that the node reaches',
      uses('c'),
      kernel => {
        kernel.add(PersistentVolumeClaim, claim('c'));
        kernel.add(PersistentVolume, volume('v', onNode('n1')));
      },
      '',
      ['fits', NO_VOLUME],
    ],
    [
      'wants a volume for each of its claims',
      uses('c', 'd'),
      kernel => {
        kernel.add(PersistentVolumeClaim, claim('c'), claim('d'));
        kernel.add(PersistentVolume, volume('v', onNode('n1')), volume('w'));
      },
      '',
      ['fits', NO_VOLUME],
    ],
    [
      'takes a node whose volume can be made',
      uses('c'),
      kernel =>
        kernel.add(PersistentVolumeClaim, claim('c', { spec: { storageClassName: 'made' } })),
      '',
      ['fits', 'fits'],
    ],
    [
      'keeps to the topology of the class',
      uses('c'),
      kernel => {
        kernel.modify(StorageClass, 'made', each => {
          const matchLabelExpressions = [{ key: 'kubernetes.io/hostname', values: ['n2'] }];
          each.allowedTopologies = [{ matchLabelExpressions }];
        });
        kernel.add(PersistentVolumeClaim, claim('c', { spec: { storageClassName: 'made' } }));
      },
      '',
      [NO_VOLUME, 'fits'],
    ],
    [
      'keeps to the node that was selected before',
      uses('c'),
      kernel =>
        kernel.add(
          PersistentVolumeClaim,
          claim('c', {
            metadata: { annotations: { [SELECTED]: 'n2' } },
            spec: { storageClassName: 'made' },
          }),
        ),
      '',
      [NO_VOLUME, 'fits'],
    ],
    [
      'says all that is wrong with a node',
      uses('b', 'c'),
      kernel => {
        const claimRef = { namespace: 'default', name: 'b', uid: 'uid-b' };
        kernel.add(PersistentVolumeClaim, bound('b', 'v'), claim('c'));
        kernel.add(PersistentVolume, volume('v', { ...onNode('n2'), claimRef }));
      },
      '',
      [`${WRONG_NODE}, ${NO_VOLUME}`, NO_VOLUME],
    ],
    [
      'wants the room that a driver publishes',
      uses('c'),
      kernel => {
        publish(kernel, 'n1', { capacity: '1Gi' });
        publish(kernel, 'n2', { capacity: '1023Mi' });
        kernel.add(PersistentVolumeClaim, claim('c', { spec: { storageClassName: 'made' } }));
      },
      '',
      ['fits', NO_SPACE],
    ],
    [
      'goes by the largest volume that a driver makes, not by its room',
      uses('c'),
      kernel => {
        publish(kernel, 'n1', { capacity: '9Gi', maximumVolumeSize: '1Mi' });
        publish(kernel, 'n2', { capacity: '9Gi', maximumVolumeSize: '2Gi' });
        kernel.add(PersistentVolumeClaim, claim('c', { spec: { storageClassName: 'made' } }));
      },
      '',
      [NO_SPACE, 'fits'],
    ],
    [
      'does not ask a driver that does not count',
      uses('c'),
      kernel => {
        kernel.add(CSIDriver, { metadata: { name: 'example.com/disks' }, spec: {} });
        kernel.add(PersistentVolumeClaim, claim('c', { spec: { storageClassName: 'made' } }));
      },
      '',
      ['fits', 'fits'],
    ],
    [
      'has no room where none is published',
      uses('c'),
      kernel => {
        publish(kernel, 'n1', { capacity: '1Gi' });
        kernel.modify(CSIStorageCapacity, 'default/n1', each => {
          delete each.nodeTopology;
        });
        kernel.add(PersistentVolumeClaim, claim('c', { spec: { storageClassName: 'made' } }));
      },
      '',
      [NO_SPACE, NO_SPACE],
    ],
  ];
  for (const [what, volumes, objects, first, nodes] of cases) {
    it(what, async () => {
      const { ask } = await setUp(volumes, objects);
      const said = ask();
      assert.equal(said.first, first);
      assert.deepEqual(said.nodes, nodes);
    });
  }

  const FULLEST = [
    { utilization: 0, score: 0 },
    { utilization: 100, score: 10 },
  ];
  const scored: [what: string, names: string[], objects: (kernel: TestKernel) => void, number[]][] =
    [
      [
        'by how much of their volumes is asked for',
        ['c'],
        kernel => {
          kernel.add(PersistentVolumeClaim, claim('c'));
          const sized = (storage: string, name: string) => ({
            capacity: { storage },
            ...onNode(name),
          });
          kernel.add(
            PersistentVolume,
            volume('v', sized('2Gi', 'n1')),
            volume('w', sized('10Gi', 'n2')),
          );
        },
        [50, 10],
      ],
      [
        'by how much of the room for new volumes is asked for',
        ['c', 'd'],
        kernel => {
          publish(kernel, 'n1', { capacity: '4Gi' });
          publish(kernel, 'n2', { capacity: '20Gi' });
          const made = { spec: { storageClassName: 'made' } };
          kernel.add(PersistentVolumeClaim, claim('c', made), claim('d', made));
        },
        [50, 10],
      ],
      [
        'alike where nobody counts',
        ['c'],
        kernel =>
          kernel.add(PersistentVolumeClaim, claim('c', { spec: { storageClassName: 'made' } })),
        [0, 0],
      ],
    ];
  for (const [what, names, objects, wanted] of scored) {
    it(`scores nodes ${what}`, async () => {
      const { own, ask, contextOn } = await setUp(uses(...names), objects);
      const { state } = ask();
      const config = { bindTimeoutSeconds: 600, shape: FULLEST };
      const about = (name: string) => ({ ...contextOn(name), config, state });
      assert.equal(own.preScore?.({ ...about('n1'), feasible: NODES }), undefined);
      assert.deepEqual(
        ['n1', 'n2'].map(name => own.score?.(about(name))),
        wanted,
      );
    });
  }

  it('scores nothing without a shape, or for a pod whose claims are bound', async () => {
    const { own, ask, contextOn } = await setUp(uses('c'), kernel => {
      kernel.add(PersistentVolumeClaim, bound('c', 'v'));
      kernel.add(PersistentVolume, volume('v'));
    });
    const context = { ...contextOn(), state: ask().state, feasible: NODES };
    const config = { bindTimeoutSeconds: 600, shape: FULLEST };
    assert.equal(own.preScore?.({ ...context, config })?.code, 'skip');
    const waiting = { bound: [], waiting: [claim('c')] };
    assert.equal(own.preScore?.({ ...context, state: waiting })?.code, 'skip');
  });

  it('reserves a volume, writes so, and waits for the claim to be bound', async () => {
    const { kernel, clock, own, ask, contextOn, claimed } = await setUp(uses('c'), each => {
      each.add(PersistentVolumeClaim, claim('c'));
      each.add(PersistentVolume, volume('v'));
    });
    const context = { ...contextOn(), state: ask().state };
    assert.equal(own.reserve?.(context), undefined);
    let done = false;
    const binding = Promise.resolve(own.preBind?.(context)).then(() => {
      done = true;
    });
    await clock.step(0);
    const written = kernel.get(PersistentVolume, 'v');
    assert.equal(written?.spec?.claimRef?.uid, claimed('c')?.metadata.uid);
    assert.equal(written?.metadata.annotations?.['pv.kubernetes.io/bound-by-controller'], 'yes');
    assert.equal(done, false);
    kernel.modify(PersistentVolumeClaim, 'default/c', ({ metadata, spec }) => {
      metadata.annotations = { [COMPLETED]: 'yes' };
      if (spec) spec.volumeName = 'v';
    });
    await clock.step(0);
    await binding;
    assert.equal(done, true);
  });

  it('does not take a volume that another took, unseen', async () => {
    const { kernel, clock, own, ask, contextOn } = await setUp(uses('c'), each => {
      each.add(PersistentVolumeClaim, claim('c'));
      each.add(PersistentVolume, volume('v'));
    });
    const context = { ...contextOn(), state: ask().state };
    own.reserve?.(context);
    kernel.holdWatches({ resource: 'persistentvolumes' });
    kernel.modify(PersistentVolume, 'v', ({ spec }) => {
      if (spec) spec.claimRef = { namespace: 'default', name: 'other', uid: 'other' };
    });
    const binding = assert.rejects(async () => own.preBind?.(context), /modified/);
    await clock.step(0);
    await binding;
    assert.equal(kernel.get(PersistentVolume, 'v')?.spec?.claimRef?.name, 'other');
  });

  const undone: [what: string, change: (kernel: TestKernel) => unknown, says: RegExp][] = [
    [
      'is given to nobody again',
      kernel =>
        kernel.modify(PersistentVolume, 'v', ({ spec }) => {
          delete spec?.claimRef;
        }),
      /binding volumes: ClaimRef got reset for pv "v"/,
    ],
    [
      'is deleted',
      kernel => kernel.objects.delete(PersistentVolume, { name: 'v' }),
      /binding volumes: failed to check binding: persistentvolume "v" not found/,
    ],
  ];
  for (const [what, change, says] of undone) {
    it(`does not wait for a volume that ${what}`, async () => {
      const { kernel, clock, own, ask, contextOn } = await setUp(uses('c'), each => {
        each.add(PersistentVolumeClaim, claim('c'));
        each.add(PersistentVolume, volume('v'));
      });
      const context = { ...contextOn(), state: ask().state };
      own.reserve?.(context);
      const binding = assert.rejects(async () => own.preBind?.(context), says);
      await clock.step(0);
      await change(kernel);
      await clock.step(0);
      await binding;
    });
  }

  it('waits for the volume of a claim too, if that is seen later', async () => {
    const { kernel, clock, own, ask, contextOn } = await setUp(uses('c'), each =>
      each.add(PersistentVolumeClaim, claim('c', { spec: { storageClassName: 'made' } })),
    );
    const context = { ...contextOn(), state: ask().state };
    own.reserve?.(context);
    let done = false;
    const binding = Promise.resolve(own.preBind?.(context)).then(() => {
      done = true;
    });
    await clock.step(0);
    const release = kernel.holdWatches({ resource: 'persistentvolumes' });
    const claimRef = { namespace: 'default', name: 'c', uid: 'uid-c' };
    kernel.add(PersistentVolume, volume('v', { claimRef }));
    kernel.modify(PersistentVolumeClaim, 'default/c', ({ metadata, spec }) => {
      metadata.annotations = { ...metadata.annotations, [COMPLETED]: 'yes' };
      if (spec) spec.volumeName = 'v';
    });
    await clock.step(0);
    assert.equal(done, false);
    release();
    await clock.step(0);
    await binding;
    assert.equal(done, true);
  });

  it('does not give a volume to two pods, until it is given back', async () => {
    const { own, ask, contextOn } = await setUp(uses('c'), each => {
      each.add(PersistentVolumeClaim, claim('c'));
      each.add(PersistentVolume, volume('v'));
    });
    const { state } = ask();
    const other = claim('d');
    const otherState = { bound: [], waiting: [other] };
    assert.equal(own.reserve?.({ ...contextOn(), state }), undefined);
    const second = { ...contextOn(), state: otherState };
    assert.equal(textOf(own.reserve?.(second)), NO_VOLUME);
    own.unreserve?.({ ...contextOn(), state });
    assert.equal(own.reserve?.(second), undefined);
  });

  it('selects a node for a volume that is to be made, and fails when that fails', async () => {
    const { kernel, clock, own, ask, contextOn, claimed } = await setUp(uses('c'), each =>
      each.add(PersistentVolumeClaim, claim('c', { spec: { storageClassName: 'made' } })),
    );
    const context = { ...contextOn(), state: ask().state };
    own.reserve?.(context);
    const binding = assert.rejects(
      async () => own.preBind?.(context),
      /binding volumes: provisioning failed for PVC "c"/,
    );
    await clock.step(0);
    assert.equal(claimed('c')?.metadata.annotations?.[SELECTED], 'n1');
    kernel.modify(PersistentVolumeClaim, 'default/c', ({ metadata }) => {
      delete metadata.annotations;
    });
    await clock.step(0);
    await binding;
  });

  it('gives up after the time that it is given', async () => {
    const { clock, own, ask, contextOn } = await setUp(uses('c'), each =>
      each.add(PersistentVolumeClaim, claim('c', { spec: { storageClassName: 'made' } })),
    );
    const context = { ...contextOn(), state: ask().state };
    own.reserve?.(context);
    const binding = assert.rejects(
      async () => own.preBind?.(context),
      /binding volumes: context deadline exceeded/,
    );
    await clock.step(600_000);
    await binding;
  });

  it('wakes the pods that use a claim when it changes, and all when there is a new volume', async () => {
    const { kernel, clock, own } = await setUp(uses('c'));
    const woken: boolean[] = [];
    const info = podInfoOf(kernel.get(Pod, 'default/p') as Pod);
    const end = own.watch?.(concerns => woken.push(concerns?.(info) ?? true));
    kernel.add(PersistentVolumeClaim, claim('c'), claim('other'));
    kernel.add(PersistentVolume, volume('v'));
    await clock.step(0);
    assert.deepEqual(woken, [true, false, true]);
    await end?.();
    kernel.add(PersistentVolume, volume('w'));
    await clock.step(0);
    assert.equal(woken.length, 3);
  });
});
