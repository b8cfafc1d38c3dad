import type { PodResourceClaim, PodSpec, PodTemplateSpec } from '../api/types-core-v1.ts';
import { duplicate, type FieldPath, invalidValue, required } from '../field-path.ts';
import { nameFindings, validateLabels, validateTemplateMetadata } from '../label-validation.ts';
import { dns1123LabelErrors, dns1123SubdomainErrors } from '../names.ts';
import type { FieldError } from '../status.ts';
import { validateChoice, validateOptionalChoice } from './choice.ts';
import {
  validateContainers,
  validateEphemeralContainers,
  validateInitContainers,
} from './container-validation.ts';
import { validateDnsConfig, validateHostAliases, validateHostnames } from './dns-validation.ts';
import { validateResourceRequirements } from './resource-validation.ts';
import {
  validateAffinity,
  validateGates,
  validateSpread,
  validateTolerations,
} from './scheduling-validation.ts';
import { validatePodSecurity } from './security-validation.ts';
import { validateVolumes } from './volume-validation.ts';

/** The findings on a defaulted pod template, in upstream's order. `path` is the template's. */
export function validatePodTemplate(
  template: PodTemplateSpec | undefined,
  path: FieldPath,
): FieldError[] {
  return [
    ...validateTemplateMetadata(template?.metadata, path.child('metadata')),
    ...validatePodSpec(template?.spec ?? { containers: [] }, path.child('spec')),
  ];
}

/** The findings on a defaulted pod specification, in upstream's order. `path` is the spec's. */
export function validatePodSpec(spec: PodSpec, path: FieldPath): FieldError[] {
  return [
    ...validateVolumes(spec.volumes ?? [], path.child('volumes')),
    ...validateClaims(spec.resourceClaims ?? [], path.child('resourceClaims')),
    ...validateAllContainers(spec, path),
    ...validateChoice(spec.restartPolicy, RESTART_POLICIES, path.child('restartPolicy')),
    ...validateChoice(spec.dnsPolicy, DNS_POLICIES, path.child('dnsPolicy')),
    ...validateLabels(spec.nodeSelector, path.child('nodeSelector')),
    ...validatePodSecurity(spec, path),
    ...validatePullSecrets(spec, path.child('imagePullSecrets')),
    ...(spec.affinity ? validateAffinity(spec.affinity, path.child('affinity')) : []),
    ...validateDnsConfig(spec, path.child('dnsConfig')),
    ...validateGates(spec, path),
    ...validateSpread(
      spec.topologySpreadConstraints ?? [],
      path.child('topologySpreadConstraints'),
    ),
    ...validateNames(spec, path, ['serviceAccountName', 'nodeName']),
    ...validateDeadline(spec.activeDeadlineSeconds, path.child('activeDeadlineSeconds')),
    ...validateHostnames(spec, path),
    ...validateTolerations(spec.tolerations ?? [], path.child('tolerations')),
    ...validateHostAliases(spec.hostAliases ?? [], path.child('hostAliases')),
    ...validateNames(spec, path, ['priorityClassName', 'runtimeClassName']),
    ...validateOptionalChoice(
      spec.preemptionPolicy,
      PREEMPTION_POLICIES,
      path.child('preemptionPolicy'),
    ),
    ...(spec.overhead
      ? validateResourceRequirements({ limits: spec.overhead }, path.child('overhead'))
      : []),
    ...(spec.resources
      ? validateResourceRequirements(spec.resources, path.child('resources'))
      : []),
    ...(spec.os
      ? validateChoice(spec.os.name, ['linux', 'windows'], path.child('os', 'name'))
      : []),
  ];
}

function validateAllContainers(spec: PodSpec, path: FieldPath): FieldError[] {
  const context = {
    volumes: new Map((spec.volumes ?? []).map(volume => [volume.name, volume])),
    claimNames: new Set((spec.resourceClaims ?? []).map(({ name }) => name)),
    hostNetwork: spec.hostNetwork ?? false,
    graceSeconds: spec.terminationGracePeriodSeconds ?? 30,
    names: new Set<string>(),
  };
  return [
    ...validateContainers(spec.containers ?? [], path.child('containers'), context),
    ...validateInitContainers(spec.initContainers ?? [], path.child('initContainers'), context),
    ...validateEphemeralContainers(
      spec.ephemeralContainers ?? [],
      path.child('ephemeralContainers'),
      { ...context, spec },
    ),
  ];
}

function validateClaims(claims: readonly PodResourceClaim[], path: FieldPath): FieldError[] {
  const names = new Set<string>();
  return claims.flatMap((claim, i) => {
    const at = path.index(i);
    const { name, resourceClaimName, resourceClaimTemplateName } = claim;
    const errors = name
      ? nameFindings(at.child('name'), name, dns1123LabelErrors(name))
      : [required(at.child('name'))];
    if (names.has(name)) errors.push(duplicate(at.child('name'), name));
    names.add(name);
    if (resourceClaimName && resourceClaimTemplateName) {
      const why =
        'at most one of `resourceClaimName` or `resourceClaimTemplateName` may be specified';
      errors.push(invalidValue(at, claim, why));
    } else if (!resourceClaimName && !resourceClaimTemplateName) {
      const why = 'must specify one of: `resourceClaimName`, `resourceClaimTemplateName`';
      errors.push(invalidValue(at, claim, why));
    }
    return errors;
  });
}

function validatePullSecrets({ imagePullSecrets = [] }: PodSpec, path: FieldPath): FieldError[] {
  return imagePullSecrets.flatMap(({ name }, i) =>
    name ? [] : [required(path.index(i).child('name'))],
  );
}

/** Fields that hold another object's name. */
function validateNames(
  spec: PodSpec,
  path: FieldPath,
  fields: readonly ('serviceAccountName' | 'nodeName' | 'priorityClassName' | 'runtimeClassName')[],
): FieldError[] {
  return fields.flatMap(field => {
    const name = spec[field];
    return name ? nameFindings(path.child(field), name, dns1123SubdomainErrors(name)) : [];
  });
}

function validateDeadline(seconds: number | undefined, path: FieldPath): FieldError[] {
  if (seconds === undefined || (seconds >= 1 && seconds <= INT32_MAX)) return [];
  return [invalidValue(path, seconds, `must be between 1 and ${INT32_MAX}, inclusive`)];
}

const INT32_MAX = 2 ** 31 - 1;
const RESTART_POLICIES = ['Always', 'OnFailure', 'Never'];
const DNS_POLICIES = ['ClusterFirst', 'ClusterFirstWithHostNet', 'Default', 'None'];
const PREEMPTION_POLICIES = ['Never', 'PreemptLowerPriority'];
