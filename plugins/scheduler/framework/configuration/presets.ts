import type { PluginSetting } from '../profile/profile.ts';
import { combine, FILTERS, SCORES, type Use } from './uses.ts';

/**
 * The names of predicates and priorities (until v1.22), and of plugins that went into others
 * since: what each stands for today. Everything else is a plugin's own name.
 */
export type Preset = readonly Omit<Use, 'as' | 'weight' | 'optional' | 'disabled'>[];

const FIT: Preset = [{ plugin: 'NodeResourcesFit', points: FILTERS }];
const NODE_NAME: Preset = [{ plugin: 'NodeName', points: FILTERS }];
const PORTS: Preset = [{ plugin: 'NodePorts', points: FILTERS }];
const SELECTOR: Preset = [{ plugin: 'NodeAffinity', points: FILTERS }];
const TAINTS: Preset = [{ plugin: 'TaintToleration', points: FILTERS }];
const VOLUME_LIMITS: Preset = [{ plugin: 'NodeVolumeLimits', points: FILTERS }];
const VOLUMES: Preset = [
  { plugin: 'VolumeBinding', points: [...FILTERS, 'reserve', 'preBind', 'postBind'] },
];
const SPREADING: Preset = [{ plugin: 'SelectorSpread', points: SCORES }];

/** A predicate that looks at one of a node's conditions. */
function condition(checked: string): Preset {
  const fields = ['ready', 'memoryPressure', 'diskPressure', 'pidPressure'];
  const args = Object.fromEntries(fields.map(field => [field, field === checked]));
  return [{ plugin: 'NodeConditions', points: FILTERS, args }];
}

/** A priority that is a way to score how full nodes are. */
export function strategy(type: string, more: Readonly<Record<string, unknown>> = {}): Preset {
  const args = { scoringStrategy: { type, ...more } };
  return [{ plugin: 'NodeResourcesFit', points: SCORES, args }];
}

/** In the order in which they were asked, whatever a policy's was: cheap and telling ones first. */
export const PREDICATES: Readonly<Record<string, Preset>> = {
  CheckNodeCondition: condition('ready'),
  CheckNodeUnschedulable: [{ plugin: 'NodeUnschedulable', points: FILTERS }],
  GeneralPredicates: [...FIT, ...NODE_NAME, ...PORTS, ...SELECTOR],
  PodFitsResources: FIT,
  HostName: NODE_NAME,
  PodFitsHostPorts: PORTS,
  PodFitsPorts: PORTS,
  MatchNodeSelector: SELECTOR,
  PodSelectorMatches: SELECTOR,
  NoDiskConflict: [{ plugin: 'VolumeRestrictions', points: FILTERS }],
  PodToleratesNodeTaints: TAINTS,
  CheckNodeLabelPresence: [{ plugin: 'NodeLabel', points: FILTERS }],
  CheckServiceAffinity: [{ plugin: 'ServiceAffinity', points: FILTERS }],
  MaxEBSVolumeCount: VOLUME_LIMITS,
  MaxGCEPDVolumeCount: VOLUME_LIMITS,
  MaxAzureDiskVolumeCount: VOLUME_LIMITS,
  MaxCinderVolumeCount: VOLUME_LIMITS,
  MaxCSIVolumeCountPred: VOLUME_LIMITS,
  MaxCSIVolumeCount: VOLUME_LIMITS,
  CheckVolumeBinding: VOLUMES,
  NoVolumeNodeConflict: VOLUMES,
  NoVolumeZoneConflict: [{ plugin: 'VolumeZone', points: FILTERS }],
  MatchInterPodAffinity: [{ plugin: 'InterPodAffinity', points: FILTERS }],
  EvenPodsSpread: [{ plugin: 'PodTopologySpread', points: FILTERS }],
  CheckNodeMemoryPressure: condition('memoryPressure'),
  CheckNodeDiskPressure: condition('diskPressure'),
  CheckNodePIDPressure: condition('pidPressure'),
};

export const PRIORITIES: Readonly<Record<string, Preset>> = {
  LeastRequestedPriority: strategy('LeastAllocated'),
  MostRequestedPriority: strategy('MostAllocated'),
  RequestedToCapacityRatioPriority: strategy('RequestedToCapacityRatio', {
    requestedToCapacityRatio: {
      shape: [
        { utilization: 0, score: 10 },
        { utilization: 100, score: 0 },
      ],
    },
  }),
  BalancedResourceAllocation: [{ plugin: 'NodeResourcesBalancedAllocation', points: SCORES }],
  SelectorSpreadPriority: SPREADING,
  ServiceSpreadingPriority: SPREADING,
  InterPodAffinityPriority: [{ plugin: 'InterPodAffinity', points: SCORES }],
  NodeAffinityPriority: [{ plugin: 'NodeAffinity', points: SCORES }],
  TaintTolerationPriority: [{ plugin: 'TaintToleration', points: SCORES }],
  ImageLocalityPriority: [{ plugin: 'ImageLocality', points: SCORES }],
  NodePreferAvoidPodsPriority: [{ plugin: 'NodePreferAvoidPods', points: SCORES }],
  EvenPodsSpreadPriority: [{ plugin: 'PodTopologySpread', points: SCORES }],
  // All nodes alike: the same as nothing.
  EqualPriority: [],
};

/** Plugins that other plugins do the work of now. */
const FORMER_PLUGINS: Readonly<Record<string, Preset>> = {
  NodeResourcesLeastAllocated: strategy('LeastAllocated'),
  NodeResourcesMostAllocated: strategy('MostAllocated'),
  RequestedToCapacityRatio: PRIORITIES.RequestedToCapacityRatioPriority ?? [],
  DefaultPodTopologySpread: SPREADING,
  EBSLimits: VOLUME_LIMITS,
  GCEPDLimits: VOLUME_LIMITS,
  AzureDiskLimits: VOLUME_LIMITS,
  CinderLimits: VOLUME_LIMITS,
};

const ALL = new Map(Object.entries({ ...PREDICATES, ...PRIORITIES, ...FORMER_PLUGINS }));

export function presetOf(name: string): Preset | undefined {
  return ALL.get(name);
}

/**
 * A wish in today's names. What the wish says itself goes before what its name stands for: args
 * field by field; points only when it is no preset.
 */
export function usesOf({ name, ...wish }: Omit<Use, 'plugin' | 'as'> & { name: string }): Use[] {
  const preset = presetOf(name);
  if (!preset) return [{ ...wish, plugin: name, as: name }];
  const { args, points: _, ...rest } = wish;
  return preset.map(one => ({
    ...one,
    ...rest,
    as: name,
    ...((one.args || args) && { args: { ...one.args, ...args } }),
  }));
}

/** A list of the framework's own config, presets resolved; each plugin once. */
export function withoutPresets(settings: readonly PluginSetting[]): readonly PluginSetting[] {
  if (!settings.some(({ name }) => ALL.has(name))) return settings;
  return combine(
    settings.flatMap(setting => usesOf(setting as typeof setting & Pick<Use, 'args'>)),
  );
}
