import assert from 'node:assert/strict';
import test from 'node:test';
import { deserialize, serialize } from 'node:v8';
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import fc from 'fast-check';
import type { Contribution } from '../../sdk/extension.ts';
import type { KubeObject } from '../../sdk/kind.ts';
import type { WatchEvent } from '../../sdk/request.ts';
import { ApiError, notFound } from '../../sdk/status.ts';
import { portChannel } from './channel.ts';
import { encodeLink } from './encoded-link.ts';
import { PoolLimits } from './limits.ts';
import { LinkClient } from './link-client.ts';
import { LinkServer } from './link-server.ts';
import { ManualClock, RecordingLink } from './pool-testing.ts';
import { decodeFrame, encodeFrame, encodeText } from './wire.ts';

const CODEC = {
  encode: serialize,
  decode: (bytes: Uint8Array) => (bytes.length ? deserialize(bytes) : undefined),
};
const PODS = { group: '', version: 'v1', resource: 'pods' };

function openServer(host: object = {}) {
  const { port1, port2 } = new MessageChannel();
  const kernel = new RecordingLink();
  const bad: Error[] = [];
  const done: { readonly error?: { readonly message: string } }[] = [];
  const clock = new ManualClock();
  const server = new LinkServer({
    link: encodeLink(kernel),
    channel: portChannel(port1),
    clock,
    host,
    onDone: answer => done.push(answer),
    onBadMessage: error => bad.push(error),
  });
  return {
    kernel,
    bad,
    done,
    clock,
    port: port2,
    server,
    close() {
      server.close(new Error('closed'));
      port1.close();
    },
  };
}

function openLink(host?: object, provided = new Map()) {
  const { port, ...server } = openServer(host);
  const client = new LinkClient({
    channel: portChannel(port),
    codec: CODEC,
    clock: new ManualClock(),
    provided,
  });
  return { ...server, client };
}

/** Resolves when everything sent so far in both directions has been taken. */
async function roundTrip(client: LinkClient): Promise<void> {
  await client.request([]);
}

test('request() answers in order, errors included', async t => {
  const { client, kernel, close } = openLink();
  t.after(close);
  kernel.answer = ({ name }) =>
    name === 'none'
      ? { ok: false, error: notFound(PODS, 'none') }
      : { ok: true, object: { metadata: { name } } };
  const get = (name: string) => ({ ...PODS, verb: 'get', name }) as const;
  const [first, [second, third]] = await Promise.all([
    client.request([get('a')]),
    client.request([get('none'), get('b')]),
  ]);
  assert.deepEqual(first[0]?.ok && first[0].object, { metadata: { name: 'a' } });
  assert.ok(second && !second.ok && ApiError.is(second.error, 'NotFound'));
  assert.equal(second.error.message, 'pods "none" not found');
  assert.deepEqual(third?.ok && third.object, { metadata: { name: 'b' } });
});

test('request() rejects what JSON cannot say, and the line goes on', async t => {
  const { client, close } = openLink();
  t.after(close);
  const cyclic: { self?: unknown } = {};
  cyclic.self = cyclic;
  const getter = {
    get secret() {
      throw new Error('a getter ran');
    },
  };
  for (const body of [cyclic, { big: 1n }, getter]) {
    await assert.rejects(client.request([{ ...PODS, verb: 'create', body }]));
  }
  const huge = { text: 'x'.repeat(PoolLimits.frameBytesMax) };
  await assert.rejects(client.request([{ ...PODS, verb: 'create', body: huge }]), RangeError);
  assert.equal((await client.request([{ ...PODS, verb: 'list' }])).length, 1);
});

test('watch() brings events in order, lazily, and ends', async t => {
  const { client, kernel, close } = openLink();
  t.after(close);
  const events: WatchEvent<KubeObject>[] = [];
  const ends: Error[] = [];
  const cancel = client.watch(PODS, {
    onEvents: some => events.push(...some),
    onEnd: error => ends.push(error),
  });
  await roundTrip(client);
  const [watch] = kernel.watches;
  watch?.sink.onEvents([
    { type: 'ADDED', object: { metadata: { name: 'a' } } },
    { type: 'DELETED', object: { metadata: { name: 'ü' } } },
  ]);
  await roundTrip(client);
  assert.deepEqual(
    events.map(({ type, object }) => [type, object.metadata.name]),
    [
      ['ADDED', 'a'],
      ['DELETED', 'ü'],
    ],
  );
  watch?.sink.onEnd(notFound(PODS, 'x'));
  await roundTrip(client);
  assert.ok(ApiError.is(ends[0], 'NotFound'));
  cancel();
  client.watch(PODS, { onEvents() {}, onEnd() {} })();
  await roundTrip(client);
  assert.equal(kernel.watches[1]?.open, false);
});

