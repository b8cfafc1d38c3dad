import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { MetricRecord } from './link.ts';
import { runQueue } from './queue-runner.ts';
import { fakeClock } from './testing/fake-clock.ts';
import { testContext } from './testing/test-context.ts';
import { TestKernel } from './testing/test-kernel.ts';

function setUp() {
  const records: MetricRecord[] = [];
  const clock = fakeClock();
  const link = new TestKernel({ clock }).link('test');
  const { context } = testContext({
    clock,
    link: { ...link, metric: record => void records.push(record) },
  });
  const values = (name: string) => {
    return records.filter(each => each.name === name).map(({ value }) => value);
  };
  return { clock, context, records, values };
}

it('runQueue() tells how deep the queue is, with few messages, and at last that it is empty', async () => {
  const { clock, context, values } = setUp();
  const queue = runQueue(context, { work: () => undefined });
  for (let i = 0; i < 1_000; i++) queue.add(`key-${i}`);
  assert.deepEqual(values('queue_depth'), [0, 16, 32, 64, 128, 256, 512]);
  queue.start();
  await clock.step(0);
  const depths = values('queue_depth');
  assert.ok(depths.length < 60, `${depths.length} messages`);
  assert.equal(depths.at(-1), 0);
  assert.equal(values('reconciles_total').length, 1_000);
});

it('runQueue() tells once of the depth of a queue that never has to wait', async () => {
  const { clock, context, values } = setUp();
  const queue = runQueue(context, { work: () => undefined });
  queue.start();
  for (let i = 0; i < 10; i++) {
    queue.add('key');
    await clock.step(1);
  }
  assert.deepEqual(values('queue_depth'), [0]);
});

it('runQueue() counts what it tries again, and names queues that have a name', async () => {
  const { clock, context, records, values } = setUp();
  let failures = 3;
  const queue = runQueue(context, {
    name: 'objects',
    work() {
      if (failures-- > 0) throw new Error('not yet');
      return undefined;
    },
  });
  queue.start();
  queue.add('key');
  await clock.step(1_000);
  assert.deepEqual(values('retries_total'), [0, 1, 1, 1]);
  assert.equal(values('reconcile_seconds').length, 4);
  assert.ok(records.every(({ labels }) => labels.queue === 'objects'));
});
