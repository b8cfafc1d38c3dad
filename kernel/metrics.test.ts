import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MetricsRegistry } from './metrics.ts';

const depth = { type: 'gauge', name: 'queue_depth', help: 'Keys.', value: 1 } as const;

async function lines(registry: MetricsRegistry): Promise<string[]> {
  return (await registry.text()).split('\n').filter(line => line !== '' && !line.startsWith('#'));
}

describe('MetricsRegistry', () => {
  it('keeps values apart whose labels have other names than the first had', async () => {
    const registry = new MetricsRegistry();
    registry.record('a.b', { ...depth, labels: {} });
    registry.record('a.b', { ...depth, labels: { queue: 'x' }, value: 2 });
    registry.record('a.b', { ...depth, labels: { zone: 'z' }, value: 3 });
    registry.record('a.b', { ...depth, labels: { queue: 'x' }, value: 5 });
    registry.record('a.b', { ...depth, labels: {}, value: 4 });
    assert.deepEqual((await lines(registry)).sort(), [
      'a_b_queue_depth 4',
      'a_b_queue_depth{queue="x"} 5',
      'a_b_queue_depth{zone="z"} 3',
    ]);
  });

  it('counts and observes on when a label is added', async () => {
    const registry = new MetricsRegistry();
    for (const labels of [{ result: 'error' }, { result: 'error', queue: 'x' }]) {
      const counter = { type: 'counter', name: 'tries_total', help: 'Tries.', value: 1 } as const;
      registry.record('p', { ...counter, labels });
      registry.record('p', { ...counter, labels });
      registry.record('p', {
        ...{ type: 'histogram', name: 'seconds', help: 'How long.', value: 0.5 },
        ...{ labels, buckets: [1] },
      });
    }
    const found = await lines(registry);
    const has = (wanted: string) => assert.ok(found.includes(wanted), found.join('\n'));
    has('p_tries_total{result="error"} 2');
    has('p_tries_total{result="error",queue="x"} 2');
    has('p_seconds_count{result="error"} 1');
    has('p_seconds_count{result="error",queue="x"} 1');
    has('p_seconds_bucket{le="1",result="error",queue="x"} 1');
  });
});
