import type { InformerOptions } from './informer.ts';

/**
 * How the scheduler watches pods. A scheduler plugin that must see more of a pod than its `PodInfo`
 * asks for exactly this, and shares the scheduler's copy of all pods.
 */
export const SCHEDULED_PODS: InformerOptions = {
  // Pods that are done take nothing.
  fieldSelector: 'status.phase!=Succeeded,status.phase!=Failed',
  // The whole spec: a scheduler plugin may look at any part of it.
  fields: ['spec', 'status.conditions', 'status.nominatedNodeName', 'status.startTime'],
};
