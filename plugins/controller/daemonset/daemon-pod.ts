import {
  DaemonSet,
  isPodFinished,
  type NodeSelector,
  type Pod,
  podFromTemplate,
  selectedNodeNames,
} from 'kernetes/sdk';
import { daemonTolerations } from './placement.ts';

/** Tells of which template a pod was made. */
export const HASH_LABEL = 'controller-revision-hash';

/** Makes pods of the set's template of now: give it a node's name. */
export function daemonPods(set: DaemonSet, hash: string): (node: string) => Pod {
  const base = podFromTemplate(DaemonSet, set, set.spec?.template);
  const generation = set.metadata.annotations?.['deprecated.daemonset.template.generation'] ?? '';
  const labels = {
    ...base.metadata.labels,
    ...(/^-?\d+$/.test(generation) && { 'pod-template-generation': generation }),
    [HASH_LABEL]: hash,
  };
  const metadata = { ...base.metadata, labels };
  const spec = base.spec ?? { containers: [] };
  const tolerations = daemonTolerations(spec);
  return node => {
    const nodeAffinity = {
      ...spec.affinity?.nodeAffinity,
      // In place of the template's own terms, which the node meets already.
      requiredDuringSchedulingIgnoredDuringExecution: onlyNode(node),
    };
    return {
      ...base,
      metadata,
      spec: { ...spec, tolerations, affinity: { ...spec.affinity, nodeAffinity } },
    };
  };
}

/** The node that the pod is on, or waits for; undefined: it is no pod of ours to tell. */
export function targetNode({ spec }: Pod): string | undefined {
  if (spec?.nodeName) return spec.nodeName;
  const required = spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  if (!required) return undefined;
  const [term, ...terms] = required.nodeSelectorTerms;
  const [field, ...fields] = term?.matchFields ?? [];
  // As `daemonPods` makes them, in great numbers.
  const isPlain = terms.length === 0 && fields.length === 0 && field?.operator === 'In';
  const names =
    isPlain && field.key === 'metadata.name' ? field.values : selectedNodeNames(required);
  return names?.length === 1 ? names[0] : undefined;
}

/** It has ended and was deleted; a finalizer alone keeps it. Nothing is to be done about it. */
export function isPast(pod: Pod): boolean {
  return isPodFinished(pod) && pod.metadata.deletionTimestamp !== undefined;
}

/** Those that have a node first, then the oldest. */
export function byAge(a: Pod, b: Pod): number {
  return (
    Number(!a.spec?.nodeName) - Number(!b.spec?.nodeName) ||
    compare(a.metadata.creationTimestamp, b.metadata.creationTimestamp) ||
    compare(a.metadata.name, b.metadata.name)
  );
}

function onlyNode(name: string): NodeSelector {
  const requirement = { key: 'metadata.name', operator: 'In', values: [name] };
  return { nodeSelectorTerms: [{ matchFields: [requirement] }] };
}

function compare(a = '', b = ''): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
