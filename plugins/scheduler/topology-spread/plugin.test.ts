import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  type Node,
  type Pod,
  type PodSpec,
  podInfoOf,
  ReplicaSet,
  type SchedulerPlugin,
  Service,
  schedulerPoint,
  type TopologySpreadConstraint,
} from 'kernetes/sdk';
import {
  activate,
  node,
  PluginCluster,
  pod,
  replicaSet,
  service,
  TestKernel,
  testSchedulerPlugin,
} from 'kernetes/sdk/testing';
import type { SpreadConfig } from './constraints.ts';
import plugin from './plugin.ts';

const ZONE = 'topology.kubernetes.io/zone';
const HOST = 'kubernetes.io/hostname';
const UNEVEN = "node(s) didn't match pod topology spread constraints";
const UNLABELLED = `${UNEVEN} (missing required label)`;
const SYSTEM: SpreadConfig = { defaultConstraints: [], defaultingType: 'System' };

function by(
  topologyKey: string,
  maxSkew = 1,
  rest: Partial<TopologySpreadConstraint> = {},
): TopologySpreadConstraint {
  const labelSelector = { matchLabels: { app: 'web' } };
  const whenUnsatisfiable = 'DoNotSchedule';
  return { maxSkew, topologyKey, whenUnsatisfiable, labelSelector, ...rest };
}

const soft = (key: string, maxSkew = 1, rest: Partial<TopologySpreadConstraint> = {}) =>
  by(key, maxSkew, { whenUnsatisfiable: 'ScheduleAnyway', ...rest });

function web(name: string, constraints: TopologySpreadConstraint[], spec: Partial<PodSpec> = {}) {
  return pod(name, {
    metadata: { labels: { app: 'web' } },
    spec: { containers: [], ...spec, topologySpreadConstraints: constraints },
  });
}

testSchedulerPlugin(plugin, {
  pods: [web('spread', [by('zone'), soft(HOST)]), web('bad', [by('zone', 1, badSelector())])],
});

function badSelector(): Partial<TopologySpreadConstraint> {
  return { labelSelector: { matchExpressions: [{ key: 'a', operator: 'Near' }] } };
}

async function setUp({ config = SYSTEM, kernel = new TestKernel() } = {}) {
  const { context, clock } = await activate(plugin, { kernel, config });
  const [contribution] = context.contributions(schedulerPoint).list();
  const own = contribution?.value.local as SchedulerPlugin;
  return { cluster: new PluginCluster(own, config), own, kernel, clock };
}

/** Nodes a and b in zone1, x and y in zone2, with so many pods each. */
async function zones(pods: Record<string, number>, nodes = TWO_ZONES) {
  const made = await setUp();
  for (const [name, labels] of Object.entries(nodes)) {
    made.cluster.setNode(node(name, { metadata: { labels } }));
  }
  for (const [name, count] of Object.entries(pods)) {
    for (let i = 0; i < count; i++) made.cluster.setPod(web(`${name}-${i}`, []), name);
  }
  return made;
}

const TWO_ZONES: Record<string, Record<string, string>> = {
  a: { [ZONE]: 'zone1', [HOST]: 'a' },
  b: { [ZONE]: 'zone1', [HOST]: 'b' },
  x: { [ZONE]: 'zone2', [HOST]: 'x' },
  y: { [ZONE]: 'zone2', [HOST]: 'y' },
};

