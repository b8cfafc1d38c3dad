import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { MetricRecord } from '../../sdk/link.ts';
import { GatheredMetrics } from './gathered-metrics.ts';
import { PoolLimits } from './limits.ts';
import { ManualClock } from './pool-testing.ts';
import type { WireMetric } from './wire.ts';

function gather() {
  const clock = new ManualClock();
  const told: (readonly WireMetric[])[] = [];
  const metrics = new GatheredMetrics(clock, each => told.push(each));
  const add = (
    type: MetricRecord['type'],
    value: number,
    labels: Readonly<Record<string, string>> = {},
  ) => metrics.add({ type, name: 'm', help: '', value, labels });
  return { clock, told, metrics, add };
}

test('metrics are told together: sums, last values, and every observation', () => {
  const { clock, told, add } = gather();
  for (const value of [1, 2, 4]) {
    add('counter', value, { result: 'a' });
    add('counter', 1, { result: 'b' });
    add('gauge', value);
    add('histogram', value);
  }
  assert.equal(told.length, 0);
  clock.advance(PoolLimits.metricsIntervalMs);
  assert.deepEqual(
    told.flat().map(({ record, values }) => [record.type, record.labels, values]),
    [
      ['counter', { result: 'a' }, [7]],
      ['counter', { result: 'b' }, [3]],
      ['gauge', {}, [4]],
      ['histogram', {}, [1, 2, 4]],
    ],
  );
  assert.ok(told.flat().every(({ record }) => !('value' in record)));
  clock.advance(PoolLimits.metricsIntervalMs);
  assert.equal(told.length, 1);
  add('gauge', 9);
  clock.advance(PoolLimits.metricsIntervalMs);
  assert.deepEqual(told[1]?.[0]?.values, [9]);
});

test('a value that has no labels is apart from one whose labels look like a name', () => {
  const { told, metrics, add } = gather();
  add('counter', 1, { a: 'x" b="y' });
  add('counter', 1, { a: 'x', b: 'y' });
  metrics.flush();
  assert.equal(told[0]?.length, 2);
});

test('many observations are told before their time', () => {
  const { told, add } = gather();
  for (let i = 0; i < PoolLimits.metricsHeldMax; i++) add('histogram', i);
  assert.equal(told[0]?.[0]?.values.length, PoolLimits.metricsHeldMax);
});
