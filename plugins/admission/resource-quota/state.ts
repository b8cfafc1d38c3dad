import { parseUsage, type QuotaEvaluator, type ResourceQuota, type Usage } from 'kernetes/sdk';
import type { LimitedResource } from './limited.ts';

/** A quota as its status says, and what was reserved of it since. */
export interface QuotaState {
  readonly quota: ResourceQuota;
  readonly hard: Usage;
  used: Usage;
}

export interface CheckOptions {
  readonly evaluator: QuotaEvaluator;
  readonly limited: readonly LimitedResource[];
  /** Of the object. */
  readonly usage: Usage;
  /** Of what an update changes; undefined: it is created. */
  readonly usageBefore: Usage | undefined;
}

export function quotaState(quota: ResourceQuota): QuotaState {
  const { hard, used } = quota.status ?? {};
  return { quota, hard: parseUsage(hard), used: parseUsage(used) };
}

export function nameOf({ quota }: QuotaState): string {
  return quota.metadata.name ?? '';
}

/** The names in the quota's `hard` that are about this kind, sorted. */
export function countedNames({ hard }: QuotaState, { counts }: QuotaEvaluator): string[] {
  return [...hard.keys()].filter(counts).sort();
}
