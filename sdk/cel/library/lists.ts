import { compare, equal } from '../equality.ts';
import type { Frame } from '../meter.ts';
import type { Library } from '../overload.ts';
import { checkedInt, Duration, fail, type ListValue, Uint } from '../value.ts';

export const LISTS: Library = {
  'list<T>.isSorted(): bool': ({ meter }, list: ListValue) => {
    for (let i = 1; i < list.size; i += 1) {
      meter.spend(1);
      if (compare(list.get(i - 1), list.get(i), meter) > 0) return false;
    }
    return true;
  },
  'list<int>.sum(): int': (frame, list: ListValue) =>
    fold(frame, list, { start: 0n, add: (a, b) => checkedInt(a + bigintOf(b)) }),
  'list<uint>.sum(): uint': (frame, list: ListValue) =>
    fold(frame, list, {
      start: new Uint(0n),
      add: (a, b) => (b instanceof Uint ? new Uint(a.value + b.value) : fail('no such overload')),
    }),
  'list<double>.sum(): double': (frame, list: ListValue) =>
    fold(frame, list, {
      start: 0,
      add: (a, b) => (typeof b === 'number' ? a + b : fail('no such overload')),
    }),
  'list<duration>.sum(): duration': (frame, list: ListValue) =>
    fold(frame, list, {
      start: new Duration(0n),
      add: (a, b) =>
        b instanceof Duration
          ? new Duration(a.nanoseconds + b.nanoseconds)
          : fail('no such overload'),
    }),
  'list<T>.min(): T': (frame, list: ListValue) => extreme(frame, list, 'min'),
  'list<T>.max(): T': (frame, list: ListValue) => extreme(frame, list, 'max'),
  'list<T>.indexOf(T): int': (frame, list: ListValue, value: unknown) => {
    for (let i = 0; i < list.size; i += 1) if (isAt(frame, list, { i, value })) return BigInt(i);
    return -1n;
  },
  'list<T>.lastIndexOf(T): int': (frame, list: ListValue, value: unknown) => {
    for (let i = list.size - 1; i >= 0; i -= 1) {
      if (isAt(frame, list, { i, value })) return BigInt(i);
    }
    return -1n;
  },
  'sets.contains(list<T>, list<T>): bool': (frame, list: ListValue, part: ListValue) =>
    hasAll(frame, list, part),
  'sets.equivalent(list<T>, list<T>): bool': (frame, a: ListValue, b: ListValue) =>
    hasAll(frame, a, b) && hasAll(frame, b, a),
  'sets.intersects(list<T>, list<T>): bool': (frame, a: ListValue, b: ListValue) =>
    a.toArray().some(value => has(frame, b, value)),
};

function bigintOf(value: unknown): bigint {
  return typeof value === 'bigint' ? value : fail('no such overload');
}

function fold<Sum>(
  { meter }: Frame,
  list: ListValue,
  { start, add }: { start: Sum; add: (sum: Sum, value: unknown) => Sum },
): Sum {
  let sum = start;
  for (let i = 0; i < list.size; i += 1) {
    meter.spend(1);
    sum = add(sum, list.get(i));
  }
  return sum;
}

function extreme({ meter }: Frame, list: ListValue, name: 'min' | 'max'): unknown {
  if (list.size === 0) return fail(`${name} called on empty list`);
  let best = list.get(0);
  for (let i = 1; i < list.size; i += 1) {
    meter.spend(1);
    const value = list.get(i);
    const order = compare(value, best, meter);
    if (name === 'min' ? order < 0 : order > 0) best = value;
  }
  return best;
}

function isAt(
  { meter }: Frame,
  list: ListValue,
  { i, value }: { i: number; value: unknown },
): boolean {
  meter.spend(1);
  return equal(list.get(i), value, meter);
}

export function has(frame: Frame, list: ListValue, value: unknown): boolean {
  for (let i = 0; i < list.size; i += 1) if (isAt(frame, list, { i, value })) return true;
  return false;
}

function hasAll(frame: Frame, list: ListValue, part: ListValue): boolean {
  return part.toArray().every(value => has(frame, list, value));
}
