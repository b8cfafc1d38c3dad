import { randomInt, randomUUID } from 'node:crypto';
import type { Random } from '../sdk/random.ts';

/** Randomness from the operating system. */
export function systemRandom(): Random {
  return {
    next: () => randomInt(2 ** 32) / 2 ** 32,
    integer: bound => randomInt(bound),
    uuid: () => randomUUID(),
  };
}
