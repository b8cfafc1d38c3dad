import type { Taint } from './api/types-core-v1.ts';
import type { StringMap } from './kind.ts';
import type { ClusterTracker } from './scheduler.ts';
import type { NodeInfo, PodInfo } from './scheduler-info.ts';
import {
  type NodeChanges,
  type NodeCopy,
  type NodeUsage,
  type PodChanges,
  USAGE_COLUMNS,
} from './scheduler-remote.ts';
import { emptyResources, type Resources } from './scheduler-resources.ts';

/** A plugin's copy of all nodes, in its own thread, brought up to date by each message. */
export class NodeReplicas {
  readonly #nodes: (NodeReplica | undefined)[] = [];
  #all: readonly NodeInfo[] = [];

  /** All nodes, in no particular order. */
  get all(): readonly NodeInfo[] {
    return this.#all;
  }

  at(index: number): NodeReplica {
    const node = this.#nodes[index];
    if (!node) throw new Error(`Node ${index} was asked about before it was made known`);
    return node;
  }

  apply({ reset, nodes, usage, removed }: NodeChanges, trackers: Trackers = []): void {
    if (reset) this.#nodes.forEach((_, index) => void this.#remove(index, trackers));
    for (const index of removed) this.#remove(index, trackers);
    for (const copy of nodes) this.#set(copy, trackers);
    for (let i = 0; i < usage.indices.length; i++) {
      const node = this.at(usage.indices[i] as number);
      node.use(usage, i);
      const changed = usage.pods?.[i];
      if (changed) node.changePods(changed, trackers);
    }
    for (const [at, amounts] of usage.scalars) {
      this.at(usage.indices[at] as number).useScalars(amounts);
    }
    if (!reset && nodes.length === 0 && removed.length === 0) return;
    this.#all = this.#nodes.filter(node => node !== undefined);
  }

  /** A tracker that comes later hears of all that there is. */
  introduce(tracker: ClusterTracker): void {
    for (const node of this.#nodes) {
      if (!node) continue;
      tracker.nodeAdded?.(node);
      for (const pod of node.podsByKey.values()) tracker.podAdded?.(pod, node);
    }
  }

  #set(copy: NodeCopy, trackers: Trackers): void {
    const old = this.#nodes[copy.index];
    if (old?.name === copy.name) {
      const before = { ...old.copy };
      old.copy = copy;
      for (const tracker of trackers) tracker.nodeChanged?.(old, before);
      return;
    }
    this.#remove(copy.index, trackers);
    const node = new NodeReplica(copy);
    this.#nodes[copy.index] = node;
    for (const tracker of trackers) tracker.nodeAdded?.(node);
  }

  #remove(index: number, trackers: Trackers): void {
    const node = this.#nodes[index];
    if (!node) return;
    this.#nodes[index] = undefined;
    node.changePods({ added: [], removed: [...node.podsByKey.keys()] }, trackers);
    for (const tracker of trackers) tracker.nodeRemoved?.(node);
  }
}

type Trackers = readonly ClusterTracker[];

/** A node as a plugin in another thread sees it. */
export class NodeReplica implements NodeInfo {
  copy: NodeCopy;
  generation = 0;
  readonly requested: Resources = emptyResources();
  nonZeroMilliCpu = 0;
  nonZeroMemory = 0;
  readonly podsByKey = new Map<string, PodInfo>();
  #readsPods = false;
  #pods: readonly PodInfo[] | undefined;

  constructor(copy: NodeCopy) {
    this.copy = copy;
  }

  get name(): string {
    return this.copy.name;
  }
  get index(): number {
    return this.copy.index;
  }
  get labels(): Readonly<StringMap> {
    return this.copy.labels;
  }
  get annotations(): Readonly<StringMap> {
    return this.copy.annotations;
  }
  get taints(): readonly Taint[] {
    return this.copy.taints;
  }
  get unschedulable(): boolean {
    return this.copy.unschedulable;
  }
  get allocatable(): Readonly<Resources> {
    return this.copy.allocatable;
  }
  get images(): ReadonlyMap<string, number> {
    return this.copy.images;
  }
  get conditions(): ReadonlyMap<string, string> {
    return this.copy.conditions;
  }

  get pods(): readonly PodInfo[] {
    if (!this.#readsPods) {
      throw new Error('Cannot read pods of a node in another thread: declare "readsPods: true"');
    }
    this.#pods ??= [...this.podsByKey.values()];
    return this.#pods;
  }

  /** Takes over entry `i`. */
  use({ numbers, pods }: NodeUsage, i: number): void {
    const { requested } = this;
    let at = i * USAGE_COLUMNS.length;
    this.generation = numbers[at++] as number;
    requested.milliCpu = numbers[at++] as number;
    requested.memory = numbers[at++] as number;
    requested.ephemeralStorage = numbers[at++] as number;
    requested.pods = numbers[at++] as number;
    this.nonZeroMilliCpu = numbers[at++] as number;
    this.nonZeroMemory = numbers[at++] as number;
    if (requested.scalar.size > 0) requested.scalar.clear();
    if (pods) this.#readsPods = true;
  }

  useScalars(amounts: ReadonlyMap<string, number>): void {
    for (const [name, amount] of amounts) this.requested.scalar.set(name, amount);
  }

  changePods({ added, removed }: PodChanges, trackers: Trackers): void {
    this.#pods = undefined;
    for (const key of removed) {
      const pod = this.podsByKey.get(key);
      if (!pod) continue;
      this.podsByKey.delete(key);
      for (const tracker of trackers) tracker.podRemoved?.(pod, this);
    }
    for (const pod of added) {
      if (this.podsByKey.has(pod.key)) continue;
      this.podsByKey.set(pod.key, pod);
      for (const tracker of trackers) tracker.podAdded?.(pod, this);
    }
  }
}
