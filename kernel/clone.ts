/**
 * A deep copy of plain JSON data: several times quicker than `structuredClone`, which must be ready
 * for anything, and than parsing.
 */
export function cloneJson<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(cloneJson) as T;
  const copy: Record<string, unknown> = {};
  for (const key in value) {
    const field = cloneJson(value[key]);
    if (key === '__proto__') define(copy, key, field);
    else copy[key] = field;
  }
  return copy as T;
}

/** A member of this name is data like any other; assigning it would set the prototype. */
function define(object: object, key: string, value: unknown): void {
  Object.defineProperty(object, key, {
    value,
    enumerable: true,
    configurable: true,
    writable: true,
  });
}
