import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readSchedule } from './schedule.ts';

function starts(text: string, zone: string, { from, count }: { from: string; count: number }) {
  const schedule = readSchedule(text, { timeZone: zone, since: Date.parse(from) });
  assert.ok(typeof schedule === 'object', String(schedule));
  const found: string[] = [];
  let at: number | undefined = Date.parse(from);
  while (found.length < count) {
    at = schedule.next(at);
    if (at === undefined) break;
    found.push(new Date(at).toISOString().slice(0, 16));
  }
  return found;
}

const NEW_YORK = 'America/New_York';

const cases: {
  readonly name: string;
  readonly text: string;
  readonly zone?: string;
  readonly from: string;
  readonly wanted: readonly string[];
}[] = [
  {
    name: 'goes on by minutes, from the next full one',
    text: '* * * * *',
    from: '2026-01-01T00:00:59.500Z',
    wanted: ['2026-01-01T00:01', '2026-01-01T00:02'],
  },
  {
    name: 'takes a day that suits the month or the week where both are restricted',
    text: '0 0 13 * 5',
    from: '2026-11-10T00:00:00Z',
    wanted: ['2026-11-13T00:00', '2026-11-20T00:00', '2026-11-27T00:00', '2026-12-04T00:00'],
  },
  {
    name: 'takes days that suit both where one is any',
    text: '0 0 1 * ?',
    from: '2026-11-10T00:00:00Z',
    wanted: ['2026-12-01T00:00', '2027-01-01T00:00'],
  },
  {
    name: 'counts in the zone, not in UTC',
    text: '30 9 * * mon-fri',
    zone: 'Asia/Kolkata',
    from: '2026-11-20T00:00:00Z',
    wanted: ['2026-11-20T04:00', '2026-11-23T04:00'],
  },
  {
    name: 'follows the clocks where they change',
    text: '0 12 * * *',
    zone: NEW_YORK,
    from: '2026-03-07T00:00:00Z',
    wanted: ['2026-03-07T17:00', '2026-03-08T16:00', '2026-03-09T16:00'],
  },
  {
    name: 'leaves out what the clocks skip',
    text: '30 2 * * *',
    zone: NEW_YORK,
    from: '2026-03-07T12:00:00Z',
    wanted: ['2026-03-09T06:30', '2026-03-10T06:30'],
  },
  {
    name: 'counts twice what the clocks repeat',
    text: '30 1 * * *',
    zone: NEW_YORK,
    from: '2026-10-31T12:00:00Z',
    wanted: ['2026-11-01T05:30', '2026-11-01T06:30', '2026-11-02T06:30'],
  },
  {
    name: 'leaves no hour out when clocks go back',
    text: '0 * * * *',
    zone: NEW_YORK,
    from: '2026-11-01T04:30:00Z',
    wanted: ['2026-11-01T05:00', '2026-11-01T06:00', '2026-11-01T07:00'],
  },
  {
    name: 'starts at the very change',
    text: '0 3 * * *',
    zone: NEW_YORK,
    from: '2026-03-08T06:00:00Z',
    wanted: ['2026-03-08T07:00', '2026-03-09T07:00'],
  },
  {
    name: 'waits for a leap year',
    text: '0 0 29 2 *',
    zone: 'Europe/Berlin',
    from: '2096-03-01T00:00:00Z',
    wanted: ['2104-02-28T23:00'],
  },
  {
    name: 'never comes to the 30th of February',
    text: '0 0 30 2 *',
    zone: 'Europe/Berlin',
    from: '2026-01-01T00:00:00Z',
    wanted: [],
  },
  {
    name: 'repeats after a duration',
    text: '@every 90s',
    from: '2026-01-01T00:00:00.700Z',
    wanted: ['2026-01-01T00:01', '2026-01-01T00:03'],
  },
];

describe('readSchedule()', () => {
  for (const { name, text, zone = 'UTC', from, wanted } of cases) {
    it(name, () =>
      assert.deepEqual(starts(text, zone, { from, count: wanted.length || 1 }), wanted),
    );
  }

  it('says what is wrong', () => {
    assert.equal(
      readSchedule('nope', { timeZone: 'UTC', since: 0 }),
      'Expected exactly 5 fields, found 1: nope',
    );
  });
});
