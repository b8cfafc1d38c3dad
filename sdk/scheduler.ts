import type { Disposer } from './extension.ts';
import type { JsonSchema } from './plugin.ts';
import type { FilterNodesContext, ScoreNodesContext } from './scheduler-columns.ts';
import type { NodeInfo, PodInfo } from './scheduler-info.ts';
import type { Refusal, Verdict } from './scheduler-verdict.ts';

/**
 * The scheduling framework's contract. A scheduler plugin implements any of the thirteen points
 * (queueSort … postBind); the scheduler's profile says which plugins are enabled, in which order,
 * and how much a score weighs.
 *
 * One cycle of a pod: preFilter → filter (each node) → postFilter (only if none is left) →
 * preScore → score (each feasible node) → normalize → reserve, then off the scheduling path
 * permit → preBind → bind → postBind. Up to reserve everything is synchronous: in the scheduler's
 * own thread a call costs a function call. A plugin elsewhere (another worker, a process) gets one
 * message per cycle or for several cycles together, never one per node; the factories below make
 * that happen, its author does nothing for it.
 *
 * A refusal is a `Verdict`; nothing (`undefined`) means success. A throw is a bug: `onFailure`
 * says what happens then.
 */
export interface SchedulerPlugin<C = unknown, S = unknown> {
  /** Under this name profiles, messages and metrics know it. Upstream's, where there is one. */
  readonly name: string;
  /** JSON Schema of `config`. */
  readonly config?: JsonSchema;
  /**
   * Promises that filter, score and the state made by preFilter and preScore depend on nothing but
   * the config, that node's `NodeInfo` and the pod's spec, labels and namespace. The scheduler then
   * keeps results for pods of the same shape until the node changes. Default: false.
   */
  readonly cacheable?: boolean;
  /**
   * What happens when it throws, gives a bad score, is late or its worker is gone. `fail`: the
   * pod's attempt fails and is repeated after its back-off. `ignore`: as if the plugin were not
   * enabled. Both are logged and told by a Warning event. Default: `fail`.
   */
  readonly onFailure?: FailurePolicy;
  /** In another thread: how long an answer may take. Default 5,000. */
  readonly deadlineMs?: number;
  /** In another thread: its copies of nodes carry `pods`. Costs; default false. */
  readonly readsPods?: boolean;
  /**
   * Changes that can make a pod fit that this plugin refused, some with a closer look at the change
   * (KEP-4247, queueing hints). Default: all.
   */
  readonly requeueOn?: readonly (ClusterEvent | QueueingHint<C>)[];
  /**
   * Promises that there is nothing to do for a pod for which preFilter said `skip`, from reserve to
   * postBind: they are not called then, and such pods are bound without a detour. Default: false.
   */
  readonly skipsLate?: boolean;
  /**
   * Called when the plugin is enabled: one that looks at more than nodes and pods calls `wake` when
   * pods that it refused may fit now. What it returns ends that. Same thread only.
   */
  watch?(wake: Wake): Disposer;
  /**
   * Called when the plugin is enabled, for one that keeps counts of its own over the cluster: what
   * it returns is told of each node and each pod on a node, first of those that there are. Calls
   * come between cycles and in their order; they must not throw, and cost little: they are on the
   * way of every binding. One that throws all the same is told no more, and `onFailure` decides
   * about its pods. Enabled again, it is called again: it counts from nothing then. Elsewhere than
   * in the scheduler's thread it needs `readsPods`.
   */
  track?(): ClusterTracker;

