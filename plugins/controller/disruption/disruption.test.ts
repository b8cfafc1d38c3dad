import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  controllerReference,
  Deployment,
  definePlugin,
  Event,
  internalError,
  type Kind,
  type KubeObject,
  keyOf,
  Pod,
  PodDisruptionBudget,
  type PodDisruptionBudgetSpec,
  ReplicaSet,
  ReplicationController,
  StatefulSet,
  servedKindPoint,
} from 'kernetes/sdk';
import { activate, pod, running, TestKernel } from 'kernetes/sdk/testing';
import plugin from './plugin.ts';

const KEY = 'default/web';
const LABELS = { app: 'web' };
const START = '2026-01-01T00:00:00Z';
const FLEET: Kind = {
  ...{ group: 'tour.example', version: 'v1', kind: 'Fleet', resource: 'fleets', namespaced: true },
};

function budget(spec: PodDisruptionBudgetSpec, name = 'web'): PodDisruptionBudget {
  return {
    metadata: { name, namespace: 'default' },
    spec: { selector: { matchLabels: LABELS }, ...spec },
  };
}

function workload(name: string, replicas: number, owner?: object): KubeObject & { spec: object } {
  const ownerReferences = owner ? { ownerReferences: [owner as never] } : {};
  const template = { metadata: { labels: LABELS } };
  return {
    metadata: { name, namespace: 'default', ...ownerReferences },
    spec: { replicas, selector: { matchLabels: LABELS }, template },
  };
}

class Cluster {
  readonly kernel = new TestKernel();

  /** Ready pods of the owner. */
  pods(count: number, kind?: Kind, owner?: KubeObject): void {
    const ownerReferences = kind && owner ? [controllerReference(kind, owner)] : [];
    for (let i = 0; i < count; i++) {
      const name = `${owner?.metadata.name ?? 'solo'}-${i}`;
      const status = running();
      this.kernel.add(Pod, pod(name, { metadata: { labels: LABELS, ownerReferences }, status }));
    }
  }

  add<T extends KubeObject>(kind: Kind<T>, object: KubeObject): T {
    const [stored] = this.kernel.add(kind, object as T);
    assert.ok(stored);
    return stored;
  }

  /** A Deployment's ReplicaSet. */
  deployed(replicas: number): ReplicaSet {
    const owner = this.add(Deployment, workload('web', replicas));
    return this.add(ReplicaSet, workload('web-1', 1, controllerReference(Deployment, owner)));
  }

  async start(...budgets: PodDisruptionBudget[]) {
    this.kernel.add(PodDisruptionBudget, ...budgets);
    const served = definePlugin({
      name: 'test.kinds',
      activate: ({ provide }) =>
        void provide(servedKindPoint, { ...FLEET, verbs: [], expires: false }, 'fleets'),
    });
    await activate(served, { kernel: this.kernel });
    const test = await activate(plugin, { kernel: this.kernel });
    await test.clock.step(100);
    return test;
  }

  status(key = KEY) {
    return this.kernel.get(PodDisruptionBudget, key)?.status;
  }

  /** Allowed, healthy, desired, expected. */
  counts(): (number | undefined)[] {
    const { disruptionsAllowed, currentHealthy, desiredHealthy, expectedPods } =
      this.status() ?? {};
    return [disruptionsAllowed, currentHealthy, desiredHealthy, expectedPods];
  }

  events(reason: string): (string | undefined)[] {
    return this.kernel
      .all(Event)
      .filter(e => e.reason === reason)
      .map(e => e.message);
  }
}

interface Case {
  readonly name: string;
  readonly spec: PodDisruptionBudgetSpec;
  fill(cluster: Cluster): void;
  /** Allowed, healthy, desired, expected. */
  readonly counts: readonly number[];
}

