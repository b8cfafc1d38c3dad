import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { MetricReading, Pod } from 'kernetes/sdk';
import { pod } from 'kernetes/sdk/testing';
import {
  type PodsUsage,
  type Proposal,
  replicasForAverage,
  replicasForRatio,
  replicasForShare,
  replicasForUtilization,
} from './replicas.ts';

/*
 * The facts of upstream's replica_calculator_test: pods are ready, `r`, unless `state` has another
 * letter for them: unready (`u`), just started (`h`, their CPU is not to be trusted), pending (`p`),
 * failed (`f`), succeeded (`s`), being deleted (`d`). All periods are as there: 2 min and 10 s.
 */
const NOW = Date.UTC(2026, 0, 1, 12);
const TOLERANCES = { down: 0.1, up: 0.1 };

interface Pods {
  readonly current: number;
  /** One letter a pod; default: all ready, as many as `current`. */
  readonly state?: string;
  /** In the order of the pods; those beyond are of pods that are not known. */
  readonly levels: readonly number[];
  readonly requests?: readonly string[];
  readonly tolerances?: { readonly down: number; readonly up: number };
}

function usageOf({
  current,
  state = 'r'.repeat(current),
  levels,
  requests,
  tolerances,
}: Pods): PodsUsage {
  const pods = [...state].map((letter, i) => podIn(letter, i, requests?.[i] ?? '1'));
  const reading = (milli: number): MetricReading => ({ milli, timestamp: NOW, windowMs: 60_000 });
  return {
    current,
    pods,
    readings: new Map(levels.map((milli, i) => [`pod-${i}`, reading(milli)])),
    tolerances: tolerances ?? TOLERANCES,
    grouping: { resource: 'cpu', now: NOW, cpuInitializationMs: 120_000, readinessDelayMs: 10_000 },
  };
}

const PHASES: Readonly<Record<string, string>> = { p: 'Pending', f: 'Failed', s: 'Succeeded' };

function podIn(letter: string, i: number, cpu: string): Pod {
  const startTime = new Date(letter === 'h' ? NOW : NOW - 180_000).toISOString();
  const status = 'rh'.includes(letter) ? 'True' : 'False';
  return pod(`pod-${i}`, {
    metadata: letter === 'd' ? { deletionTimestamp: startTime } : {},
    spec: { containers: [{ name: 'main', resources: { requests: { cpu } } }] },
    status: {
      phase: PHASES[letter] ?? 'Running',
      startTime,
      conditions: [{ type: 'Ready', status, lastTransitionTime: startTime }],
    },
  });
}

const mixed = ['0.9', '1', '1.1'];