const FILTERS: {
  name: string;
  pods?: Record<string, number>;
  nodes?: typeof TWO_ZONES;
  pod: Pod;
  refused: Record<string, string>;
}[] = [
  { name: 'accepts any domain while all are empty', pod: web('p', [by(ZONE)]), refused: {} },
  {
    name: 'refuses the fuller zone',
    pods: { a: 1 },
    pod: web('p', [by(ZONE)]),
    refused: { a: UNEVEN, b: UNEVEN },
  },
  { name: 'allows a skew', pods: { a: 1 }, pod: web('p', [by(ZONE, 2)]), refused: {} },
  {
    name: 'does not count the pod itself if it does not match',
    pods: { a: 1 },
    pod: pod('p', { spec: { containers: [], topologySpreadConstraints: [by(ZONE)] } }),
    refused: {},
  },
  {
    name: 'wants all constraints',
    pods: { a: 1, b: 1, x: 1 },
    pod: web('p', [by(ZONE), by(HOST)]),
    refused: { a: UNEVEN, b: UNEVEN, x: UNEVEN },
  },
  {
    name: 'refuses nodes without the label for good, and counts none of their pods',
    nodes: { ...TWO_ZONES, z: { [HOST]: 'z' } },
    pods: { z: 3 },
    pod: web('p', [by(ZONE), by(HOST)]),
    refused: { z: UNLABELLED },
  },
  {
    name: 'says first what comes first',
    nodes: { a: { [ZONE]: 'zone1' }, b: { [ZONE]: 'zone2', [HOST]: 'b' } },
    pods: { a: 2 },
    pod: web('p', [by(ZONE), by(HOST)]),
    refused: { a: UNLABELLED },
  },
  {
    name: 'takes the smallest count for 0 while there are fewer domains than minDomains',
    pods: { a: 1, x: 1 },
    pod: web('p', [by(ZONE, 1, { minDomains: 3 })]),
    refused: { a: UNEVEN, b: UNEVEN, x: UNEVEN, y: UNEVEN },
  },
  {
    name: 'is content when there are minDomains',
    pods: { a: 1, x: 1 },
    pod: web('p', [by(ZONE, 1, { minDomains: 2 })]),
    refused: {},
  },
  {
    name: 'counts only nodes that the pod selects',
    pods: { a: 1, b: 0 },
    pod: web('p', [by(HOST)], { nodeSelector: { [ZONE]: 'zone1' } }),
    refused: { a: UNEVEN },
  },
  {
    name: 'counts others as well if nodeAffinityPolicy is Ignore',
    pods: { a: 1, b: 1 },
    pod: web('p', [by(HOST, 1, { nodeAffinityPolicy: 'Ignore' })], {
      nodeSelector: { [ZONE]: 'zone1' },
    }),
    refused: { a: UNEVEN, b: UNEVEN },
  },
  {
    name: 'selects nothing without a selector',
    pods: { a: 3 },
    pod: web('p', [{ maxSkew: 1, topologyKey: ZONE, whenUnsatisfiable: 'DoNotSchedule' }]),
    refused: {},
  },
  {
    name: 'selects all pods of the namespace with an empty selector',
    pods: { a: 1 },
    pod: web('p', [by(ZONE, 1, { labelSelector: {} })]),
    refused: { a: UNEVEN, b: UNEVEN },
  },
  {
    name: 'counts pods of its own namespace only',
    pods: { a: 1 },
    pod: { ...web('p', [by(ZONE)]), metadata: { namespace: 'other', labels: { app: 'web' } } },
    refused: {},
  },
  {
    name: 'compares only with pods of equal labels for matchLabelKeys',
    pods: { a: 1 },
    pod: pod('p', {
      metadata: { labels: { app: 'web', revision: '2' } },
      spec: {
        containers: [],
        topologySpreadConstraints: [by(ZONE, 1, { matchLabelKeys: ['revision', 'absent'] })],
      },
    }),
    refused: {},
  },
];

