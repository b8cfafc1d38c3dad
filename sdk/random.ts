/** Randomness as plugins see it: injected, so that a run can be repeated from its seed. */
export interface Random {
  /** A float in [0, 1). */
  next(): number;
  /** An integer in [0, bound). */
  integer(bound: number): number;
  /** A version 4 UUID (RFC 9562). */
  uuid(): string;
}

/**
 * The letters and digits that Kubernetes uses in generated names: no vowels and no look-alikes,
 * so that no bad word arises and pod-template hashes stay readable.
 */
export const SAFE_ALPHABET = 'bcdfghjklmnpqrstvwxz2456789';

/** `length` characters of the safe alphabet, as in `generateName`. */
export function randomSuffix(random: Random, length: number): string {
  let suffix = '';
  for (let i = 0; i < length; i++) suffix += SAFE_ALPHABET[random.integer(SAFE_ALPHABET.length)];
  return suffix;
}