const cases: Case[] = [
  {
    name: 'minAvailable of so many pods as there are',
    spec: { minAvailable: 2 },
    fill: cluster => cluster.pods(3),
    counts: [1, 3, 2, 3],
  },
  {
    name: 'minAvailable of more pods than there are',
    spec: { minAvailable: 5 },
    fill: cluster => cluster.pods(3),
    counts: [0, 3, 5, 3],
  },
  {
    name: 'no limit at all',
    spec: {},
    fill: cluster => cluster.pods(3),
    counts: [0, 3, 0, 0],
  },
  {
    name: 'maxUnavailable of a Deployment, whatever its ReplicaSet says',
    spec: { maxUnavailable: 1 },
    fill: cluster => cluster.pods(3, ReplicaSet, cluster.deployed(4)),
    counts: [0, 3, 3, 4],
  },
  {
    name: 'maxUnavailable of more than there are',
    spec: { maxUnavailable: 9 },
    fill: cluster => cluster.pods(3, ReplicaSet, cluster.deployed(3)),
    counts: [3, 3, 0, 3],
  },
  {
    name: 'a percentage of maxUnavailable, rounded up',
    spec: { maxUnavailable: '30%' },
    fill: cluster => cluster.pods(4, ReplicaSet, cluster.deployed(4)),
    counts: [2, 4, 2, 4],
  },
  {
    name: 'a percentage of minAvailable, rounded up',
    spec: { minAvailable: '30%' },
    fill: cluster => cluster.pods(4, ReplicaSet, cluster.deployed(4)),
    counts: [2, 4, 2, 4],
  },
  {
    name: 'a ReplicaSet of its own',
    spec: { maxUnavailable: 1 },
    fill: cluster => cluster.pods(2, ReplicaSet, cluster.add(ReplicaSet, workload('rs', 2))),
    counts: [1, 2, 1, 2],
  },
  {
    name: 'a StatefulSet',
    spec: { maxUnavailable: 1 },
    fill: cluster => cluster.pods(2, StatefulSet, cluster.add(StatefulSet, workload('db', 2))),
    counts: [1, 2, 1, 2],
  },
  {
    name: 'a ReplicationController',
    spec: { maxUnavailable: 1 },
    fill: cluster => {
      const owner = cluster.add(ReplicationController, workload('rc', 2));
      cluster.pods(2, ReplicationController, owner);
    },
    counts: [1, 2, 1, 2],
  },
  {
    name: 'pods of two controllers, together',
    spec: { maxUnavailable: 1 },
    fill: cluster => {
      cluster.pods(2, StatefulSet, cluster.add(StatefulSet, workload('db', 2)));
      cluster.pods(3, ReplicaSet, cluster.deployed(3));
    },
    counts: [1, 5, 4, 5],
  },
  {
    name: 'pods without a controller, of which none are expected',
    spec: { maxUnavailable: 1 },
    fill: cluster => cluster.pods(3),
    counts: [0, 3, 0, 0],
  },
];

