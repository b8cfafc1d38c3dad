import { compare } from '../equality.ts';
import type { Frame } from '../meter.ts';
import type { Library } from '../overload.ts';
import { checkedInt, fail, type ListValue, Uint } from '../value.ts';

const absolute = (value: bigint) => (value < 0n ? -value : value);

export const MATH: Library = {
  'math.greatest(list<T>): T': (frame, list: ListValue) => extreme(frame, list, 1),
  'math.least(list<T>): T': (frame, list: ListValue) => extreme(frame, list, -1),
  'math.ceil(double): double': (_, value: number) => Math.ceil(value),
  'math.floor(double): double': (_, value: number) => Math.floor(value),
  'math.trunc(double): double': (_, value: number) => Math.trunc(value),
  'math.round(double): double': (_, value: number) =>
    Math.sign(value) * Math.round(Math.abs(value)),
  'math.sqrt(double): double': (_, value: number) => Math.sqrt(value),
  'math.abs(int): int': (_, value: bigint) => checkedInt(absolute(value)),
  'math.abs(double): double': (_, value: number) => Math.abs(value),
  'math.abs(uint): uint': (_, value: Uint) => value,
  'math.sign(int): int': (_, value: bigint) => (value === 0n ? 0n : value / absolute(value)),
  'math.sign(double): double': (_, value: number) => Math.sign(value),
  'math.sign(uint): uint': (_, { value }: Uint) => new Uint(value === 0n ? 0n : 1n),
  'math.isNaN(double): bool': (_, value: number) => Number.isNaN(value),
  'math.isFinite(double): bool': (_, value: number) => Number.isFinite(value),
  'math.isInf(double): bool': (_, value: number) => Math.abs(value) === Number.POSITIVE_INFINITY,
  'math.bitAnd(int, int): int': (_, a: bigint, b: bigint) => a & b,
  'math.bitOr(int, int): int': (_, a: bigint, b: bigint) => a | b,
  'math.bitXor(int, int): int': (_, a: bigint, b: bigint) => a ^ b,
  'math.bitNot(int): int': (_, value: bigint) => ~value,
  'math.bitShiftLeft(int, int): int': (_, value: bigint, by: bigint) =>
    BigInt.asIntN(64, value << shift(by)),
  'math.bitShiftRight(int, int): int': (_, value: bigint, by: bigint) =>
    BigInt.asIntN(64, BigInt.asUintN(64, value) >> shift(by)),
};

function shift(by: bigint): bigint {
  if (by < 0n) return fail('math.bitShift() negative offset');
  return by > 64n ? 64n : by;
}

function extreme({ meter }: Frame, list: ListValue, sign: number): unknown {
  if (list.size === 0) return fail('math.@max(list) argument must not be empty');
  let best = number(list.get(0));
  for (let i = 1; i < list.size; i += 1) {
    meter.spend(1);
    const value = number(list.get(i));
    if (compare(value, best, meter) * sign > 0) best = value;
  }
  return best;
}

function number(value: unknown): unknown {
  const fits = typeof value === 'bigint' || typeof value === 'number' || value instanceof Uint;
  return fits ? value : fail('no such overload');
}
