import { isDeepStrictEqual } from 'node:util';
import type {
  CustomResourceDefinition,
  CustomResourceDefinitionSpec,
  CustomResourceDefinitionVersion,
  JSONSchemaProps,
} from 'kernetes/sdk';
import { type FieldPath, fieldPath } from 'kernetes/sdk';

export function schemasOf({ spec }: CustomResourceDefinition): JSONSchemaProps[] {
  // In v1beta1 one may stand at the top.
  const top = (spec as { validation?: { openAPIV3Schema?: JSONSchemaProps } } | undefined)
    ?.validation;
  const own = (spec?.versions ?? []).map(({ schema }) => schema);
  return [top, ...own].flatMap(schema => schema?.openAPIV3Schema ?? []);
}

/**
 * Where errors say that something of a version is. What all versions have alike, upstream moves to
 * the top before it validates, so for one version it is not at the version.
 */
export function placeOf(
  { versions }: CustomResourceDefinitionSpec,
  index: number,
  field: 'schema' | 'subresources' | 'additionalPrinterColumns' | 'selectableFields',
): FieldPath {
  if (isShared(versions, field)) return SPEC.child(field === 'schema' ? 'validation' : field);
  return SPEC.child('versions').index(index).child(field);
}

/** Whether something of a version was said at the top already, for the first. */
export function isRepeated(
  { versions }: CustomResourceDefinitionSpec,
  index: number,
  field: keyof CustomResourceDefinitionVersion,
): boolean {
  return index > 0 && isShared(versions, field);
}

/** What every version says alike of a field; undefined: they differ, or say nothing. */
export function commonOf<F extends keyof CustomResourceDefinitionVersion>(
  versions: readonly CustomResourceDefinitionVersion[],
  field: F,
): CustomResourceDefinitionVersion[F] | undefined {
  return isShared(versions, field) ? versions[0]?.[field] : undefined;
}

export const SPEC = fieldPath('spec');

function isShared(
  versions: readonly CustomResourceDefinitionVersion[],
  field: keyof CustomResourceDefinitionVersion,
): boolean {
  const [first] = versions;
  return versions.every(version => isDeepStrictEqual(version[field], first?.[field]));
}
