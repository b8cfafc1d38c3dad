import assert from 'node:assert/strict';
import { describe, it, test } from 'node:test';
import {
  type NodeTrial,
  Pod,
  PodDisruptionBudget,
  type PodInfo,
  podInfoOf,
  type Refusal,
  verdict,
} from 'kernetes/sdk';
import {
  fakeClock,
  node,
  nodeStates,
  pod,
  running,
  TestKernel,
  testContext,
} from 'kernetes/sdk/testing';
import { Budgets } from './budgets.ts';
import { leastHarm } from './choice.ts';
import { StartTimes } from './importance.ts';
import { Priorities } from './priorities.ts';
import { VictimSearch } from './victims.ts';

interface Here {
  readonly cpu?: number;
  readonly priority?: number;
  /** Minutes after midnight. */
  readonly since?: number;
  readonly labels?: Record<string, string>;
}

function podOf(name: string, { cpu = 1, priority = 0, since = 0, labels = {} }: Here): Pod {
  const resources = { requests: { cpu: `${cpu}` } };
  const at = new Date(Date.UTC(2026, 0, 1, 0, since)).toISOString();
  const spec = { containers: [{ name: 'main', resources }], priority };
  return pod(name, { metadata: { uid: name, labels }, spec, status: running({ since: at }) });
}

/** Knows only of CPU, of which the node has 4. */
class CpuTrial implements NodeTrial {
  readonly node = nodeStates([node('n')])[0] as NonNullable<ReturnType<typeof nodeStates>[0]>;
  readonly #pod: PodInfo;

  constructor(one: PodInfo, there: readonly PodInfo[]) {
    this.#pod = one;
    for (const other of there) this.node.addPod(other);
  }

  add(other: PodInfo): void {
    this.node.addPod(other);
  }

  remove(other: PodInfo): void {
    this.node.removePod(other.key);
  }

  check(): Refusal | undefined {
    const used = this.node.requested.milliCpu + this.#pod.requests.milliCpu;
    return used > 4000 ? verdict.unschedulable('Insufficient cpu') : undefined;
  }
}

async function setUp(pods: readonly Pod[], budgets: readonly PodDisruptionBudget[] = []) {
  const kernel = new TestKernel();
  kernel.add(Pod, ...pods);
  kernel.add(PodDisruptionBudget, ...budgets);
  const { context, clock } = testContext({ kernel });
  const informer = context.informer(Pod);
  const own = new Budgets(context);
  await clock.step(0);
  const times = new StartTimes(informer, clock);
  return { times, budgets: own, search: new VictimSearch(own, times) };
}

function budget(
  name: string,
  app: string,
  status: Partial<NonNullable<PodDisruptionBudget['status']>> = {},
): PodDisruptionBudget {
  return {
    metadata: { name, namespace: 'default' },
    spec: { selector: { matchLabels: { app } } },
    status: {
      ...{ currentHealthy: 1, desiredHealthy: 1, disruptionsAllowed: 0, expectedPods: 1 },
      ...status,
    },
  };
}

describe('victims', () => {
  const web = { app: 'web' };
  const table: [
    name: string,
    wanted: Here,
    there: Record<string, Here>,
    budgets: PodDisruptionBudget[],
    victims: string[] | string,
    violations?: number,
  ][] = [
    ['are all, where all are needed', { cpu: 4 }, { a: { cpu: 2 }, b: { cpu: 2 } }, [], ['a', 'b']],
    ['are as few as do', { cpu: 2 }, { a: { cpu: 2 }, b: { cpu: 2, since: 1 } }, [], ['b']],
    [
      'are the least important first',
      { cpu: 2 },
      { a: { cpu: 2, priority: 5 }, b: { cpu: 2, priority: 7 } },
      [],
      ['a'],
    ],
    [
      'are told the most important first',
      { cpu: 4 },
      { a: { cpu: 2, priority: 5 }, b: { cpu: 2, priority: 7 } },
      [],
      ['b', 'a'],
    ],
    [
      'are, of equal priority, those that started last',
      { cpu: 1 },
      { a: { since: 3 }, b: { since: 9 }, c: { since: 1 }, d: { since: 5 } },
      [],
      ['b'],
    ],
    [
      'may be small ones that are in the way after a large one stays',
      { cpu: 2 },
      { a: { cpu: 2, priority: 9 }, b: { cpu: 1, priority: 1 }, c: { cpu: 1, priority: 2 } },
      [],
      ['c', 'b'],
    ],
    [
      'are none where the pod does not fit without them either',
      { cpu: 3 },
      { a: { cpu: 2, priority: 100 }, b: { cpu: 1 } },
      [],
      'Insufficient cpu',
    ],
    [
      'are rather those without a budget, even if they matter more',
      { cpu: 2 },
      { a: { cpu: 2, labels: web }, b: { cpu: 2, priority: 9 } },
      [budget('b', 'web')],
      ['b'],
      0,
    ],
    [
      'are counted where they violate a budget',
      { cpu: 4 },
      { a: { cpu: 2, labels: web }, b: { cpu: 2, labels: web, since: 1 } },
      [budget('b', 'web', { disruptionsAllowed: 1 })],
      ['a', 'b'],
      1,
    ],
    [
      'violate any of several budgets',
      { cpu: 4 },
      { a: { cpu: 2, labels: web }, b: { cpu: 2 } },
      [budget('b', 'web', { disruptionsAllowed: 5 }), budget('c', 'web')],
      ['a', 'b'],
      1,
    ],
    [
      'do not violate a budget that has let them go',
      { cpu: 4 },
      { a: { cpu: 4, labels: web } },
      [budget('b', 'web', { disruptedPods: { a: '2026-01-01T00:00:00Z' } })],
      ['a'],
      0,
    ],
    [
      'do not violate a budget that selects nothing',
      { cpu: 4 },
      { a: { cpu: 4, labels: web } },
      [
        { ...budget('b', 'web'), spec: { selector: {} } },
        { ...budget('c', 'x'), spec: {} },
      ],
      ['a'],
      0,
    ],
    [
      'do not violate a budget whose selector is wrong',
      { cpu: 4 },
      { a: { cpu: 4, labels: web } },
      [
        {
          ...budget('b', 'web'),
          spec: { selector: { matchExpressions: [{ key: 'app', operator: 'Near' }] } },
        },
      ],
      ['a'],
      0,
    ],
    [
      'do not violate a budget of another namespace',
      { cpu: 4 },
      { a: { cpu: 4, labels: web } },
      [{ ...budget('b', 'web'), metadata: { name: 'b', namespace: 'other' } }],
      ['a'],
      0,
    ],
  ];
  for (const [name, wanted, there, budgets, victims, violations = 0] of table) {
    it(name, async () => {
      const pods = Object.entries(there).map(([key, here]) => podOf(key, here));
      const { search } = await setUp(pods, budgets);
      const one = podInfoOf(podOf('p', { priority: 10, ...wanted }));
      const infos = pods.map(podInfoOf);
      const lesser = infos.filter(({ priority }) => priority < one.priority);
      const said = search.select(new CpuTrial(one, infos), lesser);
      if (typeof victims === 'string') {
        assert.deepEqual('reasons' in said && said.reasons, [victims]);
        return;
      }
      assert.ok('victims' in said);
      assert.deepEqual(
        said.victims.map(each => each.name),
        victims,
      );
      assert.deepEqual([said.nodeName, said.violations], ['n', violations]);
    });
  }
});

