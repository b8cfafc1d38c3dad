import type { StringMap } from 'kernetes/sdk';

/**
 * The labels that a node may not give itself or change, sorted: those that operators restrict to
 * themselves, and all of Kubernetes' own that kubelets have no business with. With them a node
 * could draw pods to itself.
 */
export function forbiddenLabels(now: Readonly<StringMap>, old: Readonly<StringMap>): string[] {
  const changed = new Set([...Object.keys(now), ...Object.keys(old)]);
  return [...changed].filter(key => now[key] !== old[key] && isForbidden(key)).sort();
}

function isForbidden(key: string): boolean {
  const slash = key.indexOf('/');
  const domain = slash < 0 ? '' : key.slice(0, slash);
  if (isIn(domain, 'node-restriction.kubernetes.io')) return true;
  if (!isIn(domain, 'kubernetes.io') && !isIn(domain, 'k8s.io')) return false;
  return !KUBELET_LABELS.has(key) && !KUBELET_DOMAINS.some(each => isIn(domain, each));
}

function isIn(domain: string, parent: string): boolean {
  return domain === parent || domain.endsWith(`.${parent}`);
}

const KUBELET_DOMAINS = ['kubelet.kubernetes.io', 'node.kubernetes.io'];
const KUBELET_LABELS: ReadonlySet<string> = new Set([
  'beta.kubernetes.io/arch',
  'beta.kubernetes.io/instance-type',
  'beta.kubernetes.io/os',
  'failure-domain.beta.kubernetes.io/region',
  'failure-domain.beta.kubernetes.io/zone',
  'kubernetes.io/arch',
  'kubernetes.io/hostname',
  'kubernetes.io/os',
  'node.kubernetes.io/instance-type',
  'topology.kubernetes.io/region',
  'topology.kubernetes.io/zone',
]);
