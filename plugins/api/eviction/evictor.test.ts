import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  ApiError,
  type Eviction,
  Pod,
  PodDisruptionBudget,
  type SubresourceRequest,
} from 'kernetes/sdk';
import { fakeClock, TestKernel, testContext } from 'kernetes/sdk/testing';
import { Evictor } from './evictor.ts';

const NAMESPACE = 'shop';
const READY = { type: 'Ready', status: 'True' };

function pod(name: string, phase = 'Running', conditions = [READY]): Pod {
  const metadata = { namespace: NAMESPACE, name, labels: { app: 'web' } };
  return { metadata, status: { phase, conditions } };
}

function budget(status: PodDisruptionBudget['status'], spec = {}): PodDisruptionBudget {
  const metadata = { namespace: NAMESPACE, name: 'web' };
  const selector = { matchLabels: { app: 'web' } };
  return { metadata, spec: { selector, ...spec }, ...(status && { status }) };
}

function statusWith(disruptionsAllowed: number, healthy = 3, desired = 2) {
  return {
    observedGeneration: 1,
    disruptionsAllowed,
    currentHealthy: healthy,
    desiredHealthy: desired,
    expectedPods: 3,
  };
}

function disrupted(count: number): Record<string, string> {
  const names = Array.from({ length: count }, (_, i) => `gone-${i}`);
  return Object.fromEntries(names.map(name => [name, '2026-01-01T00:00:00Z']));
}

function closed(reason: string, message: string) {
  const lastTransitionTime = '2026-01-01T00:00:00Z';
  return { type: 'DisruptionAllowed', status: 'False', reason, message, lastTransitionTime };
}

function setUp(...budgets: PodDisruptionBudget[]) {
  const clock = fakeClock();
  const kernel = new TestKernel({ clock });
  kernel.add(PodDisruptionBudget, ...budgets);
  const { context } = testContext({ kernel, clock });
  const evictor = new Evictor({ objects: context.objects, clock, announces: true });
  const evict = (object: Pod, given: Partial<SubresourceRequest<Eviction>> = {}) => {
    const [stored] = kernel.add(Pod, object);
    return evictor.evict({
      verb: 'create',
      user: { name: 'test', groups: [] },
      namespace: NAMESPACE,
      name: object.metadata.name ?? '',
      object: stored as Pod,
      body: { metadata: { name: object.metadata.name ?? '' } },
      dryRun: false,
      options: {},
      ...given,
    });
  };
  const left = () => kernel.all(PodDisruptionBudget)[0]?.status;
  const isThere = (name: string) => kernel.get(Pod, `${NAMESPACE}/${name}`) !== undefined;
  return { kernel, evict, left, isThere };
}

function refusal(code: number, text: RegExp) {
  return (error: unknown) => {
    assert.ok(error instanceof ApiError);
    assert.equal(error.code, code);
    const texts = [error.message, ...(error.status.details?.causes ?? []).map(c => c.message)];
    assert.match(texts.join('\n'), text);
    return true;
  };
}

