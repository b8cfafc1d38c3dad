import type { Job } from 'kernetes/sdk';

/** How long the Job is to stay; undefined: it has not finished, need not go, or is going. */
export function msUntilExpiry({ metadata, spec, status }: Job, now: number): number | undefined {
  const { ttlSecondsAfterFinished } = spec ?? {};
  if (ttlSecondsAfterFinished === undefined || metadata.deletionTimestamp) return undefined;
  const end = status?.conditions?.find(
    condition => END_TYPES.has(condition.type) && condition.status === 'True',
  );
  if (!end) return undefined;
  const finishedAt = Date.parse(end.lastTransitionTime ?? '');
  if (Number.isNaN(finishedAt)) {
    const name = `${metadata.namespace}/${metadata.name}`;
    throw new Error(`Cannot tell when Job "${name}" ends: its condition ${end.type} has no time`);
  }
  return finishedAt + ttlSecondsAfterFinished * 1000 - now;
}

const END_TYPES: ReadonlySet<string> = new Set(['Complete', 'Failed']);