describe('controller.disruption', () => {
  for (const { name, spec, fill, counts } of cases) {
    it(`counts ${name}`, async () => {
      const cluster = new Cluster();
      fill(cluster);
      await cluster.start(budget(spec));
      assert.deepEqual(cluster.counts(), counts);
    });
  }

  it('says in a condition whether pods may be evicted', async () => {
    const cluster = new Cluster();
    cluster.pods(2);
    const { clock } = await cluster.start(budget({ minAvailable: 1 }));
    const condition = { type: 'DisruptionAllowed', message: '', observedGeneration: 1 };
    assert.deepEqual(cluster.status(), {
      ...{ disruptionsAllowed: 1, currentHealthy: 2, desiredHealthy: 1, expectedPods: 2 },
      observedGeneration: 1,
      conditions: [
        { ...condition, status: 'True', reason: 'SufficientPods', lastTransitionTime: START },
      ],
    });
    await clock.step(60_000);
    cluster.kernel.modify(Pod, 'default/solo-0', each => {
      each.status = running({ ready: false });
    });
    await clock.step(100);
    assert.deepEqual(cluster.status()?.conditions, [
      {
        ...{ ...condition, status: 'False', reason: 'InsufficientPods' },
        lastTransitionTime: '2026-01-01T00:01:00Z',
      },
    ]);
  });

  it('follows pods that come, go and change their labels, and the scale', async () => {
    const cluster = new Cluster();
    const set = cluster.deployed(2);
    cluster.pods(2, ReplicaSet, set);
    const { clock } = await cluster.start(budget({ maxUnavailable: 1 }));
    assert.deepEqual(cluster.counts(), [1, 2, 1, 2]);
    cluster.kernel.modify(Deployment, KEY, each => {
      each.spec = { selector: {}, template: {}, ...each.spec, replicas: 4 };
    });
    await clock.step(100);
    assert.deepEqual(cluster.counts(), [0, 2, 3, 4]);
    cluster.kernel.modify(Pod, 'default/web-1-0', each => {
      each.metadata.labels = { app: 'other' };
    });
    await clock.step(100);
    assert.deepEqual(cluster.counts(), [0, 1, 3, 4]);
    await cluster.kernel.objects.delete(Pod, { namespace: 'default', name: 'web-1-1' });
    await clock.step(100);
    assert.deepEqual(cluster.counts(), [0, 0, 0, 0]);
    assert.deepEqual(cluster.events('NoPods'), ['No matching pods found']);
  });

  it('counts an evicted pod as gone until it is, or until two minutes have passed', async () => {
    const cluster = new Cluster();
    cluster.pods(3);
    const { clock } = await cluster.start(budget({ minAvailable: 1 }));
    const now = new Date(clock.now()).toISOString();
    cluster.kernel.modify(PodDisruptionBudget, KEY, each => {
      const disruptedPods = { 'solo-0': now, 'solo-1': now, gone: now };
      each.status = { ...each.status, disruptionsAllowed: 0, disruptedPods };
    });
    await clock.step(100);
    assert.deepEqual(cluster.counts(), [0, 1, 1, 3]);
    assert.deepEqual(Object.keys(cluster.status()?.disruptedPods ?? {}), ['solo-0', 'solo-1']);
    await cluster.kernel.objects.delete(Pod, { namespace: 'default', name: 'solo-0' });
    await clock.step(100);
    assert.deepEqual(Object.keys(cluster.status()?.disruptedPods ?? {}), ['solo-1']);
    await clock.step(119_000);
    assert.deepEqual(cluster.counts(), [0, 1, 1, 2]);
    await clock.step(1_000);
    assert.deepEqual(cluster.counts(), [1, 2, 1, 2]);
    assert.equal(cluster.status()?.disruptedPods, undefined);
    assert.deepEqual(cluster.events('NotDeleted'), [
      "Pod was expected by PDB default/web to be deleted but it wasn't",
    ]);
  });

  it('does not note a pod any more that is being deleted', async () => {
    const cluster = new Cluster();
    cluster.pods(2);
    const { clock, kernel } = await cluster.start(budget({ minAvailable: 1 }));
    kernel.modify(PodDisruptionBudget, KEY, each => {
      each.status = { ...each.status, disruptedPods: { 'solo-0': START } } as NonNullable<
        typeof each.status
      >;
    });
    kernel.modify(Pod, 'default/solo-0', each => {
      Object.assign(each.metadata, { deletionTimestamp: START, finalizers: ['test/hold'] });
    });
    await clock.step(200_000);
    assert.equal(cluster.status()?.disruptedPods, undefined);
    assert.deepEqual(cluster.counts(), [0, 1, 1, 2]);
    assert.deepEqual(cluster.events('NotDeleted'), []);
  });

  it('follows the scale of a StatefulSet, and keeps since when nothing is allowed', async () => {
    const cluster = new Cluster();
    const set = cluster.add(StatefulSet, workload('db', 3));
    cluster.pods(2, StatefulSet, set);
    const { clock, kernel } = await cluster.start(budget({ maxUnavailable: 1 }));
    assert.deepEqual(cluster.counts(), [0, 2, 2, 3]);
    await clock.step(5_000);
    kernel.modify(StatefulSet, 'default/db', each => {
      each.spec = { ...each.spec, replicas: 5 } as NonNullable<typeof each.spec>;
    });
    await clock.step(1_000);
    assert.deepEqual(cluster.counts(), [0, 2, 4, 5]);
    assert.equal(cluster.status()?.conditions?.[0]?.lastTransitionTime, START);
  });

  it('does not write over what an eviction took meanwhile', async () => {
    const cluster = new Cluster();
    cluster.pods(3);
    const { clock, kernel } = await cluster.start(budget({ minAvailable: 1 }));
    const disruptedPods = { 'solo-0': new Date(clock.now()).toISOString() };
    let once = true;
    kernel.fault = ({ resource, verb }) => {
      if (resource !== 'poddisruptionbudgets' || verb !== 'update' || !once) return undefined;
      once = false;
      kernel.modify(PodDisruptionBudget, KEY, each => {
        each.status = { ...each.status, disruptionsAllowed: 1, disruptedPods };
      });
      return undefined;
    };
    kernel.modify(Pod, 'default/solo-2', each => {
      each.status = running({ ready: false });
    });
    await clock.step(1_000);
    assert.deepEqual([once, ...cluster.counts()], [false, 0, 1, 1, 3]);
    assert.deepEqual(cluster.status()?.disruptedPods, disruptedPods);
    assert.equal(cluster.status()?.conditions?.[0]?.reason, 'InsufficientPods');
  });

  it('tells of pods that nobody manages', async () => {
    const cluster = new Cluster();
    cluster.pods(1);
    const matchExpressions = [{ key: 'app', operator: 'In', values: ['web', 'x'] }];
    const selector = { matchLabels: LABELS, matchExpressions };
    await cluster.start(budget({ maxUnavailable: 1, selector }));
    const [message = ''] = cluster.events('UnmanagedPods');
    const text =
      '(selector: &LabelSelector{MatchLabels:map[string]string{app: web,},MatchExpressions:' +
      '[]LabelSelectorRequirement{LabelSelectorRequirement{Key:app,Operator:In,Values:[web x],},},})';
    assert.ok(message.includes(text), message);
    assert.equal(cluster.status()?.conditions?.[0]?.reason, 'InsufficientPods');
  });

  it('tells of a pod that several budgets select, and counts it in each', async () => {
    const cluster = new Cluster();
    const budgets = [budget({ minAvailable: 1 }), budget({ minAvailable: 2 }, 'other')];
    const { clock } = await cluster.start(...budgets);
    cluster.pods(1);
    await clock.step(100);
    assert.deepEqual(cluster.events('MultiplePodDisruptionBudgets'), [
      'Pod "default"/"solo-0" matches multiple PodDisruptionBudgets.  Chose "other" arbitrarily.',
    ]);
    assert.equal(cluster.status('default/web')?.currentHealthy, 1);
    assert.equal(cluster.status('default/other')?.currentHealthy, 1);
  });

  it('does nothing when all is as it should be', async () => {
    const cluster = new Cluster();
    cluster.pods(3, ReplicaSet, cluster.deployed(3));
    const { clock } = await cluster.start(budget({ maxUnavailable: 1 }));
    cluster.kernel.requests.length = 0;
    await clock.step(600_000);
    const [first] = cluster.kernel.all(Pod);
    cluster.kernel.modify(Pod, keyOf(first ?? pod('x')), each => {
      each.metadata.annotations = { looked: 'at' };
    });
    await clock.step(1_000);
    assert.deepEqual(cluster.kernel.requests, []);
  });
});