  /** Order of the active queue, as in `sort`. Exactly one is enabled in all profiles together. */
  queueSort?(a: QueuedPod, b: QueuedPod): number;
  /** A refusal keeps the pod out of the queue until the pod changes, or `wake` is called. */
  preEnqueue?(context: PodContext<C, S>): Verdict | undefined;
  /**
   * Once a cycle, before any filter. `skip`: this plugin's filter is not called. `only(names)`:
   * no other nodes are looked at. May set `context.state`.
   */
  preFilter?(context: PodContext<C, S>): Verdict | undefined;
  /**
   * Changes `context.state` as if `other` ran on `context.node` as well, or no longer. Needed where
   * preFilter counted pods: preemption, and pods nominated to a node, ask what would be if.
   */
  addPod?(context: NodeContext<C, S>, other: PodInfo): void;
  removePod?(context: NodeContext<C, S>, other: PodInfo): void;
  /** A copy that `addPod` and `removePod` may change. Needed with these. */
  cloneState?(state: S): S;
  /** Whether the pod may run on `context.node`. Plugins are asked in order until one refuses. */
  filter?(context: NodeContext<C, S>): Verdict | undefined;
  /**
   * `filter` for many nodes in one call, for speed; must say the same, and `filter` must be there
   * as well. `false`: nothing was said, ask node by node (the pod wants what has no column). Same
   * thread only.
   */
  filterNodes?(context: FilterNodesContext<C, S>): boolean;
  /** What `filterNodes` can say; 254 at most. */
  readonly refusals?: readonly Refusal[];
  /**
   * No node was left. Plugins are asked in order until one makes room: it names the node to
   * nominate. What the others say of their failure is joined to the pod's message.
   */
  postFilter?(context: PostFilterContext<C, S>): Promise<PostFilterResult | undefined>;
  /**
   * Before pods are evicted: which of these choices may stand, perhaps with fewer victims. Upstream
   * asks extenders so.
   */
  preempt?(
    choices: readonly PreemptionChoice[],
    context: PodContext<C, S>,
  ): Promise<readonly PreemptionChoice[]>;
  /** Once a cycle, before scores. `skip`: this plugin's score is not called. */
  preScore?(context: PreScoreContext<C, S>): Verdict | undefined;
  /** How well the node suits: 0 to 100, or any finite number if `normalize` brings it there. */
  score?(context: NodeContext<C, S>): number;
  /** `score` for many nodes in one call, as `filterNodes`. */
  scoreNodes?(context: ScoreNodesContext<C, S>): boolean;
  /** Brings the raw scores of all feasible nodes to 0 to 100, in place. */
  normalize?(scores: Float64Array, context: PodContext<C, S>): void;
  /** A node was chosen; keep what the plugin itself must set aside. A refusal undoes the choice. */
  reserve?(context: NodeContext<C, S>): Verdict | undefined;
  /** Undoes `reserve`, or what there is of it; must not fail. Called in reverse order. */
  unreserve?(context: NodeContext<C, S>): void;
  /** Last word before binding; `wait(promise)` holds the pod until the promise settles. */
  permit?(context: NodeContext<C, S>): Verdict | undefined | Promise<Verdict | undefined>;
  preBind?(context: NodeContext<C, S>): Verdict | undefined | Promise<Verdict | undefined>;
  /**
   * Binds pods to their nodes, one answer each; `skip` leaves a pod to the next binder. Comes with
   * as many pods as are ready.
   */
  bind?(bindings: readonly BindRequest[], config: C): Promise<readonly (Verdict | undefined)[]>;
  /** The pod is bound. */
  postBind?(context: NodeContext<C, S>): void | Promise<void>;
}

export type FailurePolicy = 'fail' | 'ignore';

/** A closer look at a change: whether the refused pod may fit now. Same thread only; else: yes. */
export interface QueueingHint<C = unknown> {
  readonly on: ClusterEvent;
  fits(change: ClusterChange<C>): boolean;
}

/** What happened, for a pod that waits. */
export interface ClusterChange<C = unknown> {
  readonly event: ClusterEvent;
  /** The pod that was refused. */
  readonly pod: PodInfo;
  readonly config: C;
  /** The node that came or changed, or on which `other` runs or ran. */
  readonly node: NodeInfo | undefined;
  /** PodAdd, PodUpdate, PodDelete: the pod on a node that came, changed or went. */
  readonly other: PodInfo | undefined;
}

/** See `SchedulerPlugin.track`. A pod counts from when it is assumed on a node. */
export interface ClusterTracker {
  nodeAdded?(node: NodeInfo): void;
  /** Its labels, taints, capacity …; its pods are told one by one. `before` is as it was. */
  nodeChanged?(node: NodeInfo, before: NodeBefore): void;
  /** Its pods have been told as removed. */
  nodeRemoved?(node: NodeInfo): void;
  podAdded?(pod: PodInfo, node: NodeInfo): void;
  podRemoved?(pod: PodInfo, node: NodeInfo): void;
}

/** What a change of a node replaces. */
export type NodeBefore = Pick<
  NodeInfo,
  'labels' | 'annotations' | 'taints' | 'unschedulable' | 'allocatable' | 'images'
>;

