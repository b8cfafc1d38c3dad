/**
 * Go's durations, as flags, CRDs and CEL have them: `1h15m30.5s`, `-1.5h`, `100ms`, `0`. The two
 * letters that Go takes for micro are written as escapes: one character beyond Latin-1 makes V8
 * keep the whole script with two bytes a character.
 */
const DURATION = /^([-+]?)(0|(?:(?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|\u00b5s|\u03bcs|ms|s|m|h))+)$/;
const PART = /(\d*)\.?(\d*)(ns|us|\u00b5s|\u03bcs|ms|s|m|h)/g;

const NANOSECONDS: ReadonlyMap<string, bigint> = new Map([
  ['ns', 1n],
  ['us', 1_000n],
  ['\u00b5s', 1_000n],
  ['\u03bcs', 1_000n],
  ['ms', 1_000_000n],
  ['s', 1_000_000_000n],
  ['m', 60_000_000_000n],
  ['h', 3_600_000_000_000n],
]);

export function isGoDuration(text: string): boolean {
  return DURATION.test(text);
}

/** In nanoseconds, of any size; undefined: Go would not read it. */
export function parseGoDuration(text: string): bigint | undefined {
  const [, sign, rest] = DURATION.exec(text) ?? [];
  if (rest === undefined) return undefined;
  let total = 0n;
  for (const [, whole = '', fraction = '', unit = ''] of rest.matchAll(PART)) {
    const scale = NANOSECONDS.get(unit) ?? 0n;
    total += BigInt(whole || '0') * scale;
    if (fraction !== '') total += (BigInt(fraction) * scale) / 10n ** BigInt(fraction.length);
  }
  return sign === '-' ? -total : total;
}
