import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Node, ResourceClaim, ResourceSlice } from 'kernetes/sdk';
import { activate, node, TestKernel } from 'kernetes/sdk/testing';
import type { DevicesConfig } from './device-models.ts';
import plugin from './plugin.ts';

const CONFIG: DevicesConfig = {
  driver: 'd.example.com',
  nodeLabels: {},
  devices: [
    { name: 'gpu', count: 2, attributes: { model: { string: 'x' } }, capacity: { memory: '1Gi' } },
    { name: 'nic', count: 1, attributes: {}, capacity: {} },
  ],
};

async function setUp(config = CONFIG, kernel = new TestKernel()) {
  const { clock, dispose } = await activate(plugin, { kernel, config });
  return { kernel, clock, dispose, slices: () => kernel.all(ResourceSlice) };
}

describe('node.sim-devices', () => {
  it('publishes the devices of each node, which owns them', async () => {
    const { kernel, clock, slices } = await setUp();
    const [n1] = kernel.add(Node, node('n1'), node('n2'));
    await clock.step(0);
    const [first, second] = slices();
    assert.equal(second?.metadata.name, 'n2-d.example.com');
    assert.equal(first?.metadata.ownerReferences?.[0]?.uid, n1?.metadata.uid);
    assert.deepEqual(first?.metadata.annotations, { 'kernetes.dev/model': 'true' });
    const gpu = { attributes: { model: { string: 'x' } }, capacity: { memory: { value: '1Gi' } } };
    assert.deepEqual(first?.spec, {
      driver: 'd.example.com',
      nodeName: 'n1',
      pool: { name: 'n1', generation: 1, resourceSliceCount: 1 },
      devices: [{ name: 'gpu-0', ...gpu }, { name: 'gpu-1', ...gpu }, { name: 'nic-0' }],
    });
  });

  it('knows which nodes have some', async () => {
    const { kernel, clock, slices } = await setUp({ ...CONFIG, nodeLabels: { rack: 'r1' } });
    kernel.add(Node, node('n1'), node('n2', { metadata: { labels: { rack: 'r1' } } }));
    await clock.step(0);
    assert.deepEqual(
      slices().map(({ spec }) => spec.nodeName),
      ['n2'],
    );
  });

  it('brings a slice up to date, as a new generation, and makes one again that went', async () => {
    const kernel = new TestKernel();
    kernel.add(Node, node('n1'));
    const first = await setUp(CONFIG, kernel);
    await first.clock.step(0);
    await first.dispose();
    const { clock, slices } = await setUp({ ...CONFIG, devices: [] }, kernel);
    await clock.step(0);
    assert.deepEqual(slices()[0]?.spec.devices, []);
    assert.equal(slices()[0]?.spec.pool.generation, 2);
    await kernel.objects.delete(ResourceSlice, { name: 'n1-d.example.com' });
    await clock.step(0);
    assert.equal(slices()[0]?.spec.pool.generation, 1);
  });

  it('says that what a pod has is ready, and leaves what other drivers say', async () => {
    const { kernel, clock } = await setUp();
    const of = (driver: string) => ({ driver, pool: 'n1', device: 'gpu-0' });
    const results = ['d.example.com', 'e.example.com'].map(driver => {
      return { request: 'r', ...of(driver) };
    });
    kernel.add(ResourceClaim, {
      metadata: { name: 'c', namespace: 'default' },
      spec: {},
      status: { allocation: { devices: { results } }, devices: [of('e.example.com')] },
    });
    await clock.step(0);
    const devices = () => kernel.get(ResourceClaim, 'default/c')?.status?.devices ?? [];
    assert.equal(devices().length, 1, 'nobody uses it');
    kernel.modify(ResourceClaim, 'default/c', ({ status }) => {
      if (status) status.reservedFor = [{ resource: 'pods', name: 'p', uid: 'u' }];
    });
    await clock.step(0);
    const [other, own] = devices();
    assert.deepEqual(other, of('e.example.com'));
    assert.equal(own?.driver, 'd.example.com');
    assert.deepEqual(
      own?.conditions?.map(({ type, status }) => [type, status]),
      [['Ready', 'True']],
    );
  });
});
