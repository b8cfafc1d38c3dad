/**
 * `resource.Quantity`: fixed-point numbers with suffixes (`100m`, `1.5Gi`, `12e6`), parsed,
 * rounded, compared and printed as apimachinery does.
 *
 * A quantity is a bigint and a power of ten, so nothing is ever lost to floating point. What the
 * scheduler needs of one (whole and milli units as numbers) is computed once per distinct text and
 * kept in a bounded table: real clusters use few distinct texts. A table lookup beats a
 * hand-written scanner and leaves one way of parsing only.
 */
export interface ParsedQuantity {
  /** The value is `mantissa * 10^scale`; `scale` is never below -9 (nano). */
  readonly mantissa: bigint;
  readonly scale: number;
  /** The family of suffixes that it was written with, and is printed with where it can be. */
  readonly format: QuantityFormat;
}

export type QuantityFormat = 'DecimalSI' | 'BinarySI' | 'DecimalExponent';

/** A text that is no quantity. The message is upstream's. */
export class QuantityError extends Error {
  override name = 'QuantityError';
}

/** Throws `QuantityError`. Digits below nano are rounded away from zero. */
export function parseQuantity(text: string): ParsedQuantity {
  const parts = text.length <= TEXT_LENGTH_MAX ? GRAMMAR.exec(text) : null;
  if (!parts || text === '') throw new QuantityError(FORMAT_WRONG);
  const [, sign = '', number = '', fraction = '', suffix = ''] = parts;
  const { format, exponent, factor } = interpretSuffix(suffix);
  const magnitude = BigInt(number + fraction || '0') * factor;
  const { mantissa, scale } = atLeastNano(magnitude, exponent - fraction.length);
  const quantity = bounded(mantissa, scale, format);
  return sign === '-' ? negated(quantity) : quantity;
}

/** The canonical text of a quantity: no fraction, the largest suffix that loses nothing. */
export function formatQuantity(quantity: ParsedQuantity): string {
  if (quantity.mantissa === 0n) return '0';
  return (quantity.format === 'BinarySI' && formatBinary(quantity)) || formatDecimal(quantity);
}

/** Negative, 0 or positive, as `a` is less than, equal to or greater than `b`. */
export function compareQuantities(a: ParsedQuantity, b: ParsedQuantity): number {
  const scale = Math.min(a.scale, b.scale);
  const difference = mantissaAt(a, scale) - mantissaAt(b, scale);
  return difference < 0n ? -1 : difference > 0n ? 1 : 0;
}

/** `a + b` in the format of `a`, or of `b` when `a` is zero, as upstream's Add. */
export function addQuantities(a: ParsedQuantity, b: ParsedQuantity): ParsedQuantity {
  const scale = Math.min(a.scale, b.scale);
  const format = a.mantissa === 0n ? b.format : a.format;
  return { mantissa: mantissaAt(a, scale) + mantissaAt(b, scale), scale, format };
}

export function subtractQuantities(a: ParsedQuantity, b: ParsedQuantity): ParsedQuantity {
  return addQuantities(a, negated(b));
}

/**
 * The text that the API server keeps for what a client wrote. Like upstream, it leaves a text that
 * looks canonical to its parser as it is (`1.250`, `+5`). Throws `QuantityError`.
 */
export function canonicalQuantity(text: string): string {
  return known(text).canonical;
}

/** In whole units, rounded away from zero: bytes of `1.5Gi`, 1 of `100m`. */
export function quantityValue(text: string): number {
  return known(text).value;
}

/** In thousandths, rounded away from zero: 100 of `100m`, 2000 of `2`. */
export function quantityMilliValue(text: string): number {
  return known(text).milliValue;
}

interface Known {
  readonly canonical: string;
  readonly value: number;
  readonly milliValue: number;
}

interface Suffix {
  readonly format: QuantityFormat;
  /** Power of ten. */
  readonly exponent: number;
  /** Power of two. */
  readonly factor: bigint;
}

/** Longer texts are refused, so that a request cannot buy much arithmetic. */
const TEXT_LENGTH_MAX = 256;
/** Exponents beyond are refused for the same reason; a real quantity stays below 20. */
const EXPONENT_MAX = 999;
/** Distinct texts remembered, about 1 MB; then the table starts anew. */
const KNOWN_MAX = 8192;
const NANO = -9;
const GRAMMAR = /^([+-]?)0*([0-9]*)(?:\.([0-9]*))?([eEinumkKMGTP]*[-+]?[0-9]*)$/;
const FORMAT_WRONG =
  "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
const SUFFIX_WRONG = "unable to parse quantity's suffix";
const BINARY_MAX = 2n ** 63n - 1n;
const BINARY_SUFFIXES = ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei'];
const DECIMAL_SUFFIXES: ReadonlyMap<number, string> = new Map(
  ['n', 'u', 'm', '', 'k', 'M', 'G', 'T', 'P', 'E'].map((suffix, i) => [NANO + 3 * i, suffix]),
);
const SUFFIXES: ReadonlyMap<string, Suffix> = new Map([
  ...BINARY_SUFFIXES.map((suffix, i): [string, Suffix] => [
    suffix,
    { format: 'BinarySI', exponent: 0, factor: 1024n ** BigInt(i) },
  ]),
  // After the binary ones: no suffix at all is decimal.
  ...[...DECIMAL_SUFFIXES].map(([exponent, suffix]): [string, Suffix] => [
    suffix,
    { format: 'DecimalSI', exponent, factor: 1n },
  ]),
]);

