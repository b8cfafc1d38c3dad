import { type FieldPath, invalidValue, notSupported, required } from '../field-path.ts';
import { nameFindings } from '../label-validation.ts';
import { portNameErrors, portNumberErrors } from '../names.ts';
import type { FieldError } from '../status.ts';

/** One of `supported`; nothing is Required. */
export function validateChoice(
  value: string | undefined,
  supported: readonly string[],
  path: FieldPath,
): FieldError[] {
  if (!value) return [required(path)];
  return supported.includes(value) ? [] : [notSupported(path, value, supported)];
}

/** Nothing, or one of `supported`. */
export function validateOptionalChoice(
  value: string | undefined,
  supported: readonly string[],
  path: FieldPath,
): FieldError[] {
  return value === undefined ? [] : validateChoice(value, supported, path);
}

/** The names of fields of `object` that must hold something. */
export function validateRequired(
  object: object,
  fields: readonly string[],
  path: FieldPath,
): FieldError[] {
  const values = object as Readonly<Record<string, unknown>>;
  const errors: FieldError[] = [];
  for (const field of fields) {
    const value = values[field];
    if (!value || (Array.isArray(value) && value.length === 0)) {
      errors.push(required(path.child(field)));
    }
  }
  return errors;
}

/** Which of the fields named an object has, in the names' order. It has few, of many. */
export function fieldsPresent<Name extends string>(
  object: { readonly [name in Name]?: unknown },
  names: ReadonlySet<Name>,
): Name[] {
  const found: Name[] = [];
  for (const name in object) {
    if (names.has(name) && object[name] !== undefined) found.push(name);
  }
  return found.length > 1 ? [...names].filter(name => found.includes(name)) : found;
}

export function validatePortOrName(
  port: number | string | undefined = 0,
  path: FieldPath,
): FieldError[] {
  const wrong = typeof port === 'number' ? portNumberErrors(port) : portNameErrors(port);
  return nameFindings(path, port, wrong);
}

/** A path that stays inside of where it starts. */
export function validateDescendingPath(text: string, path: FieldPath): FieldError[] {
  const errors = validateNoBacksteps(text, path);
  if (text.startsWith('/')) errors.unshift(invalidValue(path, text, 'must be a relative path'));
  return errors;
}

/** The same, and no name that the kubelet's own files have. */
export function validateProjectedPath(text: string, path: FieldPath): FieldError[] {
  const errors = validateDescendingPath(text, path);
  if (text.startsWith('..') && !text.startsWith('../')) {
    errors.push(invalidValue(path, text, "must not start with '..'"));
  }
  return errors;
}

export function validateNoBacksteps(text: string, path: FieldPath): FieldError[] {
  const steps = text.includes('..') && text.split('/').includes('..');
  return steps ? [invalidValue(path, text, "must not contain '..'")] : [];
}

/** Users, groups. */
export function validateId(id: number | undefined, path: FieldPath): FieldError[] {
  if (id === undefined || (id >= 0 && id <= ID_MAX)) return [];
  return [invalidValue(path, id, `must be between 0 and ${ID_MAX}, inclusive`)];
}

const ID_MAX = 2 ** 31 - 1;
