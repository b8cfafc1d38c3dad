import {
  addQuantities,
  compareQuantities,
  formatQuantity,
  type ParsedQuantity,
  parseQuantity,
  QuantityError,
  subtractQuantities,
} from '../../quantity.ts';
import type { Frame } from '../meter.ts';
import type { Library } from '../overload.ts';
import { opaque } from '../type.ts';
import { fail, INT_MAX, INT_MIN, Opaque } from '../value.ts';

const TYPE = opaque('kubernetes.Quantity');

class Quantity extends Opaque {
  readonly type = TYPE;
  readonly value: ParsedQuantity;

  constructor(value: ParsedQuantity) {
    super();
    this.value = value;
  }

  equals(other: Quantity): boolean {
    return compareQuantities(this.value, other.value) === 0;
  }

  override toString(): string {
    return formatQuantity(this.value);
  }
}

/** Of data that was checked before. */
export function opaqueQuantity(text: string): Opaque {
  return new Quantity(parseQuantity(text));
}

const NAME = TYPE.name;
const ofInt = (value: bigint): ParsedQuantity => ({
  mantissa: value,
  scale: 0,
  format: 'DecimalSI',
});

export const QUANTITY: Library = {
  [`quantity(string): ${NAME}`]: (frame, text: string) => {
    const value = parsed(frame, text);
    return typeof value === 'string' ? fail(value) : new Quantity(value);
  },
  'isQuantity(string): bool': (frame, text: string) => typeof parsed(frame, text) !== 'string',
  [`${NAME}.isInteger(): bool`]: (_, { value }: Quantity) => integerOf(value) !== undefined,
  [`${NAME}.asInteger(): int`]: (_, { value }: Quantity) =>
    integerOf(value) ?? fail('cannot convert value to integer'),
  [`${NAME}.asApproximateFloat(): double`]: (_, { value }: Quantity) =>
    Number(`${value.mantissa}e${value.scale}`),
  [`${NAME}.sign(): int`]: (_, { value }: Quantity) =>
    value.mantissa > 0n ? 1n : value.mantissa < 0n ? -1n : 0n,
  [`${NAME}.add(${NAME}): ${NAME}`]: (_, a: Quantity, b: Quantity) =>
    new Quantity(addQuantities(a.value, b.value)),
  [`${NAME}.add(int): ${NAME}`]: (_, a: Quantity, b: bigint) =>
    new Quantity(addQuantities(a.value, ofInt(b))),
  [`${NAME}.sub(${NAME}): ${NAME}`]: (_, a: Quantity, b: Quantity) =>
    new Quantity(subtractQuantities(a.value, b.value)),
  [`${NAME}.sub(int): ${NAME}`]: (_, a: Quantity, b: bigint) =>
    new Quantity(subtractQuantities(a.value, ofInt(b))),
  [`${NAME}.compareTo(${NAME}): int`]: (_, a: Quantity, b: Quantity) =>
    BigInt(compareQuantities(a.value, b.value)),
  [`${NAME}.isLessThan(${NAME}): bool`]: (_, a: Quantity, b: Quantity) =>
    compareQuantities(a.value, b.value) < 0,
  [`${NAME}.isGreaterThan(${NAME}): bool`]: (_, a: Quantity, b: Quantity) =>
    compareQuantities(a.value, b.value) > 0,
};

/** What is wrong, as text, or the quantity. */
function parsed({ meter }: Frame, text: string): ParsedQuantity | string {
  meter.traverse(text.length);
  try {
    return parseQuantity(text);
  } catch (error) {
    if (error instanceof QuantityError) return error.message;
    throw error;
  }
}

/** Undefined where it is none, or too large. */
function integerOf({ mantissa, scale }: ParsedQuantity): bigint | undefined {
  const one = 10n ** BigInt(Math.abs(scale));
  if (scale < 0 && mantissa % one !== 0n) return undefined;
  const value = scale < 0 ? mantissa / one : mantissa * one;
  return value < INT_MIN || value > INT_MAX ? undefined : value;
}
