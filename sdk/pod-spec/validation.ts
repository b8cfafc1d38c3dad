import type {
  LocalObjectReference,
  PodResourceClaim,
  PodSpec,
  PodTemplateSpec,
} from '../api/types-core-v1.ts';
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
  const errors: FieldError[] = [];
  // Most pods have few of the fields: one that is absent costs a look.
  const { nodeSelector, affinity, overhead, resources, os } = spec;
  if (spec.volumes) errors.push(...validateVolumes(spec.volumes, path.child('volumes')));
  if (spec.resourceClaims) {
    errors.push(...validateClaims(spec.resourceClaims, path.child('resourceClaims')));
  }
  errors.push(...validateAllContainers(spec, path));
  errors.push(...validateChoice(spec.restartPolicy, RESTART_POLICIES, path.child('restartPolicy')));
  errors.push(...validateChoice(spec.dnsPolicy, DNS_POLICIES, path.child('dnsPolicy')));
  if (nodeSelector) errors.push(...validateLabels(nodeSelector, path.child('nodeSelector')));
  errors.push(...validatePodSecurity(spec, path));
  if (spec.imagePullSecrets) {
    errors.push(...validatePullSecrets(spec.imagePullSecrets, path.child('imagePullSecrets')));
  }
  if (affinity) errors.push(...validateAffinity(affinity, path.child('affinity')));
  errors.push(...validateDnsConfig(spec, path.child('dnsConfig')));
  if (spec.readinessGates || spec.schedulingGates) errors.push(...validateGates(spec, path));
  if (spec.topologySpreadConstraints) {
    const at = path.child('topologySpreadConstraints');
    errors.push(...validateSpread(spec.topologySpreadConstraints, at));
  }
  errors.push(...validateName(spec, path, 'serviceAccountName'));
  errors.push(...validateName(spec, path, 'nodeName'));
  errors.push(...validateDeadline(spec.activeDeadlineSeconds, path.child('activeDeadlineSeconds')));
  errors.push(...validateHostnames(spec, path));
  if (spec.tolerations) {
    errors.push(...validateTolerations(spec.tolerations, path.child('tolerations')));
  }
  if (spec.hostAliases) {
    errors.push(...validateHostAliases(spec.hostAliases, path.child('hostAliases')));
  }
  errors.push(...validateName(spec, path, 'priorityClassName'));
  errors.push(...validateName(spec, path, 'runtimeClassName'));
  const preemption = path.child('preemptionPolicy');
  errors.push(...validateOptionalChoice(spec.preemptionPolicy, PREEMPTION_POLICIES, preemption));
  if (overhead) {
    errors.push(...validateResourceRequirements({ limits: overhead }, path.child('overhead')));
  }
  if (resources) errors.push(...validateResourceRequirements(resources, path.child('resources')));
  if (os) errors.push(...validateChoice(os.name, SYSTEMS, path.child('os', 'name')));
  return errors;
}

function validateAllContainers(spec: PodSpec, path: FieldPath): FieldError[] {
  const context = {
    volumes: new Map((spec.volumes ?? []).map(volume => [volume.name, volume])),
    claimNames: new Set((spec.resourceClaims ?? []).map(({ name }) => name)),
    hostNetwork: spec.hostNetwork ?? false,
    graceSeconds: spec.terminationGracePeriodSeconds ?? 30,
    names: new Set<string>(),
  };
  const { initContainers, ephemeralContainers } = spec;
  const errors = validateContainers(spec.containers ?? [], path.child('containers'), context);
  if (initContainers) {
    const at = path.child('initContainers');
    errors.push(...validateInitContainers(initContainers, at, context));
  }
  if (ephemeralContainers) {
    const at = path.child('ephemeralContainers');
    errors.push(...validateEphemeralContainers(ephemeralContainers, at, { ...context, spec }));
  }
  return errors;
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

function validatePullSecrets(
  secrets: readonly LocalObjectReference[],
  path: FieldPath,
): FieldError[] {
  return secrets.flatMap(({ name }, i) => (name ? [] : [required(path.index(i).child('name'))]));
}

/** A field that holds another object's name. */
function validateName(
  spec: PodSpec,
  path: FieldPath,
  field: 'serviceAccountName' | 'nodeName' | 'priorityClassName' | 'runtimeClassName',
): FieldError[] {
  const name = spec[field];
  return name ? nameFindings(path.child(field), name, dns1123SubdomainErrors(name)) : [];
}

function validateDeadline(seconds: number | undefined, path: FieldPath): FieldError[] {
  if (seconds === undefined || (seconds >= 1 && seconds <= INT32_MAX)) return [];
  return [invalidValue(path, seconds, `must be between 1 and ${INT32_MAX}, inclusive`)];
}

const INT32_MAX = 2 ** 31 - 1;
const RESTART_POLICIES = ['Always', 'OnFailure', 'Never'];
const DNS_POLICIES = ['ClusterFirst', 'ClusterFirstWithHostNet', 'Default', 'None'];
const SYSTEMS = ['linux', 'windows'];
const PREEMPTION_POLICIES = ['Never', 'PreemptLowerPriority'];
