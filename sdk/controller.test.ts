import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Deployment, ReplicaSet } from './api/types-apps-v1.ts';
import { ConfigMap } from './api/types-core-v1.ts';
import { controller } from './controller.ts';
import { formatKey, type ObjectKey } from './kind.ts';
import { controllerReference } from './ownership.ts';
import type { ReconcileResult } from './queue-runner.ts';
import { conflict, serviceUnavailable } from './status.ts';
import { deployment, replicaSet } from './testing/builders.ts';
import { activate } from './testing/test-context.ts';
import { TestKernel } from './testing/test-kernel.ts';

/** A controller of Deployments that writes down what it is called for. */
function recording(
  reconcile: (key: ObjectKey) => ReconcileResult | Promise<ReconcileResult> = () => undefined,
  concurrency = 1,
) {
  const calls: string[] = [];
  const plugin = controller({
    name: 'recording',
    for: Deployment,
    owns: [ReplicaSet],
    watches: [
      {
        kind: ConfigMap,
        map: ({ data }) => (data?.for ? [{ namespace: 'default', name: data.for }] : []),
      },
    ],
    concurrency,
    reconcile(key, { object, owned }) {
      const names = owned(ReplicaSet).map(({ metadata }) => metadata.name);
      calls.push([formatKey(key), object ? 'there' : 'gone', ...names].join(' '));
      return reconcile(key);
    },
  });
  return { plugin, calls };
}

function owned(name: string, owner: Deployment): ReplicaSet {
  const ownerReferences = [controllerReference(Deployment, owner)];
  return replicaSet(name, {}, { ownerReferences });
}

