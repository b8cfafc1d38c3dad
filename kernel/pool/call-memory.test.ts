import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deserialize, serialize } from 'node:v8';
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import type { Contribution } from '../../sdk/extension.ts';
import { type Channel, portChannel } from './channel.ts';
import { encodeLink } from './encoded-link.ts';
import { PoolLimits } from './limits.ts';
import { LinkClient } from './link-client.ts';
import { LinkServer } from './link-server.ts';
import { ManualClock, RecordingLink } from './pool-testing.ts';
import type { SharedMemory } from './shared-mailbox.ts';
import { decodeFrame, encodeFrame, encodeText } from './wire.ts';

const CODEC = {
  encode: serialize,
  decode: (bytes: Uint8Array) => (bytes.length ? deserialize(bytes) : undefined),
};
const POINT = { name: 'adder', combine: 'independent', methods: ['add'] } as const;
const LONG = new Float64Array(PoolLimits.sharedCallBytesMin);

interface Adder {
  add(numbers: Float64Array): Promise<Float64Array>;
}

/** A plugin's line; `frameBytes` are those that the kernel got from it. */
function openServer() {
  const { port1, port2 } = new MessageChannel();
  const kernel = new RecordingLink();
  const bad: Error[] = [];
  const own = portChannel(port1);
  const frameBytes: number[] = [];
  const channel: Channel = {
    ...own,
    receive: receiver =>
      own.receive(frame => {
        if (frame instanceof ArrayBuffer) frameBytes.push(frame.byteLength);
        receiver(frame);
      }),
  };
  const server = new LinkServer({
    link: encodeLink(kernel),
    channel,
    clock: new ManualClock(),
    host: {},
    onDone: () => {},
    onBadMessage: error => bad.push(error),
  });
  const close = () => {
    server.close(new Error('host died'));
    port1.close();
  };
  return { kernel, bad, port: port2, server, frameBytes, close };
}

function openLink() {
  const { port, ...server } = openServer();
  const given: SharedMemory[] = [];
  const scribbling = { on: false };
  const channel = portChannel(port);
  const client = new LinkClient({
    channel: {
      ...channel,
      send(frame) {
        if (scribbling.on) for (const { buffer } of given) new Uint8Array(buffer).fill(255);
        channel.send(frame);
      },
      receive: receiver =>
        channel.receive(frame => {
          if (!(frame instanceof ArrayBuffer)) given.push(frame as SharedMemory);
          receiver(frame);
        }),
    },
    codec: CODEC,
    clock: new ManualClock(),
    provided: new Map(),
  });
  return { ...server, client, given, scribbling };
}

/** A caller's and a callee's lines, and what the caller got. */
async function openPair(add: Adder['add'], t: { after(end: () => void): void }) {
  const callee = openLink();
  const caller = openLink();
  t.after(callee.close);
  t.after(caller.close);
  callee.client.provide<Adder>(POINT, 'adder', { add });
  await callee.client.request([]);
  let list: readonly Contribution<Adder>[] = [];
  caller.client.subscribe<Adder>(POINT, now => {
    list = now;
  });
  await caller.client.request([]);
  const value = callee.kernel.provided[0]?.value as never;
  const tell = async () => {
    caller.kernel.subscribers[0]?.([{ name: 'p', plugin: 'p', value, remote: true }]);
    await caller.client.request([]);
  };
  await tell();
  return { callee, caller, tell, adder: () => list[0]?.value ?? assert.fail() };
}

const addOne = async (numbers: Float64Array) => numbers.map(number => number + 1);

test('long calls go by memory that only the two threads have, from the second on', async t => {
  const { callee, caller, adder, tell } = await openPair(addOne, t);
  assert.equal((await adder().add(LONG))[0], 1);
  assert.deepEqual([caller.given.length, callee.given.length], [1, 1]);
  for (const { frameBytes } of [caller, callee]) frameBytes.length = 0;
  const answers = await Promise.all([1, 2, 3].map(i => adder().add(LONG.fill(i))));
  assert.deepEqual(
    answers.map(answer => [answer.length, answer[0], answer.at(-1)]),
    [2, 3, 4].map(number => [LONG.length, number, number]),
  );
  const long = (bytes: number) => bytes >= LONG.byteLength;
  assert.deepEqual(
    [caller.frameBytes.filter(long).length, callee.frameBytes.filter(long).length],
    [1, 1],
    'only the third, for which there was no slot',
  );
  await tell();
  for (const { frameBytes } of [caller, callee]) frameBytes.length = 0;
  assert.equal((await adder().add(LONG.fill(7)))[0], 8);
  assert.equal(caller.frameBytes.some(long), false, 'another list, the same memory');
  assert.equal(caller.given.length, 1);
});

