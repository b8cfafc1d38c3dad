import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  ALL_VERBS,
  ConfigMap,
  Deployment,
  type KubeObject,
  type OwnerReference,
  Pod,
  ReplicaSet,
  servedKindPoint,
} from 'kernetes/sdk';
import { activate, deployment, pod, replicaSet, TestKernel } from 'kernetes/sdk/testing';
import plugin from './plugin.ts';

function kernelWithKinds(): TestKernel {
  const kernel = new TestKernel();
  const link = kernel.link('kinds');
  for (const kind of [ConfigMap, Deployment, ReplicaSet, Pod]) {
    const served = { ...kind, verbs: ALL_VERBS, expires: false };
    link.provide(
      servedKindPoint,
      kind.resource,
      served as typeof served & { __object?: KubeObject },
    );
  }
  return kernel;
}

function ownedBy(
  kind: { group: string; version: string; kind: string },
  owner: KubeObject,
): OwnerReference {
  const { name = '', uid = '' } = owner.metadata;
  const apiVersion = kind.group ? `${kind.group}/${kind.version}` : kind.version;
  return { apiVersion, kind: kind.kind, name, uid, controller: true, blockOwnerDeletion: true };
}

function inX<T extends KubeObject>(object: T, ownerReferences: OwnerReference[] = []): T {
  return { ...object, metadata: { ...object.metadata, namespace: 'x', ownerReferences } };
}

/** web -> web-1 -> p0, p1 */
async function family(kernel: TestKernel) {
  const web = await kernel.objects.create(Deployment, inX(deployment('web')));
  const set = await kernel.objects.create(
    ReplicaSet,
    inX(replicaSet('web-1'), [ownedBy(Deployment, web)]),
  );
  for (const name of ['p0', 'p1']) {
    const metadata = { namespace: 'x', ownerReferences: [ownedBy(ReplicaSet, set)] };
    await kernel.objects.create(Pod, pod(name, { metadata }));
  }
}

async function names(kernel: TestKernel): Promise<string[]> {
  const kinds = [Deployment, ReplicaSet, Pod, ConfigMap];
  const lists = await Promise.all(kinds.map(kind => kernel.objects.list<KubeObject>(kind)));
  return lists.flatMap(({ items }) => items.map(({ metadata }) => metadata.name ?? ''));
}

