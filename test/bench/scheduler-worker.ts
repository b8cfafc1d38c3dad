import { parentPort } from 'node:worker_threads';
import { createSchedulerContribution, type EvaluateBatch } from 'kernetes/sdk';
import { BY_RACK } from './by-rack.ts';

/** The other thread of the scheduler's benchmark: a score plugin that answers messages. */
const plugin = createSchedulerContribution(BY_RACK, { label: 'rack' });

parentPort?.on('message', ({ id, batch }: { id: number; batch: EvaluateBatch }) => {
  parentPort?.postMessage({ id, result: plugin.evaluate(batch) });
});