/** Of the pods that the plugin refused, those that `concerns` picks are tried again. Default: all. */
export type Wake = (concerns?: (pod: PodInfo) => boolean) => void;

/** The points, in the order in which a pod passes them. */
export const SCHEDULER_POINTS = [
  'queueSort',
  'preEnqueue',
  'preFilter',
  'filter',
  'postFilter',
  'preempt',
  'preScore',
  'score',
  'reserve',
  'permit',
  'preBind',
  'bind',
  'postBind',
] as const;
export type SchedulerPoint = (typeof SCHEDULER_POINTS)[number];

/** A change in the cluster that can make a refused pod schedulable. */
export type ClusterEvent =
  | 'NodeAdd'
  | 'NodeAllocatable'
  | 'NodeLabel'
  | 'NodeTaint'
  | 'NodeCondition'
  | 'NodeAnnotation'
  /** A pod on a node went, or ended. */
  | 'PodDelete'
  /** A pod came onto a node. */
  | 'PodAdd'
  /** A pod on a node has other labels or asks for less. */
  | 'PodUpdate';

/**
 * What a call is about. The object is the plugin's own for one cycle and is used again for the
 * next: do not keep it past the call.
 */
export interface PodContext<C = unknown, S = unknown> {
  readonly pod: PodInfo;
  readonly config: C;
  /** This plugin's own, from preFilter to postBind of one pod; undefined at first. */
  state: S | undefined;
  /** All nodes, in no particular order. */
  readonly nodes: readonly NodeInfo[];
}

export interface NodeContext<C = unknown, S = unknown> extends PodContext<C, S> {
  readonly node: NodeInfo;
}

export interface PreScoreContext<C = unknown, S = unknown> extends PodContext<C, S> {
  readonly feasible: readonly NodeInfo[];
}

export interface PostFilterContext<C = unknown, S = unknown> extends PodContext<C, S> {
  /** Why each node was refused, by name. */
  readonly refusals: ReadonlyMap<string, Refusal>;
  /** Tries the pod on a node as it would be with other pods there. The node itself stays as it is. */
  trial(node: NodeInfo): NodeTrial;
  /**
   * While it is the same object, trials of a node say the same for pods of one shape, until the
   * node's generation is another one or pods are nominated there. Undefined: a filter looks further.
   */
  readonly trialScope: object | undefined;
  /** Where pods that wait for room are nominated, by node name. */
  readonly nominations: ReadonlyMap<string, readonly PodInfo[]>;
  /** Takes nominations back that are worth less than this pod; they are tried again elsewhere. */
  clearNominations(pods: readonly PodInfo[]): void;
  /**
   * Takes a pod that permits hold off its node: it is tried again later, and need not be deleted.
   * False: none holds it.
   */
  reject(pod: PodInfo): boolean;
  /** Asks all plugins that have `preempt`. */
  narrow(choices: readonly PreemptionChoice[]): Promise<readonly PreemptionChoice[]>;
}

/** A what-if on one node. The filters see `node` and the plugins' states changed accordingly. */
export interface NodeTrial {
  /** As it would be. */
  readonly node: NodeInfo;
  remove(pod: PodInfo): void;
  add(pod: PodInfo): void;
  /**
   * What the filters say, with pods of the same or a higher priority that are nominated there
   * counted as running, and without (upstream asks both ways); undefined: it fits.
   */
  check(): Refusal | undefined;
}

export interface PostFilterResult {
  /**
   * Room is being made there: nominate it. Empty: nothing can be done, and an earlier nomination is
   * void. Absent: an earlier nomination stays.
   */
  readonly nodeName?: string;
  /** Why nothing could be done: `0/5 nodes are available: 5 No preemption victims found …`. */
  readonly message?: string;
}

/** A node and who has to leave it. */
export interface PreemptionChoice {
  readonly nodeName: string;
  readonly victims: readonly PodInfo[];
  /** Of the victims, how many are evicted against a PodDisruptionBudget. */
  readonly violations: number;
}

export interface BindRequest {
  readonly pod: PodInfo;
  readonly nodeName: string;
}

/** A pod in the scheduler's queue. */
export interface QueuedPod {
  readonly pod: PodInfo;
  /** When it came in, in milliseconds since the epoch, and the order among those. */
  readonly queuedAt: number;
  readonly sequence: number;
  readonly attempts: number;
}