describe('controller()', () => {
  it('begins when all informers have synced, once for each object', async () => {
    const kernel = new TestKernel();
    const [web] = kernel.add(Deployment, deployment('web'));
    assert.ok(web);
    kernel.add(ReplicaSet, owned('web-1', web));
    const { plugin, calls } = recording();
    kernel.fault = request =>
      request.resource === 'configmaps' ? serviceUnavailable('not yet') : undefined;
    const { clock } = await activate(plugin, { kernel });
    assert.deepEqual(calls, []);
    kernel.fault = () => undefined;
    await clock.step(10_000);
    assert.deepEqual(calls, ['default/web there web-1']);
  });

  it('tries again after a failure, and no later than the failure says', async () => {
    const kernel = new TestKernel();
    kernel.add(Deployment, deployment('web'));
    const requeueAfter = 18;
    const { plugin, calls } = recording(() => ({ requeueAfter, error: serviceUnavailable('no') }));
    const { clock } = await activate(plugin, { kernel });
    const counts: number[] = [];
    // After 5 and 10 more ms it is tried again; after 20 it would be.
    for (const ms of [4, 1, 10, 17, 1, 18]) {
      await clock.step(ms);
      counts.push(calls.length);
    }
    assert.deepEqual(counts, [1, 2, 3, 3, 4, 5]);
    assert.equal(kernel.logs.length, 5);
  });

  it('is called for changes of the object, of what it owns and of what it watches', async () => {
    const { plugin, calls } = recording();
    const { kernel, clock } = await activate(plugin);
    const [web] = kernel.add(Deployment, deployment('web'));
    assert.ok(web);
    await clock.step(0);
    assert.deepEqual(calls.splice(0), ['default/web there']);
    kernel.add(ReplicaSet, owned('web-1', web), replicaSet('orphan'));
    await clock.step(0);
    assert.deepEqual(calls.splice(0), ['default/web there web-1']);
    kernel.add(ConfigMap, { metadata: { name: 'c', namespace: 'default' }, data: { for: 'web' } });
    await clock.step(0);
    assert.deepEqual(calls.splice(0), ['default/web there web-1']);
    await kernel.objects.delete(Deployment, { namespace: 'default', name: 'web' });
    await clock.step(0);
    assert.deepEqual(calls.splice(0), ['default/web gone']);
  });

  it('enqueues the old and the new controller of an object that changes hands', async () => {
    const { plugin, calls } = recording();
    const { kernel, clock } = await activate(plugin);
    const [a, b] = kernel.add(Deployment, deployment('a'), deployment('b'));
    assert.ok(a && b);
    kernel.add(ReplicaSet, owned('set', a));
    await clock.step(0);
    calls.length = 0;
    kernel.modify(ReplicaSet, 'default/set', set => {
      set.metadata.ownerReferences = [controllerReference(Deployment, b)];
    });
    await clock.step(0);
    assert.deepEqual(calls, ['default/a there', 'default/b there set']);
  });

  it('tries again, later each time, and logs all but lost races as warnings', async () => {
    const errors: (Error | undefined)[] = [
      serviceUnavailable('x'),
      conflict({ group: 'apps', resource: 'deployments' }, 'web'),
      undefined,
    ];
    const { plugin, calls } = recording(() => {
      const error = errors.shift();
      if (error) throw error;
      return undefined;
    });
    const { kernel, clock } = await activate(plugin);
    kernel.add(Deployment, deployment('web'));
    await clock.step(4);
    assert.equal(calls.length, 1);
    await clock.step(1);
    assert.equal(calls.length, 2);
    await clock.step(10);
    assert.equal(calls.length, 3);
    await clock.step(100_000);
    assert.equal(calls.length, 3);
    assert.deepEqual(
      kernel.logs.map(({ level, fields }) => [level, fields.failures]),
      [
        ['warn', 1],
        ['debug', 2],
      ],
    );
  });

  it('comes back after requeueAfter', async () => {
    const { plugin, calls } = recording(() => ({ requeueAfter: '5m' }));
    const { kernel, clock } = await activate(plugin);
    kernel.add(Deployment, deployment('web'));
    await clock.step(299_999);
    assert.equal(calls.length, 1);
    await clock.step(1);
    assert.equal(calls.length, 2);
  });

  it('works on several keys at a time, never on one twice', async () => {
    const finish = new Map<string, () => void>();
    const { plugin, calls } = recording(
      key => new Promise(resolve => finish.set(key.name, () => resolve(undefined))),
      2,
    );
    const { kernel, clock } = await activate(plugin);
    kernel.add(Deployment, deployment('a'), deployment('b'), deployment('c'));
    await clock.step(0);
    assert.deepEqual([...finish.keys()], ['a', 'b']);
    kernel.modify(Deployment, 'default/a', a => {
      a.metadata.labels = { changed: 'yes' };
    });
    await clock.step(0);
    assert.equal(calls.length, 2);
    finish.get('a')?.();
    await clock.step(0);
    assert.deepEqual(calls.slice(2), ['default/c there']);
    finish.get('b')?.();
    await clock.step(0);
    assert.deepEqual(calls.slice(3), ['default/a there']);
  });

  it('gathers what happens within intervalMs, and does not wait the first time', async () => {
    const times: number[] = [];
    const plugin = controller({
      name: 'slow',
      for: Deployment,
      intervalMs: 100,
      reconcile(_key, { clock }) {
        times.push(clock.monotonic());
        return undefined;
      },
    });
    const { kernel, clock } = await activate(plugin);
    kernel.add(Deployment, deployment('web'));
    await clock.step(0);
    for (let i = 0; i < 5; i++) {
      kernel.modify(Deployment, 'default/web', ({ metadata }) => {
        metadata.labels = { i: String(i) };
      });
      await clock.step(10);
    }
    await clock.step(1_000);
    assert.deepEqual([times, clock.pending], [[0, 100], 0]);
  });

  it('waits on unload for what is under way, and then does nothing more', async () => {
    let finish: () => void = () => {};
    const { plugin, calls } = recording(
      () =>
        new Promise(resolve => {
          finish = () => resolve({ requeueAfter: 1 });
        }),
    );
    const { kernel, clock, dispose } = await activate(plugin);
    kernel.add(Deployment, deployment('web'), deployment('next'));
    await clock.step(0);
    let disposed = false;
    const disposal = dispose().then(() => {
      disposed = true;
    });
    await clock.step(0);
    assert.equal(disposed, false);
    finish();
    await disposal;
    await clock.step(1_000);
    assert.deepEqual([calls.length, clock.pending], [1, 0]);
  });
});
