import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ConfigMap, Pod } from './api/types-core-v1.ts';
import { definePoint } from './extension.ts';
import { createObjectClient } from './object-client.ts';
import { notFound } from './status.ts';
import { pod } from './testing/builders.ts';
import { testContext } from './testing/test-context.ts';
import { TestKernel } from './testing/test-kernel.ts';

const point = definePoint<number>({ name: 'number', combine: 'independent', methods: [] });

describe('plugin context', () => {
  it('disposes what it handed out, last first, once, and tells all that failed', async () => {
    const { context, dispose } = testContext();
    const order: string[] = [];
    context.onDispose(() => void order.push('first'));
    context.onDispose(() => {
      throw new Error('second');
    });
    context.onDispose(async () => {
      order.push('third');
      throw new Error('third');
    });
    const disposals = await Promise.allSettled([dispose(), dispose()]);
    assert.deepEqual(order, ['third', 'first']);
    for (const disposal of disposals) {
      assert.ok(disposal.status === 'rejected');
      const errors: Error[] = disposal.reason.errors;
      assert.deepEqual(
        errors.map(({ message }) => message),
        ['third', 'second'],
      );
    }
  });

  it('aborts its signal, cancels timers and withdraws contributions on unload', async () => {
    const { context, clock, kernel, dispose } = testContext();
    const other = testContext({ name: 'other', kernel });
    const contributions = other.context.contributions(point);
    context.provide(point, 1);
    context.provide(point, 2, 'second');
    assert.deepEqual(
      contributions.list().map(({ name, plugin, value }) => [name, plugin, value]),
      [
        ['test', 'test', 1],
        ['second', 'test', 2],
      ],
    );
    let changes = 0;
    contributions.onChange(() => changes++);
    let fired = false;
    context.clock.setTimeout(() => {
      fired = true;
    }, 10);
    await dispose();
    context.clock.setTimeout(() => {
      fired = true;
    }, 10);
    await clock.step(100);
    assert.equal(fired, false);
    assert.equal(context.signal.aborted, true);
    assert.deepEqual([contributions.list(), changes], [[], 2]);
  });

  it('refuses to hand out anything after unload', async () => {
    const { context, dispose } = testContext();
    await dispose();
    assert.throws(() => context.informer(Pod), /is unloaded/);
    assert.throws(() => context.provide(point, 1), /is unloaded/);
    assert.throws(() => context.contributions(point), /is unloaded/);
    assert.throws(() => context.onDispose(() => {}), /is unloaded/);
  });

  it('ends its watches on unload', async () => {
    const { context, kernel, clock, dispose } = testContext();
    let seen = 0;
    const request = { group: '', version: 'v1', resource: 'pods' };
    const sink = { onEvents: () => seen++, onEnd() {} };
    context.objects.watch<Pod>(request, sink);
    await clock.step(0);
    assert.equal(seen, 1);
    await dispose();
    kernel.add(Pod, pod('a'));
    await clock.step(0);
    assert.equal(seen, 1);
  });
});

describe('object client', () => {
  it('sends the calls of one tick in one message, in order', async () => {
    const kernel = new TestKernel();
    const { context } = testContext({ kernel });
    const { objects } = context;
    const map = (name: string): ConfigMap => ({ metadata: { name, namespace: 'default' } });
    const key = { namespace: 'default', name: 'a' };
    const [created, , missing] = await Promise.allSettled([
      objects.create(ConfigMap, map('a')),
      objects.patch(ConfigMap, key, { data: { x: '1' } }),
      objects.get(ConfigMap, { namespace: 'default', name: 'nope' }),
      objects.create(ConfigMap, map('b')),
    ]);
    assert.ok(created.status === 'fulfilled' && created.value.kind === 'ConfigMap');
    assert.ok(missing.status === 'rejected');
    assert.deepEqual(missing.reason, notFound({ group: '', resource: 'configmaps' }, 'nope'));
    const list = await objects.list(ConfigMap, { namespace: 'default' });
    assert.deepEqual(
      list.items.map(({ metadata, data }) => [metadata.name, data]),
      [
        ['a', { x: '1' }],
        ['b', undefined],
      ],
    );
    assert.equal(list.resourceVersion, '4');
  });

  it('rejects every call when the line is cut', async () => {
    const link = new TestKernel().link('x');
    let messages = 0;
    const objects = createObjectClient({
      ...link,
      request() {
        messages++;
        return Promise.reject(new Error('cut'));
      },
    });
    const get = () => objects.get(Pod, { namespace: 'default', name: 'a' });
    const results = await Promise.allSettled([get(), get()]);
    assert.deepEqual(
      results.map(result => result.status === 'rejected' && result.reason.message),
      ['cut', 'cut'],
    );
    assert.equal(messages, 1);
  });
});