describe('filter()', () => {
  for (const { name, pods = {}, nodes, pod: one, refused } of FILTERS) {
    test(name, async () => {
      const { cluster } = await zones(pods, nodes);
      assert.deepEqual(cluster.refusals(one), refused);
    });
  }

  test('leaves pods out that are being deleted', async () => {
    const { cluster } = await zones({});
    const ending = web('ending', []);
    cluster.setPod(ending, 'a');
    assert.deepEqual(Object.keys(cluster.refusals(web('p', [by(ZONE)]))), ['a', 'b']);
    const metadata = { ...ending.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' };
    cluster.setPod({ ...ending, metadata }, 'a');
    assert.deepEqual(cluster.refusals(web('p', [by(ZONE)])), {});
  });

  test('leaves nodes out whose taints are not tolerated, if nodeTaintsPolicy is Honor', async () => {
    const { cluster } = await zones({ a: 1, b: 1 });
    const taints = [{ key: 'k', effect: 'NoSchedule' }];
    for (const name of ['x', 'y']) {
      cluster.setNode(
        node(name, { metadata: { labels: TWO_ZONES[name] ?? {} }, spec: { taints } }),
      );
    }
    const honoring = [by(ZONE, 1, { nodeTaintsPolicy: 'Honor' })];
    assert.deepEqual(cluster.refusals(web('p', honoring)), {});
    const tolerant = web('p', honoring, { tolerations: [{ operator: 'Exists' }] });
    assert.deepEqual(cluster.refusals(tolerant), { a: UNEVEN, b: UNEVEN });
    assert.deepEqual(cluster.refusals(web('p', [by(ZONE)])), { a: UNEVEN, b: UNEVEN });
  });

  test('refuses a pod with a selector that is none', async () => {
    const { cluster } = await zones({});
    const said = cluster.refusals(web('p', [by(ZONE, 1, badSelector())]));
    assert.equal(
      said.a,
      "get constraints from pod: obtaining pod's hard topology spread constraints: " +
        '"Near" is not a valid label selector operator',
    );
  });

  test('is asked what would be if pods went or came', async () => {
    const { cluster } = await zones({ a: 1, x: 2 });
    const [first, second] = [...(cluster.nodes.get('x')?.pods ?? [])];
    assert.ok(first && second);
    const one = web('p', [by(ZONE)]);
    const others = [podInfoOf(web('new', []))];
    assert.equal(cluster.refusalIf(one, { on: 'x' }), UNEVEN);
    assert.equal(cluster.refusalIf(one, { on: 'x', without: [first] }), undefined);
    assert.equal(cluster.refusalIf(one, { on: 'y', without: [first, second] }), undefined);
    assert.equal(cluster.refusalIf(one, { on: 'a', others }), undefined);
    assert.equal(cluster.refusalIf(web('p', [by(HOST)]), { on: 'b', others }), UNEVEN);
    assert.equal(cluster.refusalIf(one, { on: 'x' }), UNEVEN, 'nothing was changed');
  });
});

describe('score()', () => {
  test('prefers the emptier zone', async () => {
    const { cluster } = await zones({ a: 2, x: 1 });
    // Two zones weigh ln 4: 2.77 and 1.39, rounded.
    assert.deepEqual(cluster.scores(web('p', [soft(ZONE)])), { a: 33, b: 33, x: 100, y: 100 });
  });

  test('is 100 everywhere while there are no pods', async () => {
    const { cluster } = await zones({});
    assert.deepEqual(cluster.scores(web('p', [soft(ZONE)]), ['a', 'x']), { a: 100, x: 100 });
  });

  test('counts pods on the node itself for the hostname', async () => {
    const { cluster } = await zones({ a: 2, b: 1, x: 1 });
    // Four hosts weigh ln 6: 3.58, 1.79, 1.79 and 0, rounded.
    const scores = { a: 0, b: 50, x: 50, y: 100 };
    assert.deepEqual(cluster.scores(web('p', [soft(HOST)])), scores);
  });

  test('weighs a topology of few domains less, and waters small skews down', async () => {
    const { cluster } = await zones({ a: 3, x: 1 });
    // Two zones weigh ln 4, four hosts ln 6; a maxSkew of 5 adds 4.
    const constraints = [soft(ZONE, 1), soft(HOST, 5)];
    // a 13.53 b 8.16 x 7.18 y 5.39, rounded.
    const scores = { a: 35, b: 78, x: 85, y: 100 };
    assert.deepEqual(cluster.scores(web('p', constraints)), scores);
  });

  test('gives nodes without the label nothing', async () => {
    const { cluster } = await zones({ a: 1 }, { ...TWO_ZONES, z: { [HOST]: 'z' } });
    assert.deepEqual(cluster.scores(web('p', [soft(ZONE)]), ['a', 'x', 'z']), {
      a: 0,
      x: 100,
      z: 0,
    });
  });

  test('skips pods that have no constraints, and none by default', async () => {
    const { cluster } = await zones({});
    assert.deepEqual(cluster.skips(pod('p')), { filter: true, score: true });
    assert.deepEqual(cluster.skips(web('p', [by(ZONE)])), { filter: false, score: true });
    assert.deepEqual(cluster.skips(web('p', [soft(ZONE)])), { filter: true, score: false });
  });
});

describe('default constraints', () => {
  const owned = (name: string): Pod => ({
    ...pod('p', { metadata: { labels: { app: name } } }),
    metadata: {
      name: 'p',
      namespace: 'default',
      labels: { app: name },
      ownerReferences: [
        { apiVersion: 'apps/v1', kind: 'ReplicaSet', name, uid: name, controller: true },
      ],
    },
  });

  test('come from Services, and from the controller', async () => {
    const { cluster, kernel, clock } = await zones({ a: 1 });
    assert.deepEqual(cluster.scores(web('p', [])), {});
    kernel.add(Service, service('web'));
    await clock.step(0);
    const scores = cluster.scores(web('p', []));
    assert.ok((scores.a ?? 100) < (scores.b ?? 0) && (scores.b ?? 100) < (scores.x ?? 0));
    assert.equal(scores.x, 100);
    kernel.add(ReplicaSet, replicaSet('db'));
    await clock.step(0);
    assert.deepEqual(cluster.skips(owned('db')), { filter: true, score: false });
    assert.deepEqual(cluster.skips(owned('gone')), { filter: true, score: true });
  });

  test('follow a Service that selects others', async () => {
    const { cluster, kernel, clock } = await zones({ a: 1 });
    kernel.add(Service, service('web'));
    await clock.step(0);
    assert.equal(cluster.skips(web('p', [])).score, false);
    kernel.modify(Service, 'default/web', each => {
      each.spec = { ...each.spec, selector: { app: 'db' } };
    });
    await clock.step(0);
    assert.equal(cluster.skips(web('p', [])).score, true);
  });

  test('score nodes without a zone by their host alone', async () => {
    const { cluster, kernel, clock } = await zones(
      { a: 2, z: 1 },
      { ...TWO_ZONES, z: { [HOST]: 'z' } },
    );
    kernel.add(Service, service('web'));
    await clock.step(0);
    const scores = cluster.scores(web('p', []));
    assert.ok((scores.z ?? 0) > (scores.a ?? 0), JSON.stringify(scores));
  });

  test('of a list can be hard', async () => {
    const config: SpreadConfig = {
      defaultingType: 'List',
      defaultConstraints: [{ maxSkew: 1, topologyKey: ZONE, whenUnsatisfiable: 'DoNotSchedule' }],
    };
    const { cluster, kernel, clock } = await setUp({ config });
    kernel.add(Service, service('web'));
    await clock.step(0);
    for (const [name, labels] of Object.entries(TWO_ZONES)) {
      cluster.setNode(node(name, { metadata: { labels } }));
    }
    cluster.setPod(web('one', []), 'a');
    assert.deepEqual(cluster.refusals(web('p', [])), { a: UNEVEN, b: UNEVEN });
    assert.deepEqual(cluster.refusals(web('p', [soft(ZONE)])), {}, 'its own go before');
  });

  test('are refused where they contradict each other', async () => {
    const constraint = { maxSkew: 1, topologyKey: ZONE, whenUnsatisfiable: 'ScheduleAnyway' };
    const system: SpreadConfig = { defaultConstraints: [constraint], defaultingType: 'System' };
    await assert.rejects(setUp({ config: system }), /defaultingType is "System"/);
    const twice: SpreadConfig = {
      defaultConstraints: [constraint, constraint],
      defaultingType: 'List',
    };
    await assert.rejects(setUp({ config: twice }), /is there twice/);
  });
});

describe('requeueOn', () => {
  test('picks the changes that can let the pod in', async () => {
    const { own } = await setUp();
    const waiting = podInfoOf(web('p', [by(ZONE, 1, { nodeTaintsPolicy: 'Honor' })]));
    const plain = { ...podInfoOf(pod('other')) };
    const [zoned, bare] = [
      node('a', { metadata: { labels: { [ZONE]: 'z' } } }),
      node('b', { metadata: { labels: {} } }),
    ];
    const cluster = new PluginCluster(own, SYSTEM);
    const fits = (event: string, change: { other?: typeof plain; node?: Node }): boolean => {
      const hint = own.requeueOn?.find(
        each => (typeof each === 'string' ? each : each.on) === event,
      );
      assert.ok(hint, event);
      if (typeof hint === 'string') return true;
      const state = change.node && cluster.setNode(change.node);
      const given = { event: hint.on, pod: waiting, config: SYSTEM, node: state };
      return hint.fits({ ...given, other: change.other });
    };
    assert.equal(fits('PodDelete', { other: podInfoOf(web('q', [])) }), true);
    assert.equal(fits('PodAdd', { other: podInfoOf(web('q', [])) }), true);
    assert.equal(fits('PodDelete', { other: plain }), false);
    assert.equal(fits('PodUpdate', { other: plain }), true);
    assert.equal(fits('PodUpdate', { other: { ...plain, namespace: 'x' } }), false);
    assert.equal(fits('NodeAdd', { node: zoned }), true);
    assert.equal(fits('NodeAdd', { node: bare }), false);
    assert.equal(fits('NodeLabel', { node: bare }), true);
    assert.equal(fits('NodeTaint', { node: zoned }), true);
  });

  test('wakes pods when a node goes: the emptiest domain may have been its own', async () => {
    const { own } = await zones({});
    let woken = 0;
    const end = own.watch?.(() => woken++);
    const cluster = new PluginCluster(own, SYSTEM);
    cluster.setNode(node('a'));
    cluster.removeNode('a');
    assert.equal(woken, 1);
    await end?.();
    cluster.setNode(node('b'));
    cluster.removeNode('b');
    assert.equal(woken, 1);
  });
});
