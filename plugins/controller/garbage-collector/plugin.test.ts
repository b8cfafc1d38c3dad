import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  ALL_VERBS,
  ConfigMap,
  Deployment,
  Event,
  type KubeObject,
  Node,
  type OwnerReference,
  Pod,
  ReplicaSet,
  servedKindPoint,
  serviceUnavailable,
} from 'kernetes/sdk';
import { activate, deployment, pod, replicaSet, TestKernel } from 'kernetes/sdk/testing';
import plugin from './plugin.ts';

function kernelWithKinds(): TestKernel {
  const kernel = new TestKernel();
  const link = kernel.link('kinds');
  for (const kind of [ConfigMap, Deployment, ReplicaSet, Pod, Node]) {
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
  const kinds = [Deployment, ReplicaSet, Pod, ConfigMap, Node];
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

  it('owners that were both deleted in the foreground do not wait for each other', async () => {
    const kernel = kernelWithKinds();
    const a = await kernel.objects.create(ConfigMap, { metadata: { name: 'a', namespace: 'x' } });
    const b = await kernel.objects.create(ConfigMap, {
      metadata: { name: 'b', namespace: 'x', ownerReferences: [ownedBy(ConfigMap, a)] },
    });
    const metadata = { ownerReferences: [ownedBy(ConfigMap, b)] };
    await kernel.objects.patch(ConfigMap, { namespace: 'x', name: 'a' }, { metadata });
    for (const name of ['a', 'b']) {
      const options = { propagationPolicy: 'Foreground' } as const;
      await kernel.objects.delete(ConfigMap, { namespace: 'x', name }, options);
    }
    const { clock, dispose } = await activate(plugin, { kernel });
    await clock.step(5_000);
    assert.deepEqual(await names(kernel), []);
    await dispose();
  });

  it('an owner in another namespace owns nothing, which an event tells', async () => {
    const kernel = kernelWithKinds();
    const owner = await kernel.objects.create(ConfigMap, {
      metadata: { name: 'a', namespace: 'y' },
    });
    await kernel.objects.create(ConfigMap, {
      metadata: { name: 'c', namespace: 'x', ownerReferences: [ownedBy(ConfigMap, owner)] },
    });
    const { clock, dispose } = await activate(plugin, { kernel });
    await clock.step(5_000);
    assert.deepEqual(await names(kernel), ['a']);
    const [event] = kernel.all(Event);
    assert.equal(event?.reason, 'OwnerRefInvalidNamespace');
    assert.equal(
      event?.message,
      `ownerRef [v1/ConfigMap, namespace: x, name: a, uid: ${owner.metadata.uid}] ` +
        'does not exist in namespace "x"',
    );
    await dispose();
  });

  it('what is in no namespace cannot be owned from inside one, and stays', async () => {
    const kernel = kernelWithKinds();
    const owner = await kernel.objects.create(ConfigMap, {
      metadata: { name: 'a', namespace: 'y' },
    });
    await kernel.objects.create(Node, {
      metadata: { name: 'n', ownerReferences: [ownedBy(ConfigMap, owner)] },
    });
    const { clock, dispose } = await activate(plugin, { kernel });
    await kernel.objects.delete(ConfigMap, { namespace: 'y', name: 'a' });
    await clock.step(60_000);
    assert.deepEqual(await names(kernel), ['n']);
    assert.deepEqual(
      kernel.all(Event).map(({ reason }) => reason),
      ['OwnerRefInvalidNamespace'],
    );
    await dispose();
  });

  it('a reference to the right uid under another name is to nobody', async () => {
    const kernel = kernelWithKinds();
    const owner = await kernel.objects.create(ConfigMap, {
      metadata: { name: 'a', namespace: 'x' },
    });
    const ownerReferences = [{ ...ownedBy(ConfigMap, owner), name: 'b' }];
    await kernel.objects.create(ConfigMap, {
      metadata: { name: 'c', namespace: 'x', ownerReferences },
    });
    const { clock, dispose } = await activate(plugin, { kernel });
    await clock.step(0);
    assert.deepEqual(await names(kernel), ['a']);
    await dispose();
  });

  it('looks again when the kind of an owner is served after all, and when no more', async () => {
    const kernel = kernelWithKinds();
    const ownerReferences = [{ apiVersion: 'example.com/v1', kind: 'Widget', name: 'g', uid: 'u' }];
    await kernel.objects.create(ConfigMap, {
      metadata: { name: 'c', namespace: 'x', ownerReferences },
    });
    const { clock, dispose } = await activate(plugin, { kernel });
    const widget = { group: 'example.com', version: 'v1', kind: 'Widget', resource: 'widgets' };
    const served = { ...widget, namespaced: true, verbs: ALL_VERBS, expires: false };
    const link = kernel.link('custom');
    const name = { namespace: 'x', name: 'g' };
    await kernel.objects.create(served, { metadata: { ...name, uid: 'u' } });
    const withdraw = link.provide(servedKindPoint, 'widgets', served);
    await clock.step(20_000);
    assert.deepEqual(await names(kernel), ['c']);
    await withdraw();
    await clock.step(20_000);
    await kernel.objects.delete(served, name);
    await clock.step(20_000);
    assert.deepEqual(await names(kernel), ['c']);
    link.provide(servedKindPoint, 'widgets', served);
    // It went while nobody looked: the next change of what it owned finds that out.
    await kernel.objects.patch(
      ConfigMap,
      { namespace: 'x', name: 'c' },
      { metadata: { ownerReferences: [{ ...ownerReferences[0], blockOwnerDeletion: false }] } },
    );
    await clock.step(20_000);
    assert.deepEqual(await names(kernel), []);
    await dispose();
  });

  it('does not delete on the word of an old copy', async () => {
    const kernel = kernelWithKinds();
    const a = await kernel.objects.create(ConfigMap, { metadata: { name: 'a', namespace: 'x' } });
    const b = await kernel.objects.create(ConfigMap, { metadata: { name: 'b', namespace: 'x' } });
    await kernel.objects.create(ConfigMap, {
      metadata: { name: 'c', namespace: 'x', ownerReferences: [ownedBy(ConfigMap, a)] },
    });
    const { clock, dispose } = await activate(plugin, { kernel });
    kernel.fault = ({ verb }) => {
      if (verb !== 'delete') return undefined;
      kernel.fault = () => undefined;
      kernel.modify(ConfigMap, 'x/c', ({ metadata }) => {
        metadata.ownerReferences = [ownedBy(ConfigMap, b)];
      });
      return undefined;
    };
    await kernel.objects.delete(ConfigMap, { namespace: 'x', name: 'a' });
    await clock.step(5_000);
    assert.deepEqual(await names(kernel), ['b', 'c']);
    await dispose();
  });

  it('dependents that come while their owner orphans are let go of too', async () => {
    const kernel = kernelWithKinds();
    const finalizers = ['orphan', 'test/hold'];
    const a = await kernel.objects.create(ConfigMap, {
      metadata: { name: 'a', namespace: 'x', finalizers },
    });
    const { clock, dispose } = await activate(plugin, { kernel });
    kernel.fault = ({ verb }) => (verb === 'patch' ? serviceUnavailable('busy') : undefined);
    await kernel.objects.delete(ConfigMap, { namespace: 'x', name: 'a' });
    await clock.step(0);
    await kernel.objects.create(ConfigMap, {
      metadata: { name: 'late', namespace: 'x', ownerReferences: [ownedBy(ConfigMap, a)] },
    });
    kernel.fault = () => undefined;
    await clock.step(60_000);
    kernel.modify(ConfigMap, 'x/a', ({ metadata }) => {
      metadata.finalizers = [];
    });
    await clock.step(60_000);
    assert.deepEqual(await names(kernel), ['late']);
    await dispose();
  });

  it('does not wait for a kind for ever that cannot be listed', async () => {
    const kernel = kernelWithKinds();
    const ownerReferences = [{ apiVersion: 'v1', kind: 'ConfigMap', name: 'gone', uid: 'u' }];
    await kernel.objects.create(ConfigMap, {
      metadata: { name: 'c', namespace: 'x', ownerReferences },
    });
    const linkOf = kernel.link.bind(kernel);
    kernel.link = plugin => {
      const link = linkOf(plugin);
      const watch: typeof link.watch = (request, sink) =>
        request.resource === 'nodes' ? () => undefined : link.watch(request, sink);
      return { ...link, watch };
    };
    const { clock, dispose } = await activate(plugin, { kernel });
    await clock.step(29_000);
    assert.deepEqual(await names(kernel), ['c']);
    await clock.step(1_000);
    assert.deepEqual(await names(kernel), []);
    await dispose();
  });
});