test('a watch that is not acknowledged is held back, then closed, and costs no other', async t => {
  const { kernel, port, clock, close } = openServer();
  t.after(close);
  const frames: number[] = [];
  port.on('message', (frame: ArrayBuffer) => frames.push(frame.byteLength));
  send(port, [{ type: 'watch', id: 1, request: PODS }]);
  await until(() => kernel.watches.length === 1);
  const object = { metadata: { name: 'x'.repeat(1024 * 1024) } };
  const [watch] = kernel.watches;
  const emit = () => watch?.sink.onEvents([{ type: 'ADDED', object }]);
  for (let i = 0; i < 20; i++) emit();
  clock.advance(PoolLimits.eventsIntervalMs);
  await until(() => frames.length >= 4);
  const received = () => frames.reduce((sum, size) => sum + size, 0);
  assert.ok(received() < PoolLimits.watchUnackedBytesMax + 2 * 1024 * 1024, String(received()));
  send(port, [{ type: 'ack', id: 1, size: 3 * 1024 * 1024 }]);
  const before = received();
  await until(() => {
    clock.advance(PoolLimits.eventsIntervalMs);
    return received() > before;
  });
  for (let i = 0; i < 300 && watch?.open; i++) emit();
  assert.equal(watch?.open, false);
});

test('events that come soon after others go together, and before what is said later', async t => {
  const { client, kernel, clock, close } = openLink();
  t.after(close);
  const batches: string[][] = [];
  client.watch(PODS, {
    onEvents: events => batches.push(events.map(({ object }) => object.metadata.name ?? '')),
    onEnd() {},
  });
  await roundTrip(client);
  const emit = (name: string) =>
    kernel.watches[0]?.sink.onEvents([{ type: 'ADDED', object: { metadata: { name } } }]);
  emit('alone');
  await until(() => batches.length === 1);
  emit('a');
  emit('b');
  assert.deepEqual(batches, [['alone']]);
  clock.advance(PoolLimits.eventsIntervalMs);
  await until(() => batches.length === 3);
  emit('c');
  await roundTrip(client);
  assert.deepEqual(batches, [['alone'], ['a'], ['b'], ['c']]);
});

test('provide() and subscribe() join plugins of different hosts', async t => {
  const one = openLink();
  const two = openLink();
  t.after(one.close);
  t.after(two.close);
  interface Adder {
    readonly step: number;
    add(numbers: Float64Array): Promise<Float64Array>;
  }
  const point = { name: 'adder', combine: 'independent', methods: ['add'] } as const;
  one.client.provide<Adder>(point, 'adder', {
    step: 2,
    add: async numbers => {
      if (numbers.length === 0) throw new TypeError('nothing to add to');
      return numbers.map(number => number + 2);
    },
  });
  await roundTrip(one.client);
  const lists: (readonly Contribution<Adder>[])[] = [];
  two.client.subscribe<Adder>(point, list => lists.push(list));
  await roundTrip(two.client);
  const value = one.kernel.provided[0]?.value as never;
  two.kernel.subscribers[0]?.([{ name: 'p', plugin: 'p', value, remote: true }]);
  await roundTrip(two.client);
  const [adder] = lists.at(-1) ?? [];
  assert.equal(adder?.remote, true);
  assert.equal(adder?.value.step, 2);
  assert.deepEqual(await adder?.value.add(Float64Array.of(1, 2)), Float64Array.of(3, 4));
  await assert.rejects(async () => adder?.value.add(new Float64Array()), /nothing to add to/);
  one.server.close(new Error('host died'));
  await assert.rejects(async () => adder?.value.add(Float64Array.of(1)), /gone|died/);
});

test('a plugin of the same host gets the value itself', async t => {
  const host = {};
  const provided = new Map();
  const one = openLink(host, provided);
  const two = openLink(host, provided);
  t.after(one.close);
  t.after(two.close);
  const point = { name: 'thing', combine: 'unique', methods: [] } as const;
  const thing = { deep: { data: 1 } };
  one.client.provide(point, 'thing', thing);
  await roundTrip(one.client);
  let seen: readonly Contribution<unknown>[] = [];
  two.client.subscribe<unknown>(point, list => {
    seen = list;
  });
  await roundTrip(two.client);
  const value = one.kernel.provided[0]?.value as never;
  two.kernel.subscribers[0]?.([{ name: 'p', plugin: 'p', value, remote: true }]);
  await roundTrip(two.client);
  assert.equal(seen[0]?.value, thing);
  assert.equal(seen[0]?.remote, false);
});

test('provide() refuses functions that do not work across threads', () => {
  const { client, close } = openLink();
  const point = { name: 'local', combine: 'unique', methods: [] } as const;
  assert.throws(() => client.provide(point, 'x', { run() {} }), /place the plugin "inline"/);
  close();
});

test('a contribution that is refused makes the command fail that it came with', async t => {
  const { port, kernel, done, close } = openServer();
  t.after(close);
  kernel.provide = () => {
    throw new Error('Cannot add it');
  };
  const provide = { type: 'provide', id: 1, point: point('p'), name: 'n', methods: [], bytes: 0 };
  send(port, [provide, { type: 'done' }, { type: 'done' }]);
  await until(() => done.length === 2);
  assert.equal(done[0]?.error?.message, 'Cannot add it');
  assert.equal(done[1]?.error, undefined);
  assert.equal(kernel.logs[0]?.message, 'Contribution was refused');
});

test('what a plugin says about a point opens nothing: neither to offer, nor to call', async t => {
  const { port, kernel, close } = openServer();
  t.after(close);
  const answers: { type: string; list?: { name: string; methods: string[] }[] }[] = [];
  port.on('message', (frame: ArrayBuffer) => answers.push(...(messagesOf(frame) as never[])));
  const forged = { name: 'authorizer', combine: 'unique', methods: ['authorize', 'constructor'] };
  const methods = ['authorize', 'constructor'];
  send(port, [
    { type: 'provide', id: 1, point: forged, name: 'n', methods, bytes: 0 },
    { type: 'provide', id: 2, point: { ...forged, name: 'own' }, name: 'm', methods, bytes: 0 },
    { type: 'subscribe', id: 3, point: forged },
    { type: 'subscribe', id: 4, point: { ...forged, name: 'own' } },
  ]);
  await until(() => kernel.subscribers.length === 2);
  const [first, second] = kernel.provided.map(({ value }) => Object.keys(value as object));
  assert.deepEqual([first, second], [[], ['authorize']]);
  class Token {
    readonly secret = 'x';
    authorize() {}
  }
  const plain = { data: 1 };
  const functions = { authorize() {} };
  for (const subscriber of kernel.subscribers) {
    subscriber(
      [new Token(), functions, plain].map((value, i) => {
        return { name: `${i}`, plugin: 'p', value: value as never, remote: false };
      }),
    );
  }
  const lists = () => answers.filter(({ list }) => list?.length);
  await until(() => lists().length === 2);
  const shown = lists().map(({ list }) => list?.map(({ name, methods }) => [name, methods]));
  const both = [
    ['0', ['authorize']],
    ['1', ['authorize']],
    ['2', []],
  ];
  assert.deepEqual(shown, [[['2', []]], both]);
});

test('a call that is not answered fails in the end', async t => {
  const { client, kernel, clock, close } = openLink();
  t.after(close);
  const point = { name: 'slow', combine: 'independent', methods: ['wait'] } as const;
  client.provide(point, 'slow', { wait: () => new Promise<void>(() => {}) });
  await roundTrip(client);
  const slow = kernel.provided[0]?.value as { wait(): Promise<void> } | undefined;
  const waiting = assert.rejects(
    async () => slow?.wait(),
    /Cannot call "wait": no answer within 30000 ms/,
  );
  clock.advance(PoolLimits.callTimeoutMs);
  await waiting;
});

const cyclicMessage: { type: string; self?: unknown } = { type: 'request' };
cyclicMessage.self = cyclicMessage;

/** What a plugin that got hold of its port could send. */
const FORGERIES: Readonly<Record<string, unknown>> = {
  'no bytes': 'hello',
  nothing: null,
  'a cyclic object': cyclicMessage,
  'an object like a frame': { byteLength: 10, slice: 1 },
  'a map': new Map([[1, 2]]),
  'shared memory': new SharedArrayBuffer(64),
  'a view': new Uint8Array(64),
  'an empty buffer': new ArrayBuffer(0),
  'a header longer than the frame': Uint32Array.of(0xffffffff, 0).buffer,
  'no JSON': rawFrame('[{'),
  'no list': rawFrame('{}'),
  'a frame that is too large': new ArrayBuffer(PoolLimits.frameBytesMax + 1),
  'deep nesting': rawFrame(`${'['.repeat(100_000)}${']'.repeat(100_000)}`),
  'null in a list': frame([null]),
  'no type': frame([{}]),
  'a type of a prototype': frame([{ type: 'constructor' }]),
  'a type that is no string': frame([{ type: ['request'] }]),
  'a kernel message': frame([{ type: 'results', id: 1, results: [] }]),
  'requests that are no list': frame([{ type: 'request', id: 1, requests: {} }]),
  'too many requests': frame([{ type: 'request', id: 1, requests: new Array(2_000).fill({}) }]),
  'an unknown verb': frame([{ type: 'request', id: 1, requests: [{ ...PODS, verb: 'watch' }] }]),
  'a resource that is no string': frame([
    { type: 'request', id: 1, requests: [{ ...PODS, verb: 'get', resource: { toString: 1 } }] },
  ]),
  'options that are none': frame([
    { type: 'request', id: 1, requests: [{ ...PODS, verb: 'get', options: { limit: 'all' } }] },
  ]),
  'an id that is none': frame([{ type: 'unwatch', id: -1 }]),
  'payload that is not there': frame([{ type: 'return', id: 1, bytes: 5 }]).slice(0),
  'payload beyond numbers': frame([
    { type: 'provide', id: 1, point: point('p'), name: 'n', methods: [], bytes: 2 ** 53 },
  ]),
  'contribution that is no value': frame(
    [{ type: 'provide', id: 1, point: point('p'), name: 'n', methods: [], bytes: 4 }],
    Uint8Array.of(255, 15, 200, 200),
  ),
  'a cyclic contribution': frame(
    [{ type: 'provide', id: 1, point: point('p'), name: 'n', methods: [], bytes: cycle().length }],
    cycle(),
  ),
  'a metric without number': frame([
    {
      type: 'metrics',
      metrics: [{ record: { type: 'counter', name: 'a', help: '', labels: {} }, values: [null] }],
    },
  ]),
  'a log of an unknown level': frame([{ type: 'log', level: 'fatal', message: '', fields: {} }]),
  'an endless log': frame([
    { type: 'log', level: 'info', message: 'x'.repeat(100_000), fields: {} },
  ]),
};

