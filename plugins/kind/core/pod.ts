import {
  fieldPath,
  invalidValue,
  Pod,
  unifyServiceAccount,
  validatePodSpec,
  withoutSubresources,
} from 'kernetes/sdk';
import { coreKind } from './core-kind.ts';
import { podBinding } from './pod-binding.ts';
import { defaultPod } from './pod-defaults.ts';
import { podEphemeralContainers } from './pod-ephemeral-containers.ts';
import { qosClassOf } from './pod-qos.ts';
import { POD_COLUMNS, plainRestarts, podRow } from './pod-table.ts';
import { validatePodStatusUpdate, validatePodUpdate } from './pod-update.ts';

export const pods = coreKind<Pod>(Pod, {
  shortNames: ['po'],
  categories: ['all'],
  columns: POD_COLUMNS,
  row: podRow,
  selectableFields: {
    'spec.nodeName': ({ spec }) => spec?.nodeName ?? '',
    'spec.restartPolicy': ({ spec }) => spec?.restartPolicy ?? '',
    'spec.schedulerName': ({ spec }) => spec?.schedulerName ?? '',
    'spec.serviceAccountName': ({ spec }) => spec?.serviceAccountName ?? '',
    'spec.hostNetwork': ({ spec }) => String(spec?.hostNetwork ?? false),
    'status.phase': ({ status }) => status?.phase ?? '',
    'status.podIP': ({ status }) => status?.podIP ?? '',
    'status.podIPs': ({ status }) => (status?.podIPs ?? []).map(({ ip }) => ip).join(','),
    'status.nominatedNodeName': ({ status }) => status?.nominatedNodeName ?? '',
  },
  defaults: defaultPod,
  strategy: {
    status: true,
    generation: true,
    prepareCreate,
    prepareUpdate: ({ spec }) => {
      if (spec) unifyServiceAccount(spec);
    },
    prepareStatusUpdate,
    validate: validatePod,
    validateUpdate: validatePodUpdate,
    validateStatusUpdate: validatePodStatusUpdate,
    gracePeriodSeconds,
    returnsDeleted: true,
  },
  subresources: [podBinding, podEphemeralContainers],
  earlier: [withoutSubresources(22, podEphemeralContainers.name), plainRestarts],
});

function prepareCreate(pod: Pod): void {
  pod.status = { phase: 'Pending', qosClass: qosClassOf(pod) };
  if (pod.spec) unifyServiceAccount(pod.spec);
  if ((pod.spec?.schedulingGates ?? []).length === 0) return;
  pod.status.conditions = [
    {
      type: 'PodScheduled',
      status: 'False',
      reason: 'SchedulingGated',
      message: 'Scheduling is blocked due to non-empty scheduling gates',
    },
  ];
}

function prepareStatusUpdate(pod: Pod, old: Pod): void {
  pod.status ??= {};
  const { status } = pod;
  // Computed once, of a specification that cannot change.
  status.qosClass = old.status?.qosClass ?? qosClassOf(pod);
  if (status.podIP && status.podIPs?.[0]?.ip !== status.podIP) {
    status.podIPs = [{ ip: status.podIP }];
  } else if (!status.podIP && status.podIPs?.[0]) {
    status.podIP = status.podIPs[0].ip;
  }
}

function validatePod({ spec }: Pod) {
  const path = fieldPath('spec');
  const errors = validatePodSpec(spec ?? { containers: [] }, path);
  for (const list of ['containers', 'initContainers'] as const) {
    for (const [i, { image = '' }] of (spec?.[list] ?? []).entries()) {
      if (image.trim() === image) continue;
      const why = 'must not have leading or trailing whitespace';
      errors.push(invalidValue(path.child(list).index(i).child('image'), image, why));
    }
  }
  return errors;
}

/** A pod that no node has, or that ran to its end, has nothing to finish. */
function gracePeriodSeconds({ spec, status }: Pod, asked: number | undefined): number {
  if (!spec?.nodeName) return 0;
  if (status?.phase === 'Failed' || status?.phase === 'Succeeded') return 0;
  const seconds = asked ?? spec.terminationGracePeriodSeconds ?? 0;
  return seconds < 0 ? 1 : seconds;
}