describe('leastHarm()', () => {
  type Choice = readonly [victims: Here[], violations?: number];
  const table: [name: string, choices: Record<string, Choice>, best: string | undefined][] = [
    ['has none of none', {}, undefined],
    ['leaves out nodes without victims', { a: [[]] }, undefined],
    ['takes the only one', { a: [[{}]] }, 'a'],
    ['takes fewer violations before all else', { a: [[{}], 1], b: [[{ priority: 9 }, {}]] }, 'b'],
    [
      'takes the lowest of the highest priorities',
      { a: [[{ priority: 5 }]], b: [[{ priority: 3 }, { priority: 3 }]] },
      'b',
    ],
    [
      'takes the smallest sum of priorities',
      { a: [[{ priority: 5 }, { priority: 4 }]], b: [[{ priority: 5 }, { priority: 1 }]] },
      'b',
    ],
    [
      'counts each victim in the sum, also of a negative priority',
      { a: [[{ priority: -1 }, { priority: -5 }]], b: [[{ priority: -1 }]] },
      'b',
    ],
    [
      'takes the one whose important victims started last',
      {
        a: [[{ priority: 5, since: 1 }, { since: 99 }]],
        b: [[{ priority: 5, since: 2 }, { since: 0 }]],
      },
      'b',
    ],
    [
      'goes by the first to have started of several',
      {
        a: [[{ since: 5 }, { since: 1 }]],
        b: [[{ since: 3 }, { since: 2 }]],
      },
      'b',
    ],
    ['takes the first of equal ones', { a: [[{ since: 1 }]], b: [[{ since: 1 }]] }, 'a'],
  ];
  for (const [name, choices, best] of table) {
    it(name, async () => {
      const pods: Pod[] = [];
      const made = Object.entries(choices).map(([nodeName, [victims, violations = 0]]) => {
        const own = victims.map((here, i) => podOf(`${nodeName}-${i}`, here));
        pods.push(...own);
        return { nodeName, victims: own.map(podInfoOf), violations };
      });
      const { times } = await setUp(pods);
      assert.equal(leastHarm(made, times)?.nodeName, best);
    });
  }

  it('takes a pod that has not started for the latest', () => {
    const times = new StartTimes({ get: () => undefined }, fakeClock(7_000));
    assert.equal(times.victim(podInfoOf(podOf('a', {}))).startedAt, 7_000);
  });
});

test('priorities know the lowest there is, as pods come and go', () => {
  const priorities = new Priorities();
  const at = (priority: number) => podInfoOf(podOf(`p${priority}`, { priority }));
  assert.equal(priorities.lowest, Number.POSITIVE_INFINITY);
  priorities.podAdded(at(5));
  priorities.podAdded(at(-1));
  priorities.podAdded(at(-1));
  priorities.podRemoved(at(-1));
  assert.equal(priorities.lowest, -1);
  priorities.podRemoved(at(-1));
  assert.equal(priorities.lowest, 5);
  priorities.cleared();
  assert.equal(priorities.lowest, Number.POSITIVE_INFINITY);
});
