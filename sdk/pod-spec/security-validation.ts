import type {
  AppArmorProfile,
  PodSpec,
  SeccompProfile,
  SecurityContext,
} from '../api/types-core-v1.ts';
import { duplicate, type FieldPath, invalidValue, required } from '../field-path.ts';
import type { FieldError } from '../status.ts';
import { validateChoice, validateId, validateOptionalChoice } from './choice.ts';

/** A pod's `securityContext`. */
export function validatePodSecurity(spec: PodSpec, path: FieldPath): FieldError[] {
  const { securityContext: context = {}, hostPID, shareProcessNamespace } = spec;
  const at = path.child('securityContext');
  const errors = validateId(context.fsGroup, at.child('fsGroup'));
  errors.push(...validateId(context.runAsUser, at.child('runAsUser')));
  errors.push(...validateId(context.runAsGroup, at.child('runAsGroup')));
  for (const [i, id] of context.supplementalGroups?.entries() ?? []) {
    errors.push(...validateId(id, at.child('supplementalGroups').index(i)));
  }
  if (hostPID && shareProcessNamespace) {
    const why = 'ShareProcessNamespace and HostPID cannot both be enabled';
    errors.push(invalidValue(path.child('shareProcessNamespace'), true, why));
  }
  if (context.sysctls) errors.push(...validateSysctls(context.sysctls, at.child('sysctls')));
  const policy = at.child('fsGroupChangePolicy');
  errors.push(...validateOptionalChoice(context.fsGroupChangePolicy, CHANGE_POLICIES, policy));
  errors.push(...validateProfiles(context, at));
  return errors;
}

/** A container's `securityContext`. */
export function validateSecurity(
  context: SecurityContext | undefined,
  path: FieldPath,
): FieldError[] {
  if (!context) return [];
  const { privileged, allowPrivilegeEscalation, capabilities } = context;
  const errors = [
    ...validateId(context.runAsUser, path.child('runAsUser')),
    ...validateId(context.runAsGroup, path.child('runAsGroup')),
    ...validateOptionalChoice(context.procMount, ['Default', 'Unmasked'], path.child('procMount')),
  ];
  if (allowPrivilegeEscalation === false) {
    const prefix = 'cannot set `allowPrivilegeEscalation` to false and';
    if (privileged) {
      errors.push(invalidValue(path, context, `${prefix} \`privileged\` to true`));
    }
    if ((capabilities?.add ?? []).includes('CAP_SYS_ADMIN')) {
      errors.push(invalidValue(path, context, `${prefix} \`capabilities.Add\` CAP_SYS_ADMIN`));
    }
  }
  return [...errors, ...validateProfiles(context, path)];
}

function validateProfiles(
  context: { seccompProfile?: SeccompProfile; appArmorProfile?: AppArmorProfile },
  path: FieldPath,
): FieldError[] {
  const { seccompProfile, appArmorProfile } = context;
  const errors: FieldError[] = [];
  if (seccompProfile) errors.push(...validateProfile(seccompProfile, path.child('seccompProfile')));
  if (appArmorProfile) {
    errors.push(...validateProfile(appArmorProfile, path.child('appArmorProfile')));
  }
  return errors;
}

function validateProfile(
  { type, localhostProfile }: SeccompProfile | AppArmorProfile,
  path: FieldPath,
): FieldError[] {
  const errors = validateChoice(type, PROFILES, path.child('type'));
  const at = path.child('localhostProfile');
  if (type === 'Localhost' && !localhostProfile) {
    errors.push(required(at, 'must be set when type is Localhost'));
  } else if (type !== 'Localhost' && localhostProfile !== undefined) {
    errors.push(invalidValue(at, localhostProfile, 'can only be set when type is Localhost'));
  }
  return errors;
}

function validateSysctls(
  sysctls: readonly { readonly name: string }[],
  path: FieldPath,
): FieldError[] {
  const names = new Set<string>();
  return sysctls.flatMap(({ name }, i) => {
    const at = path.index(i).child('name');
    if (!name) return [required(at)];
    const errors: FieldError[] = [];
    if (name.length > 253 || !SYSCTL.test(name)) {
      const why = `must have at most 253 characters and match regex ${SYSCTL_TEXT}`;
      errors.push(invalidValue(at, name, why));
    }
    if (names.has(name)) errors.push(duplicate(at, name));
    names.add(name);
    return errors;
  });
}

const CHANGE_POLICIES = ['Always', 'OnRootMismatch'];
const PROFILES = ['Localhost', 'RuntimeDefault', 'Unconfined'];
const SYSCTL_SEGMENT = '[a-z0-9]([-_a-z0-9]*[a-z0-9])?';
const SYSCTL_TEXT = `^(${SYSCTL_SEGMENT}[\\./])*${SYSCTL_SEGMENT}$`;
const SYSCTL = new RegExp(SYSCTL_TEXT);