const table = new Map<string, Known>();

function known(text: string): Known {
  const entry = table.get(text);
  if (entry) return entry;
  const quantity = parseQuantity(text);
  const made = {
    canonical: looksCanonical(text) ? text : formatQuantity(quantity),
    value: scaled(quantity, 0),
    milliValue: scaled(quantity, -3),
  };
  if (table.size >= KNOWN_MAX) table.clear();
  table.set(text, made);
  return made;
}

/** `quantity` in units of `10^scale`, rounded away from zero. */
function scaled(quantity: ParsedQuantity, scale: number): number {
  if (quantity.scale >= scale) return Number(mantissaAt(quantity, scale));
  return Number(divideUp(quantity.mantissa, 10n ** BigInt(scale - quantity.scale)));
}

function interpretSuffix(suffix: string): Suffix {
  const found = SUFFIXES.get(suffix);
  if (found) return found;
  const exponent = /^[eE][-+]?[0-9]+$/.test(suffix) ? Number(suffix.slice(1)) : Number.NaN;
  if (Math.abs(exponent) <= EXPONENT_MAX)
    return { format: 'DecimalExponent', exponent, factor: 1n };
  throw new QuantityError(SUFFIX_WRONG);
}

function atLeastNano(mantissa: bigint, scale: number): { mantissa: bigint; scale: number } {
  if (scale >= NANO) return { mantissa, scale };
  return { mantissa: divideUp(mantissa, 10n ** BigInt(NANO - scale)), scale: NANO };
}

/** Binary quantities are capped at the largest int64, and are decimal when below 1. */
function bounded(mantissa: bigint, scale: number, format: QuantityFormat): ParsedQuantity {
  if (format !== 'BinarySI') return { mantissa, scale, format };
  const one = 10n ** BigInt(-scale);
  if (mantissa > BINARY_MAX * one) return { mantissa: BINARY_MAX, scale: 0, format };
  return { mantissa, scale, format: mantissa < one ? 'DecimalSI' : format };
}

function negated({ mantissa, scale, format }: ParsedQuantity): ParsedQuantity {
  return { mantissa: -mantissa, scale, format };
}

/** Undefined when only the decimal form shows the value without loss. */
function formatBinary(quantity: ParsedQuantity): string | undefined {
  const one = quantity.scale < 0 ? 10n ** BigInt(-quantity.scale) : 1n;
  if (quantity.mantissa % one !== 0n) return undefined;
  let value = quantity.scale < 0 ? quantity.mantissa / one : mantissaAt(quantity, 0);
  if (value > -1024n && value < 1024n) return undefined;
  let power = 0;
  while (value % 1024n === 0n && power < BINARY_SUFFIXES.length - 1) {
    value /= 1024n;
    power += 1;
  }
  return `${value}${BINARY_SUFFIXES[power]}`;
}

function formatDecimal(quantity: ParsedQuantity): string {
  let { mantissa, scale } = quantity;
  while (mantissa % 10n === 0n) {
    mantissa /= 10n;
    scale += 1;
  }
  while (scale % 3 !== 0) {
    mantissa *= 10n;
    scale -= 1;
  }
  const suffix = quantity.format === 'DecimalExponent' ? undefined : DECIMAL_SUFFIXES.get(scale);
  return `${mantissa}${suffix ?? (scale === 0 ? '' : `e${scale}`)}`;
}

/** What upstream's parser takes for canonical, and therefore prints again as it came. */
function looksCanonical(text: string): boolean {
  const [, , number = '', fraction = '', suffix = ''] = GRAMMAR.exec(text) ?? [];
  const { format, exponent, factor } = interpretSuffix(suffix);
  const digits = (number || '0') + fraction;
  if (format === 'BinarySI') {
    const bits = factor.toString(2).length - 1;
    const room = 14 - Math.floor((bits * 3) / 10);
    return fraction === '' && digits.length <= room && Number(digits) % 8 !== 0;
  }
  const scale = exponent - fraction.length;
  if (digits.length > INT64_DIGITS || scale < NANO || scale % 3 !== 0) return false;
  return !digits.endsWith('000') && !digits.startsWith('0');
}

/** Decimal digits that surely fit an int64. */
const INT64_DIGITS = 18;

/** The mantissa that `quantity` has at a scale not above its own. */
function mantissaAt({ mantissa, scale }: ParsedQuantity, at: number): bigint {
  return scale === at ? mantissa : mantissa * 10n ** BigInt(scale - at);
}

/** Rounds away from zero. */
function divideUp(dividend: bigint, divisor: bigint): bigint {
  const quotient = dividend / divisor;
  if (dividend % divisor === 0n) return quotient;
  return dividend < 0n ? quotient - 1n : quotient + 1n;
}
