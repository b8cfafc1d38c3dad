/** Which names resources may have, and what follows from a name. Source: upstream's core helpers. */

/** `cpu`, `memory` and whatever else carries no domain or Kubernetes' own. */
export function isNativeResource(name: string): boolean {
  return !name.includes('/') || name.includes('kubernetes.io/');
}

/** `example.com/gpu`: something that a node advertises. */
export function isExtendedResource(name: string): boolean {
  return !isNativeResource(name) && !name.startsWith('requests.');
}

export function isHugePageResource(name: string): boolean {
  return name.startsWith('hugepages-');
}

/** Of a container. */
export function isStandardContainerResource(name: string): boolean {
  return CONTAINER_RESOURCES.has(name) || isHugePageResource(name);
}

/** Anywhere: limits, quotas. */
export function isStandardResource(name: string): boolean {
  return (
    STANDARD_RESOURCES.has(name) ||
    isHugePageResource(name) ||
    name.startsWith('requests.hugepages-')
  );
}

/** Of a quota: also counts of objects, `count/deployments.apps`. */
export function isStandardQuotaResource(name: string): boolean {
  return (
    (STANDARD_RESOURCES.has(name) && name !== 'storage') ||
    isHugePageResource(name) ||
    name.startsWith('requests.hugepages-')
  );
}

/** Of which there are only whole ones. */
export function isIntegerResource(name: string): boolean {
  return INTEGER_RESOURCES.has(name) || isExtendedResource(name);
}

/** Whether more may be allowed than is asked for. */
export function allowsOvercommit(name: string): boolean {
  return isNativeResource(name) && !isHugePageResource(name);
}

const CONTAINER_RESOURCES = new Set(['cpu', 'memory', 'ephemeral-storage']);
const INTEGER_RESOURCES = new Set([
  'pods',
  'resourcequotas',
  'services',
  'replicationcontrollers',
  'secrets',
  'configmaps',
  'persistentvolumeclaims',
  'services.nodeports',
  'services.loadbalancers',
]);
const STANDARD_RESOURCES = new Set([
  ...CONTAINER_RESOURCES,
  ...INTEGER_RESOURCES,
  'storage',
  'requests.cpu',
  'requests.memory',
  'requests.storage',
  'requests.ephemeral-storage',
  'limits.cpu',
  'limits.memory',
  'limits.ephemeral-storage',
]);
