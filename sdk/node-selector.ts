import type {
  NodeSelector,
  NodeSelectorRequirement,
  NodeSelectorTerm,
  PodSpec,
} from './api/types-core-v1.ts';
import type { StringMap } from './kind.ts';

/** What a node selector looks at. */
export interface SelectableNode {
  readonly name: string;
  readonly labels: Readonly<StringMap>;
}

export type NodeMatcher = (node: SelectableNode) => boolean;

/**
 * The pod's `nodeSelector` and required node affinity as one function; undefined when it has
 * neither. Made once a pod, called for each node.
 */
export function requiredNodes(spec: PodSpec): NodeMatcher | undefined {
  const required = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  const labels = Object.entries(spec.nodeSelector ?? {});
  if (!required) return labels.length > 0 ? node => hasLabels(node, labels) : undefined;
  const matches = nodeSelectorMatcher(required);
  return labels.length > 0 ? node => hasLabels(node, labels) && matches(node) : matches;
}

function hasLabels(node: SelectableNode, labels: readonly (readonly [string, string])[]): boolean {
  for (const [key, value] of labels) if (node.labels[key] !== value) return false;
  return true;
}

/** Terms are alternatives. */
export function nodeSelectorMatcher({ nodeSelectorTerms }: NodeSelector): NodeMatcher {
  const terms = nodeSelectorTerms.map(nodeTermMatcher);
  return node => terms.some(matches => matches(node));
}

/** All requirements of a term must hold; a term without any matches nothing. */
export function nodeTermMatcher(term: NodeSelectorTerm): NodeMatcher {
  const fields = (term.matchFields ?? []).map(requirement => {
    const holds = requirementMatcher(requirement);
    return (node: SelectableNode) =>
      holds(requirement.key === 'metadata.name' ? node.name : undefined);
  });
  const labels = (term.matchExpressions ?? []).map(requirement => {
    const holds = requirementMatcher(requirement);
    const { key } = requirement;
    return (node: SelectableNode) => holds(node.labels[key]);
  });
  const all = [...fields, ...labels];
  return node => all.length > 0 && all.every(matches => matches(node));
}

/**
 * The names of the only nodes that can match, if the selector names them by `metadata.name` in
 * every term; else undefined. Daemon sets' pods do.
 */
export function selectedNodeNames({ nodeSelectorTerms }: NodeSelector): string[] | undefined {
  const names = new Set<string>();
  for (const { matchFields = [] } of nodeSelectorTerms) {
    const named = matchFields.filter(
      ({ key, operator }) => key === 'metadata.name' && operator === 'In',
    );
    if (named.length === 0) return undefined;
    const [first, ...rest] = named.map(({ values = [] }) => values);
    for (const name of first ?? [])
      if (rest.every(values => values.includes(name))) names.add(name);
  }
  return [...names];
}

/** Holds or not for a value, `undefined` where there is none. */
function requirementMatcher({
  operator,
  values = [],
}: NodeSelectorRequirement): (value: string | undefined) => boolean {
  const set = new Set(values);
  const bound = integerOf(values[0]);
  switch (operator) {
    case 'In':
      return value => value !== undefined && set.has(value);
    case 'NotIn':
      return value => value === undefined || !set.has(value);
    case 'Exists':
      return value => value !== undefined;
    case 'DoesNotExist':
      return value => value === undefined;
    case 'Gt':
      return value => integerOf(value) > bound;
    case 'Lt':
      return value => integerOf(value) < bound;
    default:
      return () => false;
  }
}

/** NaN, which is neither greater nor less than anything, for what is no integer. */
function integerOf(text: string | undefined): number {
  return text !== undefined && /^[+-]?\d+$/.test(text) ? Number(text) : Number.NaN;
}
