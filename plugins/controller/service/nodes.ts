import type { Node } from 'kernetes/sdk';

/** Whether load balancers send traffic to the node, as upstream's service controller decides. */
export function takesTraffic({ metadata, spec, status }: Node): boolean {
  if (metadata.deletionTimestamp || metadata.labels?.[EXCLUDED] !== undefined) return false;
  if (spec?.taints?.some(({ key }) => key === 'ToBeDeletedByClusterAutoscaler')) return false;
  const ready = status?.conditions?.find(({ type }) => type === 'Ready');
  return ready?.status === 'True';
}

const EXCLUDED = 'node.kubernetes.io/exclude-from-external-load-balancers';
