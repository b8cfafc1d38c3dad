import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ConfigMap, Pod } from '../api/types-core-v1.ts';
import { delay } from '../clock.ts';
import { ApiError } from '../status.ts';
import { pod } from './builders.ts';
import { fakeClock } from './fake-clock.ts';
import { seededRandom } from './seeded-random.ts';
import { TestKernel } from './test-kernel.ts';

describe('fakeClock()', () => {
  it('runs timers in order, each at its time, and promises in between', async () => {
    const clock = fakeClock(1_000);
    const seen: string[] = [];
    const note = (name: string) => seen.push(`${name}@${clock.now()}`);
    clock.setTimeout(() => note('late'), 30);
    clock.setTimeout(() => note('early'), 10);
    clock.setTimeout(() => note('second early'), 10);
    clock.setTimeout(() => note('cancelled'), 5).cancel();
    void delay(clock, 10)
      .then(() => delay(clock, 10))
      .then(() => note('chained'));
    await clock.step(25);
    assert.deepEqual(seen, ['early@1010', 'second early@1010', 'chained@1020']);
    assert.deepEqual([clock.now(), clock.monotonic(), clock.pending], [1_025, 25, 1]);
  });

  it('until() stops at the condition, and throws when no timer in the bound helps', async () => {
    const clock = fakeClock(0);
    let fired = 0;
    for (const ms of [10, 20, 30]) clock.setTimeout(() => fired++, ms);
    await clock.until(() => fired === 2);
    assert.equal(clock.now(), 20);
    await assert.rejects(
      clock.until(() => fired === 3, 5),
      /none helps/,
    );
  });
});

describe('seededRandom()', () => {
  it('repeats itself for the same seed only', () => {
    const draw = (seed: number) => {
      const random = seededRandom(seed);
      return [random.next(), random.integer(100), random.uuid()];
    };
    assert.deepEqual(draw(7), draw(7));
    assert.notDeepEqual(draw(7), draw(8));
    assert.match(
      `${draw(7)[2]}`,
      /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
    );
  });
});

describe('TestKernel', () => {
  const key = { namespace: 'default', name: 'a' };
  const reason = (wanted: string) => (error: unknown) =>
    ApiError.is(error) && error.reason === wanted;

  it('compares resourceVersions and uids', async () => {
    const kernel = new TestKernel();
    const [old] = kernel.add(Pod, pod('a'));
    assert.ok(old);
    await kernel.objects.patch(Pod, key, { metadata: { labels: { x: 'y' } } });
    await assert.rejects(kernel.objects.update(Pod, old), reason('Conflict'));
    const preconditions = { uid: 'another' };
    await assert.rejects(kernel.objects.delete(Pod, key, { preconditions }), reason('Conflict'));
    await assert.rejects(kernel.objects.create(Pod, pod('a')), reason('AlreadyExists'));
  });

  it('keeps status and the rest apart, and counts generations of the spec', async () => {
    const { objects } = new TestKernel();
    const first = await objects.create(Pod, pod('a'));
    const status = { phase: 'Running' };
    const second = await objects.update(Pod, {
      ...first,
      status,
      spec: { containers: [], nodeName: 'n' },
    });
    assert.deepEqual([second.status, second.metadata.generation], [undefined, 2]);
    const third = await objects.updateStatus(Pod, { ...second, status, spec: { containers: [] } });
    assert.deepEqual([third.status, third.spec?.nodeName], [status, 'n']);
    assert.equal(third.metadata.generation, 2);
  });

  it('keeps a deleted object until its finalizers are gone', async () => {
    const kernel = new TestKernel();
    kernel.add(Pod, pod('a'));
    await kernel.objects.delete(Pod, key, { propagationPolicy: 'Foreground' });
    const held = await kernel.objects.get(Pod, key);
    assert.deepEqual(held.metadata.finalizers, ['foregroundDeletion']);
    assert.ok(held.metadata.deletionTimestamp);
    await kernel.objects.patch(Pod, key, { metadata: { finalizers: null } });
    await assert.rejects(kernel.objects.get(Pod, key), reason('NotFound'));
  });

  it('shows a watcher with a selector what comes, changes and leaves', async () => {
    const kernel = new TestKernel();
    const clock = fakeClock();
    const [inside] = kernel.add(Pod, pod('a', { metadata: { labels: { app: 'web' } } }), pod('b'));
    assert.ok(inside);
    const seen: string[] = [];
    const request = { group: '', version: 'v1', resource: 'pods', labelSelector: 'app=web' };
    kernel.objects.watch<Pod>(request, {
      onEvents: events => {
        for (const { type, object } of events) seen.push(`${type} ${object.metadata.name ?? ''}`);
      },
      onEnd() {},
    });
    await clock.step(0);
    for (const labels of [{ app: 'web', x: 'y' }, null]) {
      await kernel.objects.patch(Pod, key, { metadata: { labels } });
    }
    await clock.step(0);
    assert.deepEqual(seen, ['ADDED a', 'BOOKMARK ', 'MODIFIED a', 'DELETED a']);
  });

  it('finds out who changes what is shared', () => {
    const kernel = new TestKernel();
    const [map] = kernel.add(ConfigMap, {
      metadata: { name: 'a', namespace: 'default' },
      data: {},
    });
    assert.throws(() => Object.assign(map?.data ?? {}, { x: '1' }), TypeError);
  });
});
