import { isIP } from 'node:net';
import { isDeepStrictEqual } from 'node:util';
import {
  type Container,
  type ContainerStatus,
  type FieldError,
  fieldPath,
  forbiddenValue,
  invalidValue,
  type Pod,
  type PodSpec,
  type Toleration,
} from 'kernetes/sdk';
import { IP_WRONG } from './cidr.ts';

/** A pod is made anew rather than changed: little of its specification may differ. */
export function validatePodUpdate(pod: Pod, old: Pod): FieldError[] {
  const spec = pod.spec ?? { containers: [] };
  const oldSpec = old.spec ?? { containers: [] };
  const countErrors = validateCounts(spec, oldSpec);
  if (countErrors.length > 0) return countErrors;
  const errors = [
    ...validateDeadline(spec, oldSpec),
    ...validateTolerationsKept(spec.tolerations ?? [], oldSpec.tolerations ?? []),
    ...validateGates(spec, oldSpec),
  ];
  if (!isDeepStrictEqual(withoutMutable(spec, oldSpec), withoutMutable(oldSpec, oldSpec))) {
    errors.push(forbiddenValue(PATH, MUTABLE_FIELDS));
  }
  return errors;
}

export function validatePodStatusUpdate(pod: Pod, old: Pod): FieldError[] {
  const path = fieldPath('status');
  const { status = {} } = pod;
  const errors: FieldError[] = [];
  const addresses = (status.podIPs ?? []).map(({ ip }) => ip);
  for (const [i, ip] of addresses.entries()) {
    if (!isIP(ip)) errors.push(invalidValue(path.child('podIPs').index(i), ip, IP_WRONG));
  }
  for (const field of ['containerStatuses', 'initContainerStatuses'] as const) {
    for (const i of revived(pod, old, field)) {
      const at = path.child(field).index(i).child('state');
      errors.push(forbiddenValue(at, 'may not be transitioned to non-terminated state'));
    }
  }
  return errors;
}

/** The containers, by index in the old status, that ended for good and yet run again. */
function revived(
  { spec, status }: Pod,
  old: Pod,
  field: 'containerStatuses' | 'initContainerStatuses',
): number[] {
  const { restartPolicy } = spec ?? {};
  if (restartPolicy === 'Always') return [];
  const now = new Map((status?.[field] ?? []).map(each => [each.name, each]));
  const before = old.status?.[field] ?? [];
  return [...before.keys()].filter(i => {
    const was = before[i];
    if (!was?.state?.terminated || mayRestart(spec, was, field)) return false;
    const is = now.get(was.name);
    return is !== undefined && !is.state?.terminated;
  });
}

function mayRestart(
  spec: PodSpec | undefined,
  { name, state }: ContainerStatus,
  field: 'containerStatuses' | 'initContainerStatuses',
): boolean {
  const containers = field === 'containerStatuses' ? spec?.containers : spec?.initContainers;
  const container = containers?.find(each => each.name === name);
  const policy = container?.restartPolicy ?? spec?.restartPolicy;
  if (policy === 'Always' || (container?.restartPolicyRules ?? []).length > 0) return true;
  return policy === 'OnFailure' && state?.terminated?.exitCode !== 0;
}

function validateCounts(spec: PodSpec, old: PodSpec): FieldError[] {
  const errors: FieldError[] = [];
  if ((spec.containers ?? []).length !== (old.containers ?? []).length) {
    const why = 'pod updates may not add or remove containers';
    errors.push(forbiddenValue(PATH.child('containers'), why));
  }
  if ((spec.initContainers ?? []).length !== (old.initContainers ?? []).length) {
    const why = 'pod updates may not add or remove init containers';
    errors.push(forbiddenValue(PATH.child('initContainers'), why));
  }
  return errors;
}

/** A deadline may be set, and drawn nearer. */
function validateDeadline(spec: PodSpec, old: PodSpec): FieldError[] {
  const path = PATH.child('activeDeadlineSeconds');
  const [seconds, before] = [spec.activeDeadlineSeconds, old.activeDeadlineSeconds];
  if (before === undefined) return [];
  if (seconds === undefined) {
    const why = 'must not update from a positive integer to nil value';
    return [invalidValue(path, null, why)];
  }
  if (seconds <= before) return [];
  return [invalidValue(path, seconds, 'must be less than or equal to previous value')];
}

/** More may be tolerated, and longer or shorter; nothing less. */
function validateTolerationsKept(
  tolerations: readonly Toleration[],
  old: readonly Toleration[],
): FieldError[] {
  const kept = old.every(before =>
    tolerations.some(each =>
      isDeepStrictEqual({ ...each, tolerationSeconds: 0 }, { ...before, tolerationSeconds: 0 }),
    ),
  );
  if (kept) return [];
  const why = 'existing toleration can not be modified except its tolerationSeconds';
  return [forbiddenValue(PATH.child('tolerations'), why)];
}

function validateGates(spec: PodSpec, old: PodSpec): FieldError[] {
  const before = new Set((old.schedulingGates ?? []).map(({ name }) => name));
  return (spec.schedulingGates ?? []).flatMap(({ name }, i) => {
    if (before.has(name)) return [];
    const why = `only deletion is allowed, but found new scheduling gate '${name}'`;
    return [forbiddenValue(PATH.child('schedulingGates').index(i), why)];
  });
}

/** The specification without what an update may change, or what is checked by itself. */
function withoutMutable(spec: PodSpec, old: PodSpec): object {
  const fixed: Record<string, unknown> = { ...spec };
  fixed.containers = (spec.containers ?? []).map(withoutImage);
  fixed.initContainers = (spec.initContainers ?? []).map(withoutImage);
  for (const field of ['activeDeadlineSeconds', 'tolerations', 'schedulingGates'] as const) {
    delete fixed[field];
  }
  const isNegative = (old.terminationGracePeriodSeconds ?? 0) < 0;
  if (isNegative && spec.terminationGracePeriodSeconds === 1) {
    fixed.terminationGracePeriodSeconds = old.terminationGracePeriodSeconds;
  }
  // Until its gates are gone, where a pod may run can still be narrowed.
  if ((old.schedulingGates ?? []).length > 0) {
    if (isNarrowed(spec.nodeSelector, old.nodeSelector)) fixed.nodeSelector = old.nodeSelector;
    if (!old.affinity?.nodeAffinity) {
      const { nodeAffinity: _, ...affinity } = spec.affinity ?? {};
      fixed.affinity = Object.keys(affinity).length > 0 ? affinity : old.affinity;
    }
  }
  return Object.fromEntries(Object.entries(fixed).filter(([, value]) => value !== undefined));
}

function isNarrowed(
  selector: Readonly<Record<string, string>> = {},
  old: Readonly<Record<string, string>> = {},
): boolean {
  return Object.keys(old).every(key => selector[key] === old[key]);
}

function withoutImage({ image: _, ...container }: Container): object {
  return container;
}

const PATH = fieldPath('spec');
const MUTABLE_FIELDS =
  'pod updates may not change fields other than `spec.containers[*].image`,' +
  '`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` ' +
  '(only additions to existing tolerations),`spec.terminationGracePeriodSeconds` ' +
  '(allow it to be set to 1 if it was previously negative)';
