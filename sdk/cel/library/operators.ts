import { compare, includes, mergeKey } from '../equality.ts';
import type { Meter } from '../meter.ts';
import type { Implementation, Library } from '../overload.ts';
import { checkedInt, fail, ListValue, type MapValue, Uint } from '../value.ts';
import { has } from './lists.ts';

const NUMBERS = ['int', 'uint', 'double'];
const ORDERED = ['bool', 'string', 'bytes', 'timestamp', 'duration'];
const RELATIONS: Readonly<Record<string, (order: number) => boolean>> = {
  '<': order => order < 0,
  '<=': order => order <= 0,
  '>': order => order > 0,
  '>=': order => order >= 0,
};

export const OPERATORS: Library = {
  '!_(bool): bool': (_, value: boolean) => !value,
  '-_(int): int': (_, value: bigint) => checkedInt(-value),
  '-_(double): double': (_, value: number) => -value,
  '_+_(int, int): int': (_, a: bigint, b: bigint) => checkedInt(a + b),
  '_-_(int, int): int': (_, a: bigint, b: bigint) => checkedInt(a - b),
  '_*_(int, int): int': (_, a: bigint, b: bigint) => checkedInt(a * b),
  '_/_(int, int): int': (_, a: bigint, b: bigint) =>
    b === 0n ? fail('division by zero') : checkedInt(a / b),
  '_%_(int, int): int': (_, a: bigint, b: bigint) => (b === 0n ? fail('modulus by zero') : a % b),
  '_+_(double, double): double': (_, a: number, b: number) => a + b,
  '_-_(double, double): double': (_, a: number, b: number) => a - b,
  '_*_(double, double): double': (_, a: number, b: number) => a * b,
  '_/_(double, double): double': (_, a: number, b: number) => a / b,
  '_+_(uint, uint): uint': (_, a: Uint, b: Uint) => new Uint(a.value + b.value),
  '_-_(uint, uint): uint': (_, a: Uint, b: Uint) => new Uint(a.value - b.value),
  '_*_(uint, uint): uint': (_, a: Uint, b: Uint) => new Uint(a.value * b.value),
  '_/_(uint, uint): uint': (_, a: Uint, b: Uint) =>
    b.value === 0n ? fail('division by zero') : new Uint(a.value / b.value),
  '_%_(uint, uint): uint': (_, a: Uint, b: Uint) =>
    b.value === 0n ? fail('modulus by zero') : new Uint(a.value % b.value),
  '_+_(string, string): string': (frame, a: string, b: string) => {
    frame.meter.traverse(a.length + b.length);
    return a + b;
  },
  '_+_(bytes, bytes): bytes': (frame, a: Uint8Array, b: Uint8Array) => {
    frame.meter.traverse(a.length + b.length);
    return new Uint8Array(Buffer.concat([a, b]));
  },
  '_+_(list<T>, list<T>): list<T>': (frame, a: ListValue, b: ListValue) => added(a, b, frame.meter),
  '@in(T, list<T>): bool': (frame, value: unknown, list: ListValue) => has(frame, list, value),
  '@in(K, map<K, V>): bool': (_, key: unknown, map: MapValue) => map.has(key),
  ...relations(),
};

/** Numbers of different types can be compared, but are not equal for the checker. */
function relations(): Library {
  const library: Record<string, Implementation> = {};
  const pairs = [
    ...ORDERED.map(type => [type, type]),
    ...NUMBERS.flatMap(a => NUMBERS.map(b => [a, b])),
  ];
  for (const [operator, holds] of Object.entries(RELATIONS)) {
    for (const [a, b] of pairs) {
      library[`_${operator}_(${a}, ${b}): bool`] = (frame, left: unknown, right: unknown) =>
        holds(compare(left, right, frame.meter));
    }
  }
  return library;
}

/** Per element, since lists are copied. */
const COPY_COST = 0.5;

/** Lists of a schema are added as server-side apply would merge them. */
function added(a: ListValue, b: ListValue, meter: Meter): ListValue {
  meter.spend((a.size + b.size) * COPY_COST);
  const { merge } = a;
  if (merge === undefined) return new ListValue([...a.toArray(), ...b.toArray()]);
  if (merge.type === 'map') return mergedByKeys(a, b, merge.keys);
  const fresh = b.toArray().filter(value => !includes(a, value, meter));
  return new ListValue([...a.toArray(), ...fresh], { merge });
}

function mergedByKeys(a: ListValue, b: ListValue, keys: readonly string[]): ListValue {
  const merged = new Map(a.toArray().map(element => [mergeKey(element, keys), element]));
  for (const element of b.toArray()) merged.set(mergeKey(element, keys), element);
  return new ListValue([...merged.values()], { merge: { type: 'map', keys } });
}
