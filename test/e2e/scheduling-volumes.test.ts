import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Cluster } from 'kernetes';
import {
  PersistentVolume,
  PersistentVolumeClaim,
  type PersistentVolumeSpec,
  Pod,
  StorageClass,
} from 'kernetes/sdk';
import { type FakeClock, fakeClock, pod, seededRandom } from 'kernetes/sdk/testing';
import { type Kubectl, withoutKubectl } from './kubectl.ts';
import { startCluster } from './start-cluster.ts';
import { wholeMinute } from './whole-minute.ts';

const ZONE = 'topology.kubernetes.io/zone';

/** Three nodes, two of them in zones. */
describe('Pods go where their volumes are', { timeout: 120_000, skip: withoutKubectl() }, () => {
  let cluster: Cluster;
  let clock: FakeClock;
  let kubectl: Kubectl;

  before(async () => {
    clock = fakeClock(wholeMinute());
    ({ cluster, kubectl } = await startCluster({ nodes: 3, clock, random: seededRandom() }));
    await clock.step(20_000);
    await kubectl.run(`label node node-1 ${ZONE}=a`);
    await kubectl.run(`label node node-2 ${ZONE}=b`);
    await kubectl.run('cordon node-3');
  });
  after(() => cluster?.close());

  const addPod = async (name: string, claimName: string, priorityClassName?: string) => {
    const volumes = [{ name: 'data', persistentVolumeClaim: { claimName } }];
    const containers = [{ name: 'main', image: 'nginx' }];
    const spec = { containers, volumes, ...(priorityClassName && { priorityClassName }) };
    await cluster.objects.create(Pod, pod(name, { spec }));
    await clock.step(5_000);
  };
  const addClaim = async (name: string, accessMode: string, storageClassName = 'manual') => {
    const resources = { requests: { storage: '1Gi' } };
    const spec = { accessModes: [accessMode], resources, storageClassName };
    await cluster.objects.create(PersistentVolumeClaim, {
      metadata: { name, namespace: 'default' },
      spec,
    });
    await clock.step(5_000);
  };
  const addVolume = async (name: string, zone: string, more: PersistentVolumeSpec) => {
    const spec = { capacity: { storage: '1Gi' }, hostPath: { path: '/data' }, ...more };
    await cluster.objects.create(PersistentVolume, {
      metadata: { name, labels: { [ZONE]: zone } },
      spec: { storageClassName: 'manual', ...spec },
    });
    await clock.step(15_000);
  };
  const nodeOf = async (name: string) =>
    (await cluster.objects.get(Pod, { namespace: 'default', name })).spec?.nodeName;
  /** The last thing that `kubectl describe` tells of a pod's scheduling. */
  const told = async (name: string) => {
    const lines = (await kubectl.run(`describe pod ${name}`)).split('\n');
    const last = lines.findLast(line => line.includes('FailedScheduling')) ?? '';
    return last.replace(/.*default-scheduler +/, '').replace(/ preemption: .*/, '');
  };

  it('waits for its claim, then for the volume of that, and goes to its zone', async () => {
    await addPod('late', 'one');
    const missing = '0/3 nodes are available: persistentvolumeclaim "one" not found.';
    assert.equal(await told('late'), missing);
    await addClaim('one', 'ReadWriteOncePod');
    const unbound = '0/3 nodes are available: pod has unbound immediate PersistentVolumeClaims.';
    assert.equal(await told('late'), unbound);
    await addVolume('one', 'b', { accessModes: ['ReadWriteOncePod'] });
    assert.equal(await nodeOf('late'), 'node-2');
  });

  it('has a claim for one pod to itself, until one that matters more comes', async () => {
    await addPod('second', 'one');
    const used =
      'node has pod using PersistentVolumeClaim with the same name and ReadWriteOncePod access mode';
    assert.match(await told('second'), new RegExp(`2 ${used}`));
    await kubectl.run('create priorityclass high --value=1000');
    await addPod('urgent', 'one', 'high');
    await clock.step(60_000);
    assert.equal(await nodeOf('urgent'), 'node-2');
    assert.equal(await nodeOf('second'), undefined);
    await assert.rejects(nodeOf('late'), /not found/);
  });

  it('finds no node in the zone of a volume while that is full', async () => {
    await kubectl.run('cordon node-1');
    await addVolume('two', 'a', { accessModes: ['ReadWriteOnce'] });
    await addClaim('two', 'ReadWriteOnce');
    await clock.step(15_000);
    await addPod('zoned', 'two');
    assert.equal(
      await told('zoned'),
      '0/3 nodes are available: 1 node(s) had no available volume zone, 2 node(s) were unschedulable.',
    );
    await kubectl.run('uncordon node-1');
    await clock.step(15_000);
    assert.equal(await nodeOf('zoned'), 'node-1');
  });

  it('finds no volume on any node for a claim that waits for its pod', async () => {
    await cluster.objects.create(StorageClass, {
      metadata: { name: 'late' },
      provisioner: 'kubernetes.io/no-provisioner',
      volumeBindingMode: 'WaitForFirstConsumer',
    });
    await addClaim('three', 'ReadWriteOnce', 'late');
    await addPod('bindless', 'three');
    assert.equal(
      await told('bindless'),
      "0/3 nodes are available: 1 node(s) were unschedulable, 2 node(s) didn't find available persistent volumes to bind.",
    );
    await addVolume('three', 'a', { accessModes: ['ReadWriteOnce'], storageClassName: 'late' });
    await clock.step(30_000);
    assert.ok(await nodeOf('bindless'));
  });
});
