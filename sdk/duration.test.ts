import assert from 'node:assert/strict';
import { test } from 'node:test';
import { humanDuration, translateTimestamp } from './duration.ts';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const YEAR = 365 * DAY;

const CASES: readonly (readonly [number, string])[] = [
  [-2 * SECOND, '<invalid>'],
  [-1999, '0s'],
  [-1, '0s'],
  [0, '0s'],
  [999, '0s'],
  [119 * SECOND, '119s'],
  [2 * MINUTE, '2m'],
  [5 * MINUTE + 3 * SECOND, '5m3s'],
  [10 * MINUTE - 1, '9m59s'],
  [10 * MINUTE + 5 * SECOND, '10m'],
  [3 * HOUR - 1, '179m'],
  [3 * HOUR, '3h'],
  [7 * HOUR + 59 * MINUTE, '7h59m'],
  [8 * HOUR + MINUTE, '8h'],
  [48 * HOUR - 1, '47h'],
  [2 * DAY, '2d'],
  [2 * DAY + 4 * HOUR, '2d4h'],
  [8 * DAY + HOUR, '8d'],
  [2 * YEAR - 1, '729d'],
  [2 * YEAR, '2y'],
  [3 * YEAR + 45 * DAY, '3y45d'],
  [8 * YEAR + DAY, '8y'],
];

for (const [ms, want] of CASES) {
  test(`humanDuration(${ms}) is ${want}`, () => assert.equal(humanDuration(ms), want));
}

test('translateTimestamp() gives the age, and <unknown> for no or a bad time', () => {
  const now = Date.UTC(2024, 0, 1, 0, 5, 3);
  assert.equal(translateTimestamp('2024-01-01T00:00:00Z', now), '5m3s');
  assert.equal(translateTimestamp(undefined, now), '<unknown>');
  assert.equal(translateTimestamp('soon', now), '<unknown>');
});
