import {
  type FieldError,
  type FieldPath,
  fieldPath,
  forbiddenValue,
  type IPBlock,
  invalidValue,
  type NetworkPolicy,
  type NetworkPolicyPeer,
  type NetworkPolicyPort,
  nameFindings,
  oneOf,
  portNameErrors,
  portNumberErrors,
  required,
  validateLabelSelector,
} from 'kernetes/sdk';
import { isStrictSubset, parseCidr } from './ip.ts';

const SPEC = fieldPath('spec');
const CIDR_DETAIL = 'must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)';

export function validateNetworkPolicy({ spec = {} }: NetworkPolicy): FieldError[] {
  const { ingress = [], egress = [], policyTypes = [] } = spec;
  const errors = validateLabelSelector(spec.podSelector, SPEC.child('podSelector'));
  for (const [i, { ports = [], from = [] }] of ingress.entries()) {
    const path = SPEC.child('ingress').index(i);
    errors.push(...validatePorts(ports, path), ...validatePeers(from, path.child('from')));
  }
  for (const [i, { ports = [], to = [] }] of egress.entries()) {
    const path = SPEC.child('egress').index(i);
    errors.push(...validatePorts(ports, path), ...validatePeers(to, path.child('to')));
  }
  const typesPath = SPEC.child('policyTypes');
  if (policyTypes.length > 2) {
    const detail = 'may not specify more than two policyTypes';
    return [...errors, invalidValue(typesPath, policyTypes, detail)];
  }
  return [...errors, ...policyTypes.flatMap(type => oneOf(type, ['Egress', 'Ingress'], typesPath))];
}

function validatePorts(ports: readonly NetworkPolicyPort[], rule: FieldPath): FieldError[] {
  return ports.flatMap((port, i) => validatePort(port, rule.child('ports').index(i)));
}

function validatePort(
  { protocol, port, endPort }: NetworkPolicyPort,
  path: FieldPath,
): FieldError[] {
  const errors =
    protocol === undefined ? [] : oneOf(protocol, ['SCTP', 'TCP', 'UDP'], path.child('protocol'));
  const portPath = path.child('port');
  const endPath = path.child('endPort');
  if (typeof port === 'number') {
    errors.push(...nameFindings(portPath, port, portNumberErrors(port)));
    if (endPort === undefined) return errors;
    if (endPort < port) {
      errors.push(invalidValue(endPath, endPort, 'must be greater than or equal to `port`'));
    }
    return [...errors, ...nameFindings(endPath, endPort, portNumberErrors(endPort))];
  }
  if (endPort !== undefined) {
    const what = port === undefined ? 'not specified' : 'non-numeric';
    errors.push(invalidValue(endPath, endPort, `may not be specified when \`port\` is ${what}`));
  }
  if (port !== undefined) errors.push(...nameFindings(portPath, port, portNameErrors(port)));
  return errors;
}

function validatePeers(peers: readonly NetworkPolicyPeer[], path: FieldPath): FieldError[] {
  return peers.flatMap((peer, i) => validatePeer(peer, path.index(i)));
}

function validatePeer(
  { podSelector, namespaceSelector, ipBlock }: NetworkPolicyPeer,
  path: FieldPath,
): FieldError[] {
  if (!podSelector && !namespaceSelector && !ipBlock) {
    return [required(path, 'must specify a peer')];
  }
  const errors = [
    ...validateLabelSelector(podSelector, path.child('podSelector')),
    ...validateLabelSelector(namespaceSelector, path.child('namespaceSelector')),
  ];
  if (!ipBlock) return errors;
  errors.push(...validateBlock(ipBlock, path.child('ipBlock')));
  if (!podSelector && !namespaceSelector) return errors;
  return [...errors, forbiddenValue(path, 'may not specify both ipBlock and another peer')];
}

function validateBlock({ cidr, except = [] }: IPBlock, path: FieldPath): FieldError[] {
  const cidrPath = path.child('cidr');
  if (!cidr) return [required(cidrPath)];
  const block = parseCidr(cidr);
  if (block === undefined) return [invalidValue(cidrPath, cidr, CIDR_DETAIL)];
  return except.flatMap((text, i) => {
    const at = path.child('except').index(i);
    const part = parseCidr(text);
    if (part === undefined) return [invalidValue(at, text, CIDR_DETAIL)];
    if (isStrictSubset(part, block)) return [];
    return [invalidValue(at, text, 'must be a strict subset of `cidr`')];
  });
}
