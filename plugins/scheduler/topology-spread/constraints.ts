import {
  isTolerated,
  type LabelSelector,
  type NodeCriteria,
  type NodeInfo,
  type PodInfo,
  requiredNodes,
  type Selector,
  selectorFrom,
  type TopologySpreadConstraint,
} from 'kernetes/sdk';

export interface SpreadConfig {
  /** For pods that have no constraints of their own. */
  readonly defaultConstraints: readonly TopologySpreadConstraint[];
  /** `System`: instead of `defaultConstraints`, those that upstream has built in. */
  readonly defaultingType: 'List' | 'System';
}

/** A constraint, read. */
export interface Constraint {
  readonly topologyKey: string;
  readonly maxSkew: number;
  readonly minDomains: number;
  readonly selector: Selector;
  /** Only nodes that the pod's node affinity and selector allow are counted. */
  readonly honorsAffinity: boolean;
  /** Nodes with taints that the pod does not tolerate are not counted. */
  readonly honorsTaints: boolean;
}

export type Action = 'DoNotSchedule' | 'ScheduleAnyway';

export const HOSTNAME = 'kubernetes.io/hostname';

const SYSTEM_DEFAULTS: readonly TopologySpreadConstraint[] = [
  { topologyKey: HOSTNAME, whenUnsatisfiable: 'ScheduleAnyway', maxSkew: 3 },
  { topologyKey: 'topology.kubernetes.io/zone', whenUnsatisfiable: 'ScheduleAnyway', maxSkew: 5 },
];

/** Throws on what says two things at once. */
export function defaultsOf(config: SpreadConfig): readonly TopologySpreadConstraint[] {
  const { defaultConstraints, defaultingType } = config;
  if (defaultingType === 'List') return checked(defaultConstraints);
  if (defaultConstraints.length === 0) return SYSTEM_DEFAULTS;
  throw new Error(
    `Cannot use defaultConstraints: defaultingType is "System", want "List" or no constraints`,
  );
}

function checked(constraints: readonly TopologySpreadConstraint[]) {
  const seen = new Set<string>();
  for (const { topologyKey, whenUnsatisfiable } of constraints) {
    const pair = `{${topologyKey}, ${whenUnsatisfiable}}`;
    if (seen.has(pair)) throw new Error(`Cannot use defaultConstraints: ${pair} is there twice`);
    seen.add(pair);
  }
  return constraints;
}

export function ownConstraints({ spec }: PodInfo): readonly TopologySpreadConstraint[] {
  return spec.topologySpreadConstraints ?? NONE;
}

const NONE: readonly TopologySpreadConstraint[] = [];

/**
 * Those of `constraints` that say `action`; `selector` stands in for theirs, if it is given. Throws
 * BadRequest on a selector that is none.
 */
export function readConstraints(
  constraints: readonly TopologySpreadConstraint[],
  { action, pod, selector }: { action: Action; pod: PodInfo; selector?: Selector },
): readonly Constraint[] {
  return constraints
    .filter(({ whenUnsatisfiable }) => whenUnsatisfiable === action)
    .map(constraint => ({
      topologyKey: constraint.topologyKey,
      maxSkew: constraint.maxSkew,
      minDomains: constraint.minDomains ?? 1,
      selector: selector ?? selectorFrom(selectorOf(constraint, pod)),
      honorsAffinity: (constraint.nodeAffinityPolicy ?? 'Honor') === 'Honor',
      honorsTaints: (constraint.nodeTaintsPolicy ?? 'Ignore') === 'Honor',
    }));
}

/** With the pod's own values of `matchLabelKeys`: pods of one revision are counted for themselves. */
function selectorOf(
  { labelSelector, matchLabelKeys = [] }: TopologySpreadConstraint,
  { labels }: PodInfo,
): LabelSelector | undefined {
  const equal = matchLabelKeys.flatMap(key => {
    const value = labels[key];
    return value === undefined ? [] : [{ key, operator: 'In', values: [value] }];
  });
  if (equal.length === 0) return labelSelector;
  const { matchLabels = {}, matchExpressions = [] } = labelSelector ?? {};
  return { matchLabels, matchExpressions: [...matchExpressions, ...equal] };
}

/**
 * Which nodes a constraint counts pods on, beside having its label: nodes with the labels of all
 * `keys`, and those that the pod may use, as far as the constraint says so. Undefined: all.
 */
export function countedNodes(
  { topologyKey, honorsAffinity, honorsTaints }: Constraint,
  { pod, keys }: { pod: PodInfo; keys: readonly string[] },
): NodeCriteria | undefined {
  const { spec } = pod;
  const others = keys.filter(key => key !== topologyKey).sort();
  const allows = honorsAffinity ? requiredNodes(spec) : undefined;
  if (others.length === 0 && !allows && !honorsTaints) return undefined;
  const required = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  const name = JSON.stringify([
    others,
    allows ? [spec.nodeSelector, required] : 0,
    honorsTaints ? (spec.tolerations ?? []) : 0,
  ]);
  return {
    name,
    holds: node =>
      others.every(key => node.labels[key] !== undefined) &&
      (!allows || allows(node)) &&
      (!honorsTaints || toleratesAll(node, pod)),
  };
}

function toleratesAll({ taints }: NodeInfo, { spec }: PodInfo): boolean {
  for (const taint of taints) {
    if (taint.effect === 'PreferNoSchedule') continue;
    if (!isTolerated(taint, spec.tolerations)) return false;
  }
  return true;
}
