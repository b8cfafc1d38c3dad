import { isIP } from 'node:net';
import { isDeepStrictEqual } from 'node:util';
import type { Service, ServicePort, ServiceSpec } from 'kernetes/sdk';
import { familyOf } from './cidr.ts';
import { isExternallyAccessible } from './service-defaults.ts';

/**
 * Brings `clusterIP` and `clusterIPs`, of which either may be given, into agreement, and says the
 * address families that follow from them.
 */
export function normalizeAddresses({ spec }: Service): void {
  if (!spec || spec.type === 'ExternalName') return;
  if (spec.clusterIP && (spec.clusterIPs ?? []).length === 0) spec.clusterIPs = [spec.clusterIP];
  else if (!spec.clusterIP && spec.clusterIPs?.[0]) spec.clusterIP = spec.clusterIPs[0];
  const isFree = spec.clusterIP === 'None' && Object.keys(spec.selector ?? {}).length === 0;
  if ((spec.ipFamilies ?? []).length === 0) spec.ipFamilies = familiesOf(spec, isFree);
  spec.ipFamilyPolicy ??= isFree ? 'RequireDualStack' : 'SingleStack';
}

/**
 * What was allocated stays where the update says nothing of it; what a change of type makes
 * meaningless goes.
 */
export function keepAllocated(service: Service, old: Service): void {
  const { spec } = service;
  const before = old.spec;
  if (!spec || !before) return;
  dropForType(spec, before);
  if (hasClusterIp(spec) && hasClusterIp(before)) keepClusterIp(spec, before);
  if (hasNodePorts(spec) && hasNodePorts(before)) keepNodePorts(spec, before);
  if (needsHealthCheckPort(spec) && needsHealthCheckPort(before) && before.healthCheckNodePort) {
    spec.healthCheckNodePort ||= before.healthCheckNodePort;
  }
  normalizeAddresses(service);
}

/** A headless Service without selector has endpoints that anybody makes, of both families. */
function familiesOf(spec: ServiceSpec, isFree: boolean): string[] {
  const ips = (spec.clusterIPs ?? []).filter(ip => isIP(ip));
  if (ips.length > 0) return ips.map(familyOf);
  return isFree && spec.ipFamilyPolicy !== 'SingleStack' ? ['IPv4', 'IPv6'] : ['IPv4'];
}

function dropForType(spec: ServiceSpec, before: ServiceSpec): void {
  if (hasClusterIp(before) && !hasClusterIp(spec)) {
    dropUnchanged(spec, before, ['clusterIP', 'clusterIPs', 'ipFamilies', 'ipFamilyPolicy']);
    dropUnchanged(spec, before, ['internalTrafficPolicy']);
  }
  if (hasNodePorts(before) && !hasNodePorts(spec)) dropNodePorts(spec, before);
  if (before.type === 'LoadBalancer' && spec.type !== 'LoadBalancer') {
    dropUnchanged(spec, before, ['allocateLoadBalancerNodePorts', 'loadBalancerClass']);
  }
  if (needsHealthCheckPort(before) && !needsHealthCheckPort(spec)) {
    dropUnchanged(spec, before, ['healthCheckNodePort']);
  }
  if (isExternallyAccessible(before) && !isExternallyAccessible(spec)) {
    dropUnchanged(spec, before, ['externalTrafficPolicy']);
  }
}

/** What the client changed on purpose is left, for validation to refuse. */
function dropUnchanged(
  spec: ServiceSpec,
  before: ServiceSpec,
  fields: readonly (keyof ServiceSpec)[],
): void {
  for (const field of fields) {
    if (isDeepStrictEqual(spec[field], before[field])) delete spec[field];
  }
}

function dropNodePorts(spec: ServiceSpec, before: ServiceSpec): void {
  const allocated = new Set((before.ports ?? []).map(({ nodePort }) => nodePort));
  for (const port of spec.ports ?? []) {
    if (port.nodePort && allocated.has(port.nodePort)) delete port.nodePort;
  }
}

function keepClusterIp(spec: ServiceSpec, before: ServiceSpec): void {
  if (!spec.clusterIP && (spec.clusterIPs ?? []).length === 0) {
    if (before.clusterIP) spec.clusterIP = before.clusterIP;
    if (before.clusterIPs) spec.clusterIPs = [...before.clusterIPs];
    return;
  }
  // Who sets the one field and leaves the other as it was means the one.
  const isPrimaryNew = spec.clusterIP !== before.clusterIP;
  if (isPrimaryNew && isDeepStrictEqual(spec.clusterIPs, before.clusterIPs)) delete spec.clusterIPs;
}

function keepNodePorts(spec: ServiceSpec, before: ServiceSpec): void {
  const allocated = new Map((before.ports ?? []).map(port => [portKey(port), port.nodePort]));
  const used = new Set((spec.ports ?? []).map(({ nodePort }) => nodePort));
  for (const port of spec.ports ?? []) {
    const nodePort = allocated.get(portKey(port));
    if (port.nodePort || !nodePort || used.has(nodePort)) continue;
    port.nodePort = nodePort;
  }
}

function portKey({ protocol, port }: ServicePort): string {
  return `${protocol}/${port}`;
}

function hasClusterIp({ type }: ServiceSpec): boolean {
  return type !== 'ExternalName';
}

function hasNodePorts({ type, allocateLoadBalancerNodePorts }: ServiceSpec): boolean {
  return (
    type === 'NodePort' || (type === 'LoadBalancer' && allocateLoadBalancerNodePorts !== false)
  );
}

function needsHealthCheckPort({ type, externalTrafficPolicy }: ServiceSpec): boolean {
  return type === 'LoadBalancer' && externalTrafficPolicy === 'Local';
}
