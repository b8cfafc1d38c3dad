import assert from 'node:assert/strict';
import { test } from 'node:test';
import { scaledValue } from './int-or-string.ts';

const CASES = [
  [3, 10, true, 3],
  ['25%', 10, true, 3],
  ['25%', 10, false, 2],
  ['100%', 7, false, 7],
  ['0%', 7, true, 0],
  ['7%', 100, true, 7],
  ['150%', 4, false, 6],
] as const;

for (const [value, total, roundUp, want] of CASES) {
  test(`scaledValue(${value}, ${total}, ${roundUp}) is ${want}`, () => {
    assert.equal(scaledValue(value, total, roundUp), want);
  });
}

for (const bad of ['5', '', '%', '5%%', '-5%', '1.5%']) {
  test(`scaledValue() refuses "${bad}"`, () => {
    assert.throws(() => scaledValue(bad, 10, true), /not a percentage/);
  });
}
