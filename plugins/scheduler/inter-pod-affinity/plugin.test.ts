import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  type Affinity,
  Namespace,
  type Pod,
  type PodAffinityTerm,
  podInfoOf,
  type SchedulerPlugin,
  schedulerPoint,
} from 'kernetes/sdk';
import {
  activate,
  namespace,
  node,
  PluginCluster,
  pod,
  TestKernel,
  testSchedulerPlugin,
} from 'kernetes/sdk/testing';
import type { AffinityConfig } from './held-terms.ts';
import plugin from './plugin.ts';

const NOT_NEAR = "node(s) didn't match pod affinity rules";
const NOT_FAR = "node(s) didn't match pod anti-affinity rules";
const AVOIDED = "node(s) didn't satisfy existing pods anti-affinity rules";
const CONFIG: AffinityConfig = {
  hardPodAffinityWeight: 1,
  ignorePreferredTermsOfExistingPods: false,
};

function term(app: string, rest: Partial<PodAffinityTerm> = {}): PodAffinityTerm {
  return { labelSelector: { matchLabels: { app } }, topologyKey: 'zone', ...rest };
}

const near = (...terms: PodAffinityTerm[]): Affinity => ({
  podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: terms },
});
const far = (...terms: PodAffinityTerm[]): Affinity => ({
  podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: terms },
});
const likes = (weight: number, podAffinityTerm: PodAffinityTerm): Affinity => ({
  podAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [{ weight, podAffinityTerm }] },
});
const dislikes = (weight: number, podAffinityTerm: PodAffinityTerm): Affinity => ({
  podAntiAffinity: {
    preferredDuringSchedulingIgnoredDuringExecution: [{ weight, podAffinityTerm }],
  },
});

function podOf(app: string, affinity?: Affinity, inNamespace = 'default'): Pod {
  return pod(`${app}-pod`, {
    metadata: { namespace: inNamespace, labels: { app, revision: '2' } },
    spec: { containers: [], ...(affinity && { affinity }) },
  });
}

const BAD: PodAffinityTerm = {
  labelSelector: { matchExpressions: [{ key: 'a', operator: 'Near' }] },
  topologyKey: 'zone',
};

testSchedulerPlugin(plugin, {
  pods: [
    podOf('a', near(term('a'))),
    podOf('a', far(term('a'))),
    podOf('a', likes(3, term('b'))),
    podOf('bad', near(BAD)),
  ],
});

const NODES: Record<string, Record<string, string>> = {
  a1: { zone: 'a', host: 'a1' },
  a2: { zone: 'a', host: 'a2' },
  b1: { zone: 'b', host: 'b1' },
  none: { host: 'none' },
};

async function setUp(pods: readonly (readonly [Pod, string])[] = [], config = CONFIG) {
  const kernel = new TestKernel();
  kernel.add(
    Namespace,
    namespace('default', { labels: { team: 'x' } }),
    namespace('other', { labels: { team: 'y' } }),
  );
  const { context, clock } = await activate(plugin, { kernel, config });
  const [contribution] = context.contributions(schedulerPoint).list();
  const own = contribution?.value.local as SchedulerPlugin;
  const cluster = new PluginCluster(own, config);
  for (const [name, labels] of Object.entries(NODES)) {
    cluster.setNode(node(name, { metadata: { labels } }));
  }
  pods.forEach(([one, on], i) => {
    cluster.setPod({ ...one, metadata: { ...one.metadata, name: `there-${i}` } }, on);
  });
  return { cluster, own, kernel, clock };
}

type Case = {
  readonly name: string;
  readonly there?: readonly (readonly [Pod, string])[];
  readonly pod: Pod;
  readonly refused: Record<string, string>;
};

const all = (reason: string) => ({ a1: reason, a2: reason, b1: reason, none: reason });

