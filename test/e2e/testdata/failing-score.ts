import { scheduler } from 'kernetes/sdk';

const CONFIG = {
  type: 'object',
  properties: { how: { type: 'string' } },
};

/** What becomes of pods with the label `bad`. */
function score(how: string): number {
  if (how === 'throws') throw new Error('my fault');
  if (how === 'loops for ever') for (;;);
  if (how === 'grows its heap') for (const kept: unknown[] = []; ; ) kept.push({ more: kept.length });
  setTimeout(() => score('throws'), 1);
  return 50;
}

export default scheduler.score<{ how: string }>({
  name: 'Failing',
  config: CONFIG,
  onFailure: 'ignore',
  deadlineMs: 500,
  score: ({ pod, config }) => (pod.labels.bad === 'yes' ? score(config.how) : 50),
});