describe('controller.garbage-collector', () => {
  it('background: dependents of dependents go after their owner', async () => {
    const kernel = kernelWithKinds();
    await family(kernel);
    const { clock, dispose } = await activate(plugin, { kernel });
    await clock.step(0);
    assert.equal((await names(kernel)).length, 4);
    await kernel.objects.delete(Deployment, { namespace: 'x', name: 'web' });
    await clock.step(0);
    assert.deepEqual(await names(kernel), []);
    await dispose();
  });

  it('what lost its owner while nobody looked goes at the start', async () => {
    const kernel = kernelWithKinds();
    await family(kernel);
    await kernel.objects.delete(Deployment, { namespace: 'x', name: 'web' });
    const { clock, dispose } = await activate(plugin, { kernel });
    await clock.step(0);
    assert.deepEqual(await names(kernel), []);
    await dispose();
  });

  it('foreground: the owner goes last', async () => {
    const kernel = kernelWithKinds();
    await family(kernel);
    const key = { namespace: 'x', name: 'p1' };
    await kernel.objects.patch(Pod, key, { metadata: { finalizers: ['test/hold'] } });
    const { clock, dispose } = await activate(plugin, { kernel });
    const web = { namespace: 'x', name: 'web' };
    await kernel.objects.patch(Deployment, web, {
      metadata: { finalizers: ['foregroundDeletion'] },
    });
    await kernel.objects.delete(Deployment, web, { propagationPolicy: 'Foreground' });
    await clock.step(0);
    assert.deepEqual(await names(kernel), ['web', 'web-1', 'p1']);
    await kernel.objects.patch(Pod, key, { metadata: { finalizers: null } });
    await clock.step(0);
    assert.deepEqual(await names(kernel), []);
    await dispose();
  });

  it('orphan: dependents lose the reference and stay', async () => {
    const kernel = kernelWithKinds();
    await family(kernel);
    const { clock, dispose } = await activate(plugin, { kernel });
    const web = { namespace: 'x', name: 'web' };
    await kernel.objects.patch(Deployment, web, { metadata: { finalizers: ['orphan'] } });
    await kernel.objects.delete(Deployment, web, { propagationPolicy: 'Orphan' });
    await clock.step(0);
    assert.deepEqual(await names(kernel), ['web-1', 'p0', 'p1']);
    const set = await kernel.objects.get(ReplicaSet, { namespace: 'x', name: 'web-1' });
    assert.equal(set.metadata.ownerReferences, undefined);
    await dispose();
  });

  it('with one owner left, only the dead reference goes', async () => {
    const kernel = kernelWithKinds();
    const owner = async (name: string) =>
      kernel.objects.create(ConfigMap, { metadata: { name, namespace: 'x' } });
    const [a, b] = [await owner('a'), await owner('b')];
    const ownerReferences = [a, b].map(each => ({
      ...ownedBy(ConfigMap, each),
      controller: false,
    }));
    await kernel.objects.create(ConfigMap, {
      metadata: { name: 'c', namespace: 'x', ownerReferences },
    });
    const { clock, dispose } = await activate(plugin, { kernel });
    await kernel.objects.delete(ConfigMap, { namespace: 'x', name: 'a' });
    await clock.step(0);
    const { metadata } = await kernel.objects.get(ConfigMap, { namespace: 'x', name: 'c' });
    assert.deepEqual(
      metadata.ownerReferences?.map(each => each.name),
      ['b'],
    );
    await dispose();
  });

  it('an owner of the same name that is another object is no owner', async () => {
    const kernel = kernelWithKinds();
    const other = await kernel.objects.create(ConfigMap, {
      metadata: { name: 'a', namespace: 'x' },
    });
    const ownerReferences = [{ ...ownedBy(ConfigMap, other), uid: 'an-older-one' }];
    await kernel.objects.create(ConfigMap, {
      metadata: { name: 'c', namespace: 'x', ownerReferences },
    });
    const { clock, dispose } = await activate(plugin, { kernel });
    await clock.step(0);
    assert.deepEqual(await names(kernel), ['a']);
    await dispose();
  });

  it('an owner of a kind that is not served keeps its dependents', async () => {
    const kernel = kernelWithKinds();
    const ownerReferences = [{ apiVersion: 'example.com/v1', kind: 'Gone', name: 'g', uid: 'u' }];
    await kernel.objects.create(ConfigMap, {
      metadata: { name: 'c', namespace: 'x', ownerReferences },
    });
    const { clock, dispose } = await activate(plugin, { kernel });
    await clock.step(0);
    assert.deepEqual(await names(kernel), ['c']);
    await dispose();
  });

  it('a circle of owners is deleted as one when deleted in the foreground', async () => {
    const kernel = kernelWithKinds();
    const a = await kernel.objects.create(ConfigMap, { metadata: { name: 'a', namespace: 'x' } });
    const b = await kernel.objects.create(ConfigMap, {
      metadata: { name: 'b', namespace: 'x', ownerReferences: [ownedBy(ConfigMap, a)] },
    });
    const key = { namespace: 'x', name: 'a' };
    const metadata = {
      ownerReferences: [ownedBy(ConfigMap, b)],
      finalizers: ['foregroundDeletion'],
    };
    await kernel.objects.patch(ConfigMap, key, { metadata });
    const { clock, dispose } = await activate(plugin, { kernel });
    await kernel.objects.delete(ConfigMap, key, { propagationPolicy: 'Foreground' });
    await clock.step(0);
    assert.deepEqual(await names(kernel), []);
    await dispose();
  });
});