const FILTERS: readonly Case[] = [
  { name: 'accepts a pod without terms', pod: podOf('web'), refused: {} },
  {
    name: 'wants a node near pods that match',
    there: [[podOf('db'), 'a1']],
    pod: podOf('web', near(term('db'))),
    refused: { b1: NOT_NEAR, none: NOT_NEAR },
  },
  {
    name: 'refuses all nodes while no pod matches',
    there: [[podOf('web'), 'a1']],
    pod: podOf('web', near(term('db'))),
    refused: all(NOT_NEAR),
  },
  {
    name: 'lets the first of a group in that matches its own terms, where there is the label',
    pod: podOf('web', near(term('web'))),
    refused: { none: NOT_NEAR },
  },
  {
    name: 'wants the second of a group near the first',
    there: [[podOf('web'), 'b1']],
    pod: podOf('web', near(term('web'))),
    refused: { a1: NOT_NEAR, a2: NOT_NEAR, none: NOT_NEAR },
  },
  {
    name: 'takes a pod whose match is on a node without the label for the first',
    there: [[podOf('web'), 'none']],
    pod: podOf('web', near(term('web'))),
    refused: { none: NOT_NEAR },
  },
  {
    name: 'wants pods that match all terms at once',
    there: [
      [podOf('db'), 'a1'],
      [podOf('web'), 'b1'],
    ],
    pod: podOf('web', near(term('db'), term('web', { topologyKey: 'host' }))),
    refused: all(NOT_NEAR),
  },
  {
    name: 'wants it by each of the keys',
    there: [[podOf('db'), 'a1']],
    pod: podOf('web', near(term('db'), term('db', { topologyKey: 'host' }))),
    refused: { a2: NOT_NEAR, b1: NOT_NEAR, none: NOT_NEAR },
  },
  {
    name: 'keeps away from pods that match any anti-affinity term',
    there: [
      [podOf('db'), 'a1'],
      [podOf('web'), 'b1'],
    ],
    pod: podOf('new', far(term('db', { topologyKey: 'host' }), term('web'))),
    refused: { a1: NOT_FAR, b1: NOT_FAR },
  },
  {
    name: 'is kept away by pods that are there',
    there: [[podOf('db', far(term('web'))), 'a1']],
    pod: podOf('web'),
    refused: { a1: AVOIDED, a2: AVOIDED },
  },
  {
    name: 'is not kept away where the label is absent',
    there: [[podOf('db', far(term('web'))), 'none']],
    pod: podOf('web'),
    refused: {},
  },
  {
    name: 'says first what does not match, then what is disliked',
    there: [
      [podOf('db'), 'a1'],
      [podOf('db', far(term('web', { topologyKey: 'host' }))), 'a2'],
    ],
    pod: podOf('web', { ...near(term('db')), ...far(term('db', { topologyKey: 'host' })) }),
    refused: { a1: NOT_FAR, a2: NOT_FAR, b1: NOT_NEAR, none: NOT_NEAR },
  },
  {
    name: 'looks in its own namespace if none is said',
    there: [[podOf('db', undefined, 'other'), 'a1']],
    pod: podOf('web', far(term('db'))),
    refused: {},
  },
  {
    name: 'looks in the namespaces named',
    there: [[podOf('db', undefined, 'other'), 'a1']],
    pod: podOf('web', far(term('db', { namespaces: ['other'] }))),
    refused: { a1: NOT_FAR, a2: NOT_FAR },
  },
  {
    name: 'looks in the namespaces selected',
    there: [[podOf('db', undefined, 'other'), 'a1']],
    pod: podOf('web', far(term('db', { namespaceSelector: { matchLabels: { team: 'y' } } }))),
    refused: { a1: NOT_FAR, a2: NOT_FAR },
  },
  {
    name: 'does not look in namespaces that are not selected, its own among them',
    there: [[podOf('db'), 'a1']],
    pod: podOf('web', far(term('db', { namespaceSelector: { matchLabels: { team: 'y' } } }))),
    refused: {},
  },
  {
    name: 'looks in all namespaces for an empty selector, also such as are not known',
    there: [[podOf('db', undefined, 'unknown'), 'a1']],
    pod: podOf('web', far(term('db', { namespaceSelector: {} }))),
    refused: { a1: NOT_FAR, a2: NOT_FAR },
  },
  {
    name: 'is kept away by a pod whose term selects its namespace',
    there: [
      [podOf('db', far(term('web', { namespaceSelector: { matchLabels: { team: 'y' } } }))), 'a1'],
    ],
    pod: podOf('web', undefined, 'other'),
    refused: { a1: AVOIDED, a2: AVOIDED },
  },
  {
    name: 'is about nothing without a selector',
    there: [[podOf('db'), 'a1']],
    pod: podOf('web', far({ topologyKey: 'zone' })),
    refused: {},
  },
  {
    name: 'is about all pods with an empty selector',
    there: [[podOf('db'), 'a1']],
    pod: podOf('web', far({ topologyKey: 'zone', labelSelector: {} })),
    refused: { a1: NOT_FAR, a2: NOT_FAR },
  },
  {
    name: 'compares the values of matchLabelKeys',
    there: [
      [
        {
          ...podOf('db'),
          metadata: { namespace: 'default', labels: { app: 'db', revision: '1' } },
        },
        'a1',
      ],
    ],
    pod: podOf('web', far(term('db', { matchLabelKeys: ['revision', 'absent'] }))),
    refused: {},
  },
  {
    name: 'wants other values for mismatchLabelKeys',
    there: [[podOf('db'), 'a1']],
    pod: podOf('web', far(term('db', { mismatchLabelKeys: ['revision'] }))),
    refused: {},
  },
  {
    name: 'refuses a pod whose terms cannot be read',
    pod: podOf('web', near(BAD)),
    refused: all(
      'parsing pod: requiredAffinityTerms: "Near" is not a valid label selector operator',
    ),
  },
  {
    name: 'refuses nothing for a pod that is there with terms that cannot be read',
    there: [[podOf('web', far(BAD)), 'a1']],
    pod: podOf('web'),
    refused: {},
  },
];

