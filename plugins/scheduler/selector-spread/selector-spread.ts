import {
  ClusterCounts,
  type NodeCounts,
  type NodeInfo,
  type PodInfo,
  SCORE_MAX,
  type Selector,
  ShapeMemo,
  type SpreadSelectors,
} from 'kernetes/sdk';
import { ZONE } from './zones.ts';

/** Pods that belong with the pod in hand, and the nodes that are compared. */
export interface SpreadState {
  readonly pods: NodeCounts;
  readonly feasible: readonly NodeInfo[];
}

const ZONE_SHARE = 2 / 3;

export class SelectorSpread {
  readonly counts = new ClusterCounts();
  readonly #selectors: SpreadSelectors;
  readonly #kept = new ShapeMemo<Kept>();
  /** By zone, for one question. */
  #zonePods = new Float64Array(1);

  constructor(selectors: SpreadSelectors) {
    this.#selectors = selectors;
  }

  /** Undefined: it belongs with none, or says itself how it is to be spread. */
  podsWith(pod: PodInfo): NodeCounts | undefined {
    if ((pod.spec.topologySpreadConstraints ?? []).length > 0) return undefined;
    const kept = this.#kept.get(pod);
    if (kept && this.#isValid(kept, pod)) return kept.pods;
    const basis = {
      epoch: this.counts.epoch,
      selectorEpoch: this.#selectors.epoch(pod.namespace),
      controller: pod.controller?.uid,
    };
    const selector = this.#selectors.selectorOf(pod);
    const pods = selector && this.#count(selector, pod);
    this.#kept.set(pod, { ...basis, pods });
    return pods;
  }

  #isValid({ epoch, selectorEpoch, controller }: Kept, pod: PodInfo): boolean {
    return (
      epoch === this.counts.epoch &&
      selectorEpoch === this.#selectors.epoch(pod.namespace) &&
      controller === pod.controller?.uid
    );
  }

  #count(selector: Selector, { namespace }: PodInfo): NodeCounts {
    return this.counts.podsPerNode({
      name: `${namespace}/${JSON.stringify(selector.requirements)}`,
      namespaces: [namespace],
      matches: pod => !pod.terminating && selector.matches(pod.labels),
    });
  }

  /** The fewer of them on the node and in its zone, the more. In place of the counts. */
  normalize(scores: Float64Array, { feasible }: SpreadState): void {
    const { domainOf, end } = this.counts.topology(ZONE);
    if (this.#zonePods.length < end) this.#zonePods = new Float64Array(2 * end);
    const zonePods = this.#zonePods.fill(0);
    let most = 0;
    for (let i = 0; i < scores.length; i++) {
      const pods = scores[i] as number;
      const zone = domainOf[(feasible[i] as NodeInfo).index] as number;
      if (pods > most) most = pods;
      if (zone > 0) zonePods[zone] = (zonePods[zone] as number) + pods;
    }
    const mostInZone = zonePods.reduce((a, b) => Math.max(a, b));
    for (let i = 0; i < scores.length; i++) {
      const zone = domainOf[(feasible[i] as NodeInfo).index] as number;
      const onNode = spareness(scores[i] as number, most);
      const inZone = spareness(zonePods[zone] as number, mostInZone);
      const score = zone > 0 ? onNode * (1 - ZONE_SHARE) + ZONE_SHARE * inZone : onNode;
      scores[i] = Math.trunc(score);
    }
  }
}

interface Kept {
  readonly pods: NodeCounts | undefined;
  readonly epoch: number;
  readonly selectorEpoch: number;
  readonly controller: string | undefined;
}

function spareness(pods: number, most: number): number {
  return most > 0 ? SCORE_MAX * ((most - pods) / most) : SCORE_MAX;
}
