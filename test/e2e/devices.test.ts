import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { type Cluster, createCluster } from 'kernetes';
import { Event, Pod, ResourceClaim, ResourceSlice } from 'kernetes/sdk';
import { Kubectl, withoutKubectl } from './kubectl.ts';

const MANIFEST = join(import.meta.dirname, '../../examples/devices/devices.yaml');
const CANNOT = /^0\/2 nodes are available: 2 cannot allocate all claims\. still not schedulable/;

/** examples/devices with the real kubectl: five pods want one of four devices each. */
describe('devices that pods claim', { skip: withoutKubectl() }, () => {
  let cluster: Cluster;
  let kubectl: Kubectl;

  before(async () => {
    cluster = await createCluster({ nodes: 2, plugins: [{ name: 'node.sim-devices' }] });
    kubectl = new Kubectl(await cluster.kubeconfig());
  });
  after(() => cluster?.[Symbol.asyncDispose]());

  const claims = async () => (await cluster.objects.list(ResourceClaim)).items;
  const pods = async () => (await cluster.objects.list(Pod)).items;
  const devicesOf = ({ status }: ResourceClaim) =>
    (status?.allocation?.devices?.results ?? []).map(({ pool, device }) => `${pool}/${device}`);
  const isRunning = ({ status }: Pod) => status?.phase === 'Running';
  const kindOf = <T>(kind: T, name: string) => ({ kind, name, namespace: 'default' });

  it('are published by their driver, node by node', async () => {
    for (const node of ['node-1', 'node-2']) {
      const name = `${node}-gpu.example.com`;
      const slice = await cluster.until({ kind: ResourceSlice, name }, () => true);
      assert.equal(slice.spec.devices?.length, 2);
    }
    assert.match(
      await kubectl.run('get resourceslices --field-selector=spec.nodeName=node-1'),
      /^NAME +NODE +DRIVER +POOL +AGE\nnode-1-gpu.example.com +node-1 +gpu.example.com +node-1 +\d+s\n$/,
    );
  });

  it('are had by as many pods as there are, and the next one says what it waits for', async () => {
    await kubectl.run(`apply -f ${MANIFEST}`);
    await kubectl.run('wait --for=jsonpath={.status.readyReplicas}=4 deployment/training');
    const waiting = (await pods()).filter(pod => !isRunning(pod));
    assert.equal(waiting.length, 1);
    const name = waiting[0]?.metadata.name ?? '';
    const scheduled = ({ status }: Pod) =>
      status?.conditions?.find(({ type }) => type === 'PodScheduled')?.message ?? '';
    await cluster.until(kindOf(Pod, name), pod => CANNOT.test(scheduled(pod)));
    const { items } = await cluster.objects.list(Event);
    assert.ok(
      items.some(({ reason, message = '' }) => {
        return reason === 'FailedScheduling' && CANNOT.test(message);
      }),
    );
    const devices = (await claims()).flatMap(devicesOf);
    assert.deepEqual(devices.sort(), [
      'node-1/gpu-0',
      'node-1/gpu-1',
      'node-2/gpu-0',
      'node-2/gpu-1',
    ]);
    const states = (await kubectl.run('get resourceclaims')).match(/allocated,reserved|pending/g);
    assert.deepEqual(states?.sort(), [...Array(4).fill('allocated,reserved'), 'pending']);
  });

  it('go to the pod that waits when another pod goes', async () => {
    const all = await pods();
    const waiting = all.find(pod => !isRunning(pod))?.metadata.name ?? '';
    const other = all.find(isRunning)?.metadata.name ?? '';
    await kubectl.run(`delete pod ${other}`);
    await kubectl.run(`wait --for=condition=Ready pod/${waiting}`);
    const devices = (await claims()).flatMap(devicesOf);
    assert.equal(new Set(devices).size, devices.length);
  });

  it('are told by their driver to be ready', async () => {
    const [claim] = (await claims()).filter(({ status }) => status?.allocation);
    const isTold = ({ status }: ResourceClaim) => status?.devices?.length === 1;
    await cluster.until(kindOf(ResourceClaim, claim?.metadata.name ?? ''), isTold);
  });

  it('leave nothing behind', async () => {
    await kubectl.run('delete deployment training');
    await kubectl.run('wait --for=delete pod -l app=training');
    await kubectl.run('wait --for=delete resourceclaims --all');
    assert.deepEqual(await claims(), []);
  });
});