describe('filter()', () => {
  for (const { name, there, pod: one, refused } of FILTERS) {
    test(name, async () => {
      const { cluster } = await setUp(there);
      assert.deepEqual(cluster.refusals(one), refused);
    });
  }

  test('follows pods, nodes and namespaces', async () => {
    const selected = term('db', { namespaceSelector: { matchLabels: { team: 'y' } } });
    const { cluster, kernel, clock } = await setUp();
    const one = podOf('web', far(selected));
    cluster.setPod(podOf('db'), 'a1');
    assert.deepEqual(cluster.refusals(one), {});
    kernel.modify(Namespace, 'default', each => {
      each.metadata.labels = { team: 'y' };
    });
    await clock.step(0);
    assert.deepEqual(cluster.refusals(one), { a1: NOT_FAR, a2: NOT_FAR });
    cluster.setNode(node('a1', { metadata: { labels: { zone: 'b' } } }));
    assert.deepEqual(cluster.refusals(one), { a1: NOT_FAR, b1: NOT_FAR });
    cluster.removePod('default/db-pod');
    assert.deepEqual(cluster.refusals(one), {});
  });

  test('hears of terms that come after it was asked', async () => {
    const { cluster } = await setUp([[podOf('x', far(term('y'))), 'a1']]);
    assert.deepEqual(cluster.refusals(podOf('web')), {});
    cluster.setPod(podOf('db', far(term('web', { topologyKey: 'host' }))), 'a1');
    assert.deepEqual(cluster.refusals(podOf('web')), { a1: AVOIDED });
    cluster.removePod('default/db-pod');
    assert.equal(cluster.skips(podOf('web')).filter, true);
  });

  test('is right about terms of more kinds than are kept without a pod', async () => {
    const { cluster } = await setUp();
    for (let i = 0; i < 600; i++) {
      cluster.setPod(podOf(`old-${i}`, far(term(`gone-${i}`))), 'b1');
      if (i % 2 === 0) cluster.removePod(`default/old-${i}-pod`);
    }
    assert.deepEqual(cluster.refusals(podOf('gone-1')), { b1: AVOIDED });
    assert.deepEqual(cluster.refusals(podOf('gone-599')), { b1: AVOIDED });
    assert.deepEqual(cluster.refusals(podOf('gone-2')), {});
  });

  test('is asked what would be if pods went or came', async () => {
    const { cluster } = await setUp([
      [podOf('db'), 'a1'],
      [podOf('guard', far(term('web', { topologyKey: 'host' }))), 'a2'],
    ]);
    const on = (name: string) => cluster.nodes.get(name)?.pods ?? [];
    const [db, guard] = [on('a1')[0], on('a2')[0]];
    assert.ok(db && guard);
    const nearDb = podOf('web', near(term('db')));
    assert.equal(cluster.refusalIf(nearDb, { on: 'a1' }), undefined);
    assert.equal(cluster.refusalIf(nearDb, { on: 'a1', without: [db] }), NOT_NEAR);
    assert.equal(cluster.refusalIf(nearDb, { on: 'a2' }), AVOIDED);
    assert.equal(cluster.refusalIf(nearDb, { on: 'a2', without: [guard] }), undefined);
    assert.equal(cluster.refusalIf(nearDb, { on: 'b1' }), NOT_NEAR);
    const others = [podInfoOf(podOf('db'))];
    assert.equal(cluster.refusalIf(nearDb, { on: 'b1', others }), undefined);
    const strange = [...others, podInfoOf(podOf('strange', far(term('web'))))];
    assert.equal(cluster.refusalIf(nearDb, { on: 'b1', others: strange }), AVOIDED);
    const farFromDb = podOf('new', far(term('db')));
    assert.equal(cluster.refusalIf(farFromDb, { on: 'a2' }), NOT_FAR);
    assert.equal(cluster.refusalIf(farFromDb, { on: 'a1', without: [db] }), undefined);
    const first = podOf('db', near(term('db')));
    assert.equal(cluster.refusalIf(first, { on: 'b1' }), NOT_NEAR);
    assert.equal(cluster.refusalIf(first, { on: 'a1', without: [db] }), undefined, 'the first');
    assert.deepEqual(cluster.refusals(nearDb), { a2: AVOIDED, b1: NOT_NEAR, none: NOT_NEAR });
  });
});

