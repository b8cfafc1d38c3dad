import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Pod } from './api/types-core-v1.ts';
import { createContext } from './context.ts';
import type { Informer } from './informer.ts';
import { SharedInformers } from './shared-informers.ts';
import { forbidden, serviceUnavailable } from './status.ts';
import { pod } from './testing/builders.ts';
import { fakeClock } from './testing/fake-clock.ts';
import { seededRandom } from './testing/seeded-random.ts';
import { testContext } from './testing/test-context.ts';
import { TestKernel } from './testing/test-kernel.ts';

function record(informer: Informer<Pod>): string[] {
  const seen: string[] = [];
  informer.on({
    added: object => seen.push(`+${object.metadata.name}`),
    updated: (object, old) =>
      seen.push(`~${object.metadata.name} ${old.status?.phase}>${object.status?.phase}`),
    deleted: object => seen.push(`-${object.metadata.name}`),
  });
  return seen;
}

describe('informer', () => {
  it('lists first, then follows the watch', async () => {
    const { context, kernel, clock } = testContext();
    kernel.add(Pod, pod('a'), pod('b'));
    const informer = context.informer(Pod);
    const seen = record(informer);
    assert.equal(informer.hasSynced, false);
    await clock.step(0);
    await informer.synced;
    assert.deepEqual(seen, ['+a', '+b']);
    kernel.modify(Pod, 'default/a', p => {
      p.status = { phase: 'Running' };
    });
    kernel.add(Pod, pod('c'));
    await kernel.objects.delete(Pod, { namespace: 'default', name: 'b' });
    await clock.step(0);
    assert.deepEqual(seen.slice(2), ['~a undefined>Running', '+c', '-b']);
    assert.deepEqual(
      informer.list().map(p => p.metadata.name),
      ['a', 'c'],
    );
  });

  it('replays what exists to a handler that comes later', async () => {
    const { context, kernel, clock } = testContext();
    kernel.add(Pod, pod('a'));
    const informer = context.informer(Pod);
    await clock.step(0);
    assert.deepEqual(record(informer), ['+a']);
  });

  it('tells the difference after its revision has expired', async () => {
    const { context, kernel, clock } = testContext();
    kernel.add(Pod, pod('gone'), pod('same'), pod('changed'), pod('replaced'));
    const informer = context.informer(Pod);
    await clock.step(0);
    const seen = record(informer);
    seen.length = 0;
    kernel.silently(() => {
      kernel.modify(Pod, 'default/changed', p => {
        p.status = { phase: 'Failed' };
      });
      kernel.add(Pod, pod('new'));
    });
    await kernel.objects.delete(Pod, { namespace: 'default', name: 'gone' });
    await kernel.objects.delete(Pod, { namespace: 'default', name: 'replaced' });
    kernel.add(Pod, pod('replaced'));
    kernel.endWatches();
    await clock.step(1_000);
    assert.deepEqual(seen.sort(), [
      '+new',
      '+replaced',
      '-gone',
      '-replaced',
      '~changed undefined>Failed',
    ]);
    assert.deepEqual(
      informer
        .list()
        .map(p => p.metadata.name)
        .sort(),
      ['changed', 'new', 'replaced', 'same'],
    );
  });

  it('goes on without a list when only the watch broke', async () => {
    const { context, kernel, clock } = testContext();
    kernel.add(Pod, pod('a'));
    const seen = record(context.informer(Pod));
    await clock.step(0);
    kernel.endWatches(serviceUnavailable('restarting'));
    await clock.step(1_000);
    kernel.add(Pod, pod('b'));
    await clock.step(0);
    assert.deepEqual(seen, ['+a', '+b']);
  });

  it('waits longer after each failure', async () => {
    const { context, kernel, clock } = testContext();
    context.informer(Pod);
    await clock.step(0);
    const waits: number[] = [];
    for (let round = 0; round < 12; round++) {
      kernel.endWatches(serviceUnavailable('down'));
      await clock.step(0);
      const endedAt = clock.now();
      await clock.until(() => clock.pending === 0);
      waits.push(clock.now() - endedAt);
    }
    for (const [i, wait] of waits.slice(0, 8).entries()) {
      assert.ok(wait >= 100 * 2 ** i && wait <= 150 * 2 ** i, `${wait} ms after ${i} failures`);
    }
    for (const wait of waits.slice(9)) assert.ok(wait >= 30_000 && wait <= 45_000);
  });

  it('keeps the declared fields and metadata without managedFields', async () => {
    const { context, kernel, clock } = testContext();
    const metadata = { managedFields: [{ manager: 'x' }], labels: { a: 'b' } };
    kernel.add(
      Pod,
      pod('a', { metadata, spec: { nodeName: 'n1', containers: [{ name: 'main', image: 'i' }] } }),
    );
    const informer = context.informer(Pod, { fields: ['spec.nodeName', 'spec.containers.name'] });
    await clock.step(0);
    const kept = informer.get('default/a');
    assert.deepEqual(kept?.spec, { nodeName: 'n1', containers: [{ name: 'main' }] });
    assert.deepEqual(kept?.metadata.labels, { a: 'b' });
    assert.equal(kept?.metadata.managedFields, undefined);
  });

  it('finds by index and namespace, also after a change', async () => {
    const { context, kernel, clock } = testContext();
    kernel.add(Pod, pod('a'), pod('b', { metadata: { namespace: 'other' } }));
    const informer = context.informer(Pod, {
      indexes: { node: (p: Pod) => (p.spec?.nodeName ? [p.spec.nodeName] : []) },
    });
    await clock.step(0);
    assert.deepEqual(
      informer.list('other').map(p => p.metadata.name),
      ['b'],
    );
    assert.deepEqual(informer.byIndex('node', 'n1'), []);
    kernel.modify(Pod, 'default/a', p => {
      p.spec = { containers: [], nodeName: 'n1' };
    });
    await clock.step(0);
    assert.deepEqual(
      informer.byIndex('node', 'n1').map(p => p.metadata.name),
      ['a'],
    );
    await kernel.objects.delete(Pod, { namespace: 'default', name: 'a' });
    await clock.step(0);
    assert.deepEqual(informer.byIndex('node', 'n1'), []);
    assert.throws(() => informer.byIndex('nope', ''), /has node/);
  });

  it('goes on when a handler throws', async () => {
    const { context, kernel, clock } = testContext();
    const informer = context.informer(Pod);
    informer.on({ added: () => assert.fail('on purpose') });
    const seen = record(informer);
    kernel.add(Pod, pod('a'));
    await clock.step(0);
    assert.deepEqual(seen, ['+a']);
    assert.match(kernel.logs[0]?.message ?? '', /handler failed/);
  });
});

