import { type FieldError, invalidValue } from 'kernetes/sdk';
import { given, readResources, readShape } from './args.ts';
import { alsoIgnoring, NO_OTHERS } from './component.ts';
import type { SchedulerConfiguration } from './configuration.ts';
import { ignoredResources, readExtenders } from './extenders.ts';
import { PREDICATES, PRIORITIES, usesOf } from './presets.ts';
import type { Reader } from './reader.ts';
import { combine, FILTERS, SCORES, type Use } from './uses.ts';

/**
 * A `Policy` file, as schedulers until v1.22 read it: predicates and priorities with weights. It
 * makes one profile. Predicates run in upstream's fixed order, whatever the file's is.
 */
export function readPolicy(file: Reader): SchedulerConfiguration {
  file.ignore('apiVersion', 'kind');
  const notes = file.boolean('alwaysCheckAllPredicates')
    ? ['alwaysCheckAllPredicates has no effect: a node is refused by the first predicate']
    : [];
  const weight = readAffinityWeight(file);
  const labels: NodeLabels = {
    ...{ present: [], absent: [], preferPresent: [], preferAbsent: [], weights: [] },
    ...{ together: [], apart: [], apartWeights: [] },
  };
  const predicates = readPredicates(file, labels);
  const priorities = readPriorities(file, labels);
  const extenders = readExtenders(file);
  file.end();
  const named = [...ALWAYS, ...ordered(predicates).flatMap(name => usesOf({ name }))];
  const uses = [...named, ...priorities, ...labelUses(labels), ...serviceUses(labels), ...LAST].map(
    use =>
      weight !== undefined && use.plugin === 'InterPodAffinity'
        ? { ...use, args: { ...use.args, hardPodAffinityWeight: weight } }
        : use,
  );
  const plugins = combine([...uses, ...alsoIgnoring(uses, ignoredResources(extenders))]);
  const profile = { schedulerName: 'default-scheduler', plugins: [...plugins, ...NO_OTHERS] };
  return { profiles: [profile], extenders, notes };
}

/** Whatever a policy says, as upstream. */
const ALWAYS_PREDICATES = ['CheckNodeUnschedulable', 'PodToleratesNodeTaints'];
const ALWAYS: readonly Use[] = [
  { plugin: 'SchedulingGates', as: 'SchedulingGates', optional: true },
  { plugin: 'PrioritySort', as: 'PrioritySort' },
];
const LAST: readonly Use[] = [
  { plugin: 'DefaultPreemption', as: 'DefaultPreemption', optional: true },
  { plugin: 'DefaultBinder', as: 'DefaultBinder' },
];

const DEFAULT_PREDICATES = [
  'NoVolumeZoneConflict',
  'MaxCSIVolumeCountPred',
  'MatchInterPodAffinity',
  'NoDiskConflict',
  'GeneralPredicates',
  'CheckVolumeBinding',
  'EvenPodsSpread',
];
const DEFAULT_PRIORITIES: Readonly<Record<string, number>> = {
  SelectorSpreadPriority: 1,
  InterPodAffinityPriority: 1,
  LeastRequestedPriority: 1,
  BalancedResourceAllocation: 1,
  NodePreferAvoidPodsPriority: 10_000,
  NodeAffinityPriority: 1,
  TaintTolerationPriority: 1,
  ImageLocalityPriority: 1,
  EvenPodsSpreadPriority: 2,
};

function ordered(predicates: readonly string[]): readonly string[] {
  const wanted = new Set([...predicates, ...ALWAYS_PREDICATES]);
  return Object.keys(PREDICATES).filter(name => wanted.has(name));
}

function readAffinityWeight(file: Reader): number | undefined {
  const weight = file.integerIn(
    'hardPodAffinitySymmetricWeight',
    [0, 100],
    'not in valid range [0-100]',
  );
  // As upstream, 0 is not told from absent.
  return weight || undefined;
}

/** What all predicates and priorities about labels of nodes want, together, and with Services. */
interface NodeLabels {
  readonly present: string[];
  readonly absent: string[];
  readonly preferPresent: string[];
  readonly preferAbsent: string[];
  /** Of each preference; all must be the same. */
  readonly weights: number[];
  /** Whose values a Service's pods have in common, or are spread over. */
  readonly together: string[];
  readonly apart: string[];
  readonly apartWeights: number[];
}

function labelUses({
  present,
  absent,
  preferPresent,
  preferAbsent,
  weights: [weight = 1],
}: NodeLabels): Use[] {
  const preferences = preferPresent.length + preferAbsent.length;
  const required = present.length + absent.length;
  const args = given({
    presentLabels: present,
    absentLabels: absent,
    presentLabelsPreference: preferPresent,
    absentLabelsPreference: preferAbsent,
  });
  const use = { plugin: 'NodeLabel', as: 'NodeLabel', args };
  return [
    ...(required > 0 ? [{ ...use, points: FILTERS }] : []),
    // They are one score now, which counts as much as they did together.
    ...(preferences > 0 ? [{ ...use, points: SCORES, weight: weight * preferences }] : []),
  ];
}

