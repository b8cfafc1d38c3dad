import {
  type NodeAffinity,
  type NodeInfo,
  type NodeMatcher,
  nodeSelectorMatcher,
  nodeTermMatcher,
  type PodInfo,
  type PreferredSchedulingTerm,
  type Refusal,
  requiredNodes,
  selectedNodeNames,
  verdict,
} from 'kernetes/sdk';

export interface AffinityConfig {
  /** Holds for every pod of the scheduler, beside the pod's own. */
  readonly addedAffinity?: NodeAffinity;
}

/** The added affinity, worked out once. */
export interface AddedAffinity {
  readonly required?: NodeMatcher;
  readonly preferred: readonly Preference[];
}

/** What is worked out once a pod. */
export interface AffinityState {
  readonly added?: NodeMatcher;
  readonly required?: NodeMatcher;
  readonly preferred?: readonly Preference[];
}

interface Preference {
  readonly matches: NodeMatcher;
  readonly weight: number;
}

/** Each required term names nodes, and no node twice where it must. */
export const CONFLICT = verdict.unresolvable('pod affinity terms conflict');
const NOT_ADDED = verdict.unresolvable("node(s) didn't match scheduler-enforced node affinity");
const NOT_REQUIRED = verdict.unresolvable("node(s) didn't match Pod's node affinity/selector");

export function addedAffinityOf({ addedAffinity = {} }: AffinityConfig): AddedAffinity {
  const required = addedAffinity.requiredDuringSchedulingIgnoredDuringExecution;
  const preferred = addedAffinity.preferredDuringSchedulingIgnoredDuringExecution ?? [];
  return {
    ...(required && { required: nodeSelectorMatcher(required) }),
    preferred: preferred.map(preferenceOf),
  };
}

/** Undefined: any node will do. */
export function requiredState(
  { spec }: PodInfo,
  { required: added }: AddedAffinity,
): AffinityState | undefined {
  const required = requiredNodes(spec);
  if (!added && !required) return undefined;
  return { ...(added && { added }), ...(required && { required }) };
}

/** The only nodes that the pod's required affinity names, if it names them. */
export function namedNodes({ spec }: PodInfo): readonly string[] | undefined {
  const required = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  if (!required || required.nodeSelectorTerms.length === 0) return undefined;
  return selectedNodeNames(required);
}

export function refusalOf(node: NodeInfo, { added, required }: AffinityState): Refusal | undefined {
  if (added && !added(node)) return NOT_ADDED;
  return required && !required(node) ? NOT_REQUIRED : undefined;
}

/** Undefined: no node is liked better than another. */
export function preferredState({ spec }: PodInfo, added: AddedAffinity): AffinityState | undefined {
  const own = spec.affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? [];
  const preferred = [...added.preferred, ...own.map(preferenceOf)];
  return preferred.length > 0 ? { preferred } : undefined;
}

function preferenceOf({ preference, weight }: PreferredSchedulingTerm): Preference {
  return { matches: nodeTermMatcher(preference), weight };
}

/** The weights of what the node offers, together. */
export function preferenceScore(node: NodeInfo, { preferred = [] }: AffinityState): number {
  let sum = 0;
  for (const { matches, weight } of preferred) if (matches(node)) sum += weight;
  return sum;
}
