import type { Taint } from './api/types-core-v1.ts';
import type { StringMap } from './kind.ts';
import type { BindRequest, PreemptionChoice, QueuedPod } from './scheduler.ts';
import type { NodeInfo, PodInfo } from './scheduler-info.ts';
import type { PodTable } from './scheduler-pods.ts';
import type { Resources } from './scheduler-resources.ts';
import type { Refusal, Verdict } from './scheduler-verdict.ts';

/**
 * How the scheduler talks to a plugin in another thread: one message with all pods of a batch and
 * the nodes to look at, one answer. The plugin's side keeps a copy of all nodes; each message
 * brings what changed since the one before, so a message is small and nothing is asked twice.
 * What is many stands in typed arrays: they cost a copy of memory, not a walk.
 *
 * Between two workers the kernel has long messages go through memory that it gives to just these
 * two; a plugin in a process of its own gets them over its pipe. Neither side sees a difference.
 */
export interface EvaluateBatch extends WithArgs {
  readonly changes: NodeChanges;
  readonly pods: PodTable;
  /** Node indices for pod `i`: `nodes[offsets[i] … offsets[i + 1] - 1]`. */
  readonly nodes: Int32Array;
  readonly offsets: Int32Array;
  readonly filter: boolean;
  readonly score: boolean;
}

export interface WithArgs {
  /**
   * The options of the profile that asks, where it gives the plugin others than it was activated
   * with. Each options have a plugin made for them (`scheduler.stateful`).
   */
  readonly args?: { readonly options: unknown };
}

export interface NodeChanges {
  /** Forget all that is known first: this message carries every node. */
  readonly reset: boolean;
  readonly nodes: readonly NodeCopy[];
  readonly usage: NodeUsage;
  readonly removed: readonly number[];
}

/** The part of a node that changes seldom. */
export interface NodeCopy {
  readonly name: string;
  readonly index: number;
  readonly labels: Readonly<StringMap>;
  readonly annotations: Readonly<StringMap>;
  readonly taints: readonly Taint[];
  readonly unschedulable: boolean;
  readonly allocatable: Readonly<Resources>;
  readonly images: ReadonlyMap<string, number>;
  readonly conditions: ReadonlyMap<string, string>;
}

/** The part that changes with every pod, of those nodes that changed. */
export interface NodeUsage {
  readonly indices: Int32Array;
  /** For each of `indices`, `USAGE_COLUMNS`. */
  readonly numbers: Float64Array;
  /** Extended resources, where a node has any: its place in `indices`, and what is asked for. */
  readonly scalars: readonly (readonly [number, ReadonlyMap<string, number>])[];
  /** For each of `indices`. Only for plugins that declare `readsPods`. */
  readonly pods?: readonly PodChanges[];
}

export interface PodChanges {
  readonly added: readonly PodInfo[];
  /** Keys. One that is also in `added` was replaced. */
  readonly removed: readonly string[];
}

export const USAGE_COLUMNS = [
  'generation',
  'milliCpu',
  'memory',
  'ephemeralStorage',
  'pods',
  'nonZeroMilliCpu',
  'nonZeroMemory',
] as const;

export interface EvaluateResult {
  /**
   * For each entry of `nodes`: 0, or 1 + the place of its refusal in `refusals`. Empty: nothing
   * was refused.
   */
  readonly verdicts: Uint16Array;
  readonly refusals: readonly Verdict[];
  /**
   * For each entry of `nodes`; 0 to 100. Nodes that were refused have 0. Bytes where all are whole
   * numbers; empty where none was asked for.
   */
  readonly scores: Uint8Array | Float64Array;
  /** Pods (by their place in the batch) that the plugin threw on, and the error's text. */
  readonly errors: readonly { readonly pod: number; readonly message: string }[];
}

/** The points after a node was chosen. One verdict for each binding. */
export interface PointCall extends WithArgs {
  /**
   * `held`: permit said `wait`, which no message can carry: it comes without its promise. This asks
   * for its end. An answer of `wait` means not yet; asking again ends the question before.
   */
  readonly point: 'reserve' | 'unreserve' | 'permit' | 'held' | 'preBind' | 'bind' | 'postBind';
  readonly bindings: readonly BindRequest[];
  /** The bindings' nodes, in their order; none for `bind`. */
  readonly nodes: readonly NodeCopy[];
  readonly usage: NodeUsage;
}

