import {
  type LabelSelector,
  type PodAffinityTerm,
  type PodInfo,
  type Selector,
  type StringMap,
  selectorFrom,
  type WeightedPodAffinityTerm,
} from 'kernetes/sdk';

/** A term, read: which pods it is about, and what makes nodes near each other. */
export interface Term {
  /** Equal names are equal terms. */
  readonly name: string;
  readonly topologyKey: string;
  readonly selector: Selector;
  readonly namespaces: readonly string[];
  /** Namespaces beside those named. */
  readonly namespaceSelector: Selector | undefined;
}

/** What a pod asks of pods near it; each list as upstream calls it in errors. */
export interface PodTerms {
  readonly requiredAffinityTerms: readonly Term[];
  readonly requiredAntiAffinityTerms: readonly Term[];
  readonly preferredAffinityTerms: readonly WeightedTerm[];
  readonly preferredAntiAffinityTerms: readonly WeightedTerm[];
}

export interface WeightedTerm {
  readonly term: Term;
  readonly weight: number;
}

/** Most pods have none: tells so without reading. */
export function hasTerms({ spec: { affinity } }: PodInfo): boolean {
  return !!affinity && !!(affinity.podAffinity || affinity.podAntiAffinity);
}

/** A list with a selector that is none is empty, and `errors` says so. */
export function readTerms(pod: PodInfo, errors: string[] = []): PodTerms {
  const { podAffinity, podAntiAffinity } = pod.spec.affinity ?? {};
  const attempt = <T, R>(name: keyof PodTerms, list: readonly T[] = [], read: (one: T) => R) => {
    try {
      return list.map(read);
    } catch (error) {
      errors.push(`${name}: ${error instanceof Error ? error.message : String(error)}`);
      return [];
    }
  };
  const required = (term: PodAffinityTerm) => readTerm(term, pod);
  const preferred = ({ podAffinityTerm, weight }: WeightedPodAffinityTerm) => {
    return { term: readTerm(podAffinityTerm, pod), weight };
  };
  const near = podAffinity ?? {};
  const far = podAntiAffinity ?? {};
  return {
    requiredAffinityTerms: attempt(
      'requiredAffinityTerms',
      near.requiredDuringSchedulingIgnoredDuringExecution,
      required,
    ),
    requiredAntiAffinityTerms: attempt(
      'requiredAntiAffinityTerms',
      far.requiredDuringSchedulingIgnoredDuringExecution,
      required,
    ),
    preferredAffinityTerms: attempt(
      'preferredAffinityTerms',
      near.preferredDuringSchedulingIgnoredDuringExecution,
      preferred,
    ),
    preferredAntiAffinityTerms: attempt(
      'preferredAntiAffinityTerms',
      far.preferredDuringSchedulingIgnoredDuringExecution,
      preferred,
    ),
  };
}

function readTerm(term: PodAffinityTerm, pod: PodInfo): Term {
  const { topologyKey, namespaceSelector } = term;
  const selector = selectorFrom(withLabelKeys(term, pod));
  const named = term.namespaces ?? [];
  const namespaces = named.length > 0 || namespaceSelector ? [...named].sort() : [pod.namespace];
  const others = namespaceSelector && selectorFrom(namespaceSelector);
  const name = JSON.stringify([
    topologyKey,
    selectorName(selector, term.labelSelector),
    namespaces,
    others?.requirements,
  ]);
  return { name, topologyKey, selector, namespaces, namespaceSelector: others };
}

/** The absent selector, which selects nothing, is not the empty one, which selects everything. */
function selectorName({ requirements }: Selector, given: LabelSelector | undefined): unknown {
  return given ? requirements : null;
}

/** The API server writes the pod's values of these keys into the selector; twice does no harm. */
function withLabelKeys(term: PodAffinityTerm, { labels }: PodInfo): LabelSelector | undefined {
  const { labelSelector, matchLabelKeys = [], mismatchLabelKeys = [] } = term;
  if (!labelSelector || matchLabelKeys.length + mismatchLabelKeys.length === 0) {
    return labelSelector;
  }
  const expression = (operator: string) => (key: string) => {
    const value = labels[key];
    return value === undefined ? [] : [{ key, operator, values: [value] }];
  };
  const matchExpressions = [
    ...(labelSelector.matchExpressions ?? []),
    ...matchLabelKeys.flatMap(expression('In')),
    ...mismatchLabelKeys.flatMap(expression('NotIn')),
  ];
  return { ...labelSelector, matchExpressions };
}

/** Whether the term is about the pod; `labels` are those of the pod's namespace. */
export function isAbout(term: Term, pod: PodInfo, labels: Readonly<StringMap>): boolean {
  const isNamed = term.namespaces.includes(pod.namespace);
  if (!isNamed && !term.namespaceSelector?.matches(labels)) return false;
  return term.selector.matches(pod.labels);
}
