/**
 * Chance that needs no state: a number in [-1, 1) that is the same whenever the same is asked, so
 * that what is measured does not depend on who measures it, or how often.
 */
export function noiseOf(seed: number, what: string, tick: number): number {
  let hash = seed ^ (tick | 0);
  for (let i = 0; i < what.length; i++) hash = mixed(hash ^ what.charCodeAt(i));
  return (mixed(hash) >>> 0) / 2 ** 31 - 1;
}

/** The finalizer of MurmurHash3: every bit of the argument changes half of the result's. */
function mixed(value: number): number {
  let hash = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}
