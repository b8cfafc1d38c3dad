import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { meanOf, parseCurve } from './curve.ts';

describe('parseCurve()', () => {
  const cases: [text: string, values: Record<number, number>][] = [
    ['250m', { 0: 0.25, 1e9: 0.25 }],
    ['1Gi', { 0: 2 ** 30 }],
    ['sine(2, 1, 60s)', { 0: 2, 15000: 3, 30000: 2, 45000: 1 }],
    ['sine(0, 1, 60s)', { 15000: 1, 45000: 0 }],
    ['ramp(1, 3, 1m)', { [-5]: 1, 0: 1, 30000: 2, 90000: 3 }],
    ['steps(1 10s, 5 10s, 2)', { [-5]: 1, 0: 1, 10000: 5, 19999: 5, 20000: 2, 1e9: 2 }],
    ['steps(1 10s, 5 10s)', { 0: 1, 10000: 5, 20000: 1, 35000: 5 }],
    ['1 + ramp(0, 1, 10s)', { 0: 1, 10000: 2 }],
  ];
  for (const [text, values] of cases) {
    it(`reads ${text}`, () => {
      const curve = parseCurve(text);
      for (const [ms, value] of Object.entries(values)) {
        assert.ok(Math.abs(curve(Number(ms)) - value) < 1e-9, `${curve(Number(ms))} at ${ms}`);
      }
    });
  }

  for (const [text, message] of [
    ['much', /"much" is no quantity/],
    ['', /"" is no quantity/],
    ['1e900', /"1e900" is more than an int64 holds/],
    ['ramp(0, -1e900, 1m)', /"-1e900" is more than an int64 holds/],
    ['wave(1)', /"wave" is none of sine, ramp, steps/],
    ['sine(1, 2)', /sine takes 3 arguments, not 2/],
    ['ramp(1, 2, 0s)', /"0s" is no duration above 0/],
    ['steps(1, 2)', /"1" is no value with a duration/],
    ['steps(1 10s 3)', /"1 10s 3" is no value/],
  ] as const) {
    it(`refuses "${text}"`, () => assert.throws(() => parseCurve(text), { message }));
  }
});

describe('meanOf()', () => {
  it('is exact for straight lines', () => {
    assert.equal(meanOf(parseCurve('ramp(0, 10, 10s)'), 0, 10_000), 5);
    assert.equal(meanOf(parseCurve('3'), 0, 10_000), 3);
  });
});
