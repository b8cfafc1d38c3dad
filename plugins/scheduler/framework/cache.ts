import {
  type ClusterEvent,
  type Node,
  type NodeBefore,
  NodeColumns,
  NodeState,
  type Pod,
  type PodInfo,
} from 'kernetes/sdk';

/**
 * The scheduler's picture of the cluster: nodes with what runs on them, and what it has decided
 * but not yet seen come back ("assumed"). It changes only between cycles, in the scheduler's one
 * thread, so it is its own snapshot; generations tell what changed since somebody looked.
 */
export class Cache {
  /** The nodes' numbers, side by side. */
  readonly columns = new NodeColumns();
  /** Where in the order of nodes the next search begins. */
  searchStart = 0;
  readonly #states = new Map<string, NodeState>();
  /** Those of `#states` whose Node exists; the others only hold pods seen before their node. */
  readonly #nodes = new Map<string, Node>();
  readonly #pods = new Map<string, Placed>();
  readonly #freeIndices: number[] = [];
  #indexEnd = 0;
  #order: NodeState[] | undefined;
  #generation = 0;
  readonly #tracking: CacheTracking | undefined;

  constructor(tracking?: CacheTracking) {
    this.#tracking = tracking;
  }

  /** In the order of the search: zones take turns, so that a partial search sees them all. */
  get nodes(): readonly NodeState[] {
    this.#order ??= interleaveZones([...this.#nodes.keys()].map(name => this.#state(name)));
    return this.#order;
  }

  get podCount(): number {
    return this.#pods.size;
  }

  /** One more than the largest index of a node. */
  get indexEnd(): number {
    return this.#indexEnd;
  }

  get generation(): number {
    return this.#generation;
  }

  /** A generation for a node as it would be. */
  newGeneration(): number {
    return ++this.#generation;
  }

  node(name: string): NodeState | undefined {
    return this.#nodes.has(name) ? this.#states.get(name) : undefined;
  }

  /** Adds or changes a node and tells what that may mean to waiting pods. */
  setNode(node: Node): readonly ClusterEvent[] {
    const name = node.metadata.name ?? '';
    const old = this.#nodes.get(name);
    this.#nodes.set(name, node);
    const events = old ? changesOf(old, node) : NODE_ADDED;
    if (old && !events && !differ(old.status?.images, node.status?.images)) return NOTHING;
    const state = this.#state(name);
    if (!old || zoneOf(old.metadata.labels) !== zoneOf(node.metadata.labels))
      this.#order = undefined;
    const before = old && beforeOf(state);
    state.setNode(node);
    this.#touch(state);
    if (before) this.#tracking?.nodeChanged(state, before);
    else this.#tracking?.nodeAdded(state);
    return events ?? NOTHING;
  }

