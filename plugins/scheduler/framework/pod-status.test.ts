import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ObjectClient, type ObjectRequest, podInfoOf } from 'kernetes/sdk';
import { fakeClock, pod } from 'kernetes/sdk/testing';
import { PodStatusWriter } from './pod-status.ts';

const REFUSED = { reason: 'Unschedulable', message: 'no' } as const;

function setUp() {
  const clock = fakeClock();
  const batches: string[][] = [];
  const warnings: string[] = [];
  const state = { error: undefined as { reason: string } | undefined };
  const objects = {
    async batch(requests: readonly ObjectRequest[]) {
      batches.push(requests.map(({ name, body }) => `${name} ${JSON.stringify(body)}`));
      const { error } = state;
      return requests.map(() => (error ? { ok: false, error } : { ok: true, object: {} }));
    },
  } as unknown as ObjectClient;
  const quiet = () => {};
  const log = {
    debug: quiet,
    info: quiet,
    error: quiet,
    warn: (text: string) => warnings.push(text),
  };
  const writer = new PodStatusWriter({ objects, clock, log: log as never });
  const since = async () => {
    await clock.step(0);
    return batches.splice(0);
  };
  return { writer, since, state, warnings };
}

const info = (name: string) => podInfoOf(pod(name, { metadata: { uid: `u-${name}` } }));

test('tell() writes in one batch what one moment brings, and nothing twice', async () => {
  const { writer, since } = setUp();
  writer.tell(info('a'), REFUSED);
  writer.tell(info('b'), REFUSED, 'n1');
  writer.nominate(info('b'), 'n2');
  const [batch] = await since();
  assert.equal(batch?.length, 2);
  assert.match(batch?.[0] ?? '', /"uid":"u-a".*"message":"no"/);
  assert.match(batch?.[1] ?? '', /"message":"no".*"nominatedNodeName":"n2"/);
  writer.tell(info('a'), REFUSED);
  assert.deepEqual(await since(), []);
  writer.tell(info('a'), REFUSED, '');
  assert.match(String(await since()), /"nominatedNodeName":null/);
  writer.tell(info('a'), { ...REFUSED, message: 'other' });
  assert.doesNotMatch(String(await since()), /lastTransitionTime/);
});

test('observe() takes what is written already for told', async () => {
  const { writer, since } = setUp();
  const condition = { type: 'PodScheduled', status: 'False', ...REFUSED };
  writer.observe('default/a', { ...pod('a'), status: { conditions: [condition] } });
  writer.tell(info('a'), REFUSED);
  assert.deepEqual(await since(), []);
});

test('forget() takes back what has not been sent', async () => {
  const { writer, since } = setUp();
  writer.tell(info('a'), REFUSED);
  writer.tell(info('b'), REFUSED);
  writer.forget('default/a');
  assert.deepEqual(
    (await since()).map(batch => batch.length),
    [1],
  );
  writer.tell(info('b'), REFUSED);
  writer.forget('default/b');
  writer.tell(info('b'), REFUSED);
  assert.equal((await since()).length, 1, 'another pod of that name is told anew');
});

for (const [reason, isLogged] of [
  ['InternalError', true],
  ['NotFound', false],
  ['Conflict', false],
] as const) {
  test(`what fails with ${reason} is written again, and ${isLogged ? '' : 'not '}logged`, async () => {
    const { writer, since, state, warnings } = setUp();
    state.error = { reason };
    writer.tell(info('a'), REFUSED);
    await since();
    assert.equal(warnings.length, isLogged ? 1 : 0);
    state.error = undefined;
    writer.tell(info('a'), REFUSED);
    assert.equal((await since()).length, 1);
  });
}
