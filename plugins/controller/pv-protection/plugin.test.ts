import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { PersistentVolume } from 'kernetes/sdk';
import { activate, TestKernel } from 'kernetes/sdk/testing';
import plugin from './plugin.ts';

const FINALIZER = 'kubernetes.io/pv-protection';

async function setUp(phase: string, ...more: string[]) {
  const kernel = new TestKernel();
  const metadata = { name: 'v', finalizers: [FINALIZER, ...more] };
  kernel.add(PersistentVolume, { metadata, status: { phase } });
  const { clock } = await activate(plugin, { kernel });
  const remove = async () => {
    await kernel.objects.delete(PersistentVolume, { name: 'v' });
    await clock.step(0);
  };
  return { kernel, clock, remove, volume: () => kernel.get(PersistentVolume, 'v') };
}

describe('controller.pv-protection', () => {
  it('lets a volume go that no claim has', async () => {
    const { remove, volume } = await setUp('Available');
    assert.ok(volume());
    await remove();
    assert.equal(volume(), undefined);
  });

  it('keeps a bound one until it is released', async () => {
    const { kernel, clock, remove, volume } = await setUp('Bound');
    await remove();
    assert.ok(volume());
    kernel.modify(PersistentVolume, 'v', ({ status }) => {
      if (status) status.phase = 'Released';
    });
    await clock.step(0);
    assert.equal(volume(), undefined);
  });

  it('keeps one that is bound before it sees that', async () => {
    const { kernel, clock, remove, volume } = await setUp('Available');
    let isFirst = true;
    kernel.fault = ({ verb }) => {
      if (verb !== 'patch' || !isFirst) return undefined;
      isFirst = false;
      kernel.modify(PersistentVolume, 'v', each => {
        each.status = { phase: 'Bound' };
      });
      return undefined;
    };
    await remove();
    await clock.step(1_000);
    assert.deepEqual(volume()?.metadata.finalizers, [FINALIZER]);
  });

  it('puts its finalizer on a volume that lacks it', async () => {
    const kernel = new TestKernel();
    kernel.add(PersistentVolume, { metadata: { name: 'v' }, status: { phase: 'Available' } });
    await activate(plugin, { kernel });
    assert.deepEqual(kernel.get(PersistentVolume, 'v')?.metadata.finalizers, [FINALIZER]);
  });

  it('leaves the finalizers of others', async () => {
    const { remove, volume } = await setUp('Available', 'example.com/mine');
    await remove();
    assert.deepEqual(volume()?.metadata.finalizers, ['example.com/mine']);
  });
});
