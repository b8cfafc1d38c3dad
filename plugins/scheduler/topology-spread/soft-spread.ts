import {
  type DomainCounts,
  type NodeCounts,
  type NodeInfo,
  SCORE_MAX,
  type Topology,
} from 'kernetes/sdk';

/** What `score` gives a node that is not compared with the others. */
const NOT_COMPARED = -1;

/** A constraint that should hold, with what is counted for it. */
export class SoftConstraint {
  readonly maxSkew: number;
  readonly topology: Topology;
  /** Per node where each is a domain of its own (upstream looks at the node, not its label). */
  readonly counts: DomainCounts | NodeCounts;
  /** What a pod counts: many domains have few pods each, and must not count less for that. */
  weight = 0;
  /** By domain: the question in which it was seen last. */
  #seen = new Int32Array(0);
  #question = 0;

  constructor(maxSkew: number, topology: Topology, counts: DomainCounts | NodeCounts) {
    this.maxSkew = maxSkew;
    this.topology = topology;
    this.counts = counts;
  }

  get isPerNode(): boolean {
    return 'perNode' in this.counts;
  }

  /** Makes ready to count the domains of nodes; `isIn` says of each node whether it is new. */
  begin(): void {
    if (this.#seen.length < this.topology.end) this.#seen = new Int32Array(2 * this.topology.end);
    this.#question++;
  }

  isNew({ index }: NodeInfo): boolean {
    const domain = this.topology.domainOf[index] as number;
    if (this.#seen[domain] === this.#question) return false;
    this.#seen[domain] = this.#question;
    return true;
  }
}

/** Constraints that nodes are scored by. */
export interface SoftSpread {
  readonly constraints: readonly SoftConstraint[];
  /** Nodes that lack one of the labels are not compared. */
  readonly wantsAllLabels: boolean;
}

/**
 * Weighs the constraints by how many domains the nodes are in: the logarithm of that plus 2. Ends
 * as soon as all domains were seen, which is soon where zones take turns.
 */
export function weigh({ constraints, wantsAllLabels }: SoftSpread, nodes: readonly NodeInfo[]) {
  const all = constraints.every(({ topology }) => topology.outside === 0);
  const compared =
    all || !wantsAllLabels ? nodes : nodes.filter(node => !lacksLabel(node, constraints));
  for (const constraint of constraints) {
    const size = constraint.isPerNode ? compared.length : domainsAmong(compared, constraint);
    constraint.weight = Math.log(size + 2);
  }
}

function domainsAmong(nodes: readonly NodeInfo[], constraint: SoftConstraint): number {
  const { topology } = constraint;
  // Nodes without the label are together one more.
  const most = topology.size + Math.min(1, topology.outside);
  constraint.begin();
  let size = 0;
  for (let i = 0; i < nodes.length && size < most; i++) {
    if (constraint.isNew(nodes[i] as NodeInfo)) size++;
  }
  return size;
}

function lacksLabel({ index }: NodeInfo, constraints: readonly SoftConstraint[]): boolean {
  for (const { topology } of constraints) if (topology.domainOf[index] === 0) return true;
  return false;
}

/** How crowded it is around the node: the more pods that match, the more. */
export function crowding(index: number, { constraints, wantsAllLabels }: SoftSpread): number {
  let crowd = 0;
  for (let i = 0; i < constraints.length; i++) {
    const { topology, counts, weight, maxSkew } = constraints[i] as SoftConstraint;
    const domain = topology.domainOf[index] as number;
    if (domain === 0) {
      if (wantsAllLabels) return NOT_COMPARED;
      continue;
    }
    const pods = 'perNode' in counts ? counts.on(index) : (counts.counts[domain] as number);
    crowd += pods * weight + (maxSkew - 1);
  }
  return Math.round(crowd);
}

/** As `crowding`, for many nodes: one loop over typed arrays for each constraint. */
export function crowdingOfNodes(
  { constraints, wantsAllLabels }: SoftSpread,
  places: { count: number; indices: Int32Array; scores: Float64Array },
): void {
  const { count, indices, scores } = places;
  scores.fill(0, 0, count);
  for (const { topology, counts, weight, maxSkew } of constraints) {
    const { domainOf } = topology;
    const isPerNode = 'perNode' in counts;
    const pods = isPerNode ? counts.perNode : counts.counts;
    for (let place = 0; place < count; place++) {
      const index = indices[place] as number;
      const domain = domainOf[index] as number;
      if (domain > 0) {
        const at = isPerNode ? index : domain;
        const around = at < pods.length ? (pods[at] as number) : 0;
        scores[place] = (scores[place] as number) + (around * weight + (maxSkew - 1));
      } else if (wantsAllLabels) {
        // Whatever is added to it.
        scores[place] = Number.NEGATIVE_INFINITY;
      }
    }
  }
  for (let place = 0; place < count; place++) {
    const crowd = scores[place] as number;
    scores[place] = crowd < 0 ? NOT_COMPARED : Math.round(crowd);
  }
}

/** The least crowded node becomes 100; those that were not compared 0. */
export function normalizeCrowding(scores: Float64Array): void {
  let least = Number.POSITIVE_INFINITY;
  let most = 0;
  for (let i = 0; i < scores.length; i++) {
    const crowd = scores[i] as number;
    if (crowd === NOT_COMPARED) continue;
    if (crowd < least) least = crowd;
    if (crowd > most) most = crowd;
  }
  for (let i = 0; i < scores.length; i++) {
    const crowd = scores[i] as number;
    if (crowd === NOT_COMPARED) scores[i] = 0;
    else if (most === 0) scores[i] = SCORE_MAX;
    else scores[i] = Math.floor((SCORE_MAX * (most + least - crowd)) / most);
  }
}
