import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  Event,
  type ExpandedVolume,
  type ObjectRequest,
  PersistentVolume,
  PersistentVolumeClaim,
  provisionerPoint,
  serviceUnavailable,
} from 'kernetes/sdk';
import { activate, TestKernel, testContext } from 'kernetes/sdk/testing';
import plugin from './plugin.ts';

const PREVIOUS = 'volume.alpha.kubernetes.io/pre-resize-capacity';

type Expand = (volume: PersistentVolume, size: string) => ExpandedVolume;

function world(requested = '2Gi'): TestKernel {
  const kernel = new TestKernel();
  const claimRef = { namespace: 'default', name: 'c', uid: 'u' };
  const annotations = { 'pv.kubernetes.io/provisioned-by': 'example.com/disks' };
  kernel.add(PersistentVolumeClaim, {
    metadata: { name: 'c', namespace: 'default', uid: 'u' },
    spec: { volumeName: 'v', resources: { requests: { storage: requested } } },
    status: { phase: 'Bound', capacity: { storage: '1Gi' } },
  });
  kernel.add(PersistentVolume, {
    metadata: { name: 'v', annotations },
    spec: { capacity: { storage: '1Gi' }, claimRef },
    status: { phase: 'Bound' },
  });
  return kernel;
}

async function setUp(kernel: TestKernel, expand?: Expand) {
  const { context } = testContext({ name: 'volume.disks', kernel });
  const withdraw =
    expand &&
    context.provide(provisionerPoint, {
      name: 'example.com/disks',
      provision: () => ({ spec: {} }),
      delete() {},
      expand,
    });
  const { clock, dispose } = await activate(plugin, { kernel });
  await clock.step(0);
  const claim = () => kernel.get(PersistentVolumeClaim, 'default/c');
  const volume = () => kernel.get(PersistentVolume, 'v');
  const told = () =>
    kernel.all(Event).map(({ type, reason, message }) => `${type} ${reason}: ${message}`);
  const stop = async () => {
    await withdraw?.();
    await dispose();
  };
  return { clock, stop, claim, volume, told };
}

const byItself: Expand = () => ({ nodeExpansionRequired: false });
const withNode: Expand = () => ({ nodeExpansionRequired: true });