const UTILIZATION: readonly (Pods & {
  readonly name: string;
  readonly percent: number;
  /** Replicas, utilization, average usage. */
  readonly want: readonly [number, number, number];
})[] = [
  { name: 'scales up', current: 3, levels: [300, 500, 700], percent: 30, want: [5, 50, 500] },
  {
    name: 'scales up less for an unready pod',
    current: 3,
    state: 'urr',
    levels: [300, 500, 700],
    percent: 30,
    want: [4, 60, 600],
  },
  {
    name: 'scales up less for a pod that just started',
    current: 3,
    state: 'hrr',
    levels: [300, 500, 700],
    percent: 30,
    want: [4, 60, 600],
  },
  {
    name: 'does not scale where unready pods would do',
    current: 3,
    state: 'ruu',
    levels: [400, 500, 700],
    percent: 30,
    want: [3, 40, 400],
  },
  {
    name: 'does not scale where starting pods would do',
    current: 3,
    state: 'rhh',
    levels: [400, 500, 700],
    percent: 30,
    want: [3, 40, 400],
  },
  {
    name: 'scales up, failed pods ignored',
    current: 2,
    state: 'rrff',
    levels: [500, 700],
    percent: 30,
    want: [4, 60, 600],
  },
  {
    name: 'does not scale up, succeeded pods counted as missing',
    current: 2,
    state: 'rrss',
    levels: [500, 700],
    percent: 30,
    want: [2, 60, 600],
  },
  {
    name: 'scales up, pods that go ignored',
    current: 2,
    state: 'rrdd',
    levels: [500, 700],
    percent: 30,
    want: [4, 60, 600],
  },
  {
    name: 'scales down',
    current: 5,
    levels: [100, 300, 500, 250, 250],
    percent: 50,
    want: [3, 28, 280],
  },
  {
    name: 'scales down without unready pods',
    current: 5,
    state: 'rrruu',
    levels: [100, 300, 500, 250, 250],
    percent: 50,
    want: [2, 30, 300],
  },
  {
    name: 'scales down without pods that have no node',
    current: 5,
    state: 'rpppp',
    levels: [100],
    percent: 50,
    want: [1, 10, 100],
  },
  {
    name: 'scales down without pods that just started',
    current: 5,
    state: 'rrrhh',
    levels: [100, 300, 500, 250, 250],
    percent: 50,
    want: [2, 30, 300],
  },
  {
    name: 'scales down, failed pods ignored',
    current: 5,
    state: 'rrrrrff',
    levels: [100, 300, 500, 250, 250],
    percent: 50,
    want: [3, 28, 280],
  },
  {
    name: 'does not scale down, succeeded pods counted as missing',
    current: 5,
    state: 'rrrrrss',
    levels: [100, 300, 500, 250, 250],
    percent: 50,
    want: [5, 28, 280],
  },
  {
    name: 'scales down, pods that go ignored',
    current: 5,
    state: 'rrrrrdd',
    levels: [100, 300, 500, 250, 250, 9000, 9000],
    percent: 50,
    want: [3, 28, 280],
  },
  {
    name: 'leaves what is within the tolerance',
    current: 3,
    requests: mixed,
    levels: [1010, 1030, 1020],
    percent: 100,
    want: [3, 102, 1020],
  },
  {
    name: 'follows every percent without a tolerance',
    current: 3,
    requests: mixed,
    levels: [909, 1010, 1111],
    tolerances: { down: 0, up: 0 },
    percent: 100,
    want: [4, 101, 1010],
  },
  {
    name: 'leaves what is within a wide tolerance up',
    current: 3,
    requests: mixed,
    levels: [1890, 1910, 1900],
    tolerances: { down: 0.1, up: 2 },
    percent: 100,
    want: [3, 190, 1900],
  },
  {
    name: 'has a tolerance up of its own',
    current: 3,
    requests: mixed,
    levels: [1100, 1080, 1090],
    tolerances: { down: 2, up: 0.08 },
    percent: 100,
    want: [4, 109, 1090],
  },
  {
    name: 'leaves what is within a wide tolerance down',
    current: 3,
    requests: mixed,
    levels: [660, 640, 650],
    tolerances: { down: 0.36, up: 0.1 },
    percent: 100,
    want: [3, 65, 650],
  },
  {
    name: 'has a tolerance down of its own',
    current: 3,
    requests: mixed,
    levels: [660, 640, 650],
    tolerances: { down: 0.34, up: 0.1 },
    percent: 100,
    want: [2, 65, 650],
  },
  {
    name: 'does not count metrics of pods that it does not know',
    current: 4,
    levels: [4000, 9500, 3000, 7000, 3200, 2000],
    percent: 100,
    want: [24, 587, 5875],
  },
  {
    name: 'scales down as if pods without a metric used all they ask for',
    current: 4,
    levels: [400, 95],
    percent: 100,
    want: [3, 24, 247],
  },
  {
    name: 'does not scale at the target with pods missing',
    current: 2,
    levels: [1000],
    percent: 100,
    want: [2, 100, 1000],
  },
  {
    name: 'does not scale up where missing pods would do',
    current: 2,
    levels: [1900],
    percent: 100,
    want: [2, 190, 1900],
  },
  {
    name: 'does not scale down where missing pods would not do',
    current: 2,
    levels: [600],
    percent: 100,
    want: [2, 60, 600],
  },
  {
    name: 'does not scale with one unready and one missing',
    current: 3,
    state: 'urr',
    levels: [100, 450],
    percent: 50,
    want: [3, 45, 450],
  },
  {
    name: 'does not scale with one starting and one missing',
    current: 3,
    state: 'hrr',
    levels: [100, 450],
    percent: 50,
    want: [3, 45, 450],
  },
  {
    name: 'scales up with one unready and one missing',
    current: 3,
    state: 'urr',
    levels: [100, 2000],
    percent: 50,
    want: [4, 200, 2000],
  },
  {
    name: 'scales down with one unready and one missing',
    current: 4,
    state: 'urrr',
    levels: [100, 100, 100],
    percent: 50,
    want: [3, 10, 100],
  },
  {
    name: 'scales down with one missing and a target above all they ask for',
    current: 4,
    state: 'urrr',
    requests: ['1', '1', '2', '2'],
    levels: [200, 100, 100],
    percent: 300,
    want: [2, 6, 100],
  },
  {
    name: 'does not scale up for the extra pod of a roll-out',
    current: 2,
    state: 'rrr',
    levels: [100, 100],
    percent: 50,
    want: [2, 10, 100],
  },
];

