import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { KubeObject } from '../../sdk/kind.ts';
import type { Logger } from '../../sdk/logger.ts';
import { WatchBus } from '../watch/bus.ts';
import type { Backend } from './backend.ts';
import { memoryBackend } from './memory.ts';
import { ObjectStore } from './object-store.ts';
import type { ResourceStore } from './resource-store.ts';
import { StorageForm } from './stored-object.ts';

const silent: Logger = { debug() {}, info() {}, warn() {}, error() {} };
const form = new StorageForm('Widget', 'v1');

function widget(name: string, data = ''): KubeObject & { data: string } {
  return { kind: 'Widget', apiVersion: 'v1', metadata: { name, namespace: 'x' }, data };
}

async function open(backend: Backend = memoryBackend()) {
  const bus = new WatchBus();
  const store = new ObjectStore(backend, bus, silent);
  await store.start();
  const widgets = await store.register('registry/widgets', true, form);
  return { store, widgets, bus, backend };
}

async function create(store: ObjectStore, widgets: ResourceStore, name: string, data = '') {
  const outcome = await store.write(widgets, {
    key: `x/${name}`,
    expected: 0,
    object: widget(name, data),
  });
  assert.ok(outcome.ok && outcome.stored);
  return outcome.stored;
}

describe('ObjectStore', () => {
  it('write() answers when readers see the object, with its revision in the bytes', async () => {
    const { store, widgets } = await open();
    const stored = await create(store, widgets, 'a');
    assert.equal(widgets.get('x/a'), stored);
    const json = Buffer.concat([stored.head, stored.tail]).toString();
    assert.deepEqual(JSON.parse(json), {
      ...widget('a'),
      metadata: { name: 'a', namespace: 'x', resourceVersion: String(stored.revision) },
    });
    assert.deepEqual(stored.object(), JSON.parse(json));
  });

  it('write() at the wrong revision gives what is there', async () => {
    const { store, widgets } = await open();
    const stored = await create(store, widgets, 'a', 'old');
    const outcome = await store.write(widgets, { key: 'x/a', expected: 0, object: widget('a') });
    assert.equal(outcome.ok, false);
    assert.ok(!outcome.ok);
    assert.ok(outcome.found);
    assert.equal(outcome.found.revision, stored.revision);
    assert.equal((outcome.found.object() as { data?: string }).data, 'old');
  });

  it('write() without an object deletes, and gives the last state at the new revision', async () => {
    const { store, widgets } = await open();
    const stored = await create(store, widgets, 'a', 'last');
    const request = { key: 'x/a', expected: stored.revision, object: undefined };
    const outcome = await store.write(widgets, request);
    assert.ok(outcome.ok && outcome.stored);
    assert.equal(outcome.stored.object().metadata.resourceVersion, String(store.revision));
    assert.equal(widgets.get('x/a'), undefined);
  });

  it('stores the value without resourceVersion under the Kubernetes key', async () => {
    const { store, widgets, backend } = await open();
    await create(store, widgets, 'a', 'v');
    const { items } = await backend.range('/registry/', '/registry0');
    assert.deepEqual(
      items.map(item => [item.key, JSON.parse(Buffer.from(item.value).toString())]),
      [['/registry/widgets/x/a', widget('a', 'v')]],
    );
  });

  it('register() loads what the database has and misses nothing that is written meanwhile', async () => {
    const backend = memoryBackend();
    const first = await open(backend);
    await create(first.store, first.widgets, 'before');
    const second = new ObjectStore(backend, new WatchBus(), silent);
    await second.start();
    const registering = second.register('registry/widgets', true, form);
    await create(first.store, first.widgets, 'meanwhile');
    const widgets = await registering;
    await create(first.store, first.widgets, 'after');
    await second.sync();
    assert.deepEqual(
      [...widgets.scan('')].map(each => each.key),
      ['x/after', 'x/before', 'x/meanwhile'],
    );
  });

  it('reads values whose members stand in another order', async () => {
    const { store, widgets, backend } = await open();
    const foreign = {
      metadata: { namespace: 'x', name: 'a' },
      data: 'd',
      apiVersion: 'v1',
      kind: 'Widget',
    };
    const value = Buffer.from(JSON.stringify(foreign));
    await backend.commit([{ compare: [], operations: [{ put: '/registry/widgets/x/a', value }] }]);
    await store.sync();
    const stored = widgets.get('x/a');
    assert.ok(stored);
    assert.equal(stored.object().metadata.name, 'a');
    assert.equal((stored.object() as { data?: string }).data, 'd');
    assert.match(String(stored.tail), /^"metadata":\{"resourceVersion":"\d+",/);
  });

  it('scan() goes in key order, within a namespace and from a key on', async () => {
    const { store, widgets } = await open();
    for (const name of ['b', 'a', 'c']) await create(store, widgets, name);
    assert.deepEqual(
      [...widgets.scan('x')].map(each => each.key),
      ['x/a', 'x/b', 'x/c'],
    );
    assert.deepEqual(
      [...widgets.scan('', 'x/b')].map(each => each.key),
      ['x/b', 'x/c'],
    );
    assert.deepEqual([...widgets.scan('y')], []);
  });

  it('close() rejects who waits for a revision', async () => {
    const { store } = await open();
    const waiting = store.waitFor(store.revision + 1);
    await store.close();
    await assert.rejects(waiting, /The store is closed/);
  });
});