describe('a controller that is known by its scale only', () => {
  const fleet: KubeObject = { metadata: { name: 'fleet', namespace: 'default', uid: 'fleet-uid' } };

  async function withScale(answer: object) {
    const cluster = new Cluster();
    cluster.pods(3, FLEET, fleet);
    // The kernel in memory has no subresources: a get of one answers with the object.
    cluster.kernel.add(FLEET, answer as KubeObject);
    const test = await cluster.start(budget({ maxUnavailable: 1 }));
    return { ...test, cluster };
  }

  it('counts what the scale says, and asks once for all its pods', async () => {
    const { cluster, kernel } = await withScale({ ...fleet, spec: { replicas: 5 } });
    assert.deepEqual(cluster.counts(), [0, 3, 4, 5]);
    const asked = kernel.requests.filter(({ subresource }) => subresource === 'scale');
    assert.equal(new Set(asked.map(({ resource }) => resource)).size, 1);
  });

  const failures = [
    {
      name: 'another of its name is there',
      uid: 'other-uid',
      fault: () => undefined,
      message: 'found no controllers for pod "fleet-0"',
    },
    {
      name: 'the scale cannot be read',
      uid: 'fleet-uid',
      fault: () => internalError(new Error('broken')),
      message: 'Internal error occurred: broken',
    },
  ];
  for (const { name, uid, fault, message } of failures) {
    it(`closes the budget when ${name}, and looks again`, async () => {
      const cluster = new Cluster();
      cluster.pods(3, FLEET, fleet);
      cluster.kernel.add(FLEET, {
        metadata: { ...fleet.metadata, uid },
        spec: { replicas: 5 },
      } as KubeObject);
      cluster.kernel.fault = ({ subresource }) => (subresource === 'scale' ? fault() : undefined);
      const { clock } = await cluster.start(budget({ maxUnavailable: 1 }));
      const [condition] = cluster.status()?.conditions ?? [];
      assert.deepEqual([condition?.status, condition?.reason], ['False', 'SyncFailed']);
      assert.equal(condition?.message, message);
      assert.equal(cluster.status()?.disruptionsAllowed, 0);
      assert.deepEqual(cluster.events('CalculateExpectedPodCountFailed'), [
        `Failed to calculate the number of expected pods: ${message}`,
      ]);
      cluster.kernel.fault = () => undefined;
      await cluster.kernel.objects.delete(FLEET, { namespace: 'default', name: 'fleet' });
      cluster.kernel.add(FLEET, { ...fleet, spec: { replicas: 3 } } as KubeObject);
      await clock.step(60_000);
      assert.deepEqual(cluster.counts(), [1, 3, 2, 3]);
    });
  }

  it('closes the budget when no such kind is served', async () => {
    const cluster = new Cluster();
    cluster.pods(1, { ...FLEET, kind: 'Ship' }, fleet);
    await cluster.start(budget({ maxUnavailable: 1 }));
    const [condition] = cluster.status()?.conditions ?? [];
    assert.equal(condition?.message, 'no matches for kind "Ship" in version "tour.example/v1"');
  });
});

