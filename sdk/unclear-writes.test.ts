import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Pod } from './api/types-core-v1.ts';
import { Expectations } from './expectations.ts';
import { selectorFromSet } from './selector.ts';
import { serviceUnavailable, tooManyRequests } from './status.ts';
import { pod } from './testing/builders.ts';
import { testContext } from './testing/test-context.ts';
import { UnclearWrites } from './unclear-writes.ts';

const OWNER = 'default/web';
const key = (name: string) => ({ namespace: 'default', name });

/** A copy with the pods `old` and `other`, of which news come only with `release`. */
async function setUp() {
  const { context, kernel, clock } = testContext();
  const labels = { app: 'web' };
  const owned = kernel.add(
    Pod,
    pod('old', { metadata: { labels } }),
    pod('other', { metadata: { labels } }),
  );
  const informer = context.informer(Pod);
  await clock.step(0);
  const release = kernel.holdWatches();
  const expectations = new Expectations<Pod>(clock);
  const unclear = new UnclearWrites(Pod, expectations);
  const { objects } = context;
  const view = { objects, informer: () => informer as never, owned: () => owned as never };
  const clear = () => unclear.clear(OWNER, selectorFromSet(labels), view);
  const isTrusted = () => expectations.satisfied(OWNER, informer);
  return { kernel, clock, labels, unclear, clear, isTrusted, release };
}

describe('UnclearWrites', () => {
  it('waits for what was made although the answer was lost', async () => {
    const { kernel, clock, labels, unclear, clear, isTrusted, release } = await setUp();
    kernel.add(Pod, pod('new', { metadata: { labels } }));
    unclear.failed(OWNER, serviceUnavailable('lost'));
    await clear();
    assert.equal(isTrusted(), false);
    release();
    await clock.step(0);
    assert.equal(isTrusted(), true);
  });

  it('waits for what was deleted, or is being deleted, although the answer was lost', async () => {
    for (const finalizers of [[], ['example.com/hold']]) {
      const { kernel, clock, unclear, clear, isTrusted, release } = await setUp();
      kernel.modify(Pod, 'default/old', ({ metadata }) => {
        metadata.finalizers = finalizers;
      });
      await kernel.objects.delete(Pod, key('old'));
      unclear.failed(OWNER, serviceUnavailable('lost'));
      await clear();
      assert.equal(isTrusted(), false);
      release();
      await clock.step(0);
      assert.equal(isTrusted(), true);
    }
  });

  it('does not wait for what has only got other labels', async () => {
    const { kernel, unclear, clear, isTrusted } = await setUp();
    kernel.modify(Pod, 'default/old', ({ metadata }) => {
      metadata.labels = { app: 'debug' };
    });
    unclear.failed(OWNER, serviceUnavailable('lost'));
    await clear();
    assert.equal(isTrusted(), true);
  });

  it('asks the server only when it must, and until it tells', async () => {
    const { kernel, unclear, clear } = await setUp();
    kernel.requests.length = 0;
    unclear.failed(OWNER, tooManyRequests('later', 1));
    await clear();
    assert.deepEqual(kernel.requests, []);
    unclear.failed(OWNER, serviceUnavailable('lost'));
    kernel.fault = () => serviceUnavailable('down');
    await assert.rejects(clear, /down/);
    kernel.fault = () => undefined;
    await clear();
    await clear();
    assert.deepEqual(
      kernel.requests.map(({ verb }) => verb),
      ['list', 'list'],
    );
  });
});
