import type { FieldError } from './status.ts';

/**
 * Where in an object something is: `spec.containers[0].name`. Immutable, and text only when asked
 * for, so that walking a valid object builds no strings.
 */
export class FieldPath {
  readonly #parent: FieldPath | undefined;
  readonly #step: string | number;
  readonly #bracketed: boolean;

  constructor(step: string | number, parent?: FieldPath, bracketed = false) {
    this.#step = step;
    this.#parent = parent;
    this.#bracketed = bracketed;
  }

  /** A field, or a field of a field: `path.child('spec', 'replicas')`. */
  child(name: string, second?: string, third?: string): FieldPath {
    const path = new FieldPath(name, this);
    return second === undefined ? path : path.child(second, third);
  }

  /** An element of a list: `containers[0]`. */
  index(index: number): FieldPath {
    return new FieldPath(index, this, true);
  }

  /** A value in a map: `requests[cpu]`. */
  key(key: string): FieldPath {
    return new FieldPath(key, this, true);
  }

  toString(): string {
    const step = this.#bracketed ? `[${this.#step}]` : `${this.#step}`;
    if (!this.#parent) return step;
    return this.#bracketed ? `${this.#parent}${step}` : `${this.#parent}.${step}`;
  }
}

/** A path from the object's root: `fieldPath('spec', 'template')`. */
export function fieldPath(first: string, ...more: readonly string[]): FieldPath {
  let path = new FieldPath(first);
  for (const name of more) path = path.child(name);
  return path;
}

/** Something must be there and is not. */
export function required(path: FieldPath | string, detail = ''): FieldError {
  return finding('FieldValueRequired', path, `Required value${tail(detail)}`);
}

export function invalidValue(path: FieldPath | string, value: unknown, detail: string): FieldError {
  return finding('FieldValueInvalid', path, `Invalid value: ${shown(value)}${tail(detail)}`);
}

/** The value is none of a closed set. Upstream mostly names the set in sorted order. */
export function notSupported(
  path: FieldPath | string,
  value: unknown,
  supported: readonly string[],
): FieldError {
  const list = supported.map(one => JSON.stringify(one)).join(', ');
  const detail = list && `supported values: ${list}`;
  return finding(
    'FieldValueNotSupported',
    path,
    `Unsupported value: ${shown(value)}${tail(detail)}`,
  );
}

export function duplicate(path: FieldPath | string, value: unknown): FieldError {
  return finding('FieldValueDuplicate', path, `Duplicate value: ${shown(value)}`);
}

/** A value that something else rules out here. (`forbidden` is the `ApiError`.) */
export function forbiddenValue(path: FieldPath | string, detail: string): FieldError {
  return finding('FieldValueForbidden', path, `Forbidden${tail(detail)}`);
}

/** What the value refers to is not there. (`notFound` is the `ApiError`.) */
export function valueNotFound(path: FieldPath | string, value: unknown): FieldError {
  return finding('FieldValueNotFound', path, `Not found: ${shown(value)}`);
}

export function tooLong(path: FieldPath | string, maxBytes: number): FieldError {
  const bytes = maxBytes === 1 ? 'byte' : 'bytes';
  return finding('FieldValueTooLong', path, `Too long: may not be more than ${maxBytes} ${bytes}`);
}

export function tooMany(path: FieldPath | string, actual: number, max: number): FieldError {
  const items = max === 1 ? 'item' : 'items';
  const detail = `must have at most ${max} ${items}`;
  return finding('FieldValueTooMany', path, `Too many: ${actual}: ${detail}`);
}

export function typeInvalid(path: FieldPath | string, value: unknown, detail: string): FieldError {
  return finding('FieldValueTypeInvalid', path, `Invalid value: ${shown(value)}${tail(detail)}`);
}

function finding(
  reason: FieldError['reason'],
  path: FieldPath | string,
  message: string,
): FieldError {
  return { reason, field: path.toString(), message };
}

function tail(detail: string): string {
  return detail && `: ${detail}`;
}

/** As upstream prints values: strings quoted, the rest as JSON. */
function shown(value: unknown): string {
  return JSON.stringify(value) ?? 'null';
}
