import {
  duplicate,
  type FieldError,
  type FieldPath,
  forbiddenValue,
  invalidValue,
  notSupported,
  qualifiedNameErrors,
  required,
} from 'kernetes/sdk';
import type { Reader } from './reader.ts';

/** Args of a plugin as a configuration has them; gives what the plugin takes as its config. */
export type ArgsReader = (args: Reader) => Record<string, unknown>;

/** By plugin, in the names of the configuration. Others' args are theirs to check. */
export const ARGS: Readonly<Record<string, ArgsReader>> = {
  DefaultPreemption: readPreemption,
  InterPodAffinity: readInterPodAffinity,
  NodeAffinity: readNodeAffinity,
  NodeLabel: args => readKeys(args, PRESENCES),
  NodeResourcesBalancedAllocation: readBalance,
  NodeResourcesFit: readFit,
  NodeResourcesLeastAllocated: args => readStrategy(args, 'LeastAllocated'),
  NodeResourcesMostAllocated: args => readStrategy(args, 'MostAllocated'),
  PodTopologySpread: readSpread,
  RequestedToCapacityRatio: readRatio,
  ServiceAffinity: args => readKeys(args, SERVICE_LABELS),
  VolumeBinding: readVolumeBinding,
};

function readPreemption(args: Reader): Record<string, unknown> {
  const percent = args.integerIn(
    'minCandidateNodesPercentage',
    [0, 100],
    'not in valid range [0, 100]',
  );
  const absolute = args.integerIn(
    'minCandidateNodesAbsolute',
    [0, MAX_INT32],
    'not in valid range [0, inf)',
  );
  if (percent === 0 && absolute === 0) {
    const said = 'cannot be zero at the same time as';
    args.findings.push(
      invalidValue(args.at('minCandidateNodesPercentage'), 0, `${said} minCandidateNodesAbsolute`),
      invalidValue(args.at('minCandidateNodesAbsolute'), 0, `${said} minCandidateNodesPercentage`),
    );
  }
  return given({ minCandidateNodesPercentage: percent, minCandidateNodesAbsolute: absolute });
}

function readInterPodAffinity(args: Reader): Record<string, unknown> {
  return given({
    hardPodAffinityWeight: args.integerIn(
      'hardPodAffinityWeight',
      [0, 100],
      'not in valid range [0, 100]',
    ),
    ignorePreferredTermsOfExistingPods: args.boolean('ignorePreferredTermsOfExistingPods'),
  });
}

function readNodeAffinity(args: Reader): Record<string, unknown> {
  const added = args.object('addedAffinity');
  added?.ignore(REQUIRED, PREFERRED);
  added?.end();
  for (const term of added?.object(REQUIRED)?.objects('nodeSelectorTerms') ?? []) readTerm(term);
  for (const preferred of added?.objects(PREFERRED) ?? []) {
    preferred.integerIn('weight', [1, 100], 'must be in the range 1-100');
    const preference = preferred.object('preference');
    if (preference) readTerm(preference);
    preferred.end();
  }
  return given({ addedAffinity: args.raw('addedAffinity') });
}

const REQUIRED = 'requiredDuringSchedulingIgnoredDuringExecution';
const PREFERRED = 'preferredDuringSchedulingIgnoredDuringExecution';
const OPERATORS = ['DoesNotExist', 'Exists', 'Gt', 'In', 'Lt', 'NotIn'];

function readTerm(term: Reader): void {
  for (const field of ['matchExpressions', 'matchFields']) {
    for (const requirement of term.objects(field)) {
      requirement.name('key');
      requirement.strings('values');
      const operator = requirement.string('operator') ?? '';
      if (!OPERATORS.includes(operator)) {
        term.findings.push(notSupported(requirement.at('operator'), operator, OPERATORS));
      }
      requirement.end();
    }
  }
  term.end();
}

/** Args that are lists of keys of labels. */
function readKeys(args: Reader, names: readonly string[]): Record<string, unknown> {
  return given(Object.fromEntries(names.map(name => [name, args.strings(name)])));
}