const SCORES: readonly {
  readonly name: string;
  readonly there: readonly (readonly [Pod, string])[];
  readonly pod: Pod;
  readonly config?: AffinityConfig;
  readonly scores: Record<string, number>;
}[] = [
  {
    name: 'prefers nodes near what the pod likes',
    there: [[podOf('db'), 'a1']],
    pod: podOf('web', likes(5, term('db'))),
    scores: { a1: 100, a2: 100, b1: 0, none: 0 },
  },
  {
    name: 'adds a weight for each pod',
    there: [
      [podOf('db'), 'a1'],
      [podOf('db'), 'a1'],
      [podOf('db'), 'b1'],
    ],
    pod: podOf('web', likes(5, term('db'))),
    scores: { a1: 100, a2: 100, b1: 50, none: 0 },
  },
  {
    name: 'prefers nodes away from what the pod dislikes',
    there: [[podOf('db'), 'a1']],
    pod: podOf('web', dislikes(5, term('db', { topologyKey: 'host' }))),
    scores: { a1: 0, a2: 100, b1: 100, none: 100 },
  },
  {
    name: 'minds what pods that are there like, dislike and want',
    there: [
      [podOf('x', likes(3, term('web'))), 'a1'],
      [podOf('y', dislikes(2, term('web', { topologyKey: 'host' }))), 'a2'],
      [podOf('z', near(term('web'))), 'b1'],
    ],
    pod: podOf('web'),
    // 3, 1, 1 and 0.
    scores: { a1: 100, a2: 33, b1: 33, none: 0 },
  },
  {
    name: 'weighs what pods that are there want as told',
    there: [
      [podOf('x', likes(4, term('web'))), 'a1'],
      [podOf('z', near(term('web'))), 'b1'],
    ],
    pod: podOf('web'),
    config: { ...CONFIG, hardPodAffinityWeight: 8 },
    scores: { a1: 50, a2: 50, b1: 100, none: 0 },
  },
  {
    name: 'does not mind what they want with a weight of 0',
    there: [[podOf('z', near(term('web'))), 'b1']],
    pod: podOf('web'),
    config: { ...CONFIG, hardPodAffinityWeight: 0 },
    scores: {},
  },
  {
    name: 'says nothing where nothing matches',
    there: [[podOf('x', likes(3, term('db'))), 'a1']],
    pod: podOf('web', likes(3, term('nobody'))),
    scores: {},
  },
  {
    name: 'does not mind what others like for a pod that prefers nothing, if told so',
    there: [[podOf('x', likes(3, term('web'))), 'a1']],
    pod: podOf('web'),
    config: { ...CONFIG, ignorePreferredTermsOfExistingPods: true },
    scores: {},
  },
  {
    name: 'minds it for one that does',
    there: [[podOf('x', likes(3, term('web'))), 'a1']],
    pod: podOf('web', likes(1, term('nobody'))),
    config: { ...CONFIG, ignorePreferredTermsOfExistingPods: true },
    scores: { a1: 100, a2: 100, b1: 0, none: 0 },
  },
];