describe('replicasForUtilization()', () => {
  for (const { name, percent, want, ...pods } of UTILIZATION) {
    it(name, () => {
      const { replicas, utilization, usage } = replicasForUtilization(usageOf(pods), { percent });
      assert.deepEqual([replicas, utilization, usage], want);
    });
  }

  const FAILURES: readonly (Pods & { readonly name: string; readonly message: string })[] = [
    {
      name: 'no pods',
      current: 1,
      state: '',
      levels: [100],
      message: 'no pods returned by selector while calculating replica count',
    },
    {
      name: 'only unready pods',
      current: 2,
      state: 'uu',
      levels: [100, 100],
      message: 'did not receive metrics for targeted pods (pods might be unready)',
    },
    {
      name: 'metrics of other pods only',
      current: 1,
      state: 'r',
      levels: [],
      message: 'did not receive metrics for targeted pods (pods might be unready)',
    },
  ];
  for (const { name, message, ...pods } of FAILURES) {
    it(`proposes nothing for ${name}`, () => {
      const usage = usageOf(pods);
      assert.throws(() => replicasForUtilization(usage, { percent: 100 }), { message });
    });
  }

  it('proposes nothing where no metric is of a pod that it knows', () => {
    const usage = usageOf({ current: 1, levels: [100] });
    const readings = new Map([['an-older-name', { milli: 100, timestamp: NOW, windowMs: 0 }]]);
    const message = 'no metrics returned matched known pods';
    assert.throws(() => replicasForUtilization({ ...usage, readings }, { percent: 100 }), {
      message,
    });
  });

  it('divides more than a double holds exactly', () => {
    const huge = 2 ** 53 - 1;
    const { utilization } = replicasForUtilization(
      usageOf({ current: 1, requests: [`${huge}m`], levels: [huge] }),
      { percent: 100 },
    );
    assert.equal(utilization, 100);
  });
});

const AVERAGE: readonly (Pods & {
  readonly name: string;
  readonly target: number;
  /** Replicas, usage. */
  readonly want: readonly [number, number];
})[] = [
  { name: 'scales up', current: 3, levels: [20000, 10000, 30000], target: 15000, want: [4, 20000] },
  {
    name: 'scales up by pods that are not ready too',
    current: 3,
    state: 'rru',
    levels: [50000, 10000, 30000],
    target: 15000,
    want: [6, 30000],
  },
  {
    name: 'does not scale down for pods that start',
    current: 3,
    state: 'uru',
    levels: [50000, 15000, 30000],
    target: 15000,
    want: [7, 31666],
  },
  {
    name: 'scales down',
    current: 5,
    levels: [12000, 12000, 12000, 12000, 12000],
    target: 20000,
    want: [3, 12000],
  },
  {
    name: 'leaves what is within the tolerance',
    current: 3,
    levels: [20000, 21000, 21000],
    target: 20000,
    want: [3, 20666],
  },
  {
    name: 'has a tolerance up of its own',
    current: 3,
    levels: [20000, 21000, 21000],
    tolerances: { down: 0.1, up: 0.01 },
    target: 20000,
    want: [4, 20666],
  },
  {
    name: 'does not scale at the target with pods missing',
    current: 5,
    levels: [20000, 19000, 21000],
    target: 20000,
    want: [5, 20000],
  },
  {
    name: 'does not scale up for the extra pod of a roll-out',
    current: 2,
    state: 'rrr',
    levels: [10000, 10000],
    target: 17000,
    want: [2, 10000],
  },
];