const PRESENCES = [
  ...['presentLabels', 'absentLabels'],
  ...['presentLabelsPreference', 'absentLabelsPreference'],
];
const SERVICE_LABELS = ['affinityLabels', 'antiAffinityLabelsPreference'];

function readBalance(args: Reader): Record<string, unknown> {
  const seen = new Set<string>();
  const resources = args.objects('resources').map(resource => {
    const name = resource.string('name') ?? '';
    const weight = resource.integer('weight') || 1;
    if (seen.has(name)) args.findings.push(duplicate(resource.at('name'), name));
    seen.add(name);
    if (weight !== 1) args.findings.push(invalidValue(resource.at('weight'), weight, 'must be 1'));
    resource.end();
    return { name, weight };
  });
  return resources.length > 0 ? { resources } : {};
}

function readFit(args: Reader): Record<string, unknown> {
  const ignoredResources = args.list('ignoredResources', (value, path) => {
    args.findings.push(...namesErrors(value, path));
    return value;
  });
  const ignoredResourceGroups = args.list('ignoredResourceGroups', (value, path) => {
    if (String(value).includes('/')) {
      args.findings.push(invalidValue(path, value, "resource group name can't contain '/'"));
    }
    args.findings.push(...namesErrors(value, path));
    return value;
  });
  const scoring = args.object('scoringStrategy');
  return {
    ...(ignoredResources.length > 0 && { ignoredResources }),
    ...(ignoredResourceGroups.length > 0 && { ignoredResourceGroups }),
    ...(scoring && { scoringStrategy: readScoring(scoring) }),
  };
}

function namesErrors(value: unknown, path: FieldPath): FieldError[] {
  return (qualifiedNameErrors(String(value)) ?? []).map(error => invalidValue(path, value, error));
}

const STRATEGIES = ['LeastAllocated', 'MostAllocated', 'RequestedToCapacityRatio'];

function readScoring(scoring: Reader): Record<string, unknown> {
  const { findings } = scoring;
  const type = scoring.string('type') ?? '';
  if (!STRATEGIES.includes(type)) {
    findings.push(notSupported(scoring.at('type'), type, STRATEGIES));
  }
  const resources = readResources(scoring);
  const ratio = scoring.object(RATIO);
  if (type === 'RequestedToCapacityRatio' && !ratio) {
    const detail = 'must be specified when type is RequestedToCapacityRatio';
    findings.push(required(scoring.at(RATIO), detail));
  } else if (type !== 'RequestedToCapacityRatio' && ratio) {
    const detail = 'must be nil when type is not RequestedToCapacityRatio';
    findings.push(forbiddenValue(scoring.at(RATIO), detail));
  }
  const shape = ratio && { [RATIO]: { shape: readShape(ratio) } };
  ratio?.end();
  scoring.end();
  return { type, ...resources, ...shape };
}

const RATIO = 'requestedToCapacityRatio';

/** The plugins of v1beta1 that were a strategy each. */
function readStrategy(args: Reader, type: string): Record<string, unknown> {
  return { scoringStrategy: { type, ...readResources(args) } };
}

function readRatio(args: Reader): Record<string, unknown> {
  const type = 'RequestedToCapacityRatio';
  const shape = readShape(args);
  return { scoringStrategy: { type, ...readResources(args), [RATIO]: { shape } } };
}

export function readResources(holder: Reader): { resources?: { name: string; weight: number }[] } {
  const resources = holder.objects('resources').map(resource => {
    const name = resource.string('name') ?? '';
    const weight = resource.integer('weight') || 1;
    if (weight < 1 || weight > 100) {
      const said = `resource weight of ${name} not in valid range (0, 100]`;
      holder.findings.push(invalidValue(resource.at('weight'), weight, said));
    }
    resource.end();
    return { name, weight };
  });
  return resources.length > 0 ? { resources } : {};
}