describe('score()', () => {
  for (const { name, there, pod: one, config, scores } of SCORES) {
    test(name, async () => {
      const { cluster } = await setUp(there, config);
      assert.deepEqual(cluster.scores(one), scores);
    });
  }

  test('is not asked where there are no terms', async () => {
    const { cluster } = await setUp([[podOf('db'), 'a1']]);
    assert.deepEqual(cluster.skips(podOf('web')), { filter: true, score: true });
  });
});

describe('requeueOn', () => {
  test('picks the changes that can let the pod in', async () => {
    const { own, cluster } = await setUp();
    const fits = (event: string, waiting: Pod, other?: Pod, on = 'a1'): boolean => {
      const hint = own.requeueOn?.find(
        each => (typeof each === 'string' ? each : each.on) === event,
      );
      assert.ok(hint, event);
      if (typeof hint === 'string') return true;
      const change = { event: hint.on, pod: podInfoOf(waiting), config: CONFIG };
      return hint.fits({
        ...change,
        node: cluster.nodes.get(on),
        other: other && podInfoOf(other),
      });
    };
    const [nearDb, farFromDb] = [podOf('web', near(term('db'))), podOf('web', far(term('db')))];
    assert.equal(fits('PodAdd', nearDb, podOf('db')), true);
    assert.equal(fits('PodAdd', nearDb, podOf('x')), false);
    assert.equal(fits('PodAdd', farFromDb, podOf('db')), false);
    assert.equal(fits('PodDelete', nearDb, podOf('db')), true, 'it may be the first now');
    assert.equal(fits('PodDelete', nearDb, podOf('x')), false);
    assert.equal(fits('PodDelete', farFromDb, podOf('db')), true);
    assert.equal(fits('PodDelete', farFromDb, podOf('x')), false);
    assert.equal(fits('PodDelete', farFromDb, podOf('x', far(term('web')))), true);
    assert.equal(fits('PodUpdate', farFromDb, podOf('x')), true);
    assert.equal(fits('NodeAdd', nearDb), true);
    assert.equal(fits('NodeAdd', nearDb, undefined, 'none'), false);
    assert.equal(fits('NodeLabel', farFromDb, undefined, 'none'), true);
  });

  test('wakes pods when the labels of a namespace matter to them', async () => {
    const { own, kernel, clock } = await setUp();
    const concerned: boolean[][] = [];
    const selecting = far(term('db', { namespaceSelector: { matchLabels: { team: 'y' } } }));
    const waiting = [podOf('a', selecting), podOf('b'), podOf('c', undefined, 'other')];
    own.watch?.(concerns => {
      concerned.push(waiting.map(one => concerns?.(podInfoOf(one)) ?? true));
    });
    kernel.modify(Namespace, 'other', each => {
      each.metadata.labels = { team: 'z' };
    });
    await clock.step(0);
    kernel.modify(Namespace, 'other', each => {
      each.metadata.annotations = { a: 'b' };
    });
    await clock.step(0);
    assert.deepEqual(concerned, [[true, false, true]]);
  });
});