describe('controller.persistentvolume-expander', () => {
  it('lets a volume grow, then says so on volume and claim', async () => {
    const seen: unknown[] = [];
    const kernel = world();
    const { claim, volume, told } = await setUp(kernel, (_volume, size) => {
      const { status } = kernel.get(PersistentVolumeClaim, 'default/c') ?? {};
      seen.push(
        size,
        status?.conditions?.map(({ type, status }) => `${type}=${status}`),
      );
      seen.push(status?.allocatedResources, status?.allocatedResourceStatuses);
      return { nodeExpansionRequired: false };
    });
    const during = { storage: 'ControllerResizeInProgress' };
    assert.deepEqual(seen, ['2Gi', ['Resizing=True'], { storage: '2Gi' }, during]);
    assert.equal(volume()?.spec?.capacity?.storage, '2Gi');
    assert.equal(claim()?.status?.capacity?.storage, '2Gi');
    assert.equal(claim()?.status?.conditions, undefined);
    assert.equal(claim()?.status?.allocatedResourceStatuses, undefined);
    assert.deepEqual(claim()?.metadata.annotations, {
      'volume.kubernetes.io/storage-resizer': 'example.com/disks',
    });
    assert.deepEqual(told(), [
      'Normal VolumeResizeSuccessful: ExpandVolume succeeded for volume default/c',
    ]);
  });

  it('waits for the node to enlarge the file system', async () => {
    const kernel = world();
    const { claim, volume, clock } = await setUp(kernel, withNode);
    assert.equal(volume()?.spec?.capacity?.storage, '2Gi');
    assert.equal(volume()?.metadata.annotations?.[PREVIOUS], '1Gi');
    assert.equal(claim()?.status?.capacity?.storage, '1Gi');
    assert.deepEqual(claim()?.status?.allocatedResourceStatuses, { storage: 'NodeResizePending' });
    assert.deepEqual(
      claim()?.status?.conditions?.map(({ type, message }) => [type, message]),
      [
        [
          'FileSystemResizePending',
          'Waiting for user to (re-)start a pod to finish file system resize of volume on node.',
        ],
      ],
    );
    kernel.modify(PersistentVolumeClaim, 'default/c', ({ status = {} }) => {
      status.capacity = { storage: '2Gi' };
    });
    await clock.step(0);
    assert.equal(volume()?.metadata.annotations?.[PREVIOUS], undefined);
  });

  it('does nothing about a claim that has what it asks for', async () => {
    const kernel = world('1Gi');
    await setUp(kernel, byItself);
    assert.ok(kernel.requests.every(({ verb }) => verb !== 'patch'));
  });

  it('leaves a volume alone that is of another claim', async () => {
    const kernel = world();
    kernel.modify(PersistentVolume, 'v', ({ spec }) => {
      if (spec?.claimRef) spec.claimRef.uid = 'another';
    });
    await setUp(kernel, byItself);
    assert.ok(kernel.requests.every(({ verb }) => verb !== 'patch'));
  });

  it('finishes a growth that is under way before a further one', async () => {
    const kernel = world('3Gi');
    kernel.modify(PersistentVolumeClaim, 'default/c', ({ status = {} }) => {
      status.allocatedResources = { storage: '2Gi' };
      status.allocatedResourceStatuses = { storage: 'ControllerResizeInProgress' };
    });
    const sizes: string[] = [];
    const { clock, claim } = await setUp(kernel, (_volume, size) => {
      sizes.push(size);
      return { nodeExpansionRequired: false };
    });
    await clock.step(1_000);
    assert.deepEqual(sizes, ['2Gi', '3Gi']);
    assert.equal(claim()?.status?.capacity?.storage, '3Gi');
  });

  it('tells why it could not, and tries again', async () => {
    let isFull = true;
    const { clock, claim, told } = await setUp(world(), () => {
      if (isFull) throw new Error('no space left');
      return { nodeExpansionRequired: false };
    });
    assert.equal(
      told()[0],
      'Warning VolumeResizeFailed: ' +
        'error expanding volume "default/c" of plugin "example.com/disks": no space left',
    );
    isFull = false;
    await clock.step(1_000);
    assert.equal(claim()?.status?.capacity?.storage, '2Gi');
  });

  const external: [string, 'Normal' | 'Warning', object][] = [
    ['a CSI volume', 'Normal', { csi: { driver: 'd', volumeHandle: 'h' } }],
    ['another', 'Warning', { hostPath: { path: '/x' } }],
  ];
  for (const [what, type, source] of external) {
    it(`waits for somebody else where nobody here made ${what}`, async () => {
      const kernel = world();
      kernel.modify(PersistentVolume, 'v', ({ spec }) => void Object.assign(spec ?? {}, source));
      const { told } = await setUp(kernel);
      const awaited = 'ExternalExpanding: waiting for an external controller to expand this PVC';
      assert.deepEqual(told(), [`${type} ${awaited}`]);
    });
  }

  it('begins when the provisioner comes that was not there', async () => {
    const kernel = world();
    const { clock, claim } = await setUp(kernel);
    assert.equal(claim()?.status?.capacity?.storage, '1Gi');
    const { context } = testContext({ name: 'volume.disks', kernel });
    const name = 'example.com/disks';
    const provision = () => ({ spec: {} });
    context.provide(provisionerPoint, { name, provision, delete() {}, expand: byItself });
    await clock.step(0);
    assert.equal(claim()?.status?.capacity?.storage, '2Gi');
  });

  const isWrite = ({ verb, resource }: ObjectRequest) => verb === 'patch' && resource !== 'events';
  for (const expand of [byItself, withNode]) {
    for (const nth of [1, 2, 3, 4]) {
      const who = expand === withNode ? ' with the node' : '';
      it(`ends the same when it was stopped before write ${nth}${who}`, async () => {
        const kernel = world();
        let writes = 0;
        kernel.fault = request =>
          isWrite(request) && ++writes >= nth ? serviceUnavailable('down') : undefined;
        const first = await setUp(kernel, expand);
        await first.stop();
        kernel.fault = () => undefined;
        const { claim, volume } = await setUp(kernel, expand);
        assert.equal(volume()?.spec?.capacity?.storage, '2Gi');
        assert.equal(claim()?.status?.capacity?.storage, expand === withNode ? '1Gi' : '2Gi');
        const types = claim()?.status?.conditions?.map(({ type }) => type);
        assert.deepEqual(types, expand === withNode ? ['FileSystemResizePending'] : undefined);
      });
    }
  }
});
