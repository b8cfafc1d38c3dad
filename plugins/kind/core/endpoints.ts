import {
  AGE_COLUMN,
  ageCell,
  column,
  dns1123LabelErrors,
  type EndpointAddress,
  type EndpointPort,
  type EndpointSubset,
  Endpoints,
  type FieldError,
  type FieldPath,
  fieldPath,
  invalidValue,
  NAME_COLUMN,
  nameFindings,
  notSupported,
  portNumberErrors,
  required,
} from 'kernetes/sdk';
import { validateEndpointIp } from './cidr.ts';
import { coreKind } from './core-kind.ts';

export const endpoints = coreKind<Endpoints>(Endpoints, {
  directory: 'services/endpoints',
  shortNames: ['ep'],
  deprecation: 'v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice',
  columns: [NAME_COLUMN, column('Endpoints'), AGE_COLUMN],
  row: (object, now) => [
    object.metadata.name ?? '',
    formatSubsets(object.subsets ?? []),
    ageCell(object, now),
  ],
  defaults: ({ subsets }) => {
    for (const { ports } of subsets ?? []) for (const port of ports ?? []) port.protocol ||= 'TCP';
  },
  strategy: {
    createOnUpdate: true,
    validate: ({ subsets }) =>
      (subsets ?? []).flatMap((subset, i) => validateSubset(subset, fieldPath('subsets').index(i))),
  },
});

/** `10.0.0.1:80,10.0.0.2:80 + 3 more...`: the first three. */
function formatSubsets(subsets: readonly EndpointSubset[]): string {
  if (subsets.length === 0) return '<none>';
  const all = subsets.flatMap(({ addresses = [], ports = [] }) =>
    ports.length === 0
      ? addresses.map(({ ip = '' }) => ip)
      : ports.flatMap(({ port }) => addresses.map(({ ip = '' }) => joinHostPort(ip, port))),
  );
  const shown = all.slice(0, SHOWN_MAX).join(',');
  return all.length > SHOWN_MAX ? `${shown} + ${all.length - SHOWN_MAX} more...` : shown;
}

function joinHostPort(ip: string, port = 0): string {
  return ip.includes(':') ? `[${ip}]:${port}` : `${ip}:${port}`;
}

function validateSubset(
  { addresses = [], notReadyAddresses = [], ports = [] }: EndpointSubset,
  path: FieldPath,
): FieldError[] {
  const errors: FieldError[] = [];
  if (addresses.length === 0 && notReadyAddresses.length === 0) {
    errors.push(required(path, 'must specify `addresses` or `notReadyAddresses`'));
  }
  for (const [i, address] of addresses.entries()) {
    errors.push(...validateAddress(address, path.child('addresses').index(i)));
  }
  for (const [i, address] of notReadyAddresses.entries()) {
    errors.push(...validateAddress(address, path.child('notReadyAddresses').index(i)));
  }
  for (const [i, port] of ports.entries()) {
    const portPath = path.child('ports').index(i);
    errors.push(...validatePort(port, { path: portPath, requireName: ports.length > 1 }));
  }
  return errors;
}

function validateAddress({ ip, hostname }: EndpointAddress, path: FieldPath): FieldError[] {
  const errors = validateEndpointIp(ip ?? '', path.child('ip'));
  if (!hostname) return errors;
  return [
    ...errors,
    ...nameFindings(path.child('hostname'), hostname, dns1123LabelErrors(hostname)),
  ];
}

function validatePort(
  { name, port, protocol }: EndpointPort,
  { path, requireName }: { readonly path: FieldPath; readonly requireName: boolean },
): FieldError[] {
  const errors: FieldError[] = [];
  if (name) errors.push(...nameFindings(path.child('name'), name, dns1123LabelErrors(name)));
  else if (requireName) errors.push(required(path.child('name')));
  const wrong = portNumberErrors(port ?? 0) ?? [];
  errors.push(...wrong.map(why => invalidValue(path.child('port'), port ?? 0, why)));
  if (!PROTOCOLS.includes(protocol ?? '')) {
    errors.push(notSupported(path.child('protocol'), protocol, PROTOCOLS));
  }
  return errors;
}

/** How many the table shows before it counts. */
const SHOWN_MAX = 3;
const PROTOCOLS = ['SCTP', 'TCP', 'UDP'];