for (const [name, forgery] of Object.entries(FORGERIES)) {
  test(`a forged message is refused: ${name}`, async t => {
    const { port, kernel, bad, close } = openServer();
    t.after(close);
    const answers: unknown[] = [];
    port.on('message', answer => answers.push(answer));
    if (name === 'payload that is not there') {
      // Answers to no call take nothing: make one that does.
      send(port, [{ type: 'provide', id: 9, point: point('p'), name: 'n', methods: [], bytes: 5 }]);
    } else port.postMessage(forgery);
    send(port, [{ type: 'request', id: 2, requests: [{ ...PODS, verb: 'list' }] }]);
    await until(() => answers.length === 1);
    assert.equal(bad.length, 1);
    assert.match(String(bad[0]?.message), /^(Cannot |Unexpected |Expected |Unable )/);
    assert.equal(kernel.requests.length, 1);
    assert.equal(kernel.provided.length, 0);
    assert.equal(kernel.logs.length, 0);
  });
}

test('whatever bytes come, the kernel goes on', async t => {
  const { port, kernel, close } = openServer();
  t.after(close);
  await fc.assert(
    fc.asyncProperty(
      fc.oneof(
        fc.uint8Array({ maxLength: 200 }).map(bytes => bytes.slice().buffer),
        fc.array(fc.jsonValue()).map(messages => frame(messages)),
        fc
          .record({
            type: fc.constantFrom('watch', 'ack', 'unwatch', 'call', 'return', 'subscribe', 'log'),
            id: fc.oneof(fc.nat(5), fc.jsonValue()),
            request: fc.oneof(fc.constant(PODS), fc.jsonValue()),
            point: fc.oneof(fc.constant(point('p')), fc.jsonValue()),
            bytes: fc.nat(10),
            size: fc.nat(),
          })
          .map(message => frame([message], new Uint8Array(8))),
      ),
      async forged => {
        port.postMessage(forged);
      },
    ),
    { numRuns: 300 },
  );
  send(port, [{ type: 'request', id: 2, requests: [{ ...PODS, verb: 'list' }] }]);
  await until(() => kernel.requests.length === 1);
});

function messagesOf(frame: ArrayBuffer): readonly unknown[] {
  return decodeFrame(frame).messages;
}

function point(name: string) {
  return { name, combine: 'unique', methods: [] };
}

function cycle(): Uint8Array {
  const value: { self?: unknown } = {};
  value.self = value;
  return serialize(value);
}

function frame(messages: readonly unknown[], ...payload: Uint8Array[]): ArrayBuffer {
  return encodeFrame(
    messages.map(message => encodeText(JSON.stringify(message))),
    payload,
  );
}

function rawFrame(header: string): ArrayBuffer {
  const bytes = encodeText(header);
  const raw = new Uint8Array(4 + bytes.length);
  new DataView(raw.buffer).setUint32(0, bytes.length, true);
  raw.set(bytes, 4);
  return raw.buffer;
}

function send(port: MessagePort, messages: readonly unknown[]): void {
  port.postMessage(frame(messages));
}

/** Lets messages arrive, for a bounded number of turns. */
async function until(condition: () => boolean): Promise<void> {
  for (let turn = 0; turn < 10_000; turn++) {
    if (condition()) return;
    await new Promise(resolve => setImmediate(resolve));
  }
  assert.fail('it did not come true');
}
