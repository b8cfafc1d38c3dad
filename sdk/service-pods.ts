import { type Pod, Service, type ServicePort } from './api/types-core-v1.ts';
import type { ControllerView } from './controller.ts';
import type { Lister } from './informer.ts';
import type { ObjectKey } from './kind.ts';

import { isPodFinished, podCondition } from './pod-status.ts';

/** Which pods stand behind which Services: what endpoints and endpoint slices have in common. */

/** Whether the Service selects the labels. One without a selector selects nothing. */
export function serviceSelects(
  { spec }: Service,
  labels: Readonly<Record<string, string>> = {},
): boolean {
  const wanted = Object.entries(spec?.selector ?? {});
  return wanted.length > 0 && wanted.every(([name, value]) => labels[name] === value);
}

/** `map` of a controller of Services that watches pods: the Services that select the pod. */
export function servicesOfPod(pod: Pod, { informer }: ControllerView): readonly ObjectKey[] {
  const { namespace = '', labels } = pod.metadata;
  return informer(Service)
    .list(namespace)
    .filter(service => serviceSelects(service, labels))
    .map(({ metadata }) => ({ namespace, name: metadata.name ?? '' }));
}

/** Index function for `podsOfService`: every label with the namespace. */
export function byLabel({ metadata: { namespace = '', labels = {} } }: Pod): readonly string[] {
  return Object.entries(labels).map(([name, value]) => `${namespace}/${name}=${value}`);
}

/** The pods that the Service selects, of an informer that has the index `label`: `byLabel`. */
export function podsOfService(service: Service, pods: Pick<Lister<Pod>, 'byIndex'>): Pod[] {
  const { namespace = '' } = service.metadata;
  let fewest: Pod[] | undefined;
  for (const [name, value] of Object.entries(service.spec?.selector ?? {})) {
    const found = pods.byIndex('label', `${namespace}/${name}=${value}`);
    if (fewest === undefined || found.length < fewest.length) fewest = found;
  }
  return fewest?.filter(({ metadata }) => serviceSelects(service, metadata.labels)) ?? [];
}

/** It has, or had, an address and is not finished. */
export function canServe(pod: Pod): boolean {
  return podAddresses(pod).length > 0 && !isPodFinished(pod);
}

export function podAddresses({ status }: Pod): readonly string[] {
  const addresses = (status?.podIPs ?? []).map(({ ip }) => ip ?? '').filter(ip => ip !== '');
  return addresses.length > 0 || !status?.podIP ? addresses : [status.podIP];
}

/** The host name that DNS knows the pod by below the Service. */
export function hostnameIn(service: Service, { spec, metadata }: Pod): string | undefined {
  const isBelow = spec?.subdomain === service.metadata.name;
  const isNear = metadata.namespace === service.metadata.namespace;
  return isBelow && isNear && spec?.hostname ? spec.hostname : undefined;
}

/** The pod's port behind the Service's; undefined when the pod has none of the name. */
export function targetPortIn(pod: Pod, port: ServicePort): number | undefined {
  const target = port.targetPort || port.port;
  if (typeof target === 'number') return target;
  const { containers = [], initContainers = [] } = pod.spec ?? {};
  const sidecars = initContainers.filter(({ restartPolicy }) => restartPolicy === 'Always');
  for (const { ports = [] } of [...containers, ...sidecars]) {
    for (const { name, protocol = 'TCP', containerPort } of ports) {
      if (name === target && protocol === (port.protocol ?? 'TCP')) return containerPort;
    }
  }
  return undefined;
}

/** The Service's pods are found by its selector, and its endpoints are ours to write. */
export function isSelecting({ spec }: Service): boolean {
  return spec?.type !== 'ExternalName' && Object.keys(spec?.selector ?? {}).length > 0;
}

export function isHeadless({ spec }: Service): boolean {
  return spec?.clusterIP === 'None';
}

/** The address types of the Service's endpoints, its first one first. */
export function serviceFamilies({ spec }: Service): readonly string[] {
  const { ipFamilies = [], clusterIP } = spec ?? {};
  if (ipFamilies.length > 0) return ipFamilies;
  // Nobody who gives out addresses has seen it yet.
  return [clusterIP?.includes(':') ? 'IPv6' : 'IPv4'];
}

/** When the first of the pods became, or ceased to be, ready; undefined: none tells. */
export function earliestReadyChange(pods: readonly Pod[]): string | undefined {
  const times = pods.map(pod => podCondition(pod, 'Ready')?.lastTransitionTime);
  const known = times.filter(time => time !== undefined);
  return known.sort((a, b) => Date.parse(a) - Date.parse(b))[0];
}
