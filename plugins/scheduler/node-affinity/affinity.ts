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

const NOT_ADDED = verdict.unresolvable("node(s) didn't match scheduler-enforced node affinity");
const NOT_REQUIRED = verdict.unresolvable("node(s) didn't match Pod's node affinity/selector");

/** Undefined: any node will do. */
export function requiredState(
  { spec }: PodInfo,
  config: AffinityConfig,
): AffinityState | undefined {
  const addedSelector = config.addedAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  const added = addedSelector && nodeSelectorMatcher(addedSelector);
  const required = requiredNodes(spec);
  if (!added && !required) return undefined;
  return { ...(added && { added }), ...(required && { required }) };
}

/** The only nodes that the pod's required affinity names, if it names them. */
export function namedNodes({ spec }: PodInfo): readonly string[] | undefined {
  const required = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  return required && selectedNodeNames(required);
}

export function refusalOf(node: NodeInfo, { added, required }: AffinityState): Refusal | undefined {
  if (added && !added(node)) return NOT_ADDED;
  return required && !required(node) ? NOT_REQUIRED : undefined;
}

/** Undefined: no node is liked better than another. */
export function preferredState(
  { spec }: PodInfo,
  config: AffinityConfig,
): AffinityState | undefined {
  const terms = [
    ...(config.addedAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []),
    ...(spec.affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []),
  ];
  return terms.length > 0 ? { preferred: terms.map(preferenceOf) } : undefined;
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
