import {
  type FieldError,
  type FieldPath,
  invalidValue,
  type OpaqueDeviceConfiguration,
  required,
  tooLong,
} from 'kernetes/sdk';
import { validateDriverName } from './names.ts';

export const CONFIG_MAX = 32;
const DATA_BYTES_MAX = 10 * 1024;

/** What a driver reads of a class or a claim. */
export function validateConfiguration(
  { opaque }: { readonly opaque?: OpaqueDeviceConfiguration },
  path: FieldPath,
): FieldError[] {
  if (opaque === undefined) return [required(path.child('opaque'))];
  return [
    ...validateDriverName(opaque.driver, path.child('opaque', 'driver')),
    ...validateData(opaque.parameters, path.child('opaque', 'parameters')),
  ];
}

/** Any object, not too large. */
export function validateData(data: unknown, path: FieldPath): FieldError[] {
  if (data === undefined || data === null) return [required(path)];
  if (Buffer.byteLength(JSON.stringify(data)) > DATA_BYTES_MAX) {
    return [tooLong(path, DATA_BYTES_MAX)];
  }
  if (typeof data === 'object' && !Array.isArray(data)) return [];
  return [invalidValue(path, '<value omitted>', 'must be a valid JSON object')];
}