describe('Evictor', () => {
  it('deletes a pod that no budget selects', async () => {
    const { evict, isThere } = setUp();
    const { value } = await evict(pod('a'));
    assert.equal((value as { status: string }).status, 'Success');
    assert.ok(!isThere('a'));
  });

  it('takes a disruption from the budget, and writes down whose it is', async () => {
    const { evict, isThere, left } = setUp(budget(statusWith(1)));
    await evict(pod('a'));
    assert.ok(!isThere('a'));
    assert.equal(left()?.disruptionsAllowed, 0);
    assert.deepEqual(Object.keys(left()?.disruptedPods ?? {}), ['a']);
  });

  const refused = [
    {
      title: 'a budget with nothing left',
      budgets: [budget(statusWith(0, 2))],
      code: 429,
      text: /^The disruption budget web needs 2 healthy pods and has 2 currently$/m,
    },
    {
      title: 'a budget that could not be counted',
      budgets: [budget({ ...statusWith(0, 0), conditions: [closed('SyncFailed', 'no scale')] })],
      code: 429,
      text: /^The disruption budget web does not allow evicting pods currently because it failed sync: no scale$/m,
    },
    {
      title: 'a budget that is healthy, and closed for another reason',
      budgets: [budget({ ...statusWith(0), conditions: [closed('Maintenance', 'not now')] })],
      code: 429,
      text: /^The disruption budget web does not allow evicting pods currently \(Maintenance\): not now$/m,
    },
    {
      title: 'a budget that is healthy, and closed without a word',
      budgets: [budget({ ...statusWith(0), conditions: [closed('InsufficientPods', '')] })],
      code: 429,
      text: /^The disruption budget web does not allow evicting pods currently$/m,
    },
    {
      title: 'a budget whose controller is behind',
      budgets: [budget({ ...statusWith(1), observedGeneration: 0 })],
      code: 429,
      text: /still being processed/,
    },
    {
      title: 'two budgets',
      budgets: [
        budget(statusWith(1)),
        { ...budget(statusWith(1)), metadata: { namespace: NAMESPACE, name: 'b' } },
      ],
      code: 500,
      text: /more than one PodDisruptionBudget/,
    },
    {
      title: 'a budget of whose evictions too many are not seen',
      budgets: [budget({ ...statusWith(1), disruptedPods: disrupted(2_001) })],
      code: 403,
      text: /DisruptedPods map too big/,
    },
    {
      title: 'a negative budget',
      budgets: [budget(statusWith(-1))],
      code: 403,
      text: /disruptions allowed is negative/,
    },
    {
      title: 'an unready pod while the budget is not healthy',
      budgets: [budget(statusWith(0, 1))],
      evicted: pod('a', 'Running', []),
      code: 429,
      text: /needs 2 healthy pods and has 1/,
    },
  ];
  for (const { title, budgets, evicted = pod('a'), code, text } of refused) {
    it(`refuses with ${code} for ${title}, and the pod stays`, async () => {
      const { evict, isThere } = setUp(...budgets);
      await assert.rejects(evict(evicted), refusal(code, text));
      assert.ok(isThere('a'));
    });
  }

  const free = [
    { title: 'a pending pod', evicted: pod('a', 'Pending') },
    { title: 'a failed pod', evicted: pod('a', 'Failed') },
    { title: 'an unready pod of a healthy budget', evicted: pod('a', 'Running', []) },
    {
      title: 'an unready pod whose budget always allows it',
      evicted: pod('a', 'Running', []),
      budgets: [budget(statusWith(0, 1), { unhealthyPodEvictionPolicy: 'AlwaysAllow' })],
    },
  ];
  for (const { title, evicted, budgets = [budget(statusWith(0))] } of free) {
    it(`asks no budget for ${title}`, async () => {
      const { evict, isThere, left } = setUp(...budgets);
      await evict(evicted);
      assert.ok(!isThere('a'));
      assert.equal(left()?.disruptedPods, undefined);
    });
  }

  it('takes from the newest state of a budget that somebody else changes', async () => {
    const { evict, kernel, left } = setUp(budget(statusWith(2)));
    let once = true;
    kernel.fault = ({ resource, verb }) => {
      if (resource !== 'poddisruptionbudgets' || verb !== 'update' || !once) return undefined;
      once = false;
      return new ApiError({ reason: 'Conflict', code: 409, message: 'changed' });
    };
    await evict(pod('a'));
    assert.equal(left()?.disruptionsAllowed, 1);
  });

  it('gives up on a budget that changes all the time, and says when to come again', async () => {
    const { evict, kernel, isThere } = setUp(budget(statusWith(2)));
    kernel.fault = ({ resource, verb }) =>
      resource === 'poddisruptionbudgets' && verb === 'update'
        ? new ApiError({ reason: 'Conflict', code: 409, message: 'changed' })
        : undefined;
    await assert.rejects(evict(pod('a')), (error: unknown) => {
      assert.ok(ApiError.is(error, 'TooManyRequests'));
      assert.equal(error.status.details?.retryAfterSeconds, 10);
      return true;
    });
    assert.ok(isThere('a'));
  });

  it('changes nothing in a dry run', async () => {
    const { evict, kernel, left } = setUp(budget(statusWith(1)));
    await evict(pod('a'), { dryRun: true });
    assert.equal(left()?.disruptionsAllowed, 1);
    assert.ok(!kernel.requests.some(({ verb }) => verb === 'patch'));
    const deletion = kernel.requests.find(({ verb }) => verb === 'delete');
    assert.equal(deletion?.options?.dryRun, true);
  });

  it('changes nothing in a dry run that its delete options ask for, as kubectl drain does', async () => {
    const { evict, kernel, left } = setUp(budget(statusWith(1)));
    const metadata = { name: 'a' };
    await evict(pod('a'), { body: { metadata, deleteOptions: { dryRun: ['All'] } } });
    const deletion = kernel.requests.find(({ verb }) => verb === 'delete');
    assert.equal(deletion?.options?.dryRun, true);
    assert.deepEqual(left(), statusWith(1));
  });

  it('asks a budget that no copy has yet', async () => {
    const { evict, kernel, isThere } = setUp();
    kernel.holdWatches();
    kernel.add(PodDisruptionBudget, budget(statusWith(0, 2)));
    await assert.rejects(evict(pod('a')), refusal(429, /needs 2 healthy pods/));
    assert.ok(isThere('a'));
  });

  it('tells in the conditions that it took the last disruption', async () => {
    const since = { lastTransitionTime: '2025-01-01T00:00:00Z' };
    const other = { type: 'Other', status: 'True', reason: 'Any', message: '', ...since };
    const old = { ...other, type: 'DisruptionAllowed', reason: 'SufficientPods' };
    const { evict, left } = setUp(budget({ ...statusWith(2), conditions: [old, other] }));
    await evict(pod('a'));
    assert.deepEqual(left()?.conditions, [old, other]);
    await evict(pod('b'));
    const now = { lastTransitionTime: '2026-01-01T00:00:00Z', observedGeneration: 1 };
    const none = { ...old, status: 'False', reason: 'InsufficientPods', ...now };
    assert.deepEqual(left()?.conditions, [none, other]);
  });

  it('tells the pod why it ends, before it is deleted', async () => {
    const { evict, kernel } = setUp(budget(statusWith(1)));
    const told: unknown[] = [];
    kernel.fault = ({ resource, verb }) => {
      if (resource === 'pods' && verb === 'delete') {
        told.push(kernel.get(Pod, `${NAMESPACE}/a`)?.status?.conditions);
      }
      return undefined;
    };
    await evict(pod('a'));
    const message = 'Eviction API: evicting';
    const since = { lastTransitionTime: '2026-01-01T00:00:00Z', message };
    const condition = { type: 'DisruptionTarget', status: 'True', reason: 'EvictionByEvictionAPI' };
    assert.deepEqual(told, [[{ ...condition, ...since }]]);
  });

  it('keeps since when a pod has been told', async () => {
    const { evict, kernel } = setUp();
    const since = { lastTransitionTime: '2025-01-01T00:00:00Z' };
    const told = { type: 'DisruptionTarget', status: 'True', ...since };
    await evict(pod('a', 'Running', [READY, told]));
    const patch = kernel.requests.find(({ verb }) => verb === 'patch');
    const body = patch?.body as Pod | undefined;
    assert.equal(body?.status?.conditions?.[0]?.lastTransitionTime, since.lastTransitionTime);
  });

  it('tries once where the client says which state of the pod it means', async () => {
    const { evict, kernel, isThere } = setUp();
    const deleteOptions = { preconditions: { resourceVersion: '1' } };
    const body = { metadata: { name: 'a' }, deleteOptions };
    await assert.rejects(evict(pod('a'), { body }), error => ApiError.is(error, 'Conflict'));
    assert.equal(kernel.requests.filter(({ verb }) => verb === 'patch').length, 1);
    assert.ok(isThere('a'));
  });

  it('neither tells nor deletes a pod that changed since it needed no budget', async () => {
    const { evict, kernel, left } = setUp(budget(statusWith(1)));
    let changes = 0;
    kernel.fault = ({ resource, verb }) => {
      if (resource !== 'pods' || verb !== 'patch' || changes++ > 0) return undefined;
      kernel.modify(Pod, `${NAMESPACE}/a`, each => {
        each.status = { phase: 'Running', conditions: [READY] };
      });
      return undefined;
    };
    await evict(pod('a', 'Pending'));
    assert.equal(left()?.disruptionsAllowed, 0);
  });

  it('refuses a body that names another pod', async () => {
    const { evict } = setUp();
    const other = evict(pod('a'), { body: { metadata: { name: 'b' } } });
    await assert.rejects(other, refusal(400, /does not match/));
  });
});
