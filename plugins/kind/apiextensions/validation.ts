import {
  type CustomResourceDefinition,
  type CustomResourceDefinitionNames,
  dns1035LabelErrors,
  dns1123SubdomainErrors,
  type FieldError,
  fieldPath,
  immutable,
  invalidValue,
  notSupported,
  required,
  type SchemaEngines,
} from 'kernetes/sdk';
import { validateApproval } from './approval.ts';
import { validateConversion } from './conversion-validation.ts';
import { validateVersions } from './version-validation.ts';
import { SPEC } from './versions.ts';

/** Everything but metadata and status, in upstream's order. */
export function validateDefinition(
  definition: CustomResourceDefinition,
  engines: SchemaEngines,
): FieldError[] {
  const { metadata, spec = EMPTY_SPEC } = definition;
  const { names = EMPTY_SPEC.names, group = '' } = spec;
  const errors: FieldError[] = [];
  if (metadata.name && metadata.name !== `${names.plural ?? ''}.${group}`) {
    const why = 'must be spec.names.plural+"."+spec.group';
    errors.push(invalidValue('metadata.name', metadata.name, why));
  }
  return [
    ...errors,
    ...validateGroup(group),
    ...validateScope(spec.scope),
    ...validateVersions({ ...spec, versions: spec.versions ?? [] }, engines),
    ...requireNames(names),
    ...validateNames(names, 'spec.names'),
    ...validateConversion(spec),
    ...validateApproval(definition),
  ];
}

/** A definition may keep all fields only if it did so before. */
export function validatePreserved(
  { spec }: CustomResourceDefinition,
  old?: CustomResourceDefinition,
): FieldError[] {
  if (!spec?.preserveUnknownFields || old?.spec?.preserveUnknownFields) return [];
  const why =
    'cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead';
  return [invalidValue(SPEC.child('preserveUnknownFields'), true, why)];
}

export function validateUpdate(
  { spec }: CustomResourceDefinition,
  old: CustomResourceDefinition,
): FieldError[] {
  const established = old.status?.conditions?.some(
    ({ type, status }) => type === 'Established' && status === 'True',
  );
  const names = SPEC.child('names');
  return [
    ...validatePreserved({ spec } as CustomResourceDefinition, old),
    ...(established
      ? [
          ...immutable(spec.scope, old.spec.scope, SPEC.child('scope')),
          ...immutable(spec.names?.kind, old.spec.names?.kind, names.child('kind')),
        ]
      : []),
    ...immutable(spec.group, old.spec.group, SPEC.child('group')),
    ...immutable(spec.names?.plural, old.spec.names?.plural, names.child('plural')),
  ];
}

/** What was written must stay readable. */
export function validateStoredVersions({ spec, status }: CustomResourceDefinition): FieldError[] {
  const path = fieldPath('status', 'storedVersions');
  const stored = status?.storedVersions ?? [];
  if (stored.length === 0)
    return [invalidValue(path, stored, 'must have at least one stored version')];
  const versions = spec?.versions ?? [];
  const missing = versions.filter(({ name, storage }) => storage && !stored.includes(name));
  const lost = stored.flatMap((name, i) => {
    if (versions.some(version => version.name === name)) return [];
    const why =
      `missing from spec.versions; ${name} was previously a storage version, and must remain in ` +
      `spec.versions until a storage migration ensures no data remains persisted in ${name} and ` +
      `removes ${name} from status.storedVersions`;
    return [invalidValue(path.index(i), name, why)];
  });
  return [
    ...missing.map(({ name }) =>
      invalidValue(path, stored, `must have the storage version ${name}`),
    ),
    ...lost,
  ];
}

export function validateNames(
  names: CustomResourceDefinitionNames | undefined,
  at: string,
): FieldError[] {
  if (names === undefined) return [];
  const path = fieldPath(at);
  const { plural = '', singular = '', kind = '', listKind = '' } = names;
  const mixed = 'may have mixed case, but should otherwise match: ';
  const errors = [
    ...label(plural, at, 'plural'),
    ...label(singular, at, 'singular'),
    ...label(kind.toLowerCase(), at, 'kind', { shown: kind, before: mixed }),
    ...label(listKind.toLowerCase(), at, 'listKind', { shown: listKind, before: mixed }),
    ...(names.shortNames ?? []).flatMap((name, i) => label(name, at, `shortNames[${i}]`)),
  ];
  if (kind && kind === listKind) {
    const why = 'kind and listKind may not be the same';
    errors.push(invalidValue(path.child('listKind'), listKind, why));
  }
  const categories = names.categories ?? [];
  return [...errors, ...categories.flatMap((name, i) => label(name, at, `categories[${i}]`))];
}

const EMPTY_SPEC: CustomResourceDefinition['spec'] = {
  group: '',
  names: { kind: '', plural: '' },
  scope: '',
  versions: [],
};

function validateGroup(group: string): FieldError[] {
  const path = SPEC.child('group');
  if (group === '') return [required(path)];
  const wrong = dns1123SubdomainErrors(group);
  if (wrong) return [invalidValue(path, group, wrong.join(','))];
  if (group.includes('.')) return [];
  return [invalidValue(path, group, 'should be a domain with at least one dot')];
}

function validateScope(scope = ''): FieldError[] {
  const path = SPEC.child('scope');
  if (scope === '') return [required(path)];
  if (scope === 'Cluster' || scope === 'Namespaced') return [];
  return [notSupported(path, scope, ['Cluster', 'Namespaced'])];
}

function requireNames(names: CustomResourceDefinitionNames): FieldError[] {
  const path = SPEC.child('names');
  return (['plural', 'singular', 'kind', 'listKind'] as const)
    .filter(field => !names[field])
    .map(field => required(path.child(field)));
}

function label(
  value: string,
  at: string,
  field: string,
  { shown = value, before = '' } = {},
): FieldError[] {
  const wrong = value === '' && !field.endsWith(']') ? undefined : dns1035LabelErrors(value);
  return wrong ? [invalidValue(`${at}.${field}`, shown, before + wrong.join(','))] : [];
}
