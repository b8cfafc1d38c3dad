import { createHash, timingSafeEqual } from 'node:crypto';

/**
 * Whether two secrets are the same; an empty one is the same as none. The time it takes says
 * nothing of where they differ.
 */
export function isSameSecret(one: string | Uint8Array, other: string | Uint8Array): boolean {
  const digest = (secret: string | Uint8Array) => createHash('sha256').update(secret).digest();
  return one.length > 0 && timingSafeEqual(digest(one), digest(other));
}