test('a call that throws gives its slot back', async t => {
  const { caller, adder } = await openPair(async numbers => {
    if (numbers[0] === 1) throw new TypeError('not that');
    return numbers;
  }, t);
  await adder().add(LONG.fill(0));
  LONG.fill(1);
  for (let i = 0; i < 5; i++) await assert.rejects(async () => adder().add(LONG), /not that/);
  caller.frameBytes.length = 0;
  await adder().add(LONG.fill(0));
  assert.ok(caller.frameBytes.every(bytes => bytes < LONG.byteLength));
});

test('what a callee scribbles into the memory spoils its own answer only', async t => {
  const { callee, adder } = await openPair(async numbers => numbers, t);
  await adder().add(LONG);
  callee.scribbling.on = true;
  await assert.rejects(async () => adder().add(LONG), /Cannot read shared memory/);
  callee.scribbling.on = false;
  assert.equal((await adder().add(LONG.fill(5)))[0], 5);
});

test('when the callee goes calls fail, and the caller drops the memory', async t => {
  const { callee, caller, adder } = await openPair(() => new Promise(() => {}), t);
  void adder()
    .add(LONG)
    .catch(() => {});
  await caller.client.request([]);
  await caller.client.request([]);
  const waiting = assert.rejects(async () => adder().add(LONG), /host died/);
  await caller.client.request([]);
  callee.close();
  await waiting;
  caller.kernel.subscribers[0]?.([]);
  await caller.client.request([]);
});

/** What a caller could say of memory that is not shared so, or not at all. */
const FORGERIES: Readonly<Record<string, object>> = {
  'a slot that there is not': { slot: 7, sequence: 1, length: 10 },
  'more than there is': { slot: 0, sequence: 1, length: 2 ** 40 },
  'no memory at all': { slot: 0, sequence: 1, length: 10 },
  'no numbers': { slot: '0', sequence: null, length: -1 },
};

for (const [name, shared] of Object.entries(FORGERIES)) {
  test(`a forged call is refused: ${name}`, async t => {
    const { port, kernel, bad, close } = openServer();
    t.after(close);
    port.on('message', () => {});
    send(port, { type: 'subscribe', id: 1, point: POINT });
    send(port, { type: 'request', id: 1, requests: [] });
    await received(port, 'results');
    const value = { add: addOne };
    kernel.subscribers[0]?.([{ name: 'p', plugin: 'p', value: value as never, remote: false }]);
    await received(port, 'contributions');
    send(port, { type: 'call', id: 2, ref: 1, method: 'add', bytes: 0, shared });
    send(port, { type: 'request', id: 3, requests: [] });
    await received(port, 'results');
    assert.equal(bad.length, 1);
  });
}

test('an answer by memory to a call that came by message is refused', async t => {
  const { port, kernel, bad, close } = openServer();
  t.after(close);
  send(port, {
    ...{ type: 'provide', id: 1, point: POINT, name: 'adder', methods: ['add'], bytes: 0 },
  });
  send(port, { type: 'request', id: 1, requests: [] });
  await received(port, 'results');
  const adder = kernel.provided[0]?.value as Adder;
  void adder.add(LONG).catch(() => {});
  await received(port, 'call');
  send(port, { type: 'return', id: 1, bytes: 0, length: 100 });
  send(port, { type: 'request', id: 2, requests: [] });
  await received(port, 'results');
  assert.match(String(bad[0]), /did not come by shared memory/);
});

function send(port: MessagePort, message: object): void {
  port.postMessage(encodeFrame([encodeText(JSON.stringify(message))], []));
}

function received(port: MessagePort, type: string): Promise<void> {
  return new Promise(resolve => {
    const take = (frame: ArrayBuffer) => {
      const messages = decodeFrame(frame).messages as { type: string }[];
      if (!messages.some(message => message.type === type)) return;
      port.off('message', take);
      resolve();
    };
    port.on('message', take);
  });
}
