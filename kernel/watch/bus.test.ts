import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { KubeObject } from '../../sdk/kind.ts';
import { Limits } from '../limits.ts';
import { ResourceStore } from '../store/resource-store.ts';
import { DecodedObjects, StorageForm, StoredObject } from '../store/stored-object.ts';
import { type BusEvent, WatchBus } from './bus.ts';
import type { ChannelEvent, ChannelSpec } from './channel.ts';

const form = new StorageForm('Widget', 'v1');
const hot = new DecodedObjects();
const widgets = new ResourceStore('registry/widgets', true, form);

function stored(key: string, revision: number, labels: Record<string, string> = {}): StoredObject {
  const [namespace = '', name = ''] = key.split('/');
  const value = form.encode({
    kind: 'Widget',
    apiVersion: 'v1',
    metadata: { namespace, name, labels },
  });
  return new StoredObject(key, revision, form.tail(value, revision), form, hot);
}

function put(key: string, revision: number, previous?: StoredObject, labels = {}): BusEvent {
  return { resource: widgets, revision, object: stored(key, revision, labels), previous };
}

function spec(options: Partial<ChannelSpec> = {}): ChannelSpec {
  return {
    id: JSON.stringify(options),
    resource: widgets,
    namespace: '',
    name: '',
    encode: object => object,
    frame: (type, { tail }) => Buffer.from(`${type} ${tail.length}\n`),
    ...options,
  };
}

/** What a subscriber saw, as `TYPE key revision`. */
function collect(bus: WatchBus, channel: ChannelSpec, revision: number) {
  const seen: string[] = [];
  const chunks: Uint8Array[] = [];
  let ended = 0;
  const close = bus.subscribe(channel, revision, {
    onEvents(events: readonly ChannelEvent[], bytes) {
      for (const { type, object } of events) {
        const { namespace, name, resourceVersion } = object.object().metadata;
        seen.push(`${type} ${namespace}/${name} ${resourceVersion}`);
      }
      chunks.push(bytes());
    },
    onEnd: () => void ended++,
  });
  return { seen, chunks, close, ended: () => ended };
}

const tick = () => new Promise<void>(resolve => queueMicrotask(resolve));

describe('WatchBus', () => {
  it('delivers changes of one tick together, in order, as one piece shared by equal channels', async () => {
    const bus = new WatchBus();
    bus.start(10);
    const a = collect(bus, spec(), 10);
    const b = collect(bus, spec(), 10);
    bus.append([put('x/a', 11)], 11);
    bus.append([put('x/b', 12)], 12);
    await tick();
    assert.deepEqual(a.seen, ['ADDED x/a 11', 'ADDED x/b 12']);
    assert.equal(a.chunks.length, 1);
    assert.equal(a.chunks[0], b.chunks[0]);
  });

  it('tells a change of selection as ADDED and DELETED with the last matching state', async () => {
    const bus = new WatchBus();
    bus.start(1);
    const matches = (object: KubeObject) => object.metadata.labels?.on === 'yes';
    const { seen } = collect(bus, spec({ matches }), 1);
    const off = put('x/a', 2);
    const on = put('x/a', 3, off.object, { on: 'yes' });
    const still = put('x/a', 4, on.object, { on: 'yes', more: '1' });
    const gone = put('x/a', 5, still.object);
    bus.append([off, on, still, gone], 5);
    await tick();
    assert.deepEqual(seen, ['ADDED x/a 3', 'MODIFIED x/a 4', 'DELETED x/a 5']);
  });

  it('tells a deletion with the last state at the revision of the deletion', async () => {
    const bus = new WatchBus();
    bus.start(1);
    const { seen } = collect(bus, spec(), 1);
    const made = put('x/a', 2);
    bus.append([made], 2);
    bus.append([{ resource: widgets, revision: 7, object: undefined, previous: made.object }], 7);
    await tick();
    assert.deepEqual(seen, ['ADDED x/a 2', 'DELETED x/a 7']);
  });

  const scopes = [
    { title: 'everything', options: {}, wants: ['x/a', 'x/b', 'y/a'] },
    { title: 'one namespace', options: { namespace: 'x' }, wants: ['x/a', 'x/b'] },
    { title: 'one object', options: { namespace: 'x', name: 'b' }, wants: ['x/b'] },
  ];
  for (const { title, options, wants } of scopes) {
    it(`subscribe() to ${title} brings just that`, async () => {
      const bus = new WatchBus();
      bus.start(1);
      const { seen } = collect(bus, spec(options), 1);
      bus.append([put('x/a', 2), put('x/b', 3), put('y/a', 4)], 4);
      await tick();
      assert.deepEqual(
        seen.map(each => each.split(' ')[1]),
        wants,
      );
    });
  }

  it('replays what happened since the revision, without a gap or a repetition', async () => {
    const bus = new WatchBus();
    bus.start(1);
    bus.append([put('x/a', 2), put('x/b', 3)], 3);
    const { seen } = collect(bus, spec(), 2);
    bus.append([put('x/c', 4)], 4);
    await tick();
    assert.deepEqual(seen, ['ADDED x/b 3', 'ADDED x/c 4']);
  });

  it('forgets the oldest changes beyond its bound and says so', () => {
    const bus = new WatchBus();
    bus.start(0);
    for (let revision = 1; revision <= Limits.busWindowEvents + 10; revision++) {
      bus.append([put('x/a', revision)], revision);
    }
    assert.equal(bus.remembers(9), false);
    assert.equal(bus.remembers(10), true);
    assert.equal([...bus.changes(widgets, 10)].length, Limits.busWindowEvents);
  });

  it('brings nothing after the disposer, and ends all when the resource goes', async () => {
    const bus = new WatchBus();
    bus.start(1);
    const gone = collect(bus, spec(), 1);
    const ended = collect(bus, spec(), 1);
    gone.close();
    bus.append([put('x/a', 2)], 2);
    bus.endAll(widgets);
    await tick();
    assert.deepEqual([gone.seen.length, gone.ended()], [0, 0]);
    assert.deepEqual([ended.seen.length, ended.ended()], [1, 1]);
  });
});
