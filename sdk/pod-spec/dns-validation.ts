import { isIP } from 'node:net';
import type { HostAlias, PodDNSConfig, PodSpec } from '../api/types-core-v1.ts';
import { type FieldPath, invalidValue, required } from '../field-path.ts';
import { nameFindings } from '../label-validation.ts';
import { dns1123LabelErrors, dns1123SubdomainErrors } from '../names.ts';
import type { FieldError } from '../status.ts';

/** `dnsConfig`, and what `dnsPolicy: None` asks of it. */
export function validateDnsConfig(
  { dnsConfig, dnsPolicy }: PodSpec,
  path: FieldPath,
): FieldError[] {
  const errors: FieldError[] = [];
  if (dnsPolicy === 'None' && (dnsConfig?.nameservers ?? []).length === 0) {
    const why = 'must provide at least one DNS nameserver when `dnsPolicy` is None';
    errors.push(required(dnsConfig ? path.child('nameservers') : path, why));
  }
  return dnsConfig ? [...errors, ...validateConfig(dnsConfig, path)] : errors;
}

export function validateHostAliases(aliases: readonly HostAlias[], path: FieldPath): FieldError[] {
  return aliases.flatMap(({ ip, hostnames = [] }, i) => [
    ...(isIP(ip ?? '') ? [] : [invalidValue(path.index(i).child('ip'), ip ?? '', IP_WRONG)]),
    ...hostnames.flatMap((name, j) =>
      nameFindings(path.index(i).child('hostnames').index(j), name, dns1123SubdomainErrors(name)),
    ),
  ]);
}

export function validateHostnames({ hostname, subdomain }: PodSpec, path: FieldPath): FieldError[] {
  const errors: FieldError[] = [];
  if (hostname) {
    errors.push(...nameFindings(path.child('hostname'), hostname, dns1123LabelErrors(hostname)));
  }
  if (subdomain) {
    errors.push(...nameFindings(path.child('subdomain'), subdomain, dns1123LabelErrors(subdomain)));
  }
  return errors;
}

function validateConfig(config: PodDNSConfig, path: FieldPath): FieldError[] {
  const { nameservers = [], searches = [], options = [] } = config;
  const errors: FieldError[] = [];
  if (nameservers.length > NAMESERVERS_MAX) {
    const why = `must not have more than ${NAMESERVERS_MAX} nameservers`;
    errors.push(invalidValue(path.child('nameservers'), nameservers, why));
  }
  for (const [i, ip] of nameservers.entries()) {
    if (!isIP(ip)) errors.push(invalidValue(path.child('nameservers').index(i), ip, IP_WRONG));
  }
  if (searches.length > SEARCHES_MAX) {
    const why = `must not have more than ${SEARCHES_MAX} search paths`;
    errors.push(invalidValue(path.child('searches'), searches, why));
  }
  if (searches.join(' ').length > SEARCHES_LENGTH_MAX) {
    const why = `must not have more than ${SEARCHES_LENGTH_MAX} characters (including spaces) in the search list`;
    errors.push(invalidValue(path.child('searches'), searches, why));
  }
  for (const [i, search] of searches.entries()) {
    // An absolute domain; a `.` alone turns searching off; upstream allows names with `_`.
    const name = search.replace(/\.$/, '').replaceAll('_', '-');
    if (search === '.') continue;
    const at = path.child('searches').index(i);
    errors.push(...nameFindings(at, search, dns1123SubdomainErrors(name)));
  }
  for (const [i, { name }] of options.entries()) {
    if (!name) errors.push(required(path.child('options').index(i), 'must not be empty'));
  }
  return errors;
}

const IP_WRONG = 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)';
const NAMESERVERS_MAX = 3;
const SEARCHES_MAX = 32;
const SEARCHES_LENGTH_MAX = 2_048;