function serviceUses({ together, apart, apartWeights: [weight = 1] }: NodeLabels): Use[] {
  const args = given({ affinityLabels: together, antiAffinityLabelsPreference: apart });
  const use = { plugin: 'ServiceAffinity', as: 'ServiceAffinity', args };
  return [
    ...(together.length > 0 ? [{ ...use, points: FILTERS }] : []),
    ...(apart.length > 0 ? [{ ...use, points: SCORES, weight: weight * apart.length }] : []),
  ];
}

function readPredicates(file: Reader, labels: NodeLabels): readonly string[] {
  if (!file.has('predicates')) return DEFAULT_PREDICATES;
  return file.objects('predicates').flatMap(predicate => {
    const name = predicate.name('name');
    const argument = predicate.object('argument');
    predicate.end();
    if (argument) readPredicateArgument(argument, labels);
    else if (PREDICATES[name]) return [name];
    else file.findings.push(unknown('predicate', name, predicate));
    return [];
  });
}

function readPredicateArgument(argument: Reader, labels: NodeLabels): void {
  const presence = argument.object('labelsPresence');
  const affinity = argument.object('serviceAffinity');
  exactlyOne(argument, 'predicate', ['labelsPresence', 'serviceAffinity']);
  if (affinity) labels.together.push(...affinity.strings('labels'));
  affinity?.end();
  if (!presence) return;
  const keys = presence.strings('labels');
  (presence.boolean('presence') ? labels.present : labels.absent).push(...keys);
  presence.end();
}

function readPriorities(file: Reader, labels: NodeLabels): readonly Use[] {
  if (!file.has('priorities')) {
    const defaults = Object.entries(DEFAULT_PRIORITIES);
    return defaults.flatMap(([name, weight]) => usesOf({ name, weight, optional: true }));
  }
  return file.objects('priorities').flatMap(priority => {
    const name = priority.name('name');
    const weight = priority.integer('weight') ?? 0;
    const argument = priority.object('argument');
    priority.end();
    if (weight <= 0 || weight >= WEIGHT_END) {
      const said = `priority ${name} should have a positive weight applied to it or it has overflown`;
      file.findings.push(invalidValue(priority.at('weight'), weight, said));
    }
    if (argument) return readPriorityArgument(argument, weight, labels);
    if (PRIORITIES[name]) return usesOf({ name, weight });
    file.findings.push(unknown('priority', name, priority));
    return [];
  });
}

/** Of upstream: what a sum of all scores may be, by what one may be. */
const WEIGHT_END = Math.floor((2 ** 31 - 1) / 100);

function readPriorityArgument(
  argument: Reader,
  weight: number,
  labels: NodeLabels,
): readonly Use[] {
  const preference = argument.object('labelPreference');
  const ratio = argument.object('requestedToCapacityRatioArguments');
  const apart = argument.object('serviceAntiAffinity');
  exactlyOne(argument, 'priority', [
    'labelPreference',
    'requestedToCapacityRatioArguments',
    'serviceAntiAffinity',
  ]);
  if (preference) readPreference(preference, weight, labels);
  if (apart) {
    const label = apart.name('label');
    labels.apart.push(label);
    checkWeight(apart, 'ServiceAntiAffinity', label, [labels.apartWeights, weight]);
    apart.end();
  }
  if (!ratio) return [];
  const shape = readShape(ratio);
  const resources = readResources(ratio);
  ratio.end();
  const requestedToCapacityRatio = { shape };
  const scoringStrategy = {
    type: 'RequestedToCapacityRatio',
    ...resources,
    requestedToCapacityRatio,
  };
  return usesOf({ name: 'RequestedToCapacityRatioPriority', weight, args: { scoringStrategy } });
}

function readPreference(preference: Reader, weight: number, labels: NodeLabels): void {
  const label = preference.name('label');
  (preference.boolean('presence') ? labels.preferPresent : labels.preferAbsent).push(label);
  checkWeight(preference, 'LabelPreference', label, [labels.weights, weight]);
  preference.end();
}

/** They are one score now. */
function checkWeight(
  holder: Reader,
  what: string,
  label: string,
  [weights, weight]: readonly [number[], number],
): void {
  if (weights.some(other => other !== weight)) {
    const said = `all ${what} priorities must have the same weight`;
    holder.findings.push(invalidValue(holder.at('label'), label, said));
  }
  weights.push(weight);
}

function exactlyOne(argument: Reader, what: string, names: readonly string[]): void {
  argument.end();
  const count = names.filter(name => argument.has(name)).length;
  if (count === 1) return;
  const said = `exactly 1 ${what} argument is required`;
  argument.findings.push(invalidValue(argument.at(names[0] ?? ''), count, said));
}

function unknown(what: string, name: string, holder: Reader): FieldError {
  return invalidValue(holder.at('name'), name, `${what} type not found for "${name}"`);
}
