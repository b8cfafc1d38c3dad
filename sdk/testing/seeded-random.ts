import type { Random } from '../random.ts';

/** The same seed gives the same numbers: mulberry32 (public domain), good enough for tests. */
export function seededRandom(seed = 1): Random {
  let state = seed >>> 0;
  function next(): number {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }
  const integer = (bound: number) => Math.floor(next() * bound);
  return { next, integer, uuid: () => uuidFrom(integer) };
}

function uuidFrom(integer: (bound: number) => number): string {
  const digits = Array.from({ length: 32 }, () => integer(16).toString(16));
  digits[12] = '4';
  digits[16] = (8 + integer(4)).toString(16);
  const hex = digits.join('');
  const ends = [8, 12, 16, 20, 32];
  return ends.map((end, i) => hex.slice(ends[i - 1] ?? 0, end)).join('-');
}
