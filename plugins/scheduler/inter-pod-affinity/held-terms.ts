import {
  type ClusterCounts,
  type DomainCounts,
  labelKey,
  type NodeCounts,
  type NodeInfo,
  type PodInfo,
  ShapeMemo,
} from 'kernetes/sdk';
import { hasTerms, readTerms, type Term } from './terms.ts';

export interface AffinityConfig {
  /** What a required affinity of a pod on a node counts in the score of who it is about. */
  readonly hardPodAffinityWeight: number;
  /** Pods that prefer nothing themselves are not scored by what others prefer. */
  readonly ignorePreferredTermsOfExistingPods: boolean;
}

/** A term of pods on nodes, and how many of them there are in each domain. */
export interface HeldTerm {
  readonly term: Term;
  /** What it adds to a score, negative for what is disliked; undefined: it refuses. */
  readonly weight: number | undefined;
  readonly pods: NodeCounts;
  readonly counts: DomainCounts;
}

/**
 * The terms of pods on nodes. Pods of one sort have equal terms, so there are few, and which of
 * them are about a pod is asked once per shape. A term that no pod holds any more is kept for the
 * next one; now and then those are swept.
 */
export class HeldTerms {
  /** In the order in which they came; begun anew with each sweep. */
  all: HeldTerm[] = [];
  sweeps = 0;
  readonly #counts: ClusterCounts;
  readonly #config: AffinityConfig;
  readonly #terms = new Map<string, HeldTerm>();
  readonly #byShape = new ShapeMemo<readonly HeldTerm[]>();
  #sweepAt = SWEEP_AT_MIN;

  constructor(counts: ClusterCounts, config: AffinityConfig) {
    this.#counts = counts;
    this.#config = config;
  }

  podAdded(pod: PodInfo, node: NodeInfo): void {
    if (!hasTerms(pod)) return;
    for (const { pods } of this.of(pod)) pods.add(node.index, 1);
  }

  podRemoved(pod: PodInfo, node: NodeInfo): void {
    if (!hasTerms(pod)) return;
    for (const { pods } of this.of(pod)) pods.add(node.index, -1);
  }

  /** The pod's, whether or not it is on a node. */
  of(pod: PodInfo): readonly HeldTerm[] {
    const known = this.#byShape.get(pod);
    if (known) return known;
    if (this.#terms.size >= this.#sweepAt) this.#sweep();
    const { hardPodAffinityWeight } = this.#config;
    const terms = readTerms(pod);
    const hard = hardPodAffinityWeight > 0 ? terms.requiredAffinityTerms : [];
    const held = [
      ...terms.requiredAntiAffinityTerms.map(term => this.#hold(term, undefined)),
      ...hard.map(term => this.#hold(term, hardPodAffinityWeight)),
      ...terms.preferredAffinityTerms.map(({ term, weight }) => this.#hold(term, weight)),
      ...terms.preferredAntiAffinityTerms.map(({ term, weight }) => this.#hold(term, -weight)),
    ];
    this.#byShape.set(pod, held);
    return held;
  }

  #hold(term: Term, weight: number | undefined): HeldTerm {
    const name = `${weight} ${term.name}`;
    let held = this.#terms.get(name);
    if (!held) {
      const pods = this.#counts.tally();
      const counts = this.#counts.perDomain(pods, labelKey(term.topologyKey));
      held = { term, weight, pods, counts };
      this.#terms.set(name, held);
      this.all.push(held);
    }
    return held;
  }

  #sweep(): void {
    for (const [name, { pods }] of this.#terms) {
      if (pods.total > 0) continue;
      this.#counts.release(pods);
      this.#terms.delete(name);
    }
    this.all = [...this.#terms.values()];
    this.sweeps++;
    this.#byShape.clear();
    this.#sweepAt = Math.max(SWEEP_AT_MIN, 2 * this.#terms.size);
  }
}

const SWEEP_AT_MIN = 256;
