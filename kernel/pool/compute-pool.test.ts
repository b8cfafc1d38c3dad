import assert from 'node:assert/strict';
import test from 'node:test';
import { bundleFunctions } from './bundle.ts';
import { ComputePool } from './compute-pool.ts';
import { TEST_CACHE, testdata } from './pool-testing.ts';

function openPool(onLoad: () => void = () => {}) {
  return new ComputePool({
    load() {
      onLoad();
      return bundleFunctions(testdata('functions.ts'), TEST_CACHE);
    },
    threadsMax: 2,
    queueMax: 100,
  });
}

test('run() computes batches in threads that start with the first', async t => {
  let loads = 0;
  const pool = openPool(() => loads++);
  t.after(() => pool.close());
  assert.equal(loads, 0);
  const batches = Array.from({ length: 20 }, (_, i) => Float64Array.of(i, i, 1));
  const sums = await Promise.all(batches.map(batch => pool.run('sum', batch)));
  assert.deepEqual(
    sums,
    batches.map((_, i) => 2 * i + 1),
  );
  assert.equal(loads, 1);
});

test('run() gives away what is transferred', async t => {
  const pool = openPool();
  t.after(() => pool.close());
  const batch = Float64Array.of(1, 2);
  assert.equal(await pool.run('sum', batch, { transfer: [batch.buffer] }), 3);
  assert.equal(batch.length, 0);
});

test('run() rejects with what the function throws, and goes on', async t => {
  const pool = openPool();
  t.after(() => pool.close());
  await assert.rejects(pool.run('fail', 'no'), new RangeError('no'));
  assert.deepEqual(await pool.run('environment', undefined), []);
});

test('close() ends threads, also when there are none, and refuses further batches', async () => {
  await openPool().close();
  const pool = openPool();
  await pool.run('sum', Float64Array.of(1));
  await pool.close();
  await assert.rejects(pool.run('sum', Float64Array.of(1)), /closed/);
});