export function readShape(holder: Reader): { utilization: number; score: number }[] {
  const points = holder.objects('shape');
  const { findings } = holder;
  if (points.length === 0) {
    findings.push(required(holder.at('shape'), 'at least one point must be specified'));
  }
  const shape = points.map(point => {
    const utilization = point.integerIn('utilization', [0, 100], 'not in valid range [0, 100]');
    const score = point.integerIn('score', [0, 10], 'not in valid range [0, 10]');
    point.end();
    return { utilization: utilization ?? 0, score: score ?? 0 };
  });
  const at = shape.findIndex((point, i) => point.utilization <= (shape[i - 1]?.utilization ?? -1));
  if (at > 0) {
    const path = holder.at('shape').index(at).child('utilization');
    const said = 'values must be sorted in increasing order';
    findings.push(invalidValue(path, shape[at]?.utilization, said));
  }
  return shape;
}

function readSpread(args: Reader): Record<string, unknown> {
  const { findings } = args;
  const seen = new Set<string>();
  const constraints = args.objects('defaultConstraints').map(constraint => {
    const topologyKey = readTopologyKey(constraint);
    const whenUnsatisfiable = readUnsatisfiable(constraint);
    const key = `{${topologyKey}, ${whenUnsatisfiable}}`;
    if (seen.has(key)) findings.push(duplicate(constraint.at('topologyKey'), key));
    seen.add(key);
    return readConstraint(constraint, topologyKey, whenUnsatisfiable);
  });
  const type = args.string('defaultingType');
  if (type !== undefined && type !== 'System' && type !== 'List') {
    findings.push(notSupported(args.at('defaultingType'), type, ['System', 'List']));
  }
  if (type === 'System' && constraints.length > 0) {
    const said = 'when .defaultConstraints are not empty';
    findings.push(invalidValue(args.at('defaultingType'), type, said));
  }
  return given({ defaultConstraints: constraints, defaultingType: type });
}

function readConstraint(
  constraint: Reader,
  topologyKey: string,
  whenUnsatisfiable: string,
): Record<string, unknown> {
  const said = 'not in valid range (0, inf)';
  const maxSkew = constraint.integer('maxSkew') ?? 0;
  if (maxSkew <= 0) {
    constraint.findings.push(invalidValue(constraint.at('maxSkew'), maxSkew, said));
  }
  if (constraint.has('labelSelector')) {
    const detail = 'constraint must not define a selector, as they deduced for each pod';
    constraint.findings.push(forbiddenValue(constraint.at('labelSelector'), detail));
  }
  const more = {
    minDomains: constraint.integer('minDomains'),
    nodeAffinityPolicy: constraint.string('nodeAffinityPolicy'),
    nodeTaintsPolicy: constraint.string('nodeTaintsPolicy'),
  };
  constraint.end();
  return { maxSkew, topologyKey, whenUnsatisfiable, ...given(more) };
}

function readTopologyKey(constraint: Reader): string {
  const path = constraint.at('topologyKey');
  const key = constraint.string('topologyKey') ?? '';
  if (key === '') constraint.findings.push(required(path, 'can not be empty'));
  else constraint.findings.push(...namesErrors(key, path));
  return key;
}

function readUnsatisfiable(constraint: Reader): string {
  const path = constraint.at('whenUnsatisfiable');
  const action = constraint.string('whenUnsatisfiable') ?? '';
  const known = ['DoNotSchedule', 'ScheduleAnyway'];
  if (action === '') constraint.findings.push(required(path, 'can not be empty'));
  else if (!known.includes(action)) {
    constraint.findings.push(notSupported(path, action, known));
  }
  return action;
}

function readVolumeBinding(args: Reader): Record<string, unknown> {
  const said = 'invalid BindTimeoutSeconds, should not be a negative value';
  const seconds = args.integerIn('bindTimeoutSeconds', [0, Number.MAX_SAFE_INTEGER], said);
  const shape = args.has('shape') ? readShape(args) : undefined;
  return given({ bindTimeoutSeconds: seconds, shape });
}

const MAX_INT32 = 2 ** 31 - 1;

/** Without what is undefined, or an empty list. */
export function given(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const entries = Object.entries(fields);
  return Object.fromEntries(
    entries.filter(([, value]) => !(value === undefined || isEmptyList(value))),
  );
}

function isEmptyList(value: unknown): boolean {
  return Array.isArray(value) && value.length === 0;
}
