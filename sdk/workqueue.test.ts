import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { fakeClock } from './testing/fake-clock.ts';
import { WorkQueue, type WorkQueueOptions } from './workqueue.ts';

function newQueue(options: Partial<WorkQueueOptions> = {}) {
  const clock = fakeClock();
  return { clock, queue: new WorkQueue({ clock, onReady() {}, ...options }) };
}

describe('WorkQueue', () => {
  it('holds a key once', () => {
    const { queue } = newQueue();
    for (const key of ['a', 'b', 'a']) queue.add(key);
    assert.deepEqual([queue.take(), queue.take(), queue.take()], ['a', 'b', undefined]);
  });

  it('gives a key that was added while worked on again, after done()', () => {
    const { queue } = newQueue();
    queue.add('a');
    queue.take();
    queue.add('a');
    assert.equal(queue.take(), undefined);
    queue.done('a');
    assert.equal(queue.take(), 'a');
  });

  it('doubles the wait with each failure up to the bound, until forget()', async () => {
    const { queue, clock } = newQueue();
    const waits: number[] = [];
    for (let i = 0; i < 25; i++) {
      const since = clock.now();
      queue.addRateLimited('a');
      await clock.until(() => queue.length > 0, 2_000_000);
      waits.push(clock.now() - since);
      queue.done(queue.take() ?? '');
    }
    assert.deepEqual(waits.slice(0, 4), [5, 10, 20, 40]);
    assert.deepEqual(waits.slice(-2), [1_000_000, 1_000_000]);
    assert.equal(queue.failures('a'), 25);
    queue.forget('a');
    queue.addRateLimited('a');
    await clock.step(5);
    assert.equal(queue.take(), 'a');
  });

  it('bounds the retries of all keys together', async () => {
    const { queue, clock } = newQueue({ retries: { burst: 2, perSecond: 1 } });
    for (const key of ['a', 'b', 'c', 'd']) queue.addRateLimited(key);
    await clock.step(5);
    assert.equal(queue.length, 2);
    await clock.step(1_000);
    assert.equal(queue.length, 3);
    await clock.step(1_000);
    assert.equal(queue.length, 4);
  });

  it('keeps the earliest of several delays', async () => {
    const { queue, clock } = newQueue();
    queue.addAfter('a', 1_000);
    queue.addAfter('a', 100);
    queue.addAfter('a', 500);
    await clock.step(99);
    assert.equal(queue.length, 0);
    await clock.step(1);
    assert.equal(queue.take(), 'a');
    queue.done('a');
    await clock.step(10_000);
    assert.equal(queue.length, 0);
  });

  it('is empty for good after shutDown()', async () => {
    const { queue, clock } = newQueue();
    queue.add('a');
    queue.add('b');
    queue.take();
    queue.add('a');
    queue.addAfter('c', 10);
    queue.shutDown();
    queue.done('a');
    queue.add('d');
    queue.addAfter('e', 1);
    await clock.step(100);
    assert.deepEqual([queue.take(), clock.pending], [undefined, 0]);
  });

  it('never loses a change and never gives one key to two, whatever happens', async () => {
    const keys = fc.constantFrom('a', 'b', 'c');
    const operation = fc.oneof(
      fc.record({ type: fc.constant('add' as const), key: keys }),
      fc.record({ type: fc.constant('addAfter' as const), key: keys, ms: fc.nat(20) }),
      fc.record({ type: fc.constant('retry' as const), key: keys }),
      fc.record({ type: fc.constant('take' as const) }),
      fc.record({ type: fc.constant('done' as const) }),
      fc.record({ type: fc.constant('step' as const), ms: fc.nat(20) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(operation, { maxLength: 60 }), async operations => {
        const { queue, clock } = newQueue();
        const taken: string[] = [];
        /** Changed since it was last taken. */
        const changed = new Set<string>();
        const take = () => {
          const key = queue.take();
          if (key === undefined) return;
          assert.ok(!taken.includes(key), `${key} is worked on twice`);
          taken.push(key);
          changed.delete(key);
        };
        const done = () => {
          const key = taken.shift();
          if (key !== undefined) queue.done(key);
        };
        for (const step of operations) {
          if (step.type === 'take') take();
          else if (step.type === 'done') done();
          else if (step.type === 'step') await clock.step(step.ms);
          else {
            changed.add(step.key);
            if (step.type === 'add') queue.add(step.key);
            else if (step.type === 'addAfter') queue.addAfter(step.key, step.ms);
            else queue.addRateLimited(step.key);
          }
        }
        await clock.step(2_000_000);
        while (queue.length > 0 || taken.length > 0) {
          done();
          take();
        }
        assert.deepEqual([...changed], []);
        assert.equal(clock.pending, 0);
      }),
      { numRuns: 300 },
    );
  });
});
