import { definePoint } from './extension.ts';

/** Where the API serves it: `podexplanations` of this group. */
export const EXPLANATION_GROUP = 'scheduling.kernetes.dev';
export const EXPLANATION_VERSION = 'v1alpha1';

/**
 * Why a pod is where it is, or nowhere: what the scheduler did, attempt by attempt. Plain data; the
 * API serves it as it is.
 */
export interface PodExplanation {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly schedulerName: string;
  /** Where it is now: to be tried, waiting after a failure, refused, kept out, on its way, placed. */
  readonly state: 'active' | 'backoff' | 'unschedulable' | 'gated' | 'binding' | 'scheduled';
  /** The plugins whose refusal it waits to have lifted, or that keep it out. */
  readonly waitsFor: readonly string[];
  /** The newest last; of many, the last few. */
  readonly attempts: readonly AttemptExplanation[];
}

export interface AttemptExplanation {
  /** Counted from 1. */
  readonly number: number;
  /** RFC 3339, microseconds. */
  readonly time: string;
  readonly outcome: 'scheduled' | 'unschedulable' | 'error';
  /** The chosen node. */
  readonly nodeName?: string;
  /** As in the event. */
  readonly message?: string;
  /** The filters in the order in which they are asked, those that had nothing to check left out. */
  readonly filters: readonly string[];
  /** The scores, each with its weight. */
  readonly scores: readonly { readonly plugin: string; readonly weight: number }[];
  /** Every node of then, in the order of the search. */
  readonly nodes: readonly NodeExplanation[];
}

export interface NodeExplanation {
  readonly name: string;
  /** `skipped`: enough others had been found before it was looked at. */
  readonly verdict: 'feasible' | 'refused' | 'skipped';
  /** The plugin that refused, and what it said. Those before it agreed, those after were not asked. */
  readonly plugin?: string;
  readonly reasons?: readonly string[];
  /** In the order of `scores` above: as the plugin gave it, and brought to 0 to 100. */
  readonly raw?: readonly number[];
  readonly normalized?: readonly number[];
  /** The sum of the normalized ones, each times its weight. */
  readonly total?: number;
}

/** What a scheduler contributes for those who ask. Nothing where it is not the leader. */
export interface SchedulingExplainer {
  explain(pod: {
    readonly namespace: string;
    readonly name: string;
  }): Promise<PodExplanation | undefined>;
  /** Those of one namespace, or all, without their attempts' nodes. */
  list(namespace?: string): Promise<readonly PodExplanation[]>;
}

export const schedulingExplainerPoint = definePoint<SchedulingExplainer>({
  name: 'schedulingExplainer',
  combine: 'first-claim',
  methods: ['explain', 'list'],
});