describe('shared informers', () => {
  function twoPlugins() {
    const clock = fakeClock();
    const random = seededRandom();
    const kernel = new TestKernel({ clock, random });
    const shared = new SharedInformers({ clock, random });
    const open = (name: string) =>
      createContext({ name, config: {}, link: kernel.link(name), clock, random, shared });
    return { kernel, clock, first: open('first'), second: open('second') };
  }

  it('give the very same object to all plugins of a thread', async () => {
    const { kernel, clock, first, second } = twoPlugins();
    kernel.add(Pod, pod('a'));
    const one = first.context.informer(Pod, { fields: ['spec', 'status'] });
    const two = second.context.informer(Pod, { fields: ['status', 'spec'] });
    await clock.step(0);
    assert.ok(one.get('default/a'));
    assert.equal(one.get('default/a'), two.get('default/a'));
  });

  it('show nothing to a plugin that may not list', async () => {
    const { kernel, clock, first, second } = twoPlugins();
    kernel.fault = (request, plugin) =>
      plugin === 'second' ? forbidden(request, '', 'no') : undefined;
    kernel.add(Pod, pod('a'));
    const one = first.context.informer(Pod);
    const two = second.context.informer(Pod);
    const seen = record(two);
    await clock.step(60_000);
    assert.equal(one.hasSynced, true);
    assert.equal(two.hasSynced, false);
    assert.deepEqual([two.list(), two.get('default/a'), seen], [[], undefined, []]);
    kernel.fault = () => undefined;
    await clock.step(60_000);
    await two.synced;
    assert.deepEqual(seen, ['+a']);
  });

  it('go on for the second when the first is unloaded', async () => {
    const { kernel, clock, first, second } = twoPlugins();
    first.context.informer(Pod);
    await clock.step(0);
    const seen = record(second.context.informer(Pod));
    await clock.step(0);
    await first.dispose();
    kernel.add(Pod, pod('a'));
    await clock.step(0);
    assert.deepEqual(seen, ['+a']);
    await second.dispose();
    kernel.add(Pod, pod('b'));
    await clock.step(0);
    assert.deepEqual(seen, ['+a']);
    assert.equal(clock.pending, 0);
  });
});
