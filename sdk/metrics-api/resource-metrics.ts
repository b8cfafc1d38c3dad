import type { Kind, KubeObject } from '../kind.ts';

export const METRICS_GROUP = 'metrics.k8s.io';

/** What a pod used of late, by its containers. */
export interface PodMetrics extends KubeObject {
  /** The end of the time that was measured. */
  timestamp: string;
  /** How long was measured: `15s`. */
  window: string;
  containers: ContainerMetrics[];
}

export const PodMetrics: Kind<PodMetrics> = {
  group: METRICS_GROUP,
  version: 'v1beta1',
  kind: 'PodMetrics',
  resource: 'pods',
  namespaced: true,
};

export interface ContainerMetrics {
  name: string;
  /** Quantities by resource: `cpu` in cores, `memory` in bytes. */
  usage: Record<string, string>;
}

/** What a node used of late. */
export interface NodeMetrics extends KubeObject {
  timestamp: string;
  window: string;
  usage: Record<string, string>;
}

export const NodeMetrics: Kind<NodeMetrics> = {
  group: METRICS_GROUP,
  version: 'v1beta1',
  kind: 'NodeMetrics',
  resource: 'nodes',
  namespaced: false,
};
