/** The order in which discovery lists groups and versions: the higher comes first. */
export interface ApiPriority {
  readonly group: number;
  readonly version: number;
}

/** Upstream's for what is built in; undefined: it is not. */
export function builtInPriority(group: string, version: string): ApiPriority | undefined {
  const known = PRIORITIES[group];
  if (known === undefined) return undefined;
  const [groupPriority, versions] = known;
  return { group: groupPriority, version: versions[version] ?? 1 };
}

/** Of custom resources. */
export const CUSTOM_PRIORITY: ApiPriority = { group: 1_000, version: 100 };

const PRIORITIES: Readonly<Record<string, [number, Readonly<Record<string, number>>]>> = {
  '': [18_000, { v1: 1 }],
  // It describes the others, and no object describes it.
  'apiregistration.k8s.io': [20_000, { v1: 15, v1beta1: 9 }],
  apps: [17_800, { v1: 15, v1beta2: 9, v1beta1: 1 }],
  'events.k8s.io': [17_750, { v1: 15, v1beta1: 5 }],
  'authentication.k8s.io': [17_700, { v1: 15, v1beta1: 9, v1alpha1: 1 }],
  'authorization.k8s.io': [17_600, { v1: 15, v1beta1: 9 }],
  autoscaling: [17_500, { v2: 30, v1: 15, v2beta1: 9, v2beta2: 1 }],
  batch: [17_400, { v1: 15, v1beta1: 9, v2alpha1: 9 }],
  'certificates.k8s.io': [17_300, { v1: 15, v1beta1: 9, v1alpha1: 1 }],
  'networking.k8s.io': [17_200, { v1: 15, v1beta1: 9, v1alpha1: 1 }],
  extensions: [17_150, { v1beta1: 1 }],
  policy: [17_100, { v1: 15, v1beta1: 9 }],
  'rbac.authorization.k8s.io': [17_000, { v1: 15, v1beta1: 12, v1alpha1: 9 }],
  'storage.k8s.io': [16_800, { v1: 15, v1beta1: 9, v1alpha1: 1 }],
  'admissionregistration.k8s.io': [16_700, { v1: 15, v1beta1: 12, v1alpha1: 9 }],
  'apiextensions.k8s.io': [16_700, { v1: 15, v1beta1: 9 }],
  'scheduling.k8s.io': [16_600, { v1: 15, v1beta1: 12, v1alpha1: 9 }],
  'coordination.k8s.io': [16_500, { v1: 15, v1beta1: 9 }],
  'node.k8s.io': [16_300, { v1: 15, v1beta1: 9, v1alpha1: 1 }],
  'discovery.k8s.io': [16_200, { v1: 15, v1beta1: 12 }],
  'flowcontrol.apiserver.k8s.io': [
    16_100,
    { v1: 21, v1beta3: 18, v1beta2: 15, v1beta1: 12, v1alpha1: 9 },
  ],
  'internal.apiserver.k8s.io': [16_000, { v1alpha1: 9 }],
  'resource.k8s.io': [15_900, { v1: 15, v1beta1: 9 }],
  // What the manifest of metrics-server says.
  'metrics.k8s.io': [100, { v1beta1: 100 }],
};
