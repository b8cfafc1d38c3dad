import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  controllerOf,
  controllerReference,
  Event,
  forbidden,
  keyOf,
  Pod,
  ReplicaSet,
  serviceUnavailable,
} from 'kernetes/sdk';
import { activate, pod, replicaSet, running, TestKernel } from 'kernetes/sdk/testing';
import plugin from './plugin.ts';

const KEY = { namespace: 'default', name: 'web' };

async function setUp(set: ReplicaSet, ...pods: Pod[]) {
  const kernel = new TestKernel();
  const [stored] = kernel.add(ReplicaSet, set);
  assert.ok(stored);
  kernel.add(Pod, ...pods.map(each => ownedBy(stored, each)));
  return { ...(await activate(plugin, { kernel })), set: stored };
}

/** Pods without owner references get the set as their controller; others stay as they are. */
function ownedBy(set: ReplicaSet, each: Pod): Pod {
  const ownerReferences = each.metadata.ownerReferences ?? [controllerReference(ReplicaSet, set)];
  return { ...each, metadata: { ...each.metadata, ownerReferences } };
}

const LABELS = { app: 'web' };

function names(kernel: TestKernel): string[] {
  return kernel.all(Pod).map(({ metadata }) => metadata.name ?? '');
}

function uidOf({ metadata }: Pod): string {
  return metadata.uid ?? '';
}

function setRunning(kernel: TestKernel, since?: string): void {
  for (const each of kernel.all(Pod)) {
    kernel.modify(Pod, keyOf(each), p => {
      p.status = running(since ? { since } : {});
    });
  }
}

function writes(kernel: TestKernel, resource: string, verb: string): number {
  return kernel.requests.filter(r => r.resource === resource && r.verb === verb).length;
}