  removeNode(name: string): void {
    if (!this.#nodes.has(name)) return;
    const state = this.#state(name);
    this.#tracking?.nodeRemoved(state);
    this.#nodes.delete(name);
    this.#order = undefined;
    // Whoever has found it a moment ago must look again.
    this.#touch(state);
    this.#dropIfUnused(state);
  }

  /** An assigned pod as the API tells it. */
  setPod(pod: PodInfo, nodeName: string): void {
    const placed = this.#pods.get(pod.key);
    if (placed) {
      const alike = placed.nodeName === nodeName && placed.pod.uid === pod.uid;
      if (alike && placed.pod.shape === pod.shape) {
        placed.assumed = false;
        return;
      }
      this.removePod(pod.key);
    }
    this.#place(pod, nodeName, false);
  }

  pod(key: string): { readonly pod: PodInfo; readonly nodeName: string } | undefined {
    return this.#pods.get(key);
  }

  /** Whether the assumed pod came back as decided; saves preparing it again. */
  confirm(key: string, { metadata }: Pod, nodeName: string): boolean {
    const placed = this.#pods.get(key);
    if (!placed?.assumed || placed.nodeName !== nodeName) return false;
    const { uid, labels } = placed.pod;
    // Its labels may have changed on the way: other pods look at them.
    if (uid !== metadata.uid || !sameStrings(labels, metadata.labels ?? {})) return false;
    placed.assumed = false;
    return true;
  }

  removePod(key: string): boolean {
    const placed = this.#pods.get(key);
    if (!placed) return false;
    this.#pods.delete(key);
    const state = this.#state(placed.nodeName);
    state.removePod(key);
    this.#touch(state);
    if (this.#nodes.has(state.name)) this.#tracking?.podRemoved(placed.pod, state);
    this.#dropIfUnused(state);
    return true;
  }

  /** Counts the pod on the node from now on, before the API knows. */
  assume(pod: PodInfo, nodeName: string): void {
    this.#place(pod, nodeName, true);
  }

  /** Takes an assumption back. A pod that has come back assigned meanwhile stays. */
  forget({ key, uid }: PodInfo): boolean {
    const placed = this.#pods.get(key);
    // Another pod of that name may be assumed by now.
    return placed?.assumed === true && placed.pod.uid === uid && this.removePod(key);
  }

  isAssumed(key: string): boolean {
    return this.#pods.get(key)?.assumed === true;
  }

  #place(pod: PodInfo, nodeName: string, assumed: boolean): void {
    this.#pods.set(pod.key, { pod, nodeName, assumed });
    const state = this.#state(nodeName);
    state.addPod(pod);
    this.#touch(state);
    if (this.#nodes.has(nodeName)) this.#tracking?.podAdded(pod, state);
  }

  #state(name: string): NodeState {
    let state = this.#states.get(name);
    if (!state) {
      state = new NodeState(name, this.#freeIndices.pop() ?? this.#indexEnd++);
      this.#states.set(name, state);
    }
    return state;
  }

  #dropIfUnused(state: NodeState): void {
    if (this.#nodes.has(state.name) || state.pods.length > 0) return;
    this.#states.delete(state.name);
    this.#freeIndices.push(state.index);
    this.columns.clear(state.index);
  }

  #touch(state: NodeState): void {
    state.generation = this.newGeneration();
    this.columns.write(state);
  }
}

/** Who hears of each change. Pods of a node that does not exist are not told of until it does. */
export interface CacheTracking {
  /** With the pods that are on it already. */
  nodeAdded(node: NodeState): void;
  nodeChanged(node: NodeState, before: NodeBefore): void;
  /** With the pods that are still on it. */
  nodeRemoved(node: NodeState): void;
  podAdded(pod: PodInfo, node: NodeState): void;
  podRemoved(pod: PodInfo, node: NodeState): void;
}

interface Placed {
  readonly pod: PodInfo;
  readonly nodeName: string;
  assumed: boolean;
}

function beforeOf(state: NodeState): NodeBefore {
  const { labels, annotations, taints, unschedulable, allocatable, images } = state;
  return { labels, annotations, taints, unschedulable, allocatable, images };
}

const NODE_ADDED: readonly ClusterEvent[] = ['NodeAdd'];
const NOTHING: readonly ClusterEvent[] = [];

/** Undefined: nothing that a waiting pod could care about. */
function changesOf(old: Node, node: Node): readonly ClusterEvent[] | undefined {
  const events: ClusterEvent[] = [];
  if (differ(old.metadata.labels, node.metadata.labels)) events.push('NodeLabel');
  if (differ(old.status?.allocatable, node.status?.allocatable)) events.push('NodeAllocatable');
  const taints = differ(old.spec?.taints, node.spec?.taints);
  if (taints || !!old.spec?.unschedulable !== !!node.spec?.unschedulable) events.push('NodeTaint');
  if (differ(saidBy(old), saidBy(node))) events.push('NodeCondition');
  if (differ(old.metadata.annotations, node.metadata.annotations)) events.push('NodeAnnotation');
  return events.length > 0 ? events : undefined;
}

/** The conditions without their times: a heartbeat is no change. */
function saidBy({ status }: Node): readonly string[] | undefined {
  return status?.conditions?.map(({ type, status }) => `${type}=${status}`);
}

function differ(a: unknown, b: unknown): boolean {
  return a !== b && JSON.stringify(a) !== JSON.stringify(b);
}

function sameStrings(a: PodInfo['labels'], b: PodInfo['labels']): boolean {
  let count = 0;
  for (const key in a) {
    if (a[key] !== b[key]) return false;
    count++;
  }
  return Object.keys(b).length === count;
}

function zoneOf(labels: Readonly<Record<string, string>> | undefined): string {
  const region = labels?.['topology.kubernetes.io/region'] ?? '';
  return `${region}/${labels?.['topology.kubernetes.io/zone'] ?? ''}`;
}

function interleaveZones(states: readonly NodeState[]): NodeState[] {
  const zones = new Map<string, NodeState[]>();
  for (const state of states) {
    const zone = zoneOf(state.labels);
    const members = zones.get(zone);
    if (members) members.push(state);
    else zones.set(zone, [state]);
  }
  const lists = [...zones.values()];
  const order: NodeState[] = [];
  for (let round = 0; order.length < states.length; round++) {
    for (const members of lists) {
      const state = members[round];
      if (state) order.push(state);
    }
  }
  return order;
}