describe('replicasForAverage()', () => {
  for (const { name, target, want, ...pods } of AVERAGE) {
    it(`${name}, of a metric that is not CPU`, () => {
      const usage = usageOf(pods);
      const grouping = { ...usage.grouping, resource: '' };
      const { replicas, usage: average } = replicasForAverage({ ...usage, grouping }, target);
      assert.deepEqual([replicas, average], want);
    });
  }

  it('does not count CPU of pods that start', () => {
    const usage = usageOf({ current: 3, state: 'rrh', levels: [50000, 10000, 30000] });
    assert.deepEqual(replicasForAverage(usage, 15000), { replicas: 4, usage: 30000 });
  });
});

const RATIO: readonly (Omit<Pods, 'levels'> & {
  readonly name: string;
  readonly usage: number;
  readonly target: number;
  readonly want: number;
})[] = [
  { name: 'scales up', current: 3, usage: 20000, target: 15000, want: 4 },
  {
    name: 'scales up by the ready pods only',
    current: 3,
    state: 'uru',
    usage: 50000,
    target: 10000,
    want: 5,
  },
  {
    name: 'scales down though all pods would scale up',
    current: 3,
    state: 'uru',
    usage: 8600,
    target: 4400,
    want: 2,
  },
  { name: 'scales down', current: 5, usage: 12000, target: 20000, want: 3 },
  { name: 'scales down by a little more', current: 5, usage: 8600, target: 14334, want: 3 },
  { name: 'leaves what is within the tolerance', current: 3, usage: 20666, target: 20000, want: 3 },
  {
    name: 'leaves what is within the tolerance below',
    current: 3,
    usage: 8600,
    target: 8888,
    want: 3,
  },
  {
    name: 'has a tolerance up of its own',
    current: 3,
    tolerances: { down: 0.1, up: 0.01 },
    usage: 8900,
    target: 8800,
    want: 4,
  },
  { name: 'stays a number of replicas', current: 3, usage: 2 ** 63, target: 1, want: 2 ** 31 - 1 },
  {
    name: 'needs no pods where there are none',
    current: 0,
    state: '',
    usage: 20000,
    target: 8000,
    want: 3,
  },
];

describe('replicasForRatio()', () => {
  for (const { name, usage, target, want, ...pods } of RATIO) {
    it(name, () => {
      assert.equal(replicasForRatio(usage / target, usageOf({ ...pods, levels: [] })), want);
    });
  }

  it('proposes nothing where there should be pods', () => {
    const none = usageOf({ current: 2, state: '', levels: [] });
    const message = /^unable to calculate ready pods: no pods returned by selector/;
    assert.throws(() => replicasForRatio(3, none), { message });
  });
});

const SHARE: readonly {
  readonly name: string;
  readonly current: number;
  readonly total: number;
  readonly target: number;
  readonly up?: number;
  readonly want: Proposal;
}[] = [
  { name: 'scales up', current: 3, total: 8600, target: 2150, want: { replicas: 4, usage: 2867 } },
  {
    name: 'scales down',
    current: 5,
    total: 8600,
    target: 2867,
    want: { replicas: 3, usage: 1720 },
  },
  {
    name: 'leaves what is within the tolerance',
    current: 3,
    total: 8600,
    target: 2900,
    want: { replicas: 3, usage: 2867 },
  },
  {
    name: 'has a tolerance up of its own',
    current: 3,
    total: 8600,
    target: 2800,
    up: 0.01,
    want: { replicas: 4, usage: 2867 },
  },
  {
    name: 'scales up from none',
    current: 0,
    total: 20000,
    target: 5000,
    want: { replicas: 4, usage: 0 },
  },
  { name: 'stays at none', current: 0, total: 0, target: 5000, want: { replicas: 0, usage: 0 } },
  {
    name: 'stays a number of replicas',
    current: 1,
    total: 2 ** 60,
    target: 1,
    want: { replicas: 2 ** 31 - 1, usage: 2 ** 60 },
  },
  {
    name: 'leaves a little more than the target',
    current: 4,
    total: 20166,
    target: 5000,
    want: { replicas: 4, usage: 5042 },
  },
  {
    name: 'follows a little more where it is to',
    current: 4,
    total: 20208,
    target: 5000,
    up: 0.01,
    want: { replicas: 5, usage: 5052 },
  },
];

describe('replicasForShare()', () => {
  for (const { name, current, total, target, up = 0.1, want } of SHARE) {
    it(name, () => {
      const tolerances = { down: 0.1, up };
      assert.deepEqual(replicasForShare(total, { current, target, tolerances }), want);
    });
  }
});