describe('controller.replicaset', () => {
  it('creates the missing pods from the template, owned by the set', async () => {
    const { kernel, set } = await setUp(replicaSet('web', { replicas: 3 }));
    const pods = kernel.all(Pod);
    assert.equal(pods.length, 3);
    for (const each of pods) {
      assert.match(each.metadata.name ?? '', /^web-[a-z0-9]{5}$/);
      assert.deepEqual(each.metadata.labels, LABELS);
      assert.deepEqual(each.metadata.ownerReferences, [controllerReference(ReplicaSet, set)]);
      assert.deepEqual(each.spec, set.spec?.template?.spec);
    }
    const messages = kernel.all(Event).map(({ reason, message }) => `${reason} ${message}`);
    assert.deepEqual(
      messages.sort(),
      names(kernel).map(n => `SuccessfulCreate Created pod: ${n}`),
    );
  });

  it('tells in the status how many there are, ready and available', async () => {
    const { kernel, clock } = await setUp(replicaSet('web', { replicas: 2 }));
    await clock.step(100);
    const before = { replicas: 2, fullyLabeledReplicas: 2, readyReplicas: 0, availableReplicas: 0 };
    assert.deepEqual(kernel.get(ReplicaSet, 'default/web')?.status, {
      ...before,
      observedGeneration: 1,
      terminatingReplicas: 0,
    });
    setRunning(kernel);
    await clock.step(100);
    const { status } = kernel.get(ReplicaSet, 'default/web') ?? {};
    assert.deepEqual([status?.readyReplicas, status?.availableReplicas], [2, 2]);
  });

  it('counts a pod as available after minReadySeconds, without being told', async () => {
    const { kernel, clock } = await setUp(replicaSet('web', { minReadySeconds: 10 }));
    const available = () => kernel.get(ReplicaSet, 'default/web')?.status?.availableReplicas;
    setRunning(kernel, new Date(clock.now()).toISOString());
    await clock.step(9_999);
    assert.equal(available(), 0);
    await clock.step(1);
    assert.equal(available(), 1);
  });

  it('replaces a pod that is deleted or has failed', async () => {
    const { kernel, clock } = await setUp(replicaSet('web', { replicas: 2 }));
    const [first = '', second = ''] = names(kernel);
    await kernel.objects.delete(Pod, { namespace: 'default', name: first });
    kernel.modify(Pod, `default/${second}`, p => {
      p.status = { phase: 'Failed' };
    });
    await clock.step(100);
    assert.equal(kernel.all(Pod).filter(p => p.status?.phase !== 'Failed').length, 2);
    assert.equal(kernel.get(ReplicaSet, 'default/web')?.status?.replicas, 2);
  });

  it('does not create twice when its copy lags behind its writes', async () => {
    const kernel = new TestKernel();
    kernel.add(ReplicaSet, replicaSet('web', { replicas: 5 }));
    let release: (() => void) | undefined;
    kernel.fault = request => {
      if (request.resource === 'pods' && request.verb === 'create')
        release ??= kernel.holdWatches();
      return undefined;
    };
    const { clock } = await activate(plugin, { kernel });
    await clock.step(100_000);
    assert.equal(writes(kernel, 'pods', 'create'), 5);
    release?.();
    await clock.step(100_000);
    assert.equal(writes(kernel, 'pods', 'create'), 5);
    assert.equal(kernel.get(ReplicaSet, 'default/web')?.status?.replicas, 5);
  });

  it('says that it has seen a new size when it has dealt with it, not while its copy lags', async () => {
    const { kernel, clock } = await setUp(replicaSet('web', { replicas: 2 }));
    await clock.step(100);
    const seen = () => kernel.get(ReplicaSet, 'default/web')?.status?.observedGeneration;
    const scale = async (replicas: number) => {
      kernel.modify(ReplicaSet, 'default/web', ({ spec }) => {
        if (spec) spec.replicas = replicas;
      });
      await clock.step(100);
    };
    const release = kernel.holdWatches({ resource: 'pods' });
    await scale(3);
    assert.equal(seen(), 2);
    await scale(2);
    assert.equal(seen(), 2);
    release();
    await clock.step(100);
    assert.deepEqual([seen(), kernel.all(Pod).length], [3, 2]);
  });

  it('converges when pods were made but the answers were lost', async () => {
    const kernel = new TestKernel();
    kernel.add(ReplicaSet, replicaSet('web', { replicas: 5 }));
    let lost = 0;
    kernel.fault = request => {
      if (request.resource !== 'pods' || request.verb !== 'create' || ++lost > 2) return undefined;
      kernel.add(Pod, request.body as Pod);
      return serviceUnavailable('the answer was lost');
    };
    const { clock } = await activate(plugin, { kernel });
    await clock.step(60_000);
    assert.deepEqual([kernel.all(Pod).length, lost > 2], [5, true]);
  });

  /**
   * The answer to the first such write of a pod is lost, the next few are refused, and nothing is
   * seen until `release`.
   */
  function loseFirst(kernel: TestKernel, verb: 'create' | 'delete'): { release(): void } {
    let release: (() => void) | undefined;
    let refusals = 10;
    kernel.fault = request => {
      if (request.resource !== 'pods' || request.verb !== verb) return undefined;
      if (release) return refusals-- > 0 ? serviceUnavailable('down') : undefined;
      release = kernel.holdWatches();
      void kernel.objects.request(request);
      return serviceUnavailable('the answer was lost');
    };
    return { release: () => release?.() };
  }

  it('makes no pod too many when an answer was lost and its copy lags', async () => {
    const kernel = new TestKernel();
    kernel.add(ReplicaSet, replicaSet('web', { replicas: 5 }));
    const line = loseFirst(kernel, 'create');
    const { clock } = await activate(plugin, { kernel });
    await clock.step(60_000);
    assert.equal(kernel.all(Pod).length, 1);
    line.release();
    await clock.step(24 * 3_600_000);
    assert.equal(kernel.all(Pod).length, 5);
    const created = kernel.all(Event).filter(({ reason }) => reason === 'SuccessfulCreate');
    assert.equal(created.length, 4);
  });

  it('deletes no other pod when an answer was lost and time changes their order', async () => {
    const { kernel, clock } = await setUp(replicaSet('web', { replicas: 3 }));
    // Now the third was ready for the shortest time, later all are alike but for their uids.
    const byUid = kernel.all(Pod).sort((a, b) => (uidOf(a) < uidOf(b) ? -1 : 1));
    for (const [i, each] of byUid.entries()) {
      const since = new Date(clock.now() - 4 ** (2 - i) * 1000).toISOString();
      kernel.modify(Pod, keyOf(each), p => {
        p.status = running({ since });
      });
    }
    await clock.step(100);
    const line = loseFirst(kernel, 'delete');
    kernel.modify(ReplicaSet, 'default/web', set => {
      set.spec = { ...set.spec, selector: { matchLabels: LABELS }, replicas: 2 };
    });
    await clock.step(100);
    for (let round = 0; round < 20; round++) {
      await clock.step(10_000);
      assert.equal(kernel.all(Pod).length, 2);
    }
    line.release();
    await clock.step(24 * 3_600_000);
    assert.equal(kernel.all(Pod).length, 2);
  });

  it('begins with one pod and stops at the first refusal, and says why', async () => {
    const { kernel, clock } = await setUp(replicaSet('web', { replicas: 0 }));
    kernel.fault = request =>
      request.resource === 'pods' && request.verb === 'create'
        ? forbidden(request, '', 'exceeded quota')
        : undefined;
    kernel.modify(ReplicaSet, 'default/web', set => {
      set.spec = { ...set.spec, selector: { matchLabels: LABELS }, replicas: 100 };
    });
    await clock.step(20);
    assert.equal(writes(kernel, 'pods', 'create'), 1);
    const [condition] = kernel.get(ReplicaSet, 'default/web')?.status?.conditions ?? [];
    assert.equal(condition?.type, 'ReplicaFailure');
    assert.equal(condition?.reason, 'FailedCreate');
    assert.equal(condition?.message, 'pods is forbidden: exceeded quota');
    kernel.fault = () => undefined;
    await clock.step(60_000);
    assert.equal(kernel.all(Pod).length, 100);
    assert.equal(kernel.get(ReplicaSet, 'default/web')?.status?.conditions, undefined);
  });

  it('adopts orphans that it selects and counts them', async () => {
    const orphan = pod('orphan', { metadata: { labels: LABELS, ownerReferences: [] } });
    const foreign = pod('foreign', { metadata: { labels: { app: 'x' }, ownerReferences: [] } });
    const { kernel, clock } = await setUp(replicaSet('web', { replicas: 1 }), orphan, foreign);
    await clock.step(100);
    assert.deepEqual(names(kernel), ['foreign', 'orphan']);
    assert.equal(controllerOf(kernel.get(Pod, 'default/orphan') ?? orphan)?.name, 'web');
    assert.equal(controllerOf(kernel.get(Pod, 'default/foreign') ?? foreign), undefined);
  });

  it('adopts and releases by a set-based selector', async () => {
    const set = replicaSet('web', {
      replicas: 2,
      selector: {
        matchExpressions: [
          { key: 'app', operator: 'In', values: ['web', 'api'] },
          { key: 'canary', operator: 'DoesNotExist' },
        ],
      },
    });
    const orphan = (name: string, labels: Record<string, string>) =>
      pod(name, { metadata: { labels, ownerReferences: [] } });
    const { kernel, clock } = await setUp(
      set,
      orphan('in', { app: 'api' }),
      orphan('out', { app: 'db' }),
      orphan('canary', { app: 'web', canary: '' }),
    );
    await clock.step(100);
    const owned = () =>
      kernel
        .all(Pod)
        .filter(each => controllerOf(each))
        .map(({ metadata }) => metadata.name ?? '');
    assert.equal(owned().length, 2);
    assert.ok(owned().includes('in'));
    kernel.modify(Pod, 'default/in', each => {
      each.metadata.labels = { app: 'api', canary: '' };
    });
    await clock.step(100);
    assert.equal(owned().length, 2);
    assert.equal(owned().includes('in'), false);
  });

  it('releases a pod that it no longer selects and makes another', async () => {
    const { kernel, clock } = await setUp(replicaSet('web', { replicas: 1 }));
    const [name = ''] = names(kernel);
    kernel.modify(Pod, `default/${name}`, p => {
      p.metadata.labels = { app: 'debug' };
    });
    await clock.step(100);
    assert.equal(kernel.get(Pod, `default/${name}`)?.metadata.ownerReferences, undefined);
    assert.equal(kernel.all(Pod).length, 2);
  });

  it('neither adopts nor creates when the set was deleted meanwhile', async () => {
    const set = replicaSet('web', { replicas: 2 }, { finalizers: ['foregroundDeletion'] });
    const { kernel, clock } = await setUp(set);
    await kernel.objects.delete(ReplicaSet, KEY);
    const [name = ''] = names(kernel);
    await kernel.objects.delete(Pod, { namespace: 'default', name });
    kernel.add(Pod, pod('orphan', { metadata: { labels: LABELS } }));
    await clock.step(1_000);
    assert.equal(kernel.all(Pod).length, 2);
    assert.equal(controllerOf(kernel.get(Pod, 'default/orphan') ?? pod('x')), undefined);
    assert.equal(kernel.get(ReplicaSet, 'default/web')?.status?.replicas, 1);
  });

  it('goes on where a crashed one stopped, without duplicates', async () => {
    const kernel = new TestKernel();
    kernel.add(ReplicaSet, replicaSet('web', { replicas: 7 }));
    let creates = 0;
    kernel.fault = request => {
      const isCreate = request.resource === 'pods' && request.verb === 'create';
      return isCreate && ++creates > 3 ? serviceUnavailable('gone') : undefined;
    };
    const first = await activate(plugin, { kernel });
    await first.dispose();
    assert.equal(kernel.all(Pod).length, 3);
    kernel.fault = () => undefined;
    await activate(plugin, { kernel });
    assert.equal(kernel.all(Pod).length, 7);
  });

  it('scales down by deleting, and not again before it has seen that', async () => {
    const { kernel, clock } = await setUp(replicaSet('web', { replicas: 4 }));
    kernel.modify(ReplicaSet, 'default/web', set => {
      set.spec = { ...set.spec, selector: { matchLabels: LABELS }, replicas: 1 };
    });
    await clock.step(100);
    assert.equal(kernel.all(Pod).length, 1);
    assert.equal(writes(kernel, 'pods', 'delete'), 3);
  });

  it('deletes on the node with more pods of it and its siblings, those that have ended left out', async () => {
    const on = (nodeName: string, name: string, parts: { phase?: string } = {}) => {
      const status = { ...running(), ...parts };
      return pod(name, {
        metadata: { labels: LABELS },
        spec: { nodeName, containers: [] },
        status,
      });
    };
    const { kernel, clock } = await setUp(
      replicaSet('web', { replicas: 3 }),
      ...[on('n1', 'a'), on('n1', 'b'), on('n2', 'c')],
      ...[on('n2', 'd', { phase: 'Failed' }), on('n2', 'e', { phase: 'Failed' })],
    );
    kernel.modify(ReplicaSet, 'default/web', set => {
      set.spec = { ...set.spec, selector: { matchLabels: LABELS }, replicas: 2 };
    });
    await clock.step(100);
    assert.ok(names(kernel).includes('c'));
    assert.equal(kernel.all(Pod).length, 4);
  });

  it('makes a burst of more than 500 in parts', async () => {
    const { kernel, clock } = await setUp(replicaSet('web', { replicas: 1_200 }));
    await clock.step(0);
    assert.equal(writes(kernel, 'pods', 'create'), 500);
    await clock.step(1_000);
    assert.equal(writes(kernel, 'pods', 'create'), 1_200);
  });

  it('writes the status of many pods that become available at different times in few writes', async () => {
    const { kernel, clock } = await setUp(
      replicaSet('web', { replicas: 300, minReadySeconds: 10 }),
    );
    await clock.step(100);
    for (const [i, each] of kernel.all(Pod).entries()) {
      kernel.modify(Pod, keyOf(each), p => {
        p.status = running({ since: new Date(clock.now() + i).toISOString() });
      });
    }
    await clock.step(100);
    const before = writes(kernel, 'replicasets', 'update');
    await clock.step(11_000);
    assert.equal(kernel.get(ReplicaSet, 'default/web')?.status?.availableReplicas, 300);
    const count = writes(kernel, 'replicasets', 'update') - before;
    assert.ok(count <= 20, `${count} writes`);
  });

  it('counts pods that are going, and replaces them at once', async () => {
    const { kernel, clock } = await setUp(replicaSet('web', { replicas: 1 }));
    const [name = ''] = names(kernel);
    kernel.modify(Pod, `default/${name}`, p => {
      p.metadata.finalizers = ['example.com/hold'];
    });
    await kernel.objects.delete(Pod, { namespace: 'default', name });
    await clock.step(100);
    const { status } = kernel.get(ReplicaSet, 'default/web') ?? {};
    assert.deepEqual([status?.replicas, status?.terminatingReplicas], [1, 1]);
    assert.equal(kernel.all(Pod).length, 2);
  });

  it('does nothing when all is as it should be', async () => {
    const { kernel, clock } = await setUp(replicaSet('web', { replicas: 3 }));
    await clock.step(100);
    kernel.requests.length = 0;
    await clock.step(600_000);
    assert.deepEqual(kernel.requests, []);
  });
});
