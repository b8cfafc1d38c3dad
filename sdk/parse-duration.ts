import type { Duration } from './queue-runner.ts';

/** In milliseconds. Throws on what is no duration, also where types were not checked. */
export function parseDuration(duration: Duration): number {
  if (typeof duration === 'number') return duration;
  const [, amount = '', unit = ''] = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(duration) ?? [];
  const unitMs = UNIT_MS[unit];
  if (unitMs === undefined) throw new Error(`Cannot read duration "${duration}"`);
  return Number(amount) * unitMs;
}

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };
