import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseSchedule, scheduleError } from './cron-schedule.ts';

const cases: [schedule: string, error: string | undefined][] = [
  ['* * * * *', undefined],
  ['*/5 0-23/2 1,15 jan-DEC mon', undefined],
  ['5/10 ? ? * ?', undefined],
  ['0  0 1 1 0', undefined],
  ['@hourly', undefined],
  ['@every 1h30m', undefined],
  ['@every 1.5s', undefined],
  ['nope', 'Expected exactly 5 fields, found 1: nope'],
  ['0 0 * * * *', 'Expected exactly 5 fields, found 6: 0 0 * * * *'],
  ['60 * * * *', 'end of range (60) above maximum (59): 60'],
  ['* * 0 * *', 'beginning of range (0) below minimum (1): 0'],
  ['* * * * 7', 'end of range (7) above maximum (6): 7'],
  ['5-1 * * * *', 'beginning of range (5) beyond end of range (1): 5-1'],
  ['*/0 * * * *', 'step of range should be a positive number: */0'],
  ['1-2-3 * * * *', 'too many hyphens: 1-2-3'],
  ['1/2/3 * * * *', 'too many slashes: 1/2/3'],
  ['x * * * *', 'failed to parse int from x: strconv.Atoi: parsing "x": invalid syntax'],
  ['@never', 'unrecognized descriptor: @never'],
  ['@every soon', 'failed to parse duration @every soon: time: invalid duration "soon"'],
];
for (const [schedule, error] of cases) {
  test(`scheduleError() on "${schedule}"`, () => {
    assert.equal(scheduleError(schedule), error);
  });
}

test('parseSchedule() gives the values of each field, and which are any', () => {
  assert.deepEqual(parseSchedule('*/20 9-11 1,15 jan */2'), {
    type: 'fields',
    fields: [
      { values: [0, 20, 40], isAny: false },
      { values: [9, 10, 11], isAny: false },
      { values: [1, 15], isAny: false },
      { values: [1], isAny: false },
      { values: [0, 2, 4, 6], isAny: false },
    ],
  });
  const weekly = parseSchedule('@weekly');
  assert.ok(typeof weekly === 'object' && weekly.type === 'fields');
  assert.deepEqual(
    weekly.fields.map(({ isAny }) => isAny),
    [false, false, true, true, false],
  );
  assert.deepEqual(parseSchedule('@every 90.7s'), { type: 'every', everyMs: 90_000 });
});
