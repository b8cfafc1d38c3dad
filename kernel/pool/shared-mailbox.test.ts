import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CalleeMailbox, CallerMailbox, createSharedBuffer } from './shared-mailbox.ts';

function openMailbox() {
  const buffer = createSharedBuffer();
  return { buffer, caller: new CallerMailbox(buffer), callee: new CalleeMailbox(buffer) };
}

const ARGS = Uint8Array.of(1, 2, 3);
const ANSWER = Uint8Array.of(4, 5);

test('arguments go there and the answer comes back, as copies', () => {
  const { buffer, caller, callee } = openMailbox();
  const part = caller.put(ARGS) ?? assert.fail();
  const taken = callee.takeArgs(part);
  assert.deepEqual(taken, ARGS);
  assert.ok(callee.putAnswer(part, ANSWER));
  const answer = caller.takeAnswer(part, ANSWER.length);
  new Uint8Array(buffer).fill(255);
  assert.deepEqual([taken, answer], [ARGS, ANSWER]);
});

test('a slot is for one call at a time; without one there is no room', () => {
  const { caller } = openMailbox();
  const first = caller.put(ARGS) ?? assert.fail();
  const second = caller.put(ARGS) ?? assert.fail();
  assert.notEqual(first.slot, second.slot);
  assert.equal(caller.put(ARGS), undefined);
  caller.release(first);
  assert.equal(caller.put(ARGS)?.slot, first.slot);
});

test('what is too long has no room either', () => {
  const { caller, callee } = openMailbox();
  const long = new Uint8Array(4 * 1024 * 1024);
  assert.equal(caller.put(long), undefined);
  const part = caller.put(ARGS) ?? assert.fail();
  assert.equal(callee.putAnswer(part, long), false);
  assert.throws(() => caller.takeAnswer(part, long.length), /are too many/);
});

test('who is late takes nothing of another call, and leaves nothing for it', () => {
  const { caller, callee } = openMailbox();
  const first = caller.put(ARGS) ?? assert.fail();
  caller.put(ARGS);
  caller.release(first);
  const third = caller.put(Uint8Array.of(9, 9, 9)) ?? assert.fail();
  assert.throws(() => callee.takeArgs(first), /call 3 is there, want 1/);
  callee.putAnswer(third, ANSWER);
  callee.putAnswer(first, Uint8Array.of(6, 6));
  assert.throws(() => caller.takeAnswer(third, 2), /call 1 is there, want 3/);
});
