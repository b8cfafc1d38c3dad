import type {
  Container,
  ContainerPort,
  EphemeralContainer,
  PodSpec,
  Volume,
} from '../api/types-core-v1.ts';
import {
  duplicate,
  type FieldPath,
  forbiddenValue,
  invalidValue,
  required,
  valueNotFound,
} from '../field-path.ts';
import { nameFindings } from '../label-validation.ts';
import { dns1123LabelErrors, portNameErrors, portNumberErrors } from '../names.ts';
import type { FieldError } from '../status.ts';
import { validateChoice, validateOptionalChoice } from './choice.ts';
import { validateEnv, validateEnvFrom } from './env-validation.ts';
import { validateMounts } from './mount-validation.ts';
import { type HandlerContext, validateLifecycle, validateProbes } from './probe-validation.ts';
import { validateResourceRequirements } from './resource-validation.ts';
import { validateSecurity } from './security-validation.ts';

/** What containers refer to, or must not say twice. */
export interface ContainerContext extends HandlerContext {
  readonly volumes: ReadonlyMap<string, Volume>;
  readonly claimNames: ReadonlySet<string>;
  readonly hostNetwork: boolean;
  /** The names of the containers before; each one is added. */
  readonly names: Set<string>;
}

export function validateContainers(
  containers: readonly Container[],
  path: FieldPath,
  context: ContainerContext,
): FieldError[] {
  if (containers.length === 0) return [required(path)];
  const hostPorts = new Set<string>();
  const errors: FieldError[] = [];
  for (const [i, container] of containers.entries()) {
    const at = path.index(i);
    errors.push(...validateCommon(container, at, context));
    errors.push(...validateRunning(container, at, context));
    errors.push(...validateRestartPolicy(container, at));
    if (container.ports) errors.push(...validateHostPorts(container.ports, at, hostPorts));
  }
  return errors;
}

/** Those that keep running (`restartPolicy: Always`) are as containers; others have no probes. */
export function validateInitContainers(
  containers: readonly Container[],
  path: FieldPath,
  context: ContainerContext,
): FieldError[] {
  return containers.flatMap((container, i) => {
    const at = path.index(i);
    const errors = validateCommon(container, at, context);
    errors.push(...validateRestartPolicy(container, at));
    if (container.restartPolicy === 'Always') {
      errors.push(...validateRunning(container, at, context));
    } else {
      const why = 'may not be set for init containers without restartPolicy=Always';
      errors.push(...refuseFields(container, RUNNING_FIELDS, at, why));
    }
    return [...errors, ...validateHostPorts(container.ports ?? [], at, new Set())];
  });
}

export function validateEphemeralContainers(
  containers: readonly EphemeralContainer[],
  path: FieldPath,
  options: ContainerContext & { readonly spec: PodSpec },
): FieldError[] {
  const targets = new Set(
    [...(options.spec.containers ?? []), ...(options.spec.initContainers ?? [])].map(
      ({ name }) => name,
    ),
  );
  return containers.flatMap((container, i) => {
    const at = path.index(i);
    const { targetContainerName: target } = container;
    const errors = validateCommon(container, at, options);
    if (target && !targets.has(target)) {
      errors.push(valueNotFound(at.child('targetContainerName'), target));
    }
    const why = 'cannot be set for an Ephemeral Container';
    errors.push(...refuseFields(container, ['ports', ...RUNNING_FIELDS], at, why));
    const { limits, requests } = container.resources ?? {};
    if (limits || requests) errors.push(forbiddenValue(at.child('resources'), why));
    return errors;
  });
}

function validateCommon(
  container: Container,
  path: FieldPath,
  context: ContainerContext,
): FieldError[] {
  const { name = '', image, resources, ports, env, envFrom } = container;
  const at = path.child('name');
  const errors = name ? nameFindings(at, name, dns1123LabelErrors(name)) : [required(at)];
  if (context.names.has(name)) errors.push(duplicate(at, name));
  context.names.add(name);
  if (!image) errors.push(required(path.child('image')));
  const message = path.child('terminationMessagePolicy');
  errors.push(...validateChoice(container.terminationMessagePolicy, MESSAGE_POLICIES, message));
  if (ports) errors.push(...validatePorts(ports, path.child('ports'), context));
  if (env) errors.push(...validateEnv(env, path.child('env')));
  if (envFrom) errors.push(...validateEnvFrom(envFrom, path.child('envFrom')));
  errors.push(...validateMounts(container, context.volumes, path));
  const pull = path.child('imagePullPolicy');
  errors.push(...validateChoice(container.imagePullPolicy, PULL_POLICIES, pull));
  if (resources) {
    const at = path.child('resources');
    errors.push(...validateResourceRequirements(resources, at, context.claimNames));
  }
  if (container.resizePolicy) {
    errors.push(...validateResizePolicy(container, path.child('resizePolicy')));
  }
  if (container.securityContext) {
    errors.push(...validateSecurity(container.securityContext, path.child('securityContext')));
  }
  return errors;
}

