import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { MetricReading, Pod } from 'kernetes/sdk';
import { pod } from 'kernetes/sdk/testing';
import { groupPods, podRequest } from './pod-groups.ts';

const NOW = Date.UTC(2026, 0, 1, 12);
const at = (secondsAgo: number) => new Date(NOW - secondsAgo * 1000).toISOString();

interface Case {
  readonly name: string;
  readonly status: NonNullable<Pod['status']>;
  readonly isDeleted?: boolean;
  readonly reading?: Partial<MetricReading>;
  readonly resource?: string;
  readonly want: 'ready' | 'unready' | 'missing' | 'ignored';
}

/** Started and changed its readiness so many seconds ago. */
function runs(started: number, ready: 'True' | 'False', since: number): NonNullable<Pod['status']> {
  const conditions = [{ type: 'Ready', status: ready, lastTransitionTime: at(since) }];
  return { phase: 'Running', startTime: at(started), conditions };
}

// The facts of upstream's TestGroupPods.
const CASES: readonly Case[] = [
  {
    name: 'memory of a running pod',
    status: { phase: 'Running' },
    resource: 'memory',
    reading: {},
    want: 'ready',
  },
  {
    name: 'a metric of its own of a running pod',
    status: { phase: 'Running' },
    resource: '',
    reading: {},
    want: 'ready',
  },
  {
    name: 'CPU of a pod without a Ready condition',
    status: { phase: 'Running', startTime: at(0) },
    reading: {},
    want: 'unready',
  },
  {
    name: 'CPU of a pod without a start',
    status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] },
    reading: {},
    want: 'unready',
  },
  {
    name: 'CPU measured since it is ready, while it starts',
    status: runs(60, 'True', 30),
    reading: { timestamp: NOW, windowMs: 30_000 },
    want: 'ready',
  },
  {
    name: 'CPU measured partly before it was ready, while it starts',
    status: runs(60, 'True', 30),
    reading: { timestamp: NOW, windowMs: 60_000 },
    want: 'unready',
  },
  {
    name: 'CPU of an unready pod that starts',
    status: runs(60, 'False', 50),
    reading: { timestamp: NOW, windowMs: 1_000 },
    want: 'unready',
  },
  {
    name: 'CPU of a pod that was never ready',
    status: runs(600, 'False', 594),
    reading: {},
    want: 'unready',
  },
  {
    name: 'CPU of a pod that became unready later',
    status: runs(600, 'False', 540),
    reading: {},
    want: 'ready',
  },
  {
    name: 'CPU of a pod that became unready just after the delay',
    status: runs(600, 'False', 590),
    reading: {},
    want: 'ready',
  },
  {
    name: 'old CPU of a ready pod that has started',
    status: runs(180, 'True', 180),
    reading: { timestamp: NOW - 120_000, windowMs: 60_000 },
    want: 'ready',
  },
  {
    name: 'a running pod without a metric',
    status: { phase: 'Running', startTime: at(180) },
    want: 'missing',
  },
  { name: 'a pod that has no node', status: { phase: 'Pending' }, want: 'unready' },
  {
    name: 'a pending pod with a metric',
    status: { phase: 'Pending' },
    reading: {},
    want: 'unready',
  },
  {
    name: 'a pod that is being deleted',
    status: { phase: 'Pending' },
    isDeleted: true,
    reading: {},
    want: 'ignored',
  },
  { name: 'a pod that failed', status: { phase: 'Failed' }, reading: {}, want: 'ignored' },
  { name: 'a pod that succeeded', status: { phase: 'Succeeded' }, want: 'missing' },
];

describe('groupPods()', () => {
  for (const { name, status, isDeleted, reading, resource = 'cpu', want } of CASES) {
    it(`counts as ${want}: ${name}`, () => {
      const one = pod('a', { status, metadata: isDeleted ? { deletionTimestamp: at(1) } : {} });
      const readings = new Map<string, MetricReading>();
      if (reading) readings.set('a', { milli: 1, timestamp: 0, windowMs: 0, ...reading });
      const options = {
        resource,
        now: NOW,
        cpuInitializationMs: 120_000,
        readinessDelayMs: 10_000,
      };
      const { readyCount, unready, missing, ignored } = groupPods([one], readings, options);
      const is = {
        ready: readyCount,
        unready: unready.size,
        missing: missing.size,
        ignored: ignored.size,
      };
      assert.deepEqual(is, { ready: 0, unready: 0, missing: 0, ignored: 0, [want]: 1 });
    });
  }
});

const main = { name: 'main', resources: { requests: { cpu: '100m', memory: '1Gi' } } };
const side = { name: 'side', resources: { requests: { cpu: '50m' } } };

const REQUESTS: readonly {
  readonly name: string;
  readonly spec: NonNullable<Pod['spec']>;
  readonly resource?: string;
  readonly container?: string;
  readonly want: number | RegExp;
}[] = [
  { name: 'all containers', spec: { containers: [main, side] }, want: 150 },
  { name: 'one container', spec: { containers: [main, side] }, container: 'side', want: 50 },
  {
    name: 'sidecars too',
    spec: { containers: [main], initContainers: [{ ...side, restartPolicy: 'Always' }] },
    want: 150,
  },
  {
    name: 'not what only starts it',
    spec: { containers: [main], initContainers: [side] },
    want: 100,
  },
  {
    name: 'a sidecar by its name',
    spec: { containers: [main], initContainers: [{ ...side, restartPolicy: 'Always' }] },
    container: 'side',
    want: 50,
  },
  {
    name: 'what the pod asks for as a whole',
    spec: { containers: [main, side], resources: { requests: { cpu: '800m' } } },
    want: 800,
  },
  {
    name: 'a container by its name though the pod asks as a whole',
    spec: { containers: [main, side], resources: { requests: { cpu: '800m' } } },
    container: 'main',
    want: 100,
  },
  {
    name: 'a whole with its overhead',
    spec: {
      containers: [main],
      overhead: { cpu: '10m' },
      resources: { requests: { cpu: '800m' } },
    },
    want: 810,
  },
  {
    name: 'of memory bytes, in thousandths',
    spec: { containers: [main] },
    resource: 'memory',
    want: 1024 ** 3 * 1000,
  },
  {
    name: 'nothing where a container asks for nothing',
    spec: { containers: [main, { name: 'none' }] },
    want: /^missing request for cpu in container none of Pod a$/,
  },
  {
    name: 'nothing where no container has the name',
    spec: { containers: [main] },
    container: 'x',
    want: /^container x not found in Pod a$/,
  },
  {
    name: 'nothing where the whole pod does not ask for it',
    spec: { containers: [{ name: 'none' }], resources: { requests: { memory: '1Gi' } } },
    want: /^missing pod-level request for cpu in Pod a$/,
  },
];

describe('podRequest()', () => {
  for (const { name, spec, resource = 'cpu', container, want } of REQUESTS) {
    it(`counts ${name}`, () => {
      const count = () => podRequest(pod('a', { spec }), resource, container);
      if (typeof want === 'number') assert.equal(count(), want);
      else assert.throws(count, { name: 'NoProposal', message: want });
    });
  }
});
