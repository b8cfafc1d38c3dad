import type { MetricStatus, MetricsClient, Pod } from 'kernetes/sdk';
import type { GroupOptions } from './pod-groups.ts';
import type { PodsUsage, Tolerances } from './replicas.ts';

/** What a metric is looked at with. */
export interface MetricContext {
  readonly client: MetricsClient;
  readonly namespace: string;
  readonly podSelector: string;
  /** Those that it selects. */
  readonly pods: readonly Pod[];
  readonly specReplicas: number;
  readonly statusReplicas: number;
  readonly tolerances: Tolerances;
  readonly times: Omit<GroupOptions, 'resource'>;
}

export interface MetricResult {
  readonly replicas: number;
  /** As it is named in conditions and events. */
  readonly name: string;
  readonly status: MetricStatus;
}

export function podsUsage(
  { specReplicas: current, pods, tolerances, times }: MetricContext,
  readings: PodsUsage['readings'],
  resource: string,
): PodsUsage {
  return { current, pods, readings, tolerances, grouping: { ...times, resource } };
}
