import assert from 'node:assert/strict';
import test from 'node:test';
import { PoolLimits } from './limits.ts';
import { LogGate } from './log-gate.ts';
import { ManualClock } from './pool-testing.ts';

test('log() drops what is too much, and says later how much it was', () => {
  const clock = new ManualClock();
  const lines: { message: string; fields: object }[] = [];
  const gate = new LogGate(clock, (_level, message, fields) => lines.push({ message, fields }));
  for (let i = 0; i < PoolLimits.logLinesMax + 5; i++) gate.log('info', 'line', {});
  assert.equal(lines.length, PoolLimits.logLinesMax);
  clock.advance(PoolLimits.logWindowMs);
  gate.log('info', 'next', {});
  assert.deepEqual(lines.slice(PoolLimits.logLinesMax), [
    { message: 'Log lines were dropped', fields: { count: 5 } },
    { message: 'next', fields: {} },
  ]);
  clock.advance(PoolLimits.logWindowMs);
  gate.log('info', 'last', {});
  assert.equal(lines.length, PoolLimits.logLinesMax + 3);
});
