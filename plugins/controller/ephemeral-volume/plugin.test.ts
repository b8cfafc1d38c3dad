import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Event, PersistentVolumeClaim, Pod, serviceUnavailable, type Volume } from 'kernetes/sdk';
import { activate, pod, TestKernel } from 'kernetes/sdk/testing';
import plugin from './plugin.ts';

const spec = { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } };
const metadata = { labels: { a: 'b' }, annotations: { c: 'd' }, finalizers: ['x'] };
const DATA: Volume = { name: 'data', ephemeral: { volumeClaimTemplate: { metadata, spec } } };

const podWith = (...volumes: Volume[]) =>
  pod('web', { spec: { containers: [{ name: 'main' }], volumes } });

async function setUp(kernel = new TestKernel()) {
  const { clock, dispose } = await activate(plugin, { kernel });
  const claim = () => kernel.get(PersistentVolumeClaim, 'default/web-data');
  const told = () => kernel.all(Event).map(({ reason, message }) => `${reason}: ${message}`);
  return { kernel, clock, dispose, claim, told };
}

describe('controller.ephemeral-volume', () => {
  it('takes a claim for its own that it made and does not see', async () => {
    const { kernel, clock, told } = await setUp();
    kernel.holdWatches({ resource: 'persistentvolumeclaims' });
    const owner = { apiVersion: 'v1', kind: 'Pod', name: 'web', uid: 'u', controller: true };
    kernel.add(PersistentVolumeClaim, {
      metadata: { name: 'web-data', namespace: 'default', ownerReferences: [owner] },
      spec,
    });
    const web = podWith(DATA);
    kernel.add(Pod, { ...web, metadata: { ...web.metadata, uid: 'u' } });
    await clock.step(0);
    assert.ok(kernel.requests.some(({ verb }) => verb === 'create'));
    assert.deepEqual(told(), []);
  });

  it('makes a claim for each ephemeral volume, owned by the pod', async () => {
    const { kernel, clock, claim } = await setUp();
    const [made] = kernel.add(Pod, podWith({ name: 'e', emptyDir: {} }, DATA));
    await clock.step(0);
    assert.equal(kernel.all(PersistentVolumeClaim).length, 1);
    assert.deepEqual(claim()?.spec, spec);
    assert.deepEqual(claim()?.metadata.labels, { a: 'b' });
    assert.deepEqual(claim()?.metadata.annotations, { c: 'd' });
    assert.equal(claim()?.metadata.finalizers, undefined);
    assert.deepEqual(claim()?.metadata.ownerReferences, [
      {
        ...{ apiVersion: 'v1', kind: 'Pod', name: 'web', uid: made?.metadata.uid },
        ...{ controller: true, blockOwnerDeletion: true },
      },
    ]);
  });

  it('makes one again that went before its pod', async () => {
    const { kernel, clock, claim } = await setUp();
    kernel.add(Pod, podWith(DATA));
    await clock.step(0);
    const before = claim()?.metadata.uid;
    await kernel.objects.delete(PersistentVolumeClaim, { namespace: 'default', name: 'web-data' });
    await clock.step(0);
    assert.ok(claim());
    assert.notEqual(claim()?.metadata.uid, before);
  });

  it("leaves another's claim alone, says so, and goes on when it is gone", async () => {
    const { kernel, clock, claim, told } = await setUp();
    const key = { name: 'web-data', namespace: 'default' };
    kernel.add(PersistentVolumeClaim, { metadata: key, spec: {} });
    const [made] = kernel.add(Pod, podWith(DATA));
    await clock.step(0);
    const why = 'PVC default/web-data was not created for pod default/web (pod is not owner)';
    assert.deepEqual(told(), [`FailedBinding: ephemeral volume data: ${why}`]);
    await kernel.objects.delete(PersistentVolumeClaim, key);
    await clock.step(0);
    assert.equal(claim()?.metadata.ownerReferences?.[0]?.uid, made?.metadata.uid);
  });

  it('tells that it could not, and tries again', async () => {
    const { kernel, clock, claim, told } = await setUp();
    kernel.fault = ({ verb, resource }) =>
      verb === 'create' && resource !== 'events' ? serviceUnavailable('down') : undefined;
    kernel.add(Pod, podWith(DATA));
    await clock.step(0);
    assert.match(told()[0] ?? '', /^FailedBinding: ephemeral volume data: create PVC web-data: /);
    kernel.fault = () => undefined;
    await clock.step(1_000);
    assert.ok(claim());
  });

  it('makes nothing for a pod that is being deleted', async () => {
    const { kernel, clock, claim } = await setUp();
    const leaving = podWith(DATA);
    leaving.metadata.deletionTimestamp = '2026-01-01T00:00:00Z';
    leaving.metadata.finalizers = ['x'];
    kernel.add(Pod, leaving);
    await clock.step(0);
    assert.equal(claim(), undefined);
  });

  it('does no harm when its answer was lost, and after a restart', async () => {
    const kernel = new TestKernel();
    kernel.add(Pod, podWith(DATA));
    const first = await setUp(kernel);
    const release = kernel.holdWatches();
    await first.clock.step(0);
    await first.dispose();
    release();
    const { claim, told } = await setUp(kernel);
    assert.ok(claim());
    assert.deepEqual(told(), []);
    assert.equal(kernel.all(PersistentVolumeClaim).length, 1);
  });
});
