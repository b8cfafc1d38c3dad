import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isGoDuration, parseGoDuration } from './go-duration.ts';

for (const [text, wanted] of [
  ['0', 0n],
  ['-0', 0n],
  ['1h15m30.5s', 4_530_500_000_000n],
  ['-1.5h', -5_400_000_000_000n],
  ['+5s', 5_000_000_000n],
  ['.5s', 500_000_000n],
  ['1.s', 1_000_000_000n],
  ['3us', 3_000n],
  ['3\u00b5s', 3_000n],
  ['3\u03bcs', 3_000n],
  ['1ns', 1n],
  ['', undefined],
  ['5', undefined],
  ['s', undefined],
  ['1d', undefined],
  ['1h ', undefined],
  ['--1h', undefined],
  ['.s', undefined],
] as const) {
  test(`parseGoDuration() reads ${JSON.stringify(text)} as ${wanted}`, () => {
    assert.equal(parseGoDuration(text), wanted);
    assert.equal(isGoDuration(text), wanted !== undefined);
  });
}
