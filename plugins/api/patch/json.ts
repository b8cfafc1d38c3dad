import { ApiError, badRequest } from 'kernetes/sdk';

/** JSON data of which only the outermost level is known. */
export type JsonObject = Readonly<Record<string, unknown>>;

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Levels that a patch may nest: no kind has a tenth of them, and the stack bears more. */
export const DEPTH_MAX = 500;

/** Throws BadRequest where walking the value would exhaust the stack. */
export function checkDepth(value: unknown, depth = 0): void {
  if (typeof value !== 'object' || value === null) return;
  if (depth > DEPTH_MAX) throw badRequest('json: exceeded max depth');
  for (const child of Object.values(value)) checkDepth(child, depth + 1);
}

/** The patch itself, which must be an object; throws BadRequest. */
export function asPatchObject(patch: unknown): JsonObject {
  checkDepth(patch);
  if (isJsonObject(patch)) return patch;
  const type = Array.isArray(patch) ? 'array' : patch === null ? 'null' : typeof patch;
  throw badRequest(
    `error decoding patch: json: cannot unmarshal ${type} into Go value of type map[string]interface {}`,
  );
}

/** An assignment, but that `__proto__` is a key like any. */
export function setKey(object: Record<string, unknown>, key: string, value: unknown): void {
  if (key !== '__proto__') object[key] = value;
  else Object.defineProperty(object, key, { value, ...ORDINARY });
}

/** The value of a key of the object's own. */
export function ownValue(object: JsonObject, key: string): unknown {
  return Object.hasOwn(object, key) ? object[key] : undefined;
}

/** Equality of JSON values; the order of keys does not count. */
export function jsonEqual(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (Array.isArray(a)) {
    return Array.isArray(b) && a.length === b.length && a.every((each, i) => jsonEqual(each, b[i]));
  }
  if (!isJsonObject(a) || !isJsonObject(b)) return false;
  const keys = Object.keys(a);
  return (
    keys.length === Object.keys(b).length &&
    keys.every(key => Object.hasOwn(b, key) && jsonEqual(a[key], b[key]))
  );
}

/**
 * The patch is well-formed and does not apply. Upstream's message, which says no more; the reason
 * is our addition as a cause.
 */
export function unprocessable(why: string): ApiError {
  return new ApiError({
    message: 'the server rejected our request due to an error in our request',
    reason: 'Invalid',
    details: { causes: [{ message: why }] },
    code: 422,
  });
}

const ORDINARY = { enumerable: true, configurable: true, writable: true };
