import ipaddr from 'ipaddr.js';
import {
  type discoveryV1,
  dns1123LabelErrors,
  dns1123SubdomainErrors,
  duplicate,
  type EndpointSlice,
  type FieldError,
  type FieldPath,
  fieldPath,
  immutable,
  invalidValue,
  labelKeyErrors,
  labelValueErrors,
  nameFindings,
  oneOf,
  required,
  tooMany,
  validateLabels,
} from 'kernetes/sdk';

/** Upstream's bounds on one slice, so that an update of it stays small. */
const ENDPOINTS_MAX = 1000;
const ADDRESSES_MAX = 100;
const PORTS_MAX = 20_000;
const TOPOLOGY_MAX = 16;
const ZONE_HINTS_MAX = 8;

/** The findings on a slice in its storage version. */
export function validateEndpointSlice(slice: EndpointSlice): FieldError[] {
  const { addressType, endpoints = [], ports = [] } = slice;
  return [
    ...validateAddressType(addressType),
    ...validateEndpoints(endpoints, addressType),
    ...validatePorts(ports),
  ];
}

export function validateEndpointSliceUpdate(
  { addressType }: { addressType: string },
  old: { addressType: string },
): FieldError[] {
  return immutable(addressType, old.addressType, fieldPath('addressType'));
}

function validateAddressType(type: string | undefined): FieldError[] {
  const path = fieldPath('addressType');
  return type ? oneOf(type, ['FQDN', 'IPv4', 'IPv6'], path) : [required(path)];
}

function validateEndpoints(endpoints: readonly discoveryV1.Endpoint[], type: string): FieldError[] {
  const path = fieldPath('endpoints');
  if (endpoints.length > ENDPOINTS_MAX) return [tooMany(path, endpoints.length, ENDPOINTS_MAX)];
  return endpoints.flatMap((endpoint, i) => validateEndpoint(endpoint, type, path.index(i)));
}

function validateEndpoint(
  endpoint: discoveryV1.Endpoint,
  type: string,
  path: FieldPath,
): FieldError[] {
  const { addresses = [], nodeName, hostname, deprecatedTopology, hints } = endpoint;
  const errors = validateAddresses(addresses, type, path.child('addresses'));
  if (nodeName !== undefined) {
    const wrong = dns1123SubdomainErrors(nodeName);
    errors.push(...nameFindings(path.child('nodeName'), nodeName, wrong));
  }
  const topologyPath = path.child('deprecatedTopology');
  const keys = Object.keys(deprecatedTopology ?? {});
  if (keys.length > TOPOLOGY_MAX) errors.push(tooMany(topologyPath, keys.length, TOPOLOGY_MAX));
  errors.push(...validateLabels(deprecatedTopology, topologyPath));
  if (hostname !== undefined) {
    const wrong = dns1123LabelErrors(hostname);
    errors.push(...nameFindings(path.child('hostname'), hostname, wrong));
  }
  return [...errors, ...validateZones(hints?.forZones ?? [], path.child('hints', 'forZones'))];
}

function validateAddresses(
  addresses: readonly string[],
  type: string,
  path: FieldPath,
): FieldError[] {
  if (addresses.length === 0) return [required(path, 'must contain at least 1 address')];
  const errors =
    addresses.length > ADDRESSES_MAX ? [tooMany(path, addresses.length, ADDRESSES_MAX)] : [];
  return [
    ...errors,
    ...addresses.flatMap((address, i) => validateAddress(address, type, path.index(i))),
  ];
}

function validateAddress(address: string, type: string, path: FieldPath): FieldError[] {
  if (type === 'FQDN') return validateDomain(address, path);
  if (type === 'IPv4') {
    if (!ipaddr.IPv4.isValidFourPartDecimal(address)) {
      return [invalidValue(path, address, 'must be a valid IPv4 address')];
    }
    return validateRange(ipaddr.IPv4.parse(address).range(), address, path);
  }
  if (type !== 'IPv6') return [];
  if (address.includes('%') || !ipaddr.IPv6.isValid(address)) {
    return [invalidValue(path, address, 'must be a valid IPv6 address')];
  }
  return validateRange(ipaddr.IPv6.parse(address).range(), address, path);
}

/** At least two labels; a dot at the end is allowed. */
function validateDomain(name: string, path: FieldPath): FieldError[] {
  if (name === '') return [required(path)];
  const bare = name.replace(/\.$/, '');
  const errors = nameFindings(path, name, dns1123SubdomainErrors(bare));
  if (errors.length > 0 || bare.includes('.')) return errors;
  return [
    invalidValue(path, name, 'should be a domain with at least two segments separated by dots'),
  ];
}

/** An address that means another machine on each machine cannot be an endpoint. */
function validateRange(range: string, address: string, path: FieldPath): FieldError[] {
  const detail = UNUSABLE[range];
  return detail === undefined ? [] : [invalidValue(path, address, detail)];
}

const UNUSABLE: Readonly<Record<string, string>> = {
  unspecified: 'may not be unspecified (0.0.0.0 or ::)',
  loopback: 'may not be in the loopback range (127.0.0.0/8, ::1/128)',
  linkLocal: 'may not be in the link-local range (169.254.0.0/16, fe80::/10)',
};

function validateZones(zones: readonly discoveryV1.ForZone[], path: FieldPath): FieldError[] {
  if (zones.length > ZONE_HINTS_MAX) return [tooMany(path, zones.length, ZONE_HINTS_MAX)];
  return zones.flatMap(({ name = '' }, i) => {
    const at = path.index(i).child('name');
    if (name === '') return [required(at)];
    const first = zones.findIndex(zone => zone.name === name);
    const errors = first < i ? [duplicate(at, name)] : [];
    return [...errors, ...nameFindings(at, name, labelValueErrors(name))];
  });
}

function validatePorts(ports: readonly discoveryV1.EndpointPort[]): FieldError[] {
  const path = fieldPath('ports');
  if (ports.length > PORTS_MAX) return [tooMany(path, ports.length, PORTS_MAX)];
  const names = new Set<string>();
  return ports.flatMap((port, i) => validatePort(port, names, path.index(i)));
}

/** Adds the port's name to `names`, in which names must be unique. */
function validatePort(
  { name = '', protocol, appProtocol }: discoveryV1.EndpointPort,
  names: Set<string>,
  path: FieldPath,
): FieldError[] {
  const namePath = path.child('name');
  const errors = name ? nameFindings(namePath, name, dns1123LabelErrors(name)) : [];
  if (names.has(name)) errors.push(duplicate(namePath, name));
  names.add(name);
  const protocolPath = path.child('protocol');
  if (protocol === undefined) errors.push(required(protocolPath));
  else errors.push(...oneOf(protocol, ['SCTP', 'TCP', 'UDP'], protocolPath));
  if (appProtocol === undefined) return errors;
  const wrong = labelKeyErrors(appProtocol);
  return [...errors, ...nameFindings(path.child('appProtocol'), appProtocol, wrong)];
}
