import { isDeepStrictEqual } from 'node:util';
import {
  configMapKeyErrors,
  type FieldError,
  fieldPath,
  forbiddenValue,
  invalidValue,
  tooLong,
} from 'kernetes/sdk';

/** What ConfigMap and Secret have in common. */
export interface KeyValueObject {
  readonly immutable?: boolean;
  readonly data?: Readonly<Record<string, string>>;
  readonly binaryData?: Readonly<Record<string, string>>;
}

/** The bytes of the values together, in a ConfigMap, or in a Secret once decoded. */
export const DATA_BYTES_MAX = 1024 * 1024;

export function validateKeys(
  map: Readonly<Record<string, string>> | undefined,
  field: 'data' | 'binaryData',
): FieldError[] {
  const path = fieldPath(field);
  return Object.keys(map ?? {})
    .sort()
    .flatMap(key =>
      (configMapKeyErrors(key) ?? []).map(error => invalidValue(path.key(key), key, error)),
    );
}

export function validateSize(bytes: number, path: string): FieldError[] {
  return bytes > DATA_BYTES_MAX ? [tooLong(path, DATA_BYTES_MAX)] : [];
}

/** The bytes that a base64 text stands for. */
export function decodedLength(base64: string): number {
  const padding = base64.endsWith('==') ? 2 : base64.endsWith('=') ? 1 : 0;
  return Math.floor((base64.length * 3) / 4) - padding;
}

/** What was made immutable stays as it is, and stays immutable. */
export function validateImmutable(object: KeyValueObject, old: KeyValueObject): FieldError[] {
  if (!old.immutable) return [];
  const errors: FieldError[] = [];
  const why = 'field is immutable when `immutable` is set';
  if (!object.immutable) errors.push(forbiddenValue('immutable', why));
  if (!isDeepStrictEqual(object.data ?? {}, old.data ?? {})) {
    errors.push(forbiddenValue('data', why));
  }
  if (!isDeepStrictEqual(object.binaryData ?? {}, old.binaryData ?? {})) {
    errors.push(forbiddenValue('binaryData', why));
  }
  return errors;
}
