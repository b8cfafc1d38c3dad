import {
  dns1123SubdomainErrors,
  type FieldError,
  type FieldPath,
  nameFindings,
  pathSegmentErrors,
  required,
} from 'kernetes/sdk';

/** A reference to an object of any kind: its group, kind and name. */
export interface TypedReference {
  readonly apiGroup?: string;
  readonly kind?: string;
  readonly name?: string;
}

export function validateTypedReference(
  { apiGroup, kind, name }: TypedReference,
  path: FieldPath,
): FieldError[] {
  const errors =
    apiGroup === undefined
      ? []
      : nameFindings(path.child('apiGroup'), apiGroup, dns1123SubdomainErrors(apiGroup));
  return [
    ...errors,
    ...validateSegment(kind, path.child('kind'), 'kind is required'),
    ...validateSegment(name, path.child('name'), 'name is required'),
  ];
}

function validateSegment(text: string | undefined, path: FieldPath, missing: string): FieldError[] {
  return text ? nameFindings(path, text, pathSegmentErrors(text)) : [required(path, missing)];
}
