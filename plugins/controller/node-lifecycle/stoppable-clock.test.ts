import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fakeClock } from 'kernetes/sdk/testing';
import { StoppableClock } from './stoppable-clock.ts';

test('StoppableClock ends its timers, and begins none afterwards', async () => {
  const inner = fakeClock();
  const clock = new StoppableClock(inner);
  const calls: string[] = [];
  const call = (name: string, ms: number) => clock.setTimeout(() => calls.push(name), ms);
  call('early', 1_000);
  call('cancelled', 1_000).cancel();
  call('late', 3_000);
  await inner.step(2_000);
  clock.stop();
  call('after', 1_000).cancel();
  call('after', 0);
  await inner.step(10_000);
  assert.deepEqual(calls, ['early']);
  assert.deepEqual([clock.now(), clock.monotonic()], [inner.now(), inner.monotonic()]);
});
