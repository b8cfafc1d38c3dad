import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  Event,
  invalid,
  Node,
  type ObjectRequest,
  PersistentVolume,
  PersistentVolumeClaim,
  type PersistentVolumeClaimSpec,
  type PersistentVolumeSpec,
  Pod,
  type ProvisionRequest,
  StorageClass,
  serviceUnavailable,
} from 'kernetes/sdk';
import { node, pod, TestKernel } from 'kernetes/sdk/testing';
import { claimOf, classOf, provide, startBinder, volumeOf } from './test-setup.ts';

const COMPLETED = 'pv.kubernetes.io/bind-completed';
const BY_CONTROLLER = 'pv.kubernetes.io/bound-by-controller';
const DEFAULT = { annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' } };
const WAITS = { volumeBindingMode: 'WaitForFirstConsumer' };
const SELECTED = { annotations: { 'volume.kubernetes.io/selected-node': 'n1' } };

const disks = (made: ProvisionRequest[] = [], deleted: string[] = []) => ({
  name: 'example.com/disks',
  provision(request: ProvisionRequest) {
    made.push(request);
    return { spec: { hostPath: { path: `/disks/${request.volumeName}` } } };
  },
  delete: ({ metadata }: PersistentVolume) => void deleted.push(metadata.name ?? ''),
});

describe('controller.persistentvolume-binder binds', () => {
  it('a claim to a volume, and says so on both', async () => {
    const { kernel, clock, claim, volume } = await startBinder();
    kernel.add(PersistentVolume, volumeOf('v', { capacity: { storage: '5Gi' } }));
    await clock.step(0);
    assert.equal(volume('v')?.status?.phase, 'Available');
    kernel.add(PersistentVolumeClaim, claimOf('c'));
    await clock.step(0);
    const [bound, disk] = [claim('c'), volume('v')];
    assert.equal(bound?.spec?.volumeName, 'v');
    assert.deepEqual(bound?.status, {
      phase: 'Bound',
      accessModes: ['ReadWriteOnce'],
      capacity: { storage: '5Gi' },
    });
    assert.deepEqual(bound?.metadata.annotations, { [COMPLETED]: 'yes', [BY_CONTROLLER]: 'yes' });
    assert.equal(disk?.status?.phase, 'Bound');
    assert.equal(disk?.spec?.claimRef?.uid, bound?.metadata.uid);
    assert.equal(disk?.spec?.claimRef?.kind, 'PersistentVolumeClaim');
    assert.equal(disk?.metadata.annotations?.[BY_CONTROLLER], 'yes');
  });

  it('a claim that waited, as soon as there is a volume', async () => {
    const { kernel, clock, claim, told } = await startBinder();
    kernel.add(PersistentVolumeClaim, claimOf('c'));
    await clock.step(0);
    assert.deepEqual(told('c'), [
      'FailedBinding: no persistent volumes available for this claim and no storage class is set',
    ]);
    kernel.add(PersistentVolume, volumeOf('v'));
    await clock.step(0);
    assert.equal(claim('c')?.status?.phase, 'Bound');
  });

  it('a claim that waits is told so once, and again only when the event grows old', async () => {
    const { kernel, clock } = await startBinder();
    kernel.add(StorageClass, classOf('elsewhere'));
    kernel.add(PersistentVolumeClaim, claimOf('c'));
    kernel.add(PersistentVolumeClaim, claimOf('d', { storageClassName: 'elsewhere' }));
    kernel.add(PersistentVolumeClaim, claimOf('e', { storageClassName: 'missing' }));
    await clock.step(290_000);
    const counts = () => kernel.all(Event).map(({ count }) => count);
    assert.deepEqual(counts(), [1, 1, 1]);
    await clock.step(30_000);
    assert.deepEqual(counts(), [2, 2, 2]);
  });

  const rwx = ['ReadWriteOnce', 'ReadOnlyMany', 'ReadWriteMany'];
  const choices: [
    string,
    PersistentVolumeClaimSpec,
    Record<string, PersistentVolumeSpec>,
    string?,
  ][] = [
    [
      'the smallest volume that is large enough',
      { resources: { requests: { storage: '2Gi' } } },
      {
        small: { capacity: { storage: '1Gi' } },
        huge: { capacity: { storage: '9Gi' } },
        fit: { capacity: { storage: '3Gi' } },
      },
      'fit',
    ],
    [
      'a volume with all the access modes that are asked for',
      { accessModes: ['ReadOnlyMany', 'ReadWriteMany'] },
      { once: {}, many: { accessModes: rwx } },
      'many',
    ],
    [
      'one with the fewest access modes more, though it is larger',
      {},
      { many: { accessModes: rwx }, once: { capacity: { storage: '7Gi' } } },
      'once',
    ],
    ['no volume of another access mode', { accessModes: ['ReadWriteMany'] }, { once: {} }],
    [
      'one of its class only',
      { storageClassName: 'fast' },
      { slow: { storageClassName: 'slow' }, none: {}, fast: { storageClassName: 'fast' } },
      'fast',
    ],
    ['one without a class for an empty name', { storageClassName: '' }, { none: {} }, 'none'],
    [
      'a block volume where one is asked for',
      { volumeMode: 'Block' },
      { files: {}, block: { volumeMode: 'Block' } },
      'block',
    ],
    [
      'a volume that is reserved for it, before better ones',
      {},
      {
        other: {},
        mine: {
          capacity: { storage: '9Gi' },
          claimRef: { namespace: 'default', name: 'c' },
        },
      },
      'mine',
    ],
    [
      'no volume that is reserved for another',
      {},
      { other: { claimRef: { namespace: 'default', name: 'else' } } },
    ],
    [
      'the volume that it names',
      { volumeName: 'b' },
      { a: {}, b: { capacity: { storage: '3Gi' } } },
      'b',
    ],
  ];
  for (const [what, spec, volumes, wanted] of choices) {
    it(what, async () => {
      const { kernel, clock, claim } = await startBinder();
      for (const [name, each] of Object.entries(volumes)) {
        kernel.add(PersistentVolume, volumeOf(name, each));
      }
      await clock.step(0);
      kernel.add(PersistentVolumeClaim, claimOf('c', spec));
      await clock.step(0);
      assert.equal(claim('c')?.status?.phase, wanted ? 'Bound' : 'Pending');
      assert.equal(claim('c')?.spec?.volumeName, wanted);
    });
  }

  it('one that the selector takes, by labels and expressions', async () => {
    const { kernel, clock, claim } = await startBinder();
    kernel.add(PersistentVolume, volumeOf('hdd', {}, { labels: { kind: 'hdd', zone: 'a' } }));
    kernel.add(PersistentVolume, volumeOf('ssd', {}, { labels: { kind: 'ssd', zone: 'a' } }));
    await clock.step(0);
    const matchExpressions = [{ key: 'kind', operator: 'NotIn', values: ['hdd'] }];
    const selector = { matchLabels: { zone: 'a' }, matchExpressions };
    kernel.add(PersistentVolumeClaim, claimOf('c', { selector }));
    await clock.step(0);
    assert.equal(claim('c')?.spec?.volumeName, 'ssd');
  });

  it('each of many claims to a volume of its own', async () => {
    const { kernel, clock } = await startBinder();
    for (let i = 0; i < 20; i++) kernel.add(PersistentVolume, volumeOf(`v${i}`));
    for (let i = 0; i < 20; i++) kernel.add(PersistentVolumeClaim, claimOf(`c${i}`));
    await clock.step(20_000);
    const names = kernel.all(PersistentVolumeClaim).map(({ spec }) => spec?.volumeName);
    assert.equal(new Set(names).size, 20);
    assert.ok(kernel.all(PersistentVolume).every(({ status }) => status?.phase === 'Bound'));
  });
});

describe('controller.persistentvolume-binder, of what was bound by hand,', () => {
  it('leaves the marks that say so away', async () => {
    const { kernel, clock, claim, volume } = await startBinder();
    const claimRef = { namespace: 'default', name: 'c' };
    kernel.add(PersistentVolume, volumeOf('v', { claimRef }));
    kernel.add(PersistentVolumeClaim, claimOf('c', { volumeName: 'v' }));
    await clock.step(0);
    assert.deepEqual(claim('c')?.metadata.annotations, { [COMPLETED]: 'yes' });
    assert.equal(volume('v')?.metadata.annotations?.[BY_CONTROLLER], undefined);
    assert.equal(volume('v')?.spec?.claimRef?.uid, claim('c')?.metadata.uid);
  });

  const wrong: [string, PersistentVolumeSpec, string][] = [
    [
      'is too small',
      { capacity: { storage: '1Mi' } },
      'VolumeMismatch: Cannot bind to requested volume "v": requested PV is too small',
    ],
    [
      'is of another class',
      { storageClassName: 'x' },
      'VolumeMismatch: Cannot bind to requested volume "v": storageClassName does not match',
    ],
    [
      'is a block device',
      { volumeMode: 'Block' },
      'VolumeMismatch: Cannot bind to requested volume "v": incompatible volumeMode',
    ],
    [
      'lacks an access mode',
      { accessModes: ['ReadOnlyMany'] },
      'VolumeMismatch: Cannot bind to requested volume "v": incompatible accessMode',
    ],
    [
      "is another claim's",
      { claimRef: { namespace: 'default', name: 'else' } },
      'FailedBinding: volume "v" already bound to a different claim.',
    ],
  ];
  for (const [what, spec, told] of wrong) {
    it(`refuses a volume that ${what}`, async () => {
      const { kernel, clock, claim, told: all } = await startBinder();
      kernel.add(PersistentVolume, volumeOf('v', spec));
      kernel.add(PersistentVolumeClaim, claimOf('c', { volumeName: 'v' }));
      await clock.step(0);
      assert.equal(claim('c')?.status?.phase, 'Pending');
      assert.deepEqual(all('c'), [told]);
    });
  }

  it('waits for a volume that there is not yet', async () => {
    const { kernel, clock, claim } = await startBinder();
    kernel.add(PersistentVolumeClaim, claimOf('c', { volumeName: 'v' }));
    await clock.step(0);
    assert.equal(claim('c')?.status?.phase, 'Pending');
    kernel.add(PersistentVolume, volumeOf('v'));
    await clock.step(0);
    assert.equal(claim('c')?.status?.phase, 'Bound');
  });

  it('tells both of a reserved volume of another mode', async () => {
    const { kernel, clock, told, claim } = await startBinder();
    const [made] = kernel.add(PersistentVolumeClaim, claimOf('c'));
    const claimRef = { namespace: 'default', name: 'c', uid: made?.metadata.uid ?? '' };
    kernel.add(PersistentVolume, volumeOf('v', { volumeMode: 'Block', claimRef }));
    await clock.step(0);
    assert.ok(
      told('v')[0]?.startsWith('VolumeMismatch: Cannot bind PersistentVolume to requested'),
    );
    assert.equal(claim('c')?.status?.phase, 'Pending');
  });
});

describe('controller.persistentvolume-binder, when something is deleted,', () => {
  async function bound(spec: PersistentVolumeSpec = {}) {
    const test = await startBinder();
    test.kernel.add(PersistentVolume, volumeOf('v', spec));
    await test.clock.step(0);
    test.kernel.add(PersistentVolumeClaim, claimOf('c'));
    await test.clock.step(0);
    assert.equal(test.claim('c')?.status?.phase, 'Bound');
    const removeClaim = async () => {
      await test.kernel.objects.delete(PersistentVolumeClaim, { namespace: 'default', name: 'c' });
      await test.clock.step(0);
    };
    return { ...test, removeClaim };
  }

  it('releases a volume that is to be retained, and gives it to nobody', async () => {
    const { kernel, clock, volume, claim, removeClaim } = await bound();
    await removeClaim();
    assert.equal(volume('v')?.status?.phase, 'Released');
    kernel.add(PersistentVolumeClaim, claimOf('c'));
    await clock.step(20_000);
    assert.equal(claim('c')?.status?.phase, 'Pending');
    assert.equal(volume('v')?.status?.phase, 'Released');
  });

  it('takes a released volume again whose reservation the user took away', async () => {
    const { kernel, clock, volume, claim, removeClaim } = await bound();
    await removeClaim();
    kernel.modify(PersistentVolume, 'v', ({ spec }) => {
      delete spec?.claimRef;
    });
    kernel.add(PersistentVolumeClaim, claimOf('again'));
    await clock.step(0);
    assert.equal(volume('v')?.status?.phase, 'Bound');
    assert.equal(claim('again')?.spec?.volumeName, 'v');
  });

  it('fails a volume that is to be recycled', async () => {
    const { volume, told, removeClaim } = await bound({ persistentVolumeReclaimPolicy: 'Recycle' });
    await removeClaim();
    assert.equal(volume('v')?.status?.phase, 'Failed');
    assert.deepEqual(told('v'), ['VolumeFailedRecycle: No recycler plugin found for the volume!']);
  });

  it('fails a volume that is to be deleted by nobody', async () => {
    const { volume, told, removeClaim } = await bound({ persistentVolumeReclaimPolicy: 'Delete' });
    await removeClaim();
    assert.equal(volume('v')?.status?.phase, 'Failed');
    const why =
      'error getting deleter volume plugin for volume "v": no deletable volume plugin matched';
    assert.deepEqual(told('v'), [`VolumeFailedDelete: ${why}`]);
  });

  it('calls a claim lost whose volume is gone', async () => {
    const { kernel, clock, claim, told } = await bound();
    await kernel.objects.delete(PersistentVolume, { name: 'v' });
    await clock.step(0);
    assert.deepEqual(claim('c')?.status, { phase: 'Lost' });
    assert.deepEqual(told('c'), [
      'ClaimLost: Bound claim has lost its PersistentVolume. Data on the volume is lost!',
    ]);
  });

  it('calls a claim misbound whose volume has another', async () => {
    const { kernel, clock, claim, told } = await bound();
    kernel.modify(PersistentVolume, 'v', ({ spec }) => {
      if (spec?.claimRef) spec.claimRef = { namespace: 'default', name: 'x', uid: 'x' };
    });
    await clock.step(0);
    assert.equal(claim('c')?.status?.phase, 'Lost');
    assert.deepEqual(told('c'), [
      'ClaimMisbound: Two claims are bound to the same volume, this one is bound incorrectly',
    ]);
  });

  it('gives back the volume of a claim that is bound elsewhere', async () => {
    const { kernel, clock, claim, volume } = await bound();
    const uid = claim('c')?.metadata.uid ?? '';
    const claimRef = { namespace: 'default', name: 'c', uid };
    const marks = { annotations: { [BY_CONTROLLER]: 'yes' } };
    kernel.add(PersistentVolume, volumeOf('ours', { claimRef }, marks));
    kernel.add(PersistentVolume, volumeOf('theirs', { claimRef }));
    await clock.step(0);
    assert.equal(volume('ours')?.spec?.claimRef, undefined);
    assert.deepEqual(volume('theirs')?.spec?.claimRef, { namespace: 'default', name: 'c' });
    assert.equal(volume('theirs')?.status?.phase, 'Available');
  });
});

describe('controller.persistentvolume-binder has volumes made', () => {
  async function withClass(rest: Partial<StorageClass> = {}) {
    const made: ProvisionRequest[] = [];
    const deleted: string[] = [];
    const test = await startBinder();
    test.kernel.add(StorageClass, classOf('disks', rest));
    test.kernel.add(Node, node('n1'));
    provide(test.kernel, disks(made, deleted));
    await test.clock.step(0);
    return { ...test, made, deleted };
  }

  it('for a claim of a class at once', async () => {
    const { kernel, clock, claim, volume, told, made } = await withClass({
      mountOptions: ['ro'],
    });
    kernel.add(PersistentVolumeClaim, claimOf('c', { storageClassName: 'disks' }));
    await clock.step(0);
    const name = `pvc-${claim('c')?.metadata.uid}`;
    assert.equal(claim('c')?.spec?.volumeName, name);
    assert.equal(claim('c')?.status?.phase, 'Bound');
    const annotations = claim('c')?.metadata.annotations ?? {};
    assert.equal(annotations['volume.kubernetes.io/storage-provisioner'], 'example.com/disks');
    assert.equal(annotations['volume.beta.kubernetes.io/storage-provisioner'], 'example.com/disks');
    assert.equal(volume(name)?.status?.phase, 'Bound');
    assert.equal(volume(name)?.spec?.persistentVolumeReclaimPolicy, 'Delete');
    assert.equal(volume(name)?.spec?.storageClassName, 'disks');
    assert.deepEqual(volume(name)?.spec?.mountOptions, ['ro']);
    assert.deepEqual(volume(name)?.spec?.capacity, { storage: '1Gi' });
    assert.deepEqual(volume(name)?.metadata.annotations, {
      'pv.kubernetes.io/provisioned-by': 'example.com/disks',
      [BY_CONTROLLER]: 'yes',
    });
    assert.deepEqual(told('c'), [
      `ProvisioningSucceeded: Successfully provisioned volume ${name} using example.com/disks`,
    ]);
    assert.equal(made.length, 1);
  });

  it('and deletes them with their claim', async () => {
    const { kernel, clock, claim, volume, deleted } = await withClass();
    kernel.add(PersistentVolumeClaim, claimOf('c', { storageClassName: 'disks' }));
    await clock.step(0);
    const name = claim('c')?.spec?.volumeName ?? '';
    // By itself a volume does not go before what it stands for has.
    await kernel.objects.delete(PersistentVolume, { name });
    await clock.step(0);
    assert.ok(volume(name));
    await kernel.objects.delete(PersistentVolumeClaim, { namespace: 'default', name: 'c' });
    await clock.step(0);
    assert.deepEqual(deleted, [name]);
    assert.equal(volume(name), undefined);
  });

  it('and retains them where the class says so', async () => {
    const { kernel, clock, claim, volume, deleted } = await withClass({ reclaimPolicy: 'Retain' });
    kernel.add(PersistentVolumeClaim, claimOf('c', { storageClassName: 'disks' }));
    await clock.step(0);
    const name = claim('c')?.spec?.volumeName ?? '';
    await kernel.objects.delete(PersistentVolumeClaim, { namespace: 'default', name: 'c' });
    await clock.step(0);
    assert.equal(volume(name)?.status?.phase, 'Released');
    assert.deepEqual(deleted, []);
  });

  it('and deletes one that nobody has when its object is deleted', async () => {
    const { kernel, clock, volume, deleted } = await withClass();
    const annotations = { 'pv.kubernetes.io/provisioned-by': 'example.com/disks' };
    const spec = { persistentVolumeReclaimPolicy: 'Delete' };
    const claimRef = { namespace: 'default', name: 'later' };
    kernel.add(
      PersistentVolume,
      volumeOf('free', spec, { annotations }),
      volumeOf('reserved', { ...spec, claimRef }, { annotations }),
    );
    await clock.step(0);
    for (const name of ['free', 'reserved']) {
      assert.equal(volume(name)?.status?.phase, 'Available');
      await kernel.objects.delete(PersistentVolume, { name });
      await clock.step(0);
      assert.equal(volume(name), undefined);
    }
    assert.deepEqual(deleted, ['free', 'reserved']);
  });

  it('and takes each away once, putting nothing on it meanwhile', async () => {
    const { kernel, clock, claim, deleted } = await withClass();
    kernel.add(PersistentVolumeClaim, claimOf('c', { storageClassName: 'disks' }));
    await clock.step(0);
    const before = kernel.requests.length;
    await kernel.objects.delete(PersistentVolumeClaim, { namespace: 'default', name: 'c' });
    await clock.step(0);
    assert.equal(claim('c'), undefined);
    const patches = kernel.requests.slice(before).filter(({ verb }) => verb === 'patch');
    assert.deepEqual(deleted.length, 1);
    assert.deepEqual(
      patches.map(({ body }) => (body as PersistentVolume).metadata.finalizers),
      [undefined, null],
    );
  });

  it('only when a pod has a node, if the class waits for that', async () => {
    const { kernel, clock, claim, told, made } = await withClass(WAITS);
    kernel.add(PersistentVolumeClaim, claimOf('c', { storageClassName: 'disks' }));
    // A free volume does not tempt it either.
    kernel.add(PersistentVolume, volumeOf('v', { storageClassName: 'disks' }));
    await clock.step(0);
    const volumes = [{ name: 'v', persistentVolumeClaim: { claimName: 'c' } }];
    kernel.add(Pod, pod('p', { spec: { containers: [{ name: 'm' }], volumes } }));
    await clock.step(15_000);
    assert.deepEqual(told('c').sort(), [
      'WaitForFirstConsumer: waiting for first consumer to be created before binding',
      'WaitForPodScheduled: waiting for pod p to be scheduled',
    ]);
    assert.equal(made.length, 0);
    kernel.modify(PersistentVolumeClaim, 'default/c', ({ metadata }) => {
      Object.assign(metadata, SELECTED);
    });
    await clock.step(0);
    assert.equal(claim('c')?.status?.phase, 'Bound');
    assert.equal(made[0]?.selectedNode?.name, 'n1');
  });

  it('and gives the choice of the node back when that fails', async () => {
    const { kernel, clock, claim, told } = await startBinder();
    kernel.add(StorageClass, classOf('disks', WAITS));
    kernel.add(Node, node('n1'));
    provide(kernel, {
      ...disks(),
      provision: () => Promise.reject(new Error('no space left')),
    });
    kernel.add(PersistentVolumeClaim, claimOf('c', { storageClassName: 'disks' }, SELECTED));
    await clock.step(0);
    assert.deepEqual(Object.keys(claim('c')?.metadata.annotations ?? {}), [
      'volume.kubernetes.io/storage-provisioner',
      'volume.beta.kubernetes.io/storage-provisioner',
    ]);
    assert.equal(
      told('c')[0],
      'ProvisioningFailed: Failed to provision volume with StorageClass "disks": no space left',
    );
  });

  it('and gives the choice of a node back that is gone', async () => {
    const { kernel, clock, claim, told, made } = await withClass(WAITS);
    const selected = { annotations: { 'volume.kubernetes.io/selected-node': 'gone' } };
    kernel.add(PersistentVolumeClaim, claimOf('c', { storageClassName: 'disks' }, selected));
    await clock.step(0);
    assert.deepEqual(made, []);
    assert.equal(
      claim('c')?.metadata.annotations?.['volume.kubernetes.io/selected-node'],
      undefined,
    );
    const why = 'Failed to get target node: nodes "gone" not found';
    assert.equal(told('c')[0], `ProvisioningFailed: ${why}`);
  });

  it('anew where the server does not take what was made', async () => {
    const { kernel, clock, claim, deleted, made } = await withClass();
    kernel.fault = ({ verb, resource }) =>
      verb === 'create' && resource === 'persistentvolumes'
        ? invalid(PersistentVolume, 'v', [])
        : undefined;
    kernel.add(PersistentVolumeClaim, claimOf('c', { storageClassName: 'disks' }));
    await clock.step(0);
    const name = `pvc-${claim('c')?.metadata.uid}`;
    assert.equal(deleted[0], name);
    assert.equal(deleted.length, made.length);
    kernel.fault = () => undefined;
    await clock.step(30_000);
    assert.equal(claim('c')?.spec?.volumeName, name);
    assert.equal(made.length, deleted.length + 1);
  });

  it('outside, telling what is awaited, and takes what was made there', async () => {
    const { kernel, clock, claim, told } = await startBinder();
    kernel.add(StorageClass, classOf('disks'));
    kernel.add(PersistentVolumeClaim, claimOf('c', { storageClassName: 'disks' }));
    await clock.step(0);
    assert.match(told('c')[0] ?? '', /^ExternalProvisioning: Waiting for a volume to be created/);
    assert.equal(
      claim('c')?.metadata.annotations?.['volume.kubernetes.io/storage-provisioner'],
      'example.com/disks',
    );
    const claimRef = { namespace: 'default', name: 'c', uid: claim('c')?.metadata.uid ?? '' };
    kernel.add(PersistentVolume, volumeOf('made', { storageClassName: 'disks', claimRef }));
    await clock.step(0);
    assert.equal(claim('c')?.spec?.volumeName, 'made');
  });

  const impossible: [string, Partial<StorageClass> | undefined, string][] = [
    [
      'there is not',
      undefined,
      'ProvisioningFailed: storageclass.storage.k8s.io "disks" not found',
    ],
    [
      'has no provisioner',
      { provisioner: 'kubernetes.io/no-provisioner' },
      'ProvisioningFailed: no volume plugin matched name: kubernetes.io/no-provisioner',
    ],
  ];
  for (const [what, rest, wanted] of impossible) {
    it(`not for a class that ${what}`, async () => {
      const { kernel, clock, told } = await startBinder();
      if (rest) kernel.add(StorageClass, classOf('disks', rest));
      kernel.add(PersistentVolumeClaim, claimOf('c', { storageClassName: 'disks' }));
      await clock.step(0);
      assert.deepEqual(told('c'), [wanted]);
    });
  }

  it('for a claim without a class once there is a default', async () => {
    const { kernel, clock, claim } = await withClass();
    kernel.add(PersistentVolumeClaim, claimOf('c'), claimOf('none', { storageClassName: '' }));
    await clock.step(0);
    kernel.modify(StorageClass, 'disks', ({ metadata }) => void Object.assign(metadata, DEFAULT));
    await clock.step(0);
    assert.equal(claim('c')?.spec?.storageClassName, 'disks');
    assert.equal(claim('c')?.status?.phase, 'Bound');
    assert.equal(claim('none')?.status?.phase, 'Pending');
  });

  it('and does not lose one whose object could not be written, though its claim is gone', async () => {
    const { kernel, clock, claim, told, deleted } = await withClass();
    kernel.fault = ({ verb, resource }) =>
      verb === 'create' && resource === 'persistentvolumes'
        ? serviceUnavailable('down')
        : undefined;
    kernel.add(PersistentVolumeClaim, claimOf('c', { storageClassName: 'disks' }));
    await clock.step(0);
    const name = `pvc-${claim('c')?.metadata.uid}`;
    assert.match(
      told('c')[0] ?? '',
      /^ProvisioningFailed: Error creating provisioned PV object for claim default\/c: /,
    );
    await kernel.objects.delete(PersistentVolumeClaim, { namespace: 'default', name: 'c' });
    await clock.step(0);
    assert.deepEqual(deleted, []);
    kernel.fault = () => undefined;
    await clock.step(60_000);
    assert.deepEqual([...new Set(deleted)], [name]);
    assert.equal(kernel.all(PersistentVolume).length, 0);
  });

  it('again when deleting one failed', async () => {
    const { kernel, clock, claim, volume, told } = await startBinder();
    kernel.add(StorageClass, classOf('disks'));
    let isStuck = true;
    provide(kernel, {
      ...disks(),
      async delete() {
        if (isStuck) throw new Error('device is busy');
      },
    });
    kernel.add(PersistentVolumeClaim, claimOf('c', { storageClassName: 'disks' }));
    await clock.step(0);
    const name = claim('c')?.spec?.volumeName ?? '';
    await kernel.objects.delete(PersistentVolumeClaim, { namespace: 'default', name: 'c' });
    await clock.step(0);
    assert.equal(volume(name)?.status?.phase, 'Failed');
    assert.equal(volume(name)?.status?.message, 'device is busy');
    assert.deepEqual(told(name), ['VolumeFailedDelete: device is busy']);
    isStuck = false;
    await clock.step(15_000);
    assert.equal(volume(name), undefined);
  });
});

describe('controller.persistentvolume-binder, broken off,', () => {
  const isWrite = ({ verb, resource }: ObjectRequest) => verb === 'patch' && resource !== 'events';

  for (const nth of [1, 2, 3, 4]) {
    it(`finishes a binding whose write ${nth} failed, after a restart too`, async () => {
      const kernel = new TestKernel();
      kernel.add(PersistentVolume, { ...volumeOf('v'), status: { phase: 'Available' } });
      kernel.add(PersistentVolumeClaim, claimOf('c'));
      let writes = 0;
      kernel.fault = request =>
        isWrite(request) && ++writes >= nth ? serviceUnavailable('down') : undefined;
      const first = await startBinder({ kernel });
      await first.dispose();
      kernel.fault = () => undefined;
      const { clock, claim, volume } = await startBinder({ kernel });
      await clock.step(0);
      assert.equal(claim('c')?.status?.phase, 'Bound');
      assert.equal(volume('v')?.status?.phase, 'Bound');
      assert.equal(claim('c')?.spec?.volumeName, 'v');
    });
  }

  it('leaves a volume to the claim that another controller gave it to, unseen', async () => {
    const { kernel, clock, claim, volume } = await startBinder({ name: 'other' });
    await startBinder({ name: 'one', kernel, clock });
    kernel.add(PersistentVolume, volumeOf('v'));
    await clock.step(0);
    const release = kernel.holdWatches({ plugin: 'one', resource: 'persistentvolumes' });
    kernel.fault = (request, plugin) =>
      plugin === 'one' && isWrite(request) ? serviceUnavailable('down') : undefined;
    kernel.add(PersistentVolumeClaim, claimOf('first'));
    await clock.step(0);
    kernel.fault = () => undefined;
    kernel.add(PersistentVolumeClaim, claimOf('second'));
    await clock.step(1_000);
    assert.equal(volume('v')?.spec?.claimRef?.name, 'first');
    release();
    await clock.step(20_000);
    assert.equal(claim('first')?.status?.phase, 'Bound');
    assert.equal(claim('second')?.status?.phase, 'Pending');
  });

  it('does not write to what it has not seen change', async () => {
    const { kernel, clock, claim } = await startBinder();
    kernel.add(PersistentVolume, volumeOf('v'), volumeOf('w'));
    await clock.step(0);
    const release = kernel.holdWatches();
    kernel.add(PersistentVolumeClaim, claimOf('c'));
    await clock.step(0);
    release();
    await clock.step(0);
    assert.equal(claim('c')?.spec?.volumeName, 'v');
    const writes = kernel.requests.filter(isWrite).map(({ name }) => name);
    assert.deepEqual(writes, ['v', 'w', 'v', 'v', 'c', 'c']);
  });
});
