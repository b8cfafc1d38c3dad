import type { Frame } from '../meter.ts';
import type { Library } from '../overload.ts';
import { opaque } from '../type.ts';
import { fail, INT_MAX, Opaque } from '../value.ts';

const TYPE = opaque('kubernetes.Semver');
const NAME = TYPE.name;
const TEXT_LENGTH_MAX = 256;
const NUMBER = '(0|[1-9]\\d*)';
const GRAMMAR = new RegExp(
  `^${NUMBER}\\.${NUMBER}\\.${NUMBER}(?:-([0-9A-Za-z.-]+))?(?:\\+([0-9A-Za-z.-]+))?$`,
);

/** Versions as semver.org has them; build metadata does not count. */
class Semver extends Opaque {
  readonly type = TYPE;
  readonly numbers: readonly bigint[];
  readonly pre: readonly string[];
  readonly #text: string;

  constructor(text: string, numbers: readonly bigint[], pre: readonly string[]) {
    super();
    this.#text = text;
    this.numbers = numbers;
    this.pre = pre;
  }

  equals(other: Semver): boolean {
    return compareVersions(this, other) === 0;
  }

  override toString(): string {
    return this.#text;
  }
}

export const SEMVER: Library = {
  [`semver(string): ${NAME}`]: (frame, text: string) => wanted(frame, text, false),
  [`semver(string, bool): ${NAME}`]: wanted,
  'isSemver(string): bool': (frame, text: string) => parse(frame, text, false) !== undefined,
  'isSemver(string, bool): bool': (frame, text: string, normalize: boolean) =>
    parse(frame, text, normalize) !== undefined,
  [`${NAME}.major(): int`]: (_, { numbers }: Semver) => numbers[0],
  [`${NAME}.minor(): int`]: (_, { numbers }: Semver) => numbers[1],
  [`${NAME}.patch(): int`]: (_, { numbers }: Semver) => numbers[2],
  [`${NAME}.compareTo(${NAME}): int`]: (_, a: Semver, b: Semver) => BigInt(compareVersions(a, b)),
  [`${NAME}.isLessThan(${NAME}): bool`]: (_, a: Semver, b: Semver) => compareVersions(a, b) < 0,
  [`${NAME}.isGreaterThan(${NAME}): bool`]: (_, a: Semver, b: Semver) => compareVersions(a, b) > 0,
};

/** Of data that was checked before. */
export function opaqueVersion(text: string): Opaque {
  return read(text) ?? fail('invalid semver');
}

function wanted(frame: Frame, text: string, normalize: boolean): Semver {
  return parse(frame, text, normalize) ?? fail('invalid semver');
}

function parse({ meter }: Frame, text: string, normalize: boolean): Semver | undefined {
  meter.traverse(text.length);
  if (text.length > TEXT_LENGTH_MAX) return undefined;
  return read(normalize ? normalized(text) : text);
}

function read(text: string): Semver | undefined {
  const match = GRAMMAR.exec(text);
  if (!match) return undefined;
  const [whole, major = '', minor = '', patch = '', pre = '', build = ''] = match;
  const parts = pre === '' ? [] : pre.split('.');
  const empty = parts.includes('') || (build !== '' && build.split('.').includes(''));
  if (empty || parts.some(part => /^0\d+$/.test(part))) return undefined;
  const numbers = [major, minor, patch].map(BigInt);
  return numbers.some(number => number > INT_MAX) ? undefined : new Semver(whole, numbers, parts);
}

/** Without a `v` and leading zeros, with all three numbers. */
function normalized(text: string): string {
  const [, core = '', rest = ''] = /^v?([\d.]*)([\s\S]*)$/.exec(text) ?? [];
  const numbers = core.split('.').map(number => number.replace(/^0+(?=\d)/, ''));
  while (numbers.length < 3) numbers.push('0');
  return numbers.join('.') + rest;
}

function compareVersions(a: Semver, b: Semver): number {
  for (const [i, number] of a.numbers.entries()) {
    const other = b.numbers[i] ?? 0n;
    if (number !== other) return number < other ? -1 : 1;
  }
  if (a.pre.length === 0 || b.pre.length === 0) {
    return Math.sign(b.pre.length - a.pre.length);
  }
  return comparePre(a.pre, b.pre);
}

function comparePre(a: readonly string[], b: readonly string[]): number {
  for (const [i, part] of a.entries()) {
    const other = b[i];
    if (other === undefined) return 1;
    if (part === other) continue;
    const numeric = /^\d+$/.test(part);
    if (numeric !== /^\d+$/.test(other)) return numeric ? -1 : 1;
    const less = numeric ? BigInt(part) < BigInt(other) : part < other;
    return less ? -1 : 1;
  }
  return a.length < b.length ? -1 : 0;
}
