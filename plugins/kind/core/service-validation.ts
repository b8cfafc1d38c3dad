import {
  dns1123SubdomainErrors,
  type FieldError,
  type FieldPath,
  fieldPath,
  forbiddenValue,
  immutable,
  invalidValue,
  labelKeyErrors,
  nameFindings,
  notSupported,
  required,
  type Service,
  type ServiceSpec,
  validateLabels,
} from 'kernetes/sdk';
import { validateCidr, validateEndpointIp } from './cidr.ts';
import { validateAddresses } from './service-addresses.ts';
import { isExternallyAccessible } from './service-defaults.ts';
import { validatePorts, validateUniquePorts } from './service-ports.ts';

export function validateService({ spec = {} }: Service): FieldError[] {
  const path = fieldPath('spec');
  return [
    ...validateForType(spec, path),
    ...validatePorts(spec, path.child('ports')),
    ...validateLabels(spec.selector, path.child('selector')),
    ...validateAffinity(spec, path),
    ...validateAddresses(spec, path),
    ...(spec.externalIPs ?? []).flatMap((ip, i) =>
      validateEndpointIp(ip, path.child('externalIPs').index(i)),
    ),
    ...choice(spec.type, TYPES, path.child('type')),
    ...validateUniquePorts(spec, path.child('ports')),
    ...validateBalancer(spec, path),
    ...validateTraffic(spec, path),
  ];
}

/** An address, once there, is known to others: it stays. */
export function validateServiceUpdate(
  { spec = {} }: Service,
  { spec: old = {} }: Service,
): FieldError[] {
  const errors: FieldError[] = [];
  const isKept = spec.type !== 'ExternalName' && old.type !== 'ExternalName';
  const [before, after] = [old.clusterIPs ?? [], spec.clusterIPs ?? []];
  if (isKept && before[0] && before[0] !== after[0]) {
    const why = after[0] ? 'may not change once set' : 'primary clusterIP can not be unset';
    errors.push(invalidValue(fieldPath('spec', 'clusterIPs').index(0), after, why));
  }
  if (spec.type === 'LoadBalancer' && old.type === 'LoadBalancer') {
    const path = fieldPath('spec', 'loadBalancerClass');
    const [value, was] = [spec.loadBalancerClass ?? null, old.loadBalancerClass ?? null];
    if (value !== was) errors.push(...immutable(value, was, path));
  }
  return errors;
}

function validateForType(spec: ServiceSpec, path: FieldPath): FieldError[] {
  const { type, ports = [], clusterIP, clusterIPs = [], externalName = '' } = spec;
  const errors: FieldError[] = [];
  const isHeadless = clusterIP === 'None';
  if (ports.length === 0 && !isHeadless && type !== 'ExternalName') {
    errors.push(required(path.child('ports')));
  }
  if (type === 'LoadBalancer' || type === 'NodePort') {
    if (type === 'LoadBalancer') errors.push(...refuseKubeletPort(spec, path.child('ports')));
    if (isHeadless) {
      const why = `may not be set to 'None' for ${type} services`;
      errors.push(invalidValue(path.child('clusterIPs').index(0), 'None', why));
    }
  }
  if (type !== 'ExternalName') return errors;
  if (clusterIPs.length > 0 || clusterIP) {
    errors.push(
      forbiddenValue(path.child('clusterIPs'), 'may not be set for ExternalName services'),
    );
  }
  const name = externalName.replace(/\.$/, '');
  const at = path.child('externalName');
  if (name === '') errors.push(required(at));
  else errors.push(...nameFindings(at, name, dns1123SubdomainErrors(name)));
  return errors;
}

function refuseKubeletPort({ ports = [] }: ServiceSpec, path: FieldPath): FieldError[] {
  const why = `may not expose port ${KUBELET_PORT} externally since it is used by kubelet`;
  return ports.flatMap(({ port }, i) =>
    port === KUBELET_PORT ? [invalidValue(path.index(i), port, why)] : [],
  );
}

