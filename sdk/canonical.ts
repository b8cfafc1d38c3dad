import { SAFE_ALPHABET } from './random.ts';

/** JSON with sorted fields, and without those that are empty: they mean the same as absent ones. */
export function canonicalJson(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  const fields = Object.entries(value)
    .filter(([, field]) => !isEmpty(field))
    .sort(([left], [right]) => (left < right ? -1 : 1))
    .map(([name, field]) => `${JSON.stringify(name)}:${canonicalJson(field)}`);
  return `{${fields.join(',')}}`;
}

/**
 * A short name for a value, of characters that suit names and labels: FNV-1a of its canonical JSON.
 * A collision gives another one for the next `collisionCount`.
 */
export function canonicalHash(value: unknown, collisionCount = 0): string {
  const text = canonicalJson(value) + (collisionCount > 0 ? collisionCount : '');
  let hash = FNV_OFFSET;
  for (const byte of new TextEncoder().encode(text)) {
    hash = Math.imul(hash ^ byte, FNV_PRIME) >>> 0;
  }
  const digits = [...String(hash)];
  return digits.map(digit => SAFE_ALPHABET[digit.charCodeAt(0) % SAFE_ALPHABET.length]).join('');
}

/** Scalars are never empty: `0`, `false` and `''` can be said on purpose. */
function isEmpty(value: unknown): boolean {
  if (value === undefined || value === null) return true;
  // An `emptyDir: {}` chooses something by being there, so only lists count as absent when empty.
  return Array.isArray(value) && value.length === 0;
}

const FNV_OFFSET = 0x811c9dc5;
const FNV_PRIME = 0x01000193;
