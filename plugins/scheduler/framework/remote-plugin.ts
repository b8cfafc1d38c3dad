import type {
  Clock,
  EvaluateBatch,
  EvaluateResult,
  NodeChanges,
  NodeCopy,
  NodeState,
  NodeUsage,
  PodInfo,
} from 'kernetes/sdk';
import { withDeadline } from './deadline.ts';
import { REMOTE_NODES_MAX } from './limits.ts';
import { type EnabledPlugin, PluginFailure } from './profile.ts';
import { assertResult } from './remote-check.ts';

/**
 * The scheduler's end of the line to a plugin in another thread. Remembers what the other side
 * knows about the nodes, so that each message carries changes only. A plugin that is late is not
 * asked again before it has answered: the pods go on as its policy says, without waiting each time.
 */
export class RemotePlugin {
  readonly enabled: EnabledPlugin;
  readonly #clock: Clock;
  readonly #known = new Map<NodeState, Known>();
  #reset = true;
  #late = false;

  constructor(enabled: EnabledPlugin, clock: Clock) {
    this.enabled = enabled;
    this.#clock = clock;
  }

  /** One message for all pods. Never rejects. */
  async ask(asked: readonly Asked[], nodes: readonly NodeState[]): Promise<Answer> {
    const { name, contribution } = this.enabled;
    if (this.#late) return new PluginFailure(name, new Error('still busy with an earlier request'));
    const { offsets, indices } = flatten(asked);
    const pods = asked.map(({ pod }) => pod);
    const changes = this.#changes(nodes);
    const answer = this.#send(changes, { pods, nodes: indices, offsets });
    try {
      const result = await withDeadline(this.#clock, contribution.deadlineMs, answer);
      assertResult(result, indices.length);
      return { result, offsets };
    } catch (error) {
      this.#reset = true;
      this.#late = true;
      const settled = (): void => {
        this.#late = false;
      };
      answer.then(settled, settled);
      return new PluginFailure(name, error);
    }
  }

  /** A message has a bound: where very many nodes changed, some go ahead without pods. */
  #send(changes: NodeChanges, batch: Pick<EvaluateBatch, 'pods' | 'nodes' | 'offsets'>) {
    const { contribution, points } = this.enabled;
    const wants = { filter: points.has('filter'), score: points.has('score') };
    const [last, ...ahead] = portionsOf(changes).reverse() as [NodeChanges, ...NodeChanges[]];
    const sent = ahead
      .reverse()
      .map(portion =>
        callSafely(() => contribution.evaluate({ ...NO_PODS, ...wants, changes: portion })),
      );
    sent.push(callSafely(() => contribution.evaluate({ ...batch, ...wants, changes: last })));
    return Promise.all(sent).then(results => results[results.length - 1] as EvaluateResult);
  }

  #changes(nodes: readonly NodeState[]): NodeChanges {
    const reset = this.#reset;
    this.#reset = false;
    if (reset) this.#known.clear();
    const copies: NodeCopy[] = [];
    const usage: NodeUsage[] = [];
    for (const node of nodes) {
      const known = this.#known.get(node);
      if (known?.generation === node.generation) continue;
      if (known?.nodeVersion !== node.nodeVersion) copies.push(copyOf(node));
      usage.push(usageOf(node, this.enabled.contribution.readsPods));
      this.#known.set(node, { generation: node.generation, nodeVersion: node.nodeVersion });
    }
    return { reset, nodes: copies, usage, removed: this.#removed(nodes) };
  }

  /** Indices that are no node's any more. */
  #removed(nodes: readonly NodeState[]): number[] {
    if (this.#known.size === nodes.length) return [];
    const present = new Set(nodes);
    const used = new Set(nodes.map(({ index }) => index));
    const removed: number[] = [];
    for (const node of this.#known.keys()) {
      if (present.has(node)) continue;
      this.#known.delete(node);
      if (!used.has(node.index)) removed.push(node.index);
    }
    return removed;
  }
}

/** A pod and the nodes that the local filters accept. */
export interface Asked {
  readonly pod: PodInfo;
  readonly nodes: readonly NodeState[];
}

export type Answer =
  | { readonly result: EvaluateResult; readonly offsets: Int32Array }
  | PluginFailure;

interface Known {
  readonly generation: number;
  readonly nodeVersion: number;
}

/** A call whose throw is a rejection, and which is told of rejections that nobody waits for. */
function callSafely<T>(call: () => T | Promise<T>): Promise<T> {
  return new Promise(resolve => resolve(call()));
}

const NO_PODS = { pods: [], nodes: new Int32Array(0), offsets: new Int32Array(1) };

function portionsOf({ reset, nodes, usage, removed }: NodeChanges): NodeChanges[] {
  const portions: NodeChanges[] = [];
  const copies = new Map(nodes.map(node => [node.index, node]));
  for (let from = 0; from === 0 || from < usage.length; from += REMOTE_NODES_MAX) {
    const part = usage.slice(from, from + REMOTE_NODES_MAX);
    portions.push({
      reset: reset && from === 0,
      removed: from === 0 ? removed : [],
      nodes: part.flatMap(({ index }) => copies.get(index) ?? []),
      usage: part,
    });
  }
  return portions;
}

function flatten(asked: readonly Asked[]): { offsets: Int32Array; indices: Int32Array } {
  const offsets = new Int32Array(asked.length + 1);
  for (let i = 0; i < asked.length; i++) {
    offsets[i + 1] = (offsets[i] as number) + (asked[i] as Asked).nodes.length;
  }
  const indices = new Int32Array(offsets[asked.length] as number);
  let at = 0;
  for (const { nodes } of asked) for (const { index } of nodes) indices[at++] = index;
  return { offsets, indices };
}

export function copyOf(node: NodeState): NodeCopy {
  const { name, index, labels, annotations, taints, unschedulable, allocatable } = node;
  const { images, conditions } = node;
  return {
    ...{ name, index, labels, annotations, taints, unschedulable, allocatable },
    ...{ images, conditions },
  };
}

export function usageOf(node: NodeState, withPods: boolean): NodeUsage {
  const { index, generation, requested, nonZeroMilliCpu, nonZeroMemory, pods } = node;
  const usage = { index, generation, requested: { ...requested }, nonZeroMilliCpu, nonZeroMemory };
  return withPods ? { ...usage, pods: [...pods] } : usage;
}
