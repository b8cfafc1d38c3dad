import type { ClusterTracker, NodeBefore } from '../scheduler.ts';
import type { NodeInfo, PodInfo } from '../scheduler-info.ts';
import { DomainCounts, NodeCounts, type NodeCriteria } from './counts.ts';
import { Topology, type TopologyKey } from './topology.ts';

/** Which pods are counted. Equal names are equal criteria. */
export interface PodCriteria {
  readonly name: string;
  /** Only pods in these namespaces are asked about. Absent: in all. */
  readonly namespaces?: readonly string[];
  /** Looks at nothing but what makes the pod's shape. */
  matches(pod: PodInfo): boolean;
}

/**
 * How many pods of a sort are on each node and in each domain, kept up to date as pods and nodes
 * come and go: what affinity and spreading ask for with each pod. A plugin makes one, hands it to
 * the framework by `track()`, and asks it from preFilter on.
 *
 * A count is made when it is first asked for, by one look at what is there, and then costs an
 * addition per pod that it counts. Pods of one shape are one group, so whether a pod is counted is
 * asked once a group, not once a pod; and until the first count is asked for nothing is kept but
 * the nodes. Dropped were: a scan per pod (upstream's way), which grows with the cluster, and an
 * index by label, which cannot answer `NotIn`.
 */
export class ClusterCounts implements ClusterTracker {
  /** Changes when counts that were given out are no longer kept: ask for them again. */
  epoch = 0;
  readonly #nodes = new Map<number, NodeInfo>();
  readonly #topologies = new Map<string, Topology>();
  /** The one asked for longest ago is the first. */
  readonly #matching = new Map<string, Matching>();
  readonly #tallies = new Set<NodeCounts>();
  /** By namespace, then by shape. Undefined: nothing was asked for yet. */
  #groups: Map<string, Map<string, PodGroup>> | undefined;
  #arrays = 0;
  readonly #arraysMax: number | undefined;

  /** `arraysMax`: how many arrays of counts to keep, whatever their length. */
  constructor(options: { readonly arraysMax?: number } = {}) {
    this.#arraysMax = options.arraysMax;
  }