/** What `wait` is without its promise. */
export interface HeldVerdict {
  readonly code: 'wait';
  readonly timeoutMs: number;
}

/** The points that come before or beside the search for a node. */
export type Consultation = WithArgs &
  (
    | { readonly point: 'preEnqueue'; readonly pods: PodTable }
    | QueueConsultation
    | PostFilterConsultation
    | {
        readonly point: 'preempt';
        readonly pod: PodInfo;
        readonly choices: readonly PreemptionChoice[];
        /** The nodes of the choices. */
        readonly nodes: readonly NodeCopy[];
      }
  );

/** Where new pods belong among those that wait. The plugin's side keeps all in order. */
export interface QueueConsultation {
  readonly point: 'queueSort';
  /** Forget all pods first. */
  readonly reset: boolean;
  readonly queued: readonly QueuedPod[];
  /** Keys of pods that wait no longer. */
  readonly gone: readonly string[];
}

/** What changed at the nodes came before, by `evaluate`. */
export interface PostFilterConsultation {
  readonly point: 'postFilter';
  readonly pod: PodInfo;
  /** By node name, its place in `refusals`. */
  readonly refused: readonly (readonly [string, number])[];
  readonly refusals: readonly Refusal[];
  readonly nominations: readonly (readonly [string, readonly PodInfo[]])[];
}

/** The answer to a consultation, by its point. */
export interface Consulted {
  /** preEnqueue: one for each pod. */
  readonly verdicts?: readonly (Verdict | undefined)[];
  /** queueSort: smaller comes first. Of `keys`, or, without them, of the pods asked about. */
  readonly ranks?: Float64Array;
  /** queueSort: all pods got new ranks, for want of room between two. */
  readonly keys?: readonly string[];
  /** postFilter. */
  readonly nodeName?: string;
  readonly message?: string;
  /** postFilter: keys of pods whose nominations it took back. */
  readonly cleared?: readonly string[];
  /** preempt. */
  readonly choices?: readonly RemoteChoice[];
}

/** A `PreemptionChoice` whose victims, by their keys, are some of those that were offered. */
export interface RemoteChoice {
  readonly nodeName: string;
  readonly victims: readonly string[];
  readonly violations: number;
}

export function nodeCopyOf(node: NodeInfo): NodeCopy {
  const { name, index, labels, annotations, taints, unschedulable, allocatable } = node;
  const { images, conditions } = node;
  return {
    ...{ name, index, labels, annotations, taints, unschedulable, allocatable },
    ...{ images, conditions },
  };
}

/** `pods`: for each node what changed there, for plugins that read pods. */
export function nodeUsageOf(nodes: readonly NodeInfo[], pods?: readonly PodChanges[]): NodeUsage {
  const indices = new Int32Array(nodes.length);
  const numbers = new Float64Array(nodes.length * USAGE_COLUMNS.length);
  const scalars: (readonly [number, ReadonlyMap<string, number>])[] = [];
  let at = 0;
  for (let i = 0; i < nodes.length; i++) {
    const node = nodes[i] as NodeInfo;
    const { requested } = node;
    indices[i] = node.index;
    // In the order of `USAGE_COLUMNS`.
    numbers[at++] = node.generation;
    numbers[at++] = requested.milliCpu;
    numbers[at++] = requested.memory;
    numbers[at++] = requested.ephemeralStorage;
    numbers[at++] = requested.pods;
    numbers[at++] = node.nonZeroMilliCpu;
    numbers[at++] = node.nonZeroMemory;
    if (requested.scalar.size > 0) scalars.push([i, requested.scalar]);
  }
  return { indices, numbers, scalars, ...(pods && { pods }) };
}

export const NO_NODE_CHANGES: NodeChanges = Object.freeze({
  reset: false,
  nodes: [],
  usage: nodeUsageOf([]),
  removed: [],
});
