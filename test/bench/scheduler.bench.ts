import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Effort, SchedulerAlone } from './scheduler-alone.ts';
import {
  benchNodes,
  benchPod,
  benchPods,
  SHAPES,
  type ShapeName,
  wholeNodePod,
} from './scheduler-shapes.ts';

/**
 * The scheduler alone, with all default plugins; one JSON line each. Small sizes, so that it runs as
 * a test; `--full` (or FULL=1) for those of the design. NODES, PODS, EXISTING (pods already there)
 * and SHAPE choose one case. Medians of RUNS runs; also by processor time, since a shared machine's
 * wall tells little.
 */
const full = process.argv.includes('--full') || process.env.FULL === '1';
const RUNS = Number(process.env.RUNS ?? 1);
const ONE = process.env.SHAPE as ShapeName | 'preemption' | undefined;

const NAMES = Object.keys(SHAPES) as ShapeName[];
const SIZES = full ? [1_000, 5_000] : [60];

for (const name of NAMES.filter(each => (ONE ?? each) === each)) {
  for (const nodes of process.env.NODES ? [Number(process.env.NODES)] : SIZES) {
    const pods = Number(process.env.PODS ?? (full ? Math.min(10_000, 4 * nodes) : 2 * nodes));
    const existing = Number(process.env.EXISTING ?? 0);
    test(`scheduler alone: ${pods} ${name} pods on ${nodes} nodes`, () =>
      measure({ name, nodes, pods, existing }));
  }
}

if (!ONE) {
  const [nodes, existing, pods] = full ? [5_000, 150_000, 10_000] : [60, 600, 60];
  for (const name of ['plain', 'spread-zone', 'prefer-apart'] as const) {
    test(`scheduler alone: ${name}, ${existing} pods there already`, () =>
      measure({ name, nodes, pods, existing }));
  }
  test('scheduler alone: time per pod does not grow with the cluster as its nodes do', growth);
}

if (!ONE || ONE === 'preemption') {
  test('scheduler alone: pods that have others deleted', preemption);
}

interface Case {
  readonly name: ShapeName;
  readonly nodes: number;
  readonly pods: number;
  readonly existing: number;
}

async function measure(one: Case): Promise<void> {
  const efforts: Effort[] = [];
  let memory = 0;
  for (let run = 0; run < RUNS; run++) {
    const { effort, memoryMb } = await runOnce(one);
    efforts.push(effort);
    memory = memoryMb;
  }
  const cpu = median(efforts.map(({ cpuSeconds }) => cpuSeconds));
  const wall = median(efforts.map(({ seconds }) => seconds));
  const { name, ...sizes } = one;
  print({
    ...{ bench: 'scheduler-alone', shape: name, ...sizes },
    podsPerCpuSecond: Math.round(one.pods / cpu),
    podsPerSecond: Math.round(one.pods / wall),
    ...(one.existing > 0 && { memoryMb: memory }),
  });
}

async function runOnce({ name, nodes, pods, existing }: Case) {
  const alone = await SchedulerAlone.make();
  const { scheduler } = alone;
  for (const node of benchNodes(nodes)) scheduler.setNode(node);
  for (let i = 0; i < existing; i++) {
    scheduler.setPod(benchPod(`old-${i}`, `old-${i % 100}`, { nodeName: `node-${i % nodes}` }));
  }
  const memoryMb = Math.round(process.memoryUsage().rss / 1024 / 1024);
  const effort = await alone.place(benchPods(name, pods, nodes));
  assert.equal(scheduler.cache.podCount, pods + existing);
  await alone.end();
  return { effort, memoryMb };
}

/** All nodes are full of pods that matter less; each pod has one of them deleted. */
async function preemption(): Promise<void> {
  const nodes = Number(process.env.NODES ?? (full ? 5_000 : 20));
  const pods = Number(process.env.PODS ?? (full ? 1_000 : 20));
  const alone = await SchedulerAlone.make();
  for (const node of benchNodes(nodes)) alone.scheduler.setNode(node);
  const old = Array.from({ length: nodes }, (_, i) =>
    wholeNodePod(`old-${i}`, { nodeName: `node-${i}` }),
  );
  await alone.settle(old);
  const wanted = Array.from({ length: pods }, (_, i) =>
    wholeNodePod(`new-${i}`, { priority: 100 }),
  );
  const { seconds, cpuSeconds } = await alone.place(wanted);
  assert.equal(alone.scheduler.cache.podCount, nodes);
  await alone.end();
  print({
    ...{ bench: 'scheduler-alone', shape: 'preemption', nodes, pods, existing: nodes },
    podsPerCpuSecond: Math.round(pods / cpuSeconds),
    podsPerSecond: Math.round(pods / seconds),
  });
}

/** Microseconds a pod by size of the cluster, as a table. */
async function growth(): Promise<void> {
  const sizes = full ? [100, 500, 1_000, 2_000, 5_000] : [20, 100];
  const pods = full ? 10_000 : 100;
  for (const shape of ['plain', 'unlike'] as const) {
    const microseconds: Record<string, number> = {};
    for (const nodes of sizes) {
      const times: number[] = [];
      for (let run = 0; run < RUNS; run++) {
        const { effort } = await runOnce({ name: shape, nodes, pods, existing: 0 });
        times.push(effort.cpuSeconds);
      }
      microseconds[nodes] = Math.round((median(times) / pods) * 1e6);
    }
    print({ bench: 'scheduler-growth', shape, pods, cpuMicrosecondsPerPodByNodes: microseconds });
  }
}

function median(values: number[]): number {
  values.sort((a, b) => a - b);
  return values[values.length >> 1] as number;
}

function print(line: object): void {
  console.log(JSON.stringify(line));
}
