import {
  type NodeChanges,
  type NodeCopy,
  type NodeState,
  nodeCopyOf,
  nodeUsageOf,
  type PodChanges,
  type PodInfo,
} from 'kernetes/sdk';
import { REMOTE_NODES_MAX } from '../limits.ts';

/** What a plugin in another thread has been told about the nodes, so that it gets changes only. */
export class RemoteMirror {
  readonly #readsPods: boolean;
  readonly #known = new Map<NodeState, Known>();
  #since = -1;
  #reset = true;

  constructor(readsPods: boolean) {
    this.#readsPods = readsPods;
  }

  /** What was sent may not have come through: the next message says everything. */
  forget(): void {
    this.#reset = true;
  }

  /** What changed since the last call, in portions: a message has a bound. */
  changes(nodes: readonly NodeState[]): readonly [NodeChanges, ...NodeChanges[]] {
    const reset = this.#reset;
    if (reset) {
      this.#known.clear();
      this.#since = -1;
      this.#reset = false;
    }
    const changed: NodeState[] = [];
    const since = this.#since;
    for (let i = 0; i < nodes.length; i++) {
      const node = nodes[i] as NodeState;
      if (node.generation <= since) continue;
      changed.push(node);
      if (node.generation > this.#since) this.#since = node.generation;
    }
    const removed = this.#removed(nodes, changed);
    const first = this.#portion(changed.slice(0, REMOTE_NODES_MAX), reset, removed);
    const portions: [NodeChanges, ...NodeChanges[]] = [first];
    for (let from = REMOTE_NODES_MAX; from < changed.length; from += REMOTE_NODES_MAX) {
      portions.push(this.#portion(changed.slice(from, from + REMOTE_NODES_MAX), false, []));
    }
    return portions;
  }

  #portion(changed: readonly NodeState[], reset: boolean, removed: number[]): NodeChanges {
    const nodes: NodeCopy[] = [];
    const pods: PodChanges[] = [];
    for (const node of changed) {
      const known = this.#known.get(node);
      if (known?.nodeVersion !== node.nodeVersion) nodes.push(nodeCopyOf(node));
      if (this.#readsPods) pods.push(podChanges(known?.pods, node.pods));
      this.#known.set(node, {
        nodeVersion: node.nodeVersion,
        pods: this.#readsPods ? [...node.pods] : undefined,
      });
    }
    return {
      reset,
      removed,
      nodes,
      usage: nodeUsageOf(changed, this.#readsPods ? pods : undefined),
    };
  }

  /** Indices that are no node's any more. */
  #removed(nodes: readonly NodeState[], changed: readonly NodeState[]): number[] {
    let fresh = 0;
    for (const node of changed) if (!this.#known.has(node)) fresh++;
    if (this.#known.size + fresh === nodes.length) return [];
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

interface Known {
  readonly nodeVersion: number;
  readonly pods: readonly PodInfo[] | undefined;
}

/** By identity: a pod that changed is another object. */
function podChanges(before: readonly PodInfo[] = [], now: readonly PodInfo[]): PodChanges {
  const there = new Set(now);
  const removed = before.filter(pod => !there.delete(pod)).map(({ key }) => key);
  return { added: [...there], removed };
}
