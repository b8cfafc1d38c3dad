import { isIP } from 'node:net';
import {
  duplicate,
  type FieldError,
  type FieldPath,
  forbiddenValue,
  invalidValue,
  notSupported,
  required,
  type ServiceSpec,
} from 'kernetes/sdk';
import { familyOf, IP_WRONG } from './cidr.ts';

/** `clusterIP`, `clusterIPs`, `ipFamilies` and `ipFamilyPolicy`, which say one thing together. */
export function validateAddresses(spec: ServiceSpec, path: FieldPath): FieldError[] {
  const { ipFamilies = [], ipFamilyPolicy: policy } = spec;
  if (spec.type === 'ExternalName') return refuseFamilies(spec, path);
  const errors: FieldError[] = [];
  if (policy !== undefined && !FAMILY_POLICIES.includes(policy)) {
    errors.push(notSupported(path.child('ipFamilyPolicy'), policy, FAMILY_POLICIES));
  }
  for (const [i, family] of ipFamilies.entries()) {
    const at = path.child('ipFamilies').index(i);
    if (!FAMILIES.includes(family)) errors.push(notSupported(at, family, FAMILIES));
    if (ipFamilies.indexOf(family) < i) errors.push(duplicate(at, family));
  }
  if (policy === 'SingleStack' && ipFamilies.length > 1) {
    const why = 'may be SingleStack only with one IP family';
    errors.push(invalidValue(path.child('ipFamilyPolicy'), policy, why));
  }
  return [...errors, ...validateClusterIps(spec, path)];
}

function refuseFamilies(spec: ServiceSpec, path: FieldPath): FieldError[] {
  const why = 'may not be set for ExternalName services';
  const errors: FieldError[] = [];
  if (spec.ipFamilyPolicy !== undefined) {
    errors.push(forbiddenValue(path.child('ipFamilyPolicy'), why));
  }
  if ((spec.ipFamilies ?? []).length > 0) {
    errors.push(forbiddenValue(path.child('ipFamilies'), why));
  }
  return errors;
}

function validateClusterIps(spec: ServiceSpec, path: FieldPath): FieldError[] {
  const { clusterIP = '', clusterIPs = [], ipFamilies = [] } = spec;
  const at = path.child('clusterIPs');
  if (clusterIPs.length === 0) return clusterIP ? [required(at)] : [];
  const errors: FieldError[] = [];
  if (clusterIPs[0] !== clusterIP) {
    errors.push(invalidValue(at, clusterIPs, 'first value must match `clusterIP`'));
  }
  if (clusterIPs.length > 2)
    errors.push(invalidValue(at, clusterIPs, 'may only hold up to 2 values'));
  if (clusterIPs.includes('None') && clusterIPs.length > 1) {
    errors.push(invalidValue(at, clusterIPs, "'None' must be the first and only value"));
    return errors;
  }
  for (const [i, ip] of clusterIPs.entries()) {
    if (ip === 'None') continue;
    const family = ipFamilies[i];
    if (!isIP(ip)) errors.push(invalidValue(at.index(i), ip, IP_WRONG));
    else if (family && family !== familyOf(ip)) {
      const why = `expected an ${family} value as indicated by \`ipFamilies[${i}]\``;
      errors.push(invalidValue(at.index(i), ip, why));
    }
  }
  const [first = '', second] = clusterIPs;
  if (second !== undefined && isIP(first) && isIP(first) === isIP(second)) {
    errors.push(invalidValue(at, clusterIPs, 'may specify no more than one IP for each IP family'));
  }
  return errors;
}

const FAMILIES = ['IPv4', 'IPv6'];
const FAMILY_POLICIES = ['PreferDualStack', 'RequireDualStack', 'SingleStack'];
