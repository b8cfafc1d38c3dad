import type { CountChanges, DomainCounts, NodeInfo, PodInfo, Refusal } from 'kernetes/sdk';
import { SCORE_MAX, verdict } from 'kernetes/sdk';
import type { AffinityPlan, OwnTerm, WeightedCounts } from './affinity-plans.ts';
import type { HeldTerm } from './held-terms.ts';

const NOT_NEAR = verdict.unresolvable("node(s) didn't match pod affinity rules");
const NOT_FAR = verdict.unschedulable("node(s) didn't match pod anti-affinity rules");
const AVOIDED = verdict.unschedulable("node(s) didn't satisfy existing pods anti-affinity rules");

/** In the order that `refuseNodes` numbers them. */
export const REFUSALS: readonly Refusal[] = [NOT_NEAR, NOT_FAR, AVOIDED];

/** Whether it may be the first of its group: no pod matches its terms, but it itself would. */
export function mayBeFirst({ near, matchesItself, changes }: AffinityPlan): boolean {
  if (!matchesItself) return false;
  for (const counts of near) {
    if ((changes ? changes.total(counts) : counts.total) > 0) return false;
  }
  return true;
}

/** Whether no node can be refused. */
export function refusesNothing({ near, far, avoiding }: AffinityPlan): boolean {
  if (near.length > 0 || far.length > 0) return false;
  for (let i = 0; i < avoiding.length; i++) {
    if ((avoiding[i] as DomainCounts).total > 0) return false;
  }
  return true;
}

export function refusalOf({ index }: NodeInfo, plan: AffinityPlan): Refusal | undefined {
  const { near, far, avoiding, isFirst, changes } = plan;
  for (let i = 0; i < near.length; i++) {
    const counts = near[i] as DomainCounts;
    if (counts.topology.domainOf[index] === 0) return NOT_NEAR;
    if (!isFirst && podsAround(index, counts, changes) <= 0) return NOT_NEAR;
  }
  for (let i = 0; i < far.length; i++) {
    if (podsAround(index, (far[i] as OwnTerm).counts, changes) > 0) return NOT_FAR;
  }
  for (let i = 0; i < avoiding.length; i++) {
    if (podsAround(index, avoiding[i] as DomainCounts, changes) > 0) return AVOIDED;
  }
  return undefined;
}

/** In the node's domain. Nodes that are in none have none around. */
function podsAround(index: number, counts: DomainCounts, changes?: CountChanges): number {
  const domain = counts.topology.domainOf[index] as number;
  return changes ? changes.count(counts, domain) : (counts.counts[domain] as number);
}

interface Places {
  readonly count: number;
  readonly indices: Int32Array;
}

/** As `refusalOf`, for many nodes: one loop over typed arrays for each term. */
export function refuseNodes(plan: AffinityPlan, places: Places & { verdicts: Uint8Array }): void {
  const { count, indices, verdicts } = places;
  for (const { counts, topology } of plan.near) {
    const { domainOf } = topology;
    const least = plan.isFirst ? Number.NEGATIVE_INFINITY : 1;
    for (let place = 0; place < count; place++) {
      const domain = domainOf[indices[place] as number] as number;
      if (domain === 0 || (counts[domain] as number) < least) verdicts[place] ||= 1;
    }
  }
  for (const { counts } of plan.far) refuseAround(counts, 2, places);
  for (const counts of plan.avoiding) if (counts.total > 0) refuseAround(counts, 3, places);
}

function refuseAround(
  { counts, topology }: DomainCounts,
  code: number,
  { count, indices, verdicts }: Places & { verdicts: Uint8Array },
): void {
  const { domainOf } = topology;
  for (let place = 0; place < count; place++) {
    if (verdicts[place] !== 0) continue;
    const domain = domainOf[indices[place] as number] as number;
    if ((counts[domain] as number) > 0) verdicts[place] = code;
  }
}

interface PodChange {
  readonly other: PodInfo;
  /** Those of its anti-affinity terms that are about the pod. */
  readonly terms: readonly HeldTerm[];
  readonly node: NodeInfo;
  readonly by: number;
}

/** As if `other` ran on the node as well (`by` is 1), or no longer (-1). */
export function changedBy(plan: AffinityPlan, { other, terms, node, by }: PodChange): void {
  const { near, far, avoiding, changes } = plan;
  if (!changes) return;
  for (const { counts } of terms) {
    if (!avoiding.includes(counts)) avoiding.push(counts);
    changes.add(counts, node, by);
  }
  if (plan.isNear(other)) for (const counts of near) changes.add(counts, node, by);
  for (const { matches, counts } of far) if (matches(other)) changes.add(counts, node, by);
  plan.isFirst = mayBeFirst(plan);
}

/** Whether all nodes would score alike, for there being no pod that counts. */
export function scoresNothing({ weighted }: AffinityPlan): boolean {
  for (let i = 0; i < weighted.length; i++) {
    if ((weighted[i] as WeightedCounts).counts.total > 0) return false;
  }
  return true;
}

export function attraction(index: number, { weighted }: AffinityPlan): number {
  let sum = 0;
  for (let i = 0; i < weighted.length; i++) {
    const { counts, weight } = weighted[i] as WeightedCounts;
    sum += weight * (counts.counts[counts.topology.domainOf[index] as number] as number);
  }
  return sum;
}

/** As `attraction`, for many nodes. */
export function attractionOfNodes(
  { weighted }: AffinityPlan,
  { count, indices, scores }: Places & { scores: Float64Array },
): void {
  scores.fill(0, 0, count);
  for (const { counts, weight } of weighted) {
    if (counts.total === 0) continue;
    const { domainOf } = counts.topology;
    const pods = counts.counts;
    for (let place = 0; place < count; place++) {
      const domain = domainOf[indices[place] as number] as number;
      scores[place] = (scores[place] as number) + weight * (pods[domain] as number);
    }
  }
}

/** The least becomes 0, the most 100; 0 for all if they are alike. */
export function normalizeAttraction(scores: Float64Array): void {
  let least = Number.POSITIVE_INFINITY;
  let most = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < scores.length; i++) {
    const score = scores[i] as number;
    if (score < least) least = score;
    if (score > most) most = score;
  }
  const range = most - least;
  for (let i = 0; i < scores.length; i++) {
    const above = (scores[i] as number) - least;
    scores[i] = range > 0 ? Math.trunc(SCORE_MAX * (above / range)) : 0;
  }
}
