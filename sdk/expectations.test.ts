import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Pod } from './api/types-core-v1.ts';
import { Expectations } from './expectations.ts';
import { pod } from './testing/builders.ts';
import { testContext } from './testing/test-context.ts';

async function setUp() {
  const { context, kernel, clock } = testContext();
  const [old] = kernel.add(Pod, pod('old'));
  assert.ok(old);
  const informer = context.informer(Pod);
  await clock.step(0);
  return { kernel, clock, informer, old, expectations: new Expectations<Pod>(clock) };
}

describe('Expectations', () => {
  it('wait for a written object', async () => {
    const { kernel, clock, expectations, informer } = await setUp();
    const [a, b] = kernel.add(Pod, pod('a'), pod('b'));
    assert.ok(a && b);
    expectations.wrote('owner', b);
    expectations.wrote('owner', a);
    assert.equal(expectations.satisfied('owner', informer), false);
    assert.equal(expectations.satisfied('other', informer), true);
    await clock.step(0);
    assert.equal(expectations.satisfied('owner', informer), true);
  });

  it('wait for a deleted object to go', async () => {
    const { kernel, clock, expectations, informer, old } = await setUp();
    expectations.deleted('owner', old);
    await clock.step(0);
    assert.equal(expectations.satisfied('owner', informer), false);
    await kernel.objects.delete(Pod, { namespace: 'default', name: 'old' });
    await clock.step(0);
    assert.equal(expectations.satisfied('owner', informer), true);
  });

  it('wait for a deleted object that is held to be marked', async () => {
    const { kernel, clock, expectations, informer, old } = await setUp();
    kernel.modify(Pod, 'default/old', p => {
      p.metadata.finalizers = ['example.com/hold'];
    });
    await clock.step(0);
    expectations.deleted('owner', old);
    assert.equal(expectations.satisfied('owner', informer), false);
    await kernel.objects.delete(Pod, { namespace: 'default', name: 'old' });
    await clock.step(0);
    assert.equal(expectations.satisfied('owner', informer), true);
    assert.ok(kernel.get(Pod, 'default/old'));
  });

  it('are met although the object has gone again while the watch was down', async () => {
    const { kernel, clock, expectations, informer } = await setUp();
    kernel.silently(() => {
      const [a] = kernel.add(Pod, pod('a'));
      assert.ok(a);
      expectations.wrote('owner', a);
    });
    await kernel.objects.delete(Pod, { namespace: 'default', name: 'a' });
    kernel.endWatches();
    await clock.step(1_000);
    assert.equal(expectations.satisfied('owner', informer), true);
  });

  it('expire', async () => {
    const { kernel, clock, expectations, informer, old } = await setUp();
    kernel.silently(() => expectations.deleted('owner', old));
    assert.equal(expectations.satisfied('owner', informer), false);
    await clock.step(300_001);
    assert.equal(expectations.satisfied('owner', informer), true);
  });
});
