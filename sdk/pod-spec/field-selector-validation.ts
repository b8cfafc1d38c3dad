import type { ObjectFieldSelector, ResourceFieldSelector } from '../api/types-core-v1.ts';
import { type FieldPath, invalidValue, notSupported, required } from '../field-path.ts';
import { nameFindings } from '../label-validation.ts';
import { qualifiedNameErrors } from '../names.ts';
import type { FieldError } from '../status.ts';
import { isHugePageResource } from './resource-names.ts';

/** What a container's environment can show of its pod. */
export const ENV_FIELDS: readonly string[] = [
  'metadata.name',
  'metadata.namespace',
  'metadata.uid',
  'spec.nodeName',
  'spec.serviceAccountName',
  'status.hostIP',
  'status.hostIPs',
  'status.podIP',
  'status.podIPs',
];

/** What a file can show of its pod. */
export const VOLUME_FIELDS: readonly string[] = [
  'metadata.annotations',
  'metadata.labels',
  'metadata.name',
  'metadata.namespace',
  'metadata.uid',
];

export function validateFieldRef(
  { apiVersion, fieldPath }: ObjectFieldSelector,
  fields: readonly string[],
  path: FieldPath,
): FieldError[] {
  if (!apiVersion) return [required(path.child('apiVersion'))];
  if (!fieldPath) return [required(path.child('fieldPath'))];
  const at = path.child('fieldPath');
  const subscript = fieldPath.endsWith(']') && /^(.+)\['(.*)'\]$/s.exec(fieldPath);
  if (subscript) return validateSubscript(fieldPath, subscript, at);
  if (!KNOWN_FIELDS.has(fieldPath)) {
    const why = `error converting fieldPath: field label not supported: ${fieldPath}`;
    return [invalidValue(at, fieldPath, why)];
  }
  return fields.includes(fieldPath) ? [] : [notSupported(at, fieldPath, fields)];
}

export function validateResourceFieldRef(
  { containerName, resource, divisor }: ResourceFieldSelector,
  path: FieldPath,
  options: { readonly inVolume: boolean },
): FieldError[] {
  if (options.inVolume && !containerName) return [required(path.child('containerName'))];
  if (!resource) return [required(path.child('resource'))];
  const name = resource.replace(/^(?:limits|requests)\./, '');
  const divisors = isHugePageResource(name) ? BYTES : DIVISORS.get(name);
  if (!divisors || name === resource) {
    return [notSupported(path.child('resource'), resource, RESOURCE_FIELDS)];
  }
  if (!divisor || divisor === '0' || divisors.includes(divisor)) return [];
  return [
    invalidValue(
      path.child('divisor'),
      divisor,
      `only divisor's values ${divisors.join(', ')} are supported with the ${name} resource`,
    ),
  ];
}

/** One annotation, one label: `metadata.labels['app']`. */
function validateSubscript(
  text: string,
  [, field = '', key = '']: readonly string[],
  path: FieldPath,
): FieldError[] {
  switch (field) {
    case 'metadata.annotations':
      return nameFindings(path, key, qualifiedNameErrors(key.toLowerCase()));
    case 'metadata.labels':
      return nameFindings(path, key, qualifiedNameErrors(key));
    default:
      return [invalidValue(path, text, 'does not support subscript')];
  }
}

const KNOWN_FIELDS = new Set([...ENV_FIELDS, ...VOLUME_FIELDS]);
const BYTES = ['1', '1k', '1M', '1G', '1T', '1P', '1E', '1Ki', '1Mi', '1Gi', '1Ti', '1Pi', '1Ei'];
const DIVISORS: ReadonlyMap<string, readonly string[]> = new Map([
  ['cpu', ['1', '1m']],
  ['memory', BYTES],
  ['ephemeral-storage', BYTES],
]);
const RESOURCE_FIELDS = ['limits', 'requests'].flatMap(kind =>
  ['cpu', 'ephemeral-storage', 'memory'].map(name => `${kind}.${name}`),
);
