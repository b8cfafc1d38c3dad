import {
  type AdmissionPlugin,
  admissionForbidden,
  type Informer,
  joinErrors,
  type LimitRange,
  type LimitRangeItem,
  type PersistentVolumeClaim,
  type Pod,
} from 'kernetes/sdk';
import { findingsOf, maxRequestFinding, minFinding } from './constraints.ts';
import { setDefaults } from './container-defaults.ts';
import { podLimits, podRequests } from './pod-resources.ts';

/** Applies the LimitRanges of the request's namespace. */
export function limitRanger(ranges: Informer<LimitRange>): AdmissionPlugin {
  return {
    rules: [
      { operations: ['CREATE'], groups: [''], resources: ['pods'] },
      { operations: ['CREATE', 'UPDATE'], groups: [''], resources: ['persistentvolumeclaims'] },
    ],
    mutate({ resource, namespace, object }) {
      if (resource !== 'pods') return;
      for (const range of ranges.list(namespace)) setDefaults(object as Pod, itemsOf(range));
    },
    validate(request) {
      const { resource, namespace, object, oldObject } = request;
      if (oldObject?.metadata.deletionTimestamp) return;
      for (const range of ranges.list(namespace)) {
        const isPod = resource === 'pods';
        const findings = itemsOf(range).flatMap(item =>
          isPod
            ? podFindings(object as Pod, item)
            : claimFindings(object as PersistentVolumeClaim, item),
        );
        if (findings.length > 0) throw admissionForbidden(request, joinErrors(findings));
      }
    },
  };
}

function itemsOf({ spec }: LimitRange): readonly LimitRangeItem[] {
  return spec?.limits ?? [];
}

function podFindings(pod: Pod, item: LimitRangeItem): string[] {
  const { containers = [], initContainers = [] } = pod.spec ?? {};
  if (item.type === 'Container') {
    return [...containers, ...initContainers].flatMap(({ resources }) =>
      findingsOf(item, { requests: resources?.requests ?? {}, limits: resources?.limits ?? {} }),
    );
  }
  if (item.type !== 'Pod') return [];
  return findingsOf(item, { requests: podRequests(pod), limits: podLimits(pod) });
}

/** Only what a claim asks for counts. */
function claimFindings({ spec }: PersistentVolumeClaim, item: LimitRangeItem): string[] {
  if (item.type !== 'PersistentVolumeClaim') return [];
  const asked = { requests: spec?.resources?.requests ?? {}, limits: {} };
  const { type, min = {}, max = {} } = item;
  return [
    ...Object.keys(min)
      .sort()
      .map(resource => minFinding({ type, resource, enforced: min[resource] ?? '' }, asked)),
    ...Object.keys(max)
      .sort()
      .map(resource => maxRequestFinding({ type, resource, enforced: max[resource] ?? '' }, asked)),
  ].flatMap(finding => finding ?? []);
}
