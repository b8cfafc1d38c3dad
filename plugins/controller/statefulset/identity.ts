import {
  type Pod,
  type PodTemplateSpec,
  podFromTemplate,
  StatefulSet,
  type Volume,
} from 'kernetes/sdk';
import { claimName } from './claims.ts';

/** What makes a pod the one of its ordinal: its name, labels, host name and volumes. */

export const REVISION_LABEL = 'controller-revision-hash';
const POD_NAME_LABEL = 'statefulset.kubernetes.io/pod-name';
const POD_INDEX_LABEL = 'apps.kubernetes.io/pod-index';

export function firstOrdinal({ spec }: StatefulSet): number {
  return spec?.ordinals?.start ?? 0;
}

export function replicasOf({ spec }: StatefulSet): number {
  return spec?.replicas ?? 1;
}

/** Undefined: its name is not one that the set gives. */
export function ordinalOf(set: StatefulSet, { metadata }: Pod): number | undefined {
  const prefix = `${set.metadata.name}-`;
  const { name = '' } = metadata;
  const ordinal = Number(name.slice(prefix.length));
  const isOrdinal = Number.isInteger(ordinal) && ordinal >= 0 && ordinal <= ORDINAL_MAX;
  // Written anew it must be the same: `web-01` and `web-1e0` are no names of the set.
  return isOrdinal && `${prefix}${ordinal}` === name ? ordinal : undefined;
}

export function podName(set: StatefulSet, ordinal: number): string {
  return `${set.metadata.name}-${ordinal}`;
}

/** The name of the revision that it was made of. */
export function revisionOf({ metadata }: Pod): string {
  return metadata.labels?.[REVISION_LABEL] ?? '';
}

export interface NewPodOptions {
  readonly ordinal: number;
  readonly template: PodTemplateSpec | undefined;
  /** The name of the template's revision. */
  readonly revision: string;
}

export function newPod(set: StatefulSet, { ordinal, template, revision }: NewPodOptions): Pod {
  const pod = podFromTemplate(StatefulSet, set, template);
  const name = podName(set, ordinal);
  const { serviceName } = set.spec ?? {};
  return {
    ...pod,
    metadata: {
      ...pod.metadata,
      name,
      labels: {
        ...pod.metadata.labels,
        ...identityLabels(set, ordinal),
        [REVISION_LABEL]: revision,
      },
    },
    spec: {
      containers: [],
      ...pod.spec,
      hostname: name,
      ...(serviceName && { subdomain: serviceName }),
      ...withClaims(set, name, pod.spec?.volumes),
    },
  };
}

export function identityLabels(set: StatefulSet, ordinal: number): Record<string, string> {
  return { [POD_NAME_LABEL]: podName(set, ordinal), [POD_INDEX_LABEL]: String(ordinal) };
}

export function hasIdentity({ metadata }: Pod): boolean {
  return metadata.labels?.[POD_NAME_LABEL] === metadata.name;
}

/** Each template's claim is among its volumes. */
export function hasStorage({ spec }: StatefulSet, pod: Pod): boolean {
  const { name = '' } = pod.metadata;
  return (spec?.volumeClaimTemplates ?? []).every(template => {
    const volume = pod.spec?.volumes?.find(each => each.name === template.metadata.name);
    return volume?.persistentVolumeClaim?.claimName === claimName(template, name);
  });
}

/** The volumes of the claims, in place of others with their names. */
export function withClaims(
  { spec }: StatefulSet,
  name: string,
  volumes: readonly Volume[] = [],
): { volumes?: Volume[] } {
  const claimed = (spec?.volumeClaimTemplates ?? []).map(template => ({
    name: template.metadata.name ?? '',
    persistentVolumeClaim: { claimName: claimName(template, name) },
  }));
  const names = new Set(claimed.map(volume => volume.name));
  const all = [...claimed, ...volumes.filter(volume => !names.has(volume.name))];
  return all.length > 0 ? { volumes: all } : {};
}

/** Upstream reads ordinals as 32-bit numbers. */
const ORDINAL_MAX = 2 ** 31 - 1;
