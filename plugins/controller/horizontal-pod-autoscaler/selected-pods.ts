import {
  ApiError,
  type ControllerView,
  HorizontalPodAutoscaler,
  Pod,
  parseLabelSelector,
  type Selector,
} from 'kernetes/sdk';
import type { Finding } from './behavior.ts';
import type { SelectorClaims } from './selector-claims.ts';

/** The pods of one autoscaler's target, or why it may not act on them. */
export type Selection = { readonly pods: readonly Pod[] } | Refusal;

export interface Refusal {
  readonly event: Finding;
  readonly condition: Finding;
}

/** Refused where the target does not tell its pods, or another autoscaler has some of them too. */
export function selectPods(
  { key, namespace, podSelector }: SelectOptions,
  { view, claims }: { readonly view: ControllerView; readonly claims: SelectorClaims },
): Selection {
  if (!podSelector) return NO_SELECTOR;
  let selector: Selector;
  try {
    selector = parseLabelSelector(podSelector);
  } catch (error) {
    if (!ApiError.is(error)) throw error;
    return invalidSelector(error);
  }
  const pods = view.informer(Pod).list(namespace);
  const selected = pods.filter(({ metadata }) => selector.matches(metadata.labels));
  claims.claim(key, selector);
  // One that is gone may not have let go yet.
  const autoscalers = view.informer(HorizontalPodAutoscaler);
  const claimants = claims
    .claimants(namespace, selected)
    .filter(claimant => autoscalers.get(claimant) !== undefined);
  return claimants.length > 1 ? ambiguousSelector(podSelector, claimants) : { pods: selected };
}

export interface SelectOptions {
  /** Of the autoscaler. */
  readonly key: string;
  readonly namespace: string;
  readonly podSelector: string;
}

function invalidSelector({ message: why }: Error): Refusal {
  const message = `couldn't convert selector into a corresponding internal selector object: ${why}`;
  const finding = { reason: 'InvalidSelector', message };
  return { event: finding, condition: finding };
}

function ambiguousSelector(selector: string, autoscalers: readonly string[]): Refusal {
  const all = autoscalers.join(' ');
  const message = `pods by selector ${selector} are controlled by multiple HPAs: [${all}]`;
  const finding = { reason: 'AmbiguousSelector', message };
  return { event: finding, condition: finding };
}

const NO_SELECTOR: Refusal = {
  event: { reason: 'SelectorRequired', message: 'selector is required' },
  condition: {
    reason: 'InvalidSelector',
    message: "the HPA target's scale is missing a selector",
  },
};
