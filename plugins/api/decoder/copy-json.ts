/** The value nests deeper than Go's decoder, or our stack, would bear. */
export class TooDeepError extends Error {
  constructor() {
    super('json: exceeded max depth');
  }
}

/** A deep copy of JSON data. Half the cost of `structuredClone`, which must expect anything. */
export function copyJson(value: unknown, depth = 0): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (depth > DEPTH_MAX) throw new TooDeepError();
  if (Array.isArray(value)) return value.map(element => copyJson(element, depth + 1));
  // A spread copies a key `__proto__` as a key, which an assignment would not.
  const copy: Record<string, unknown> = { ...value };
  for (const key in copy) {
    const child = copy[key];
    if (typeof child === 'object' && child !== null && key !== '__proto__') {
      copy[key] = copyJson(child, depth + 1);
    }
  }
  return copy;
}

const DEPTH_MAX = 1000;