  /** The numbering of nodes by a key. Kept for good: there are few keys. */
  topology(key: TopologyKey): Topology {
    let topology = this.#topologies.get(key.name);
    if (!topology) {
      topology = new Topology(key);
      for (const node of this.#nodes.values()) topology.place(node);
      this.#topologies.set(key.name, topology);
    }
    return topology;
  }

  /** The pods that match, per node. Valid while `epoch` is the same. */
  podsPerNode(pods: PodCriteria): NodeCounts {
    return this.#find(pods).counts;
  }

  /** The pods that match, per domain, over the nodes that count. Valid while `epoch` is the same. */
  podsPerDomain(pods: PodCriteria, key: TopologyKey, nodes?: NodeCriteria): DomainCounts {
    const { counts } = this.#find(pods);
    const known = domainsOf(counts, key, nodes);
    if (known) return known;
    if (counts.domains.length === DOMAINS_MAX) {
      counts.detach(counts.domains[0] as DomainCounts);
      this.#arrays--;
      this.epoch++;
    }
    this.#arrays++;
    const domains = this.perDomain(counts, key, nodes);
    this.#evict();
    return domains;
  }

  /** A count that the plugin itself adds to, until it lets go of it. */
  tally(): NodeCounts {
    const counts = new NodeCounts();
    this.#tallies.add(counts);
    return counts;
  }

  release(tally: NodeCounts): void {
    this.#tallies.delete(tally);
  }

  /** A count per domain, from one per node. */
  perDomain(counts: NodeCounts, key: TopologyKey, nodes?: NodeCriteria): DomainCounts {
    const known = domainsOf(counts, key, nodes);
    if (known) return known;
    const domains = new DomainCounts(this.topology(key), nodes);
    counts.attach(domains, this.#nodes.values());
    return domains;
  }

  nodeAdded(node: NodeInfo): void {
    this.#nodes.set(node.index, node);
    for (const topology of this.#topologies.values()) topology.place(node);
    this.#eachDomains((domains, pods) => domains.join(node, pods), node.index);
  }

  nodeChanged(node: NodeInfo, before: NodeBefore): void {
    this.#nodes.set(node.index, node);
    if (sameLabels(before.labels, node.labels) && sameTaints(before.taints, node.taints)) return;
    this.#eachDomains((domains, pods) => domains.leave(node, pods), node.index);
    for (const topology of this.#topologies.values()) {
      topology.remove(node);
      topology.place(node);
    }
    this.#eachDomains((domains, pods) => domains.join(node, pods), node.index);
  }

  nodeRemoved(node: NodeInfo): void {
    this.#eachDomains((domains, pods) => domains.leave(node, pods), node.index);
    for (const topology of this.#topologies.values()) topology.remove(node);
    this.#nodes.delete(node.index);
  }

  podAdded(pod: PodInfo, node: NodeInfo): void {
    if (this.#groups) this.#groupOf(pod, this.#groups).add(node.index, 1);
  }

  podRemoved(pod: PodInfo, node: NodeInfo): void {
    const groups = this.#groups?.get(pod.namespace);
    const group = groups?.get(pod.shape);
    if (!groups || !group) return;
    group.add(node.index, -1);
    if (group.nodes.size > 0) return;
    groups.delete(pod.shape);
    if (groups.size === 0) this.#groups?.delete(pod.namespace);
  }

  #find(pods: PodCriteria): Matching {
    this.#groups ??= this.#scan();
    let matching = this.#matching.get(pods.name);
    if (matching) {
      this.#matching.delete(pods.name);
    } else {
      matching = { pods, counts: new NodeCounts() };
      this.#arrays++;
      this.#eachGroup(matching, group => group.join(matching as Matching));
    }
    this.#matching.set(pods.name, matching);
    this.#evict();
    return matching;
  }

  #scan(): Map<string, Map<string, PodGroup>> {
    const groups = new Map<string, Map<string, PodGroup>>();
    for (const node of this.#nodes.values()) {
      for (const pod of node.pods) this.#groupOf(pod, groups).add(node.index, 1);
    }
    return groups;
  }

  #groupOf(pod: PodInfo, all: Map<string, Map<string, PodGroup>>): PodGroup {
    let groups = all.get(pod.namespace);
    if (!groups) {
      groups = new Map();
      all.set(pod.namespace, groups);
    }
    let group = groups.get(pod.shape);
    if (!group) {
      group = new PodGroup(pod);
      groups.set(pod.shape, group);
      for (const matching of this.#matching.values()) group.join(matching);
    }
    return group;
  }

  #eachGroup({ pods }: Matching, visit: (group: PodGroup) => void): void {
    for (const namespace of pods.namespaces ?? this.#groups?.keys() ?? []) {
      for (const group of this.#groups?.get(namespace)?.values() ?? []) visit(group);
    }
  }

  #eachDomains(visit: (domains: DomainCounts, pods: number) => void, node: number): void {
    const visitAll = (counts: NodeCounts) => {
      for (const domains of counts.domains) visit(domains, counts.on(node));
    };
    for (const { counts } of this.#matching.values()) visitAll(counts);
    for (const counts of this.#tallies) visitAll(counts);
  }

  /** The newest stays, whatever its size. */
  #evict(): void {
    const room = Math.floor(CELLS_MAX / Math.max(1, this.#nodes.size));
    const max = this.#arraysMax ?? Math.min(ARRAYS_MAX, room);
    for (const [name, matching] of this.#matching) {
      if (this.#arrays <= max || this.#matching.size === 1) return;
      this.#matching.delete(name);
      this.#arrays -= 1 + matching.counts.domains.length;
      this.#eachGroup(matching, group => group.leave(matching));
      this.epoch++;
    }
  }
}

/**
 * Arrays of counts that are kept, and the numbers in them together (four bytes each, and as much
 * again beside them): a large cluster keeps fewer of them, some 60 MB at most.
 */
const ARRAYS_MAX = 4_096;
const CELLS_MAX = 8_000_000;
/** Of one sort of pods: by so many keys and criteria of nodes. Each is an addition per pod. */
const DOMAINS_MAX = 64;

interface Matching {
  readonly pods: PodCriteria;
  readonly counts: NodeCounts;
}

/** Pods of one shape: which counts they are in, and where they are. */
class PodGroup {
  readonly #pod: PodInfo;
  /** By node index: how many. */
  readonly nodes = new Map<number, number>();
  #matching: Matching[] = [];

  constructor(pod: PodInfo) {
    this.#pod = pod;
  }

  join(matching: Matching): void {
    const { namespaces } = matching.pods;
    if (namespaces && !namespaces.includes(this.#pod.namespace)) return;
    if (!matching.pods.matches(this.#pod)) return;
    this.#matching.push(matching);
    for (const [node, pods] of this.nodes) matching.counts.add(node, pods);
  }

  leave(matching: Matching): void {
    this.#matching = this.#matching.filter(each => each !== matching);
  }

  add(node: number, by: number): void {
    const pods = (this.nodes.get(node) ?? 0) + by;
    if (pods === 0) this.nodes.delete(node);
    else this.nodes.set(node, pods);
    const matching = this.#matching;
    for (let i = 0; i < matching.length; i++) (matching[i] as Matching).counts.add(node, by);
  }
}

function domainsOf(
  counts: NodeCounts,
  { name }: TopologyKey,
  nodes: NodeCriteria | undefined,
): DomainCounts | undefined {
  return counts.domains.find(
    ({ topology, criteria }) => topology.key.name === name && criteria?.name === nodes?.name,
  );
}

function sameLabels(a: NodeBefore['labels'], b: NodeBefore['labels']): boolean {
  return a === b || JSON.stringify(a) === JSON.stringify(b);
}

function sameTaints(a: NodeBefore['taints'], b: NodeBefore['taints']): boolean {
  return a === b || JSON.stringify(a) === JSON.stringify(b);
}
