import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { buildSync } from 'esbuild';
import {
  type Contribution,
  createSchedulerContribution,
  type EvaluateResult,
  type SchedulerContribution,
} from 'kernetes/sdk';
import { BY_RACK } from './by-rack.ts';
import { local, SchedulerAlone } from './scheduler-alone.ts';
import { benchNodes, benchPods } from './scheduler-shapes.ts';

/**
 * What a score plugin of one's own costs: not there, beside the scheduler, or in a worker. NODES and
 * PODS choose the size; small by default, so that it runs as a test. One JSON line each.
 */
const full = process.argv.includes('--full') || process.env.FULL === '1';
const NODES = Number(process.env.NODES ?? (full ? 5_000 : 60));
const PODS = Number(process.env.PODS ?? (full ? 20_000 : 120));

for (const place of ['none', 'inline', 'worker'] as const) {
  test(`scheduler alone: a score plugin ${place}`, async () => {
    const rack = byRack(place);
    const alone = await SchedulerAlone.make({ contributions: rack.contributions });
    for (const node of benchNodes(NODES)) alone.scheduler.setNode(node);
    const { seconds } = await alone.place(benchPods('plain', PODS, NODES));
    await alone.end();
    await rack.end();
    const podsPerSecond = Math.round(PODS / seconds);
    const line = { bench: 'scheduler-rack', place, nodes: NODES, pods: PODS, podsPerSecond };
    console.log(JSON.stringify(line));
  });
}

/** The design's score plugin. */
function byRack(place: 'none' | 'inline' | 'worker'): {
  readonly contributions: Contribution<SchedulerContribution>[];
  end(): Promise<unknown>;
} {
  const end = async () => {};
  if (place === 'none') return { contributions: [], end };
  const value = createSchedulerContribution(BY_RACK, { label: 'rack' });
  const here = { ...local(BY_RACK), value };
  if (place === 'inline') return { contributions: [here], end };
  const worker = new Worker(bundled('./scheduler-worker.ts'), { eval: true });
  const waiting = new Map<number, (result: EvaluateResult) => void>();
  let last = 0;
  worker.on('message', ({ id, result }) => {
    waiting.get(id)?.(result);
    waiting.delete(id);
  });
  const remote: SchedulerContribution = {
    ...value,
    evaluate: batch =>
      new Promise(resolve => {
        waiting.set(++last, resolve);
        worker.postMessage({ id: last, batch });
      }),
    invoke: async () => [],
  };
  return {
    contributions: [{ ...here, value: remote, remote: true }],
    end: () => worker.terminate(),
  };
}

/** A worker cannot start a TypeScript file. */
function bundled(entry: string): string {
  const { outputFiles } = buildSync({
    entryPoints: [fileURLToPath(new URL(entry, import.meta.url))],
    bundle: true,
    platform: 'node',
    format: 'cjs',
    write: false,
  });
  return outputFiles[0]?.text ?? '';
}
