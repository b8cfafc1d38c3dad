import {
  AGE_COLUMN,
  ageCell,
  builtInSchema,
  column,
  defineKind,
  type FieldError,
  fieldPath,
  type IPAddress,
  immutable,
  invalidValue,
  NAME_COLUMN,
  required,
  type ServiceCIDR,
  type TableCell,
  tooMany,
} from 'kernetes/sdk';
import { canonicalIp, parseCidr } from './ip.ts';

const GROUP = 'networking.k8s.io';
const SPEC = fieldPath('spec');

/** An address that a Service has, by its name. */
export const ipAddresses = defineKind<IPAddress>({
  group: GROUP,
  kind: 'IPAddress',
  resource: 'ipaddresses',
  singular: 'ipaddress',
  shortNames: ['ip'],
  namespaced: false,
  storage: { prefix: 'registry/ipaddresses', version: 'v1' },
  versions: [
    {
      name: 'v1',
      releases: { since: 33 },
      schema: builtInSchema(GROUP, 'v1', 'IPAddress'),
      columns: [NAME_COLUMN, column('ParentRef')],
      row: ipAddressRow,
    },
  ],
  strategy: {
    generation: true,
    validateName: name =>
      canonicalIp(name) === name ? undefined : 'must be a valid IP address in canonical form',
    validate: validateIpAddress,
    validateUpdate: ({ spec }, old) =>
      immutable(spec?.parentRef, old.spec?.parentRef, SPEC.child('parentRef')),
  },
});

/** A range that Services get their addresses from. */
export const serviceCidrs = defineKind<ServiceCIDR>({
  group: GROUP,
  kind: 'ServiceCIDR',
  resource: 'servicecidrs',
  singular: 'servicecidr',
  namespaced: false,
  storage: { prefix: 'registry/servicecidrs', version: 'v1' },
  versions: [
    {
      name: 'v1',
      releases: { since: 33 },
      schema: builtInSchema(GROUP, 'v1', 'ServiceCIDR'),
      columns: [NAME_COLUMN, column('CIDRs'), AGE_COLUMN],
      row: serviceCidrRow,
    },
  ],
  strategy: {
    status: true,
    generation: true,
    prepareCreate: serviceCidr => {
      serviceCidr.status = {};
    },
    validate: validateServiceCidr,
    validateUpdate: validateServiceCidrUpdate,
  },
});

function ipAddressRow({ metadata, spec }: IPAddress): TableCell[] {
  const parent = spec?.parentRef;
  if (parent === undefined) return [metadata.name ?? '', '<none>'];
  const { group, resource = '', namespace, name } = parent;
  const qualified = (group ? `${resource}.${group}` : resource).toLowerCase();
  return [metadata.name ?? '', [qualified, namespace, name].filter(part => part).join('/')];
}

function serviceCidrRow(serviceCidr: ServiceCIDR, now: number): TableCell[] {
  const { metadata, spec } = serviceCidr;
  return [metadata.name ?? '', (spec?.cidrs ?? []).join(','), ageCell(serviceCidr, now)];
}

function validateIpAddress({ spec }: IPAddress): FieldError[] {
  const path = SPEC.child('parentRef');
  const parent = spec?.parentRef;
  if (parent === undefined) return [required(path)];
  return [
    ...(parent.resource ? [] : [required(path.child('resource'))]),
    ...(parent.name ? [] : [required(path.child('name'))]),
  ];
}

/** One range for each address family. */
function validateServiceCidr({ spec }: ServiceCIDR): FieldError[] {
  const path = SPEC.child('cidrs');
  const cidrs = spec?.cidrs ?? [];
  if (cidrs.length === 0) return [required(path, 'at least one CIDR required')];
  const errors = cidrs.length > 2 ? [tooMany(path, cidrs.length, 2)] : [];
  const parsed = cidrs.map(parseCidr);
  for (const [i, cidr] of parsed.entries()) {
    if (cidr !== undefined) continue;
    const detail = 'must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)';
    errors.push(invalidValue(path.index(i), cidrs[i], detail));
  }
  const families = parsed.map(cidr => cidr?.address.kind());
  if (cidrs.length === 2 && families[0] !== undefined && families[0] === families[1]) {
    const detail =
      'may specify no more than one IP for each IP family, i.e. 192.168.0.0/24 and 2001:db8::/64';
    errors.push(invalidValue(path, cidrs, detail));
  }
  return errors;
}

/** A second range may come to a first; what is there stays, since Services have addresses of it. */
function validateServiceCidrUpdate({ spec }: ServiceCIDR, old: ServiceCIDR): FieldError[] {
  const before = old.spec?.cidrs ?? [];
  return immutable((spec?.cidrs ?? []).slice(0, before.length), before, SPEC.child('cidrs'));
}
