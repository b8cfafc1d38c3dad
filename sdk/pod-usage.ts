import { definePoint } from './extension.ts';
import type { ContainerUsage } from './runtime.ts';

/**
 * Tells what pods and nodes use: an agent of nodes, for those that it serves. Asked when somebody
 * wants to know (`metrics.k8s.io`), never by itself: one call a question, however many pods.
 */
export interface PodUsageSource {
  /** Of pods that run. One of which a container has not been measured long enough is absent. */
  pods(query: PodUsageQuery): Promise<PodUsages>;
  nodes(query: NodeUsageQuery): Promise<NodeUsages>;
}

export const podUsagePoint = definePoint<PodUsageSource>({
  name: 'podUsage',
  combine: 'independent',
  methods: ['pods', 'nodes'],
});

export interface PodUsageQuery {
  /** Empty: all. */
  readonly namespace: string;
  readonly name?: string;
  /** As in a query; it can be parsed. */
  readonly labelSelector?: string;
}

export interface PodUsages {
  /** The end of the time that was measured, in milliseconds since the epoch. */
  readonly timestampMs: number;
  readonly pods: readonly MeasuredPod[];
}

export interface MeasuredPod {
  readonly namespace: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly containers: readonly ContainerUsage[];
}

export interface NodeUsageQuery {
  readonly name?: string;
  readonly labelSelector?: string;
}

export interface NodeUsages {
  readonly timestampMs: number;
  readonly windowMs: number;
  readonly nodes: readonly MeasuredNode[];
}

export interface MeasuredNode {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly cpuNanoCores: number;
  readonly memoryBytes: number;
}