/** What only a container that keeps running has. */
function validateRunning(
  container: Container,
  path: FieldPath,
  context: HandlerContext,
): FieldError[] {
  const { lifecycle } = container;
  const errors = validateProbes(container, path, context);
  if (!lifecycle) return errors;
  return [...validateLifecycle(lifecycle, path.child('lifecycle'), context), ...errors];
}

function validateRestartPolicy({ restartPolicy }: Container, path: FieldPath): FieldError[] {
  return validateOptionalChoice(restartPolicy, RESTART_POLICIES, path.child('restartPolicy'));
}

function validatePorts(
  ports: readonly ContainerPort[],
  path: FieldPath,
  { hostNetwork }: ContainerContext,
): FieldError[] {
  const names = new Set<string>();
  return ports.flatMap(({ name, containerPort, hostPort, protocol }, i) => {
    const at = path.index(i);
    const errors: FieldError[] = [];
    if (name) {
      const wrong = nameFindings(at.child('name'), name, portNameErrors(name));
      errors.push(...wrong);
      if (wrong.length === 0 && names.has(name)) errors.push(duplicate(at.child('name'), name));
      names.add(name);
    }
    if (!containerPort) errors.push(required(at.child('containerPort')));
    else errors.push(...portFindings(containerPort, at.child('containerPort')));
    if (hostPort) {
      errors.push(...portFindings(hostPort, at.child('hostPort')));
      if (hostNetwork && hostPort !== containerPort) {
        const why = 'must match `hostPort` when `hostNetwork` is true';
        errors.push(invalidValue(at.child('containerPort'), containerPort, why));
      }
    }
    return [...errors, ...validateChoice(protocol, PROTOCOLS, at.child('protocol'))];
  });
}

/** No two containers of a pod get the same port of the node. `taken` is added to. */
function validateHostPorts(
  ports: readonly ContainerPort[],
  path: FieldPath,
  taken: Set<string>,
): FieldError[] {
  return ports.flatMap(({ hostPort, hostIP = '', protocol }, i) => {
    if (!hostPort) return [];
    const identity = `${protocol}/${hostIP}/${hostPort}`;
    const isTaken = taken.has(identity);
    taken.add(identity);
    return isTaken ? [duplicate(path.child('ports').index(i).child('hostPort'), identity)] : [];
  });
}

function validateResizePolicy({ resizePolicy = [] }: Container, path: FieldPath): FieldError[] {
  const names = new Set<string>();
  return resizePolicy.flatMap(({ resourceName, restartPolicy }) => {
    const errors: FieldError[] = [];
    if (names.has(resourceName)) errors.push(duplicate(path, resourceName));
    names.add(resourceName);
    return [
      ...errors,
      ...validateChoice(resourceName, ['cpu', 'memory'], path),
      ...validateChoice(restartPolicy, ['NotRequired', 'RestartContainer'], path),
    ];
  });
}

function refuseFields(
  container: Container,
  fields: readonly (keyof Container)[],
  path: FieldPath,
  why: string,
): FieldError[] {
  return fields
    .filter(field => container[field] !== undefined)
    .map(field => forbiddenValue(path.child(field), why));
}

function portFindings(port: number, path: FieldPath): FieldError[] {
  return nameFindings(path, port, portNumberErrors(port));
}

const MESSAGE_POLICIES = ['FallbackToLogsOnError', 'File'];
const RESTART_POLICIES = ['Always', 'Never', 'OnFailure'];
const PULL_POLICIES = ['Always', 'IfNotPresent', 'Never'];
const PROTOCOLS = ['SCTP', 'TCP', 'UDP'];
const RUNNING_FIELDS = ['lifecycle', 'livenessProbe', 'readinessProbe', 'startupProbe'] as const;