describe('a pod that is said to be disrupted', () => {
  const announced = { type: 'DisruptionTarget', status: 'True', lastTransitionTime: START };

  async function withPod(reason: string, phase = 'Running') {
    const cluster = new Cluster();
    const conditions = [...(running().conditions ?? []), { ...announced, reason }];
    const status = { ...running(), phase, conditions };
    cluster.kernel.add(Pod, pod('p', { status }));
    const test = await cluster.start();
    const condition = () =>
      cluster.kernel
        .get(Pod, 'default/p')
        ?.status?.conditions?.find(c => c.type === announced.type);
    return { ...test, condition };
  }

  it('is so no more when it was not deleted within two minutes', async () => {
    const { clock, condition, kernel } = await withPod('EvictionByEvictionAPI');
    await clock.step(119_000);
    assert.equal(condition()?.status, 'True');
    await clock.step(1_000);
    const lastTransitionTime = '2026-01-01T00:02:00Z';
    assert.deepEqual(condition(), { ...announced, status: 'False', lastTransitionTime });
    assert.equal(kernel.get(Pod, 'default/p')?.status?.conditions?.length, 2);
  });

  it('stays so while it is being deleted', async () => {
    const { clock, condition, kernel } = await withPod('EvictionByEvictionAPI');
    kernel.modify(Pod, 'default/p', each => {
      Object.assign(each.metadata, { deletionTimestamp: START, finalizers: ['test/hold'] });
    });
    await clock.step(600_000);
    assert.equal(condition()?.status, 'True');
  });

  for (const [reason, phase] of [
    ['TerminationByKubelet', 'Running'],
    ['EvictionByEvictionAPI', 'Failed'],
  ] as const) {
    it(`stays so when it is ${phase} and the reason is ${reason}`, async () => {
      const { clock, condition } = await withPod(reason, phase);
      await clock.step(600_000);
      assert.equal(condition()?.status, 'True');
    });
  }
});

it('goes on where a crashed one stopped', async () => {
  const cluster = new Cluster();
  cluster.pods(3);
  const first = await cluster.start();
  await first.dispose();
  cluster.kernel.add(PodDisruptionBudget, budget({ minAvailable: 2 }));
  for (const each of cluster.kernel.all(Pod).slice(0, 1)) {
    await cluster.kernel.objects.delete(Pod, { namespace: 'default', name: keyOf(each).slice(8) });
  }
  const { clock } = await activate(plugin, { kernel: cluster.kernel });
  await clock.step(100);
  assert.deepEqual(cluster.counts(), [0, 2, 2, 2]);
});
