import {
  type CountChanges,
  type DomainCounts,
  type NodeInfo,
  type PodInfo,
  type Refusal,
  type Selector,
  verdict,
} from 'kernetes/sdk';

const REASON = "node(s) didn't match pod topology spread constraints";
const NOT_SPREAD = verdict.unschedulable(REASON);
const NO_LABEL = verdict.unresolvable(`${REASON} (missing required label)`);

/** In the order that `refuseUnevenNodes` numbers them. */
export const REFUSALS: readonly Refusal[] = [NOT_SPREAD, NO_LABEL];

/** A constraint that must hold, with what is counted for it. */
export interface HardConstraint {
  readonly maxSkew: number;
  readonly minDomains: number;
  readonly selector: Selector;
  readonly counts: DomainCounts;
  /** 1 if the pod itself will be counted, else 0. */
  readonly self: number;
}

/** The most pods that a domain may have before this one comes. */
function limitOf({ counts, minDomains, maxSkew, self }: HardConstraint, minimum: number): number {
  return (counts.size < minDomains ? 0 : minimum) + maxSkew - self;
}

export function unevenness(
  { index }: NodeInfo,
  constraints: readonly HardConstraint[],
  changes: CountChanges | undefined,
): Refusal | undefined {
  for (let i = 0; i < constraints.length; i++) {
    const constraint = constraints[i] as HardConstraint;
    const { counts } = constraint;
    const domain = counts.topology.domainOf[index] as number;
    if (domain === 0) return NO_LABEL;
    const pods = changes ? changes.count(counts, domain) : (counts.counts[domain] as number);
    const minimum = changes ? changes.minimum(counts) : counts.minimum;
    if (pods > limitOf(constraint, minimum)) return NOT_SPREAD;
  }
  return undefined;
}

/** As `unevenness`, for many nodes: one loop over typed arrays for each constraint. */
export function refuseUnevenNodes(
  constraints: readonly HardConstraint[],
  { count, indices, verdicts }: { count: number; indices: Int32Array; verdicts: Uint8Array },
): void {
  for (let i = 0; i < constraints.length; i++) {
    const constraint = constraints[i] as HardConstraint;
    const { counts: pods, topology, minimum } = constraint.counts;
    const { domainOf } = topology;
    const limit = limitOf(constraint, minimum);
    for (let place = 0; place < count; place++) {
      if (verdicts[place] !== 0) continue;
      const domain = domainOf[indices[place] as number] as number;
      if (domain === 0) verdicts[place] = 2;
      else if ((pods[domain] as number) > limit) verdicts[place] = 1;
    }
  }
}

/** As if `other` ran on the node as well (`by` is 1), or no longer (-1). */
export function changedBy(
  changes: CountChanges,
  constraints: readonly HardConstraint[],
  { pod, other, node, by }: { pod: PodInfo; other: PodInfo; node: NodeInfo; by: number },
): void {
  if (other.namespace !== pod.namespace || other.terminating) return;
  for (const { selector, counts } of constraints) {
    if (selector.matches(other.labels)) changes.add(counts, node, by);
  }
}
