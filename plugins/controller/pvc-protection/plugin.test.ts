import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { PersistentVolumeClaim, Pod, type Volume } from 'kernetes/sdk';
import { activate, pod, TestKernel } from 'kernetes/sdk/testing';
import plugin from './plugin.ts';

const FINALIZER = 'kubernetes.io/pvc-protection';
const KEY = { namespace: 'default', name: 'data' };
const CLAIM_VOLUME: Volume = { name: 'v', persistentVolumeClaim: { claimName: 'data' } };

function podOn(nodeName: string | undefined, volume: Volume = CLAIM_VOLUME): Pod {
  const spec = { containers: [{ name: 'main' }], volumes: [volume] };
  return pod('web', { spec: { ...spec, ...(nodeName && { nodeName }) } });
}

async function setUp({ metadata = {}, pods = [] as Pod[] } = {}) {
  const kernel = new TestKernel();
  kernel.add(Pod, ...pods);
  const finalizers = [FINALIZER];
  kernel.add(PersistentVolumeClaim, { metadata: { ...KEY, finalizers, ...metadata } });
  const { clock } = await activate(plugin, { kernel });
  const remove = async () => {
    await kernel.objects.delete(PersistentVolumeClaim, KEY);
    await clock.step(0);
  };
  return { kernel, clock, remove, claim: () => kernel.get(PersistentVolumeClaim, 'default/data') };
}

describe('controller.pvc-protection', () => {
  it('lets a claim go that nobody uses, and only when it is deleted', async () => {
    const { remove, claim } = await setUp();
    assert.deepEqual(claim()?.metadata.finalizers, [FINALIZER]);
    await remove();
    assert.equal(claim(), undefined);
  });

  it('puts its finalizer on a claim that lacks it, beside those of others', async () => {
    const { claim } = await setUp({ metadata: { finalizers: ['example.com/mine'] } });
    assert.deepEqual(claim()?.metadata.finalizers, ['example.com/mine', FINALIZER]);
  });

  it('loses no finalizer that comes at the same time', async () => {
    const { kernel, clock, remove, claim } = await setUp();
    let isFirst = true;
    kernel.fault = ({ verb }) => {
      if (verb !== 'patch' || !isFirst) return undefined;
      isFirst = false;
      kernel.modify(PersistentVolumeClaim, 'default/data', ({ metadata }) => {
        metadata.finalizers = [FINALIZER, 'example.com/mine'];
      });
      return undefined;
    };
    await remove();
    await clock.step(1_000);
    assert.deepEqual(claim()?.metadata.finalizers, ['example.com/mine']);
  });

  it('puts none on a claim that is being deleted', async () => {
    const deletionTimestamp = '2026-01-01T00:00:00Z';
    const metadata = { finalizers: ['example.com/mine'], deletionTimestamp };
    const { claim } = await setUp({ metadata });
    assert.deepEqual(claim()?.metadata.finalizers, ['example.com/mine']);
  });

  it('keeps one that a pod on a node uses until that pod is gone', async () => {
    const { kernel, clock, remove, claim } = await setUp({ pods: [podOn('n1')] });
    await remove();
    assert.ok(claim());
    await kernel.objects.delete(Pod, { namespace: 'default', name: 'web' });
    await clock.step(0);
    assert.equal(claim(), undefined);
  });

  it('keeps one whose pod has ended, until that is deleted', async () => {
    const ended = { ...podOn('n1'), status: { phase: 'Succeeded' } };
    const { remove, claim } = await setUp({ pods: [ended] });
    await remove();
    assert.ok(claim());
  });

  it('does not wait for a pod that has no node', async () => {
    const { remove, claim } = await setUp({ pods: [podOn(undefined)] });
    await remove();
    assert.equal(claim(), undefined);
  });

  it('keeps one that a pod uses which only the server knows', async () => {
    const { kernel, clock, remove, claim } = await setUp();
    kernel.silently(() => kernel.add(Pod, podOn('n1')));
    await remove();
    assert.ok(claim());
    assert.ok(kernel.requests.some(({ verb, resource }) => verb === 'list' && resource === 'pods'));
    await clock.step(0);
  });

  const template = { volumeClaimTemplate: { spec: {} } };
  const ephemeral: [string, string, boolean][] = [
    ['that was made for the pod', 'u1', true],
    ['that only has the name of one', 'u2', false],
  ];
  for (const [what, uid, isKept] of ephemeral) {
    it(`${isKept ? 'keeps' : 'lets go'} a claim ${what}`, async () => {
      const user = podOn('n1', { name: 'v', ephemeral: template });
      const kernel = new TestKernel();
      const [made] = kernel.add(Pod, user);
      const owner = uid === 'u1' ? (made?.metadata.uid ?? '') : uid;
      const reference = { apiVersion: 'v1', kind: 'Pod', name: 'web', uid: owner };
      const ownerReferences = [{ ...reference, controller: true }];
      const key = { namespace: 'default', name: 'web-v' };
      const metadata = { ...key, finalizers: [FINALIZER], ownerReferences };
      kernel.add(PersistentVolumeClaim, { metadata });
      const { clock } = await activate(plugin, { kernel });
      await kernel.objects.delete(PersistentVolumeClaim, key);
      await clock.step(0);
      assert.equal(!!kernel.get(PersistentVolumeClaim, 'default/web-v'), isKept);
    });
  }
});
