import { FILTERS, type Use } from './uses.ts';

/** A plugin of a default list. `points` only where the list has it at some of its points. */
export type DefaultPlugin = Omit<Use, 'plugin' | 'as'> & { readonly name: string };

/**
 * In upstream's order and with its weights since v1beta3. Optional: what profiles from before there
 * was it lack.
 */
export const DEFAULT_PLUGINS: readonly DefaultPlugin[] = [
  { name: 'SchedulingGates', optional: true },
  { name: 'PrioritySort' },
  { name: 'NodeUnschedulable' },
  { name: 'NodeName' },
  { name: 'TaintToleration', weight: 3 },
  { name: 'NodeAffinity', weight: 2 },
  { name: 'NodePorts', optional: true },
  { name: 'NodeResourcesFit', weight: 1 },
  { name: 'VolumeRestrictions', optional: true },
  { name: 'NodeVolumeLimits', optional: true },
  { name: 'VolumeBinding', optional: true },
  { name: 'VolumeZone', optional: true },
  { name: 'PodTopologySpread', weight: 2, optional: true },
  { name: 'InterPodAffinity', weight: 2, optional: true },
  { name: 'DynamicResources', optional: true },
  { name: 'DefaultPreemption', optional: true },
  { name: 'NodeResourcesBalancedAllocation', weight: 1, optional: true },
  { name: 'ImageLocality', weight: 1, optional: true },
  { name: 'DefaultBinder' },
];

/** v1beta2: the same, with other weights. */
export const DEFAULT_PLUGINS_BETA2: readonly DefaultPlugin[] = DEFAULT_PLUGINS.map(plugin => {
  return isUserPreference(plugin) ? { ...plugin, weight: 1 } : plugin;
});

/** v1beta1 and before: the free share was scored by a plugin of its own. */
export const DEFAULT_PLUGINS_BETA1: readonly DefaultPlugin[] = [
  ...DEFAULT_PLUGINS_BETA2.map(plugin => {
    return plugin.name === 'NodeResourcesFit' ? { name: plugin.name, points: FILTERS } : plugin;
  }),
  { name: 'NodeResourcesLeastAllocated', weight: 1, points: ['score'] },
  { name: 'NodePreferAvoidPods', weight: 10_000, points: ['score'], optional: true },
];

function isUserPreference({ name }: DefaultPlugin): boolean {
  return name === 'TaintToleration' || name === 'NodeAffinity' || name === 'InterPodAffinity';
}

/** The algorithm providers: whole sets of plugins under one name. */
export const PROVIDERS: Readonly<Record<string, readonly DefaultPlugin[]>> = {
  DefaultProvider: DEFAULT_PLUGINS_BETA1,
  // Fills nodes up, so that others can be given back.
  ClusterAutoscalerProvider: DEFAULT_PLUGINS_BETA1.map(plugin => {
    return plugin.name === 'NodeResourcesLeastAllocated'
      ? { ...plugin, name: 'NodeResourcesMostAllocated' }
      : plugin;
  }),
};