function validateAffinity(spec: ServiceSpec, path: FieldPath): FieldError[] {
  const errors = choice(spec.sessionAffinity, ['ClientIP', 'None'], path.child('sessionAffinity'));
  const config = path.child('sessionAffinityConfig');
  if (spec.sessionAffinity === 'None' && spec.sessionAffinityConfig) {
    errors.push(forbiddenValue(config, 'must not be set when session affinity is None'));
  }
  if (spec.sessionAffinity !== 'ClientIP') return errors;
  const timeout = spec.sessionAffinityConfig?.clientIP?.timeoutSeconds;
  if (timeout === undefined) {
    errors.push(required(config, 'when session affinity type is ClientIP'));
  } else if (timeout <= 0 || timeout > TIMEOUT_SECONDS_MAX) {
    const why = `must be greater than 0 and less than ${TIMEOUT_SECONDS_MAX}`;
    errors.push(invalidValue(config.child('clientIP', 'timeoutSeconds'), timeout, why));
  }
  return errors;
}

/** What only a load balancer has. */
function validateBalancer(spec: ServiceSpec, path: FieldPath): FieldError[] {
  const errors: FieldError[] = [];
  const isBalancer = spec.type === 'LoadBalancer';
  const only = "may only be used when `type` is 'LoadBalancer'";
  const ranges = spec.loadBalancerSourceRanges ?? [];
  const rangesPath = path.child('loadBalancerSourceRanges');
  if (!isBalancer && ranges.length > 0) errors.push(forbiddenValue(rangesPath, only));
  errors.push(...ranges.flatMap((range, i) => validateCidr(range.trim(), rangesPath.index(i))));
  const allocate = spec.allocateLoadBalancerNodePorts;
  const allocatePath = path.child('allocateLoadBalancerNodePorts');
  if (!isBalancer && allocate !== undefined) errors.push(forbiddenValue(allocatePath, only));
  const { loadBalancerClass: className } = spec;
  const classPath = path.child('loadBalancerClass');
  if (className === undefined) return errors;
  if (!isBalancer) errors.push(forbiddenValue(classPath, only));
  errors.push(...nameFindings(classPath, className, labelKeyErrors(className)));
  return errors;
}

function validateTraffic(spec: ServiceSpec, path: FieldPath): FieldError[] {
  const { externalTrafficPolicy: external, internalTrafficPolicy: internal } = spec;
  const externalPath = path.child('externalTrafficPolicy');
  const errors: FieldError[] = [];
  if (isExternallyAccessible(spec)) errors.push(...choice(external, POLICIES, externalPath));
  else if (external) {
    const why = 'may only be set for externally-accessible services';
    errors.push(invalidValue(externalPath, external, why));
  }
  const { healthCheckNodePort: healthPort = 0 } = spec;
  const healthPath = path.child('healthCheckNodePort');
  if (healthPort < 0 || healthPort > 65_535) {
    errors.push(invalidValue(healthPath, healthPort, 'must be between 0 and 65535, inclusive'));
  } else if (healthPort > 0 && (spec.type !== 'LoadBalancer' || external !== 'Local')) {
    const why =
      "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'";
    errors.push(invalidValue(healthPath, healthPort, why));
  }
  // Defaults set both this and `allocateLoadBalancerNodePorts`, in releases that have them.
  if (internal !== undefined) {
    errors.push(...choice(internal, POLICIES, path.child('internalTrafficPolicy')));
  }
  if (spec.trafficDistribution !== undefined) {
    const at = path.child('trafficDistribution');
    errors.push(...choice(spec.trafficDistribution, DISTRIBUTIONS, at));
  }
  return errors;
}

function choice(
  value: string | undefined,
  supported: readonly string[],
  path: FieldPath,
): FieldError[] {
  if (!value) return [required(path)];
  return supported.includes(value) ? [] : [notSupported(path, value, supported)];
}

const TYPES = ['ClusterIP', 'ExternalName', 'LoadBalancer', 'NodePort'];
const POLICIES = ['Cluster', 'Local'];
const DISTRIBUTIONS = ['PreferClose', 'PreferSameNode', 'PreferSameZone'];
const KUBELET_PORT = 10_250;
/** One day. */
const TIMEOUT_SECONDS_MAX = 86_400;
