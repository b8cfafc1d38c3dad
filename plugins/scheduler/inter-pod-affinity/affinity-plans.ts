import {
  ClusterCounts,
  type CountChanges,
  type DomainCounts,
  labelKey,
  type PodCriteria,
  type PodInfo,
  type Refusal,
  ShapeMemo,
  verdict,
} from 'kernetes/sdk';
import { type AffinityConfig, type HeldTerm, HeldTerms } from './held-terms.ts';
import type { NamespaceLabels } from './namespace-labels.ts';
import { hasTerms, isAbout, readTerms, type Term } from './terms.ts';

/** What is asked for a pod: its own terms, and those of others that are about it. */
export interface AffinityPlan {
  /** Pods that match all required affinity terms, per topology key of these. */
  readonly near: readonly DomainCounts[];
  /** Whether a pod is one of those. */
  isNear(other: PodInfo): boolean;
  /** The pod would do for itself. */
  readonly matchesItself: boolean;
  readonly nearKeys: readonly string[];
  /** For each anti-affinity term the pods that match it. */
  readonly far: readonly OwnTerm[];
  /** The anti-affinity terms of pods on nodes that are about the pod. */
  readonly avoiding: DomainCounts[];
  readonly prefers: boolean;
  readonly weighted: WeightedCounts[];
  readonly namespaceSelectors: boolean;
  /** The pod's terms cannot be read. */
  readonly refusal: Refusal | undefined;
  /** There is no pod near which it could be: it may be the first. As of preFilter. */
  isFirst: boolean;
  /** What would be if; only in a copy of the plan for that question. */
  changes: CountChanges | undefined;
}

export interface OwnTerm {
  readonly counts: DomainCounts;
  matches(other: PodInfo): boolean;
}

export interface WeightedCounts {
  readonly counts: DomainCounts;
  readonly weight: number;
}

/** Works out plans, and keeps them as long as what they rest on stays as it is. */
export class AffinityPlans {
  readonly counts = new ClusterCounts();
  readonly held: HeldTerms;
  readonly #namespaces: NamespaceLabels;
  readonly #plans = new ShapeMemo<KeptPlan>();

  constructor(config: AffinityConfig, namespaces: NamespaceLabels) {
    this.held = new HeldTerms(this.counts, config);
    this.#namespaces = namespaces;
  }

  /** Whether a term, of its own or of others, can be about the pod. Tells most pods apart. */
  mayConcern(pod: PodInfo): boolean {
    return this.held.all.length > 0 || hasTerms(pod);
  }

  planOf(pod: PodInfo): AffinityPlan {
    const known = this.#plans.get(pod);
    const kept = known && this.#isValid(known) ? known : this.#make(pod);
    if (kept !== known) this.#plans.set(pod, kept);
    if (kept.seen < this.held.all.length) this.#addHeld(kept, pod);
    return kept.plan;
  }

  /** The anti-affinity terms of `other` that are about the pod. */
  avoidingTerms(other: PodInfo, pod: PodInfo): readonly HeldTerm[] {
    if (!hasTerms(other)) return NONE;
    const labels = this.#namespaces.of(pod.namespace);
    return this.held
      .of(other)
      .filter(({ term, weight }) => weight === undefined && isAbout(term, pod, labels));
  }

  #isValid({ epoch, namespaceEpoch, sweeps }: KeptPlan): boolean {
    return (
      epoch === this.counts.epoch &&
      namespaceEpoch === this.#namespaces.epoch &&
      sweeps === this.held.sweeps
    );
  }

  #make(pod: PodInfo): KeptPlan {
    const { epoch } = this.counts;
    const namespaceEpoch = this.#namespaces.epoch;
    const errors: string[] = [];
    const terms = readTerms(pod, errors);
    const near = terms.requiredAffinityTerms;
    const nearKeys = [...new Set(near.map(({ topologyKey }) => topologyKey))];
    const nearPods = this.#podsOf(near);
    const preferred = [
      ...terms.preferredAffinityTerms,
      ...terms.preferredAntiAffinityTerms.map(({ term, weight }) => ({ term, weight: -weight })),
    ];
    const all = [...near, ...terms.requiredAntiAffinityTerms, ...preferred.map(each => each.term)];
    const plan: AffinityPlan = {
      near: nearKeys.map(key => this.counts.podsPerDomain(nearPods, labelKey(key))),
      isNear: other => near.length > 0 && concerns(nearPods, other),
      matchesItself: concerns(nearPods, pod),
      nearKeys,
      far: terms.requiredAntiAffinityTerms.map(term => this.#ownTerm(term)),
      avoiding: [],
      prefers: preferred.length > 0,
      weighted: preferred.map(({ term, weight }) => ({ ...this.#ownTerm(term), weight })),
      namespaceSelectors: all.some(({ namespaceSelector }) => namespaceSelector),
      refusal: errors.length > 0 ? verdict.unresolvable(`parsing pod: ${told(errors)}`) : undefined,
      isFirst: false,
      changes: undefined,
    };
    return { plan, epoch, namespaceEpoch, sweeps: this.held.sweeps, seen: 0 };
  }

  #ownTerm(term: Term): OwnTerm {
    const pods = this.#podsOf([term]);
    const counts = this.counts.podsPerDomain(pods, labelKey(term.topologyKey));
    return { counts, matches: other => concerns(pods, other) };
  }

  /** Terms of others that came since the plan was looked at last. */
  #addHeld(kept: KeptPlan, pod: PodInfo): void {
    const { all } = this.held;
    const { avoiding, weighted } = kept.plan;
    const labels = this.#namespaces.of(pod.namespace);
    for (; kept.seen < all.length; kept.seen++) {
      const { term, weight, counts } = all[kept.seen] as (typeof all)[number];
      if (!isAbout(term, pod, labels)) continue;
      if (weight === undefined) avoiding.push(counts);
      else weighted.push({ counts, weight });
    }
  }

  /** The pods that all of the terms are about, with the namespaces as they are now. */
  #podsOf(terms: readonly Term[]): PodCriteria {
    const places = terms.map(term => this.#namespacesOf(term));
    const limited = places.filter(namespaces => namespaces !== undefined);
    const namespaces = limited[0]?.filter(name => limited.every(each => each.includes(name)));
    const selectors = terms.map(({ selector }) => selector);
    const name = selectors.map(({ empty, requirements }) => [empty, requirements]);
    return {
      name: JSON.stringify([namespaces ?? '*', name]),
      ...(namespaces && { namespaces }),
      matches: ({ labels }) => selectors.every(selector => selector.matches(labels)),
    };
  }

  /** Undefined: all. */
  #namespacesOf({ namespaces, namespaceSelector }: Term): readonly string[] | undefined {
    if (!namespaceSelector) return namespaces;
    if (namespaceSelector.empty) return undefined;
    const selected = this.#namespaces.selectedBy(namespaceSelector);
    return [...new Set([...namespaces, ...selected])].sort();
  }
}

const NONE: readonly HeldTerm[] = [];

interface KeptPlan {
  readonly plan: AffinityPlan;
  readonly epoch: number;
  readonly namespaceEpoch: number;
  readonly sweeps: number;
  /** How many of the held terms have been looked at. */
  seen: number;
}

function concerns({ namespaces, matches }: PodCriteria, pod: PodInfo): boolean {
  return namespaces?.includes(pod.namespace) !== false && matches(pod);
}

/** As upstream joins errors. */
function told(errors: readonly string[]): string {
  return errors.length === 1 ? (errors[0] as string) : `[${errors.join(', ')}]`;
}
