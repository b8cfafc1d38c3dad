import { CelCostError, CelEvaluationError } from './cel.ts';
import type { Type } from './type.ts';

/**
 * Values at run time. null, bool, string, bytes, int and double are JavaScript's null, boolean,
 * string, Uint8Array, bigint and number; the rest are the classes here. Lists and maps over plain
 * data adapt an element when it is read, so that no object is copied to look at a field of it.
 */
export abstract class CelObject {}

/**
 * An expression's failure. It is no `Error`, since `||`, `&&`, `all` and `exists` absorb failures
 * by the thousand, and a stack trace each would be dear; the program's edge makes it an error.
 */
export class Failure {
  readonly message: string;

  constructor(message: string) {
    this.message = message;
  }
}

/** The budget is spent: nothing absorbs it. */
export class Exhausted {}

/** What `||` and the like may put aside: not an end of the budget, and no bug. */
export function absorbed(thrown: unknown): unknown {
  const failed =
    thrown instanceof Failure ||
    (thrown instanceof CelEvaluationError && !(thrown instanceof CelCostError));
  if (!failed) throw thrown;
  return thrown;
}

export function fail(message: string): never {
  throw new Failure(message);
}

/** Where only a bool will do. */
export function isTrue(value: unknown): boolean {
  return typeof value === 'boolean' ? value : fail('no such overload');
}

export type Adapt = (data: unknown) => unknown;

/** How lists of a schema are compared and added. */
export interface ListMerge {
  readonly type: 'set' | 'map';
  readonly keys: readonly string[];
}

export class ListValue extends CelObject {
  readonly items: readonly unknown[];
  readonly merge: ListMerge | undefined;
  readonly #adapt: Adapt | undefined;

  constructor(items: readonly unknown[], options: { adapt?: Adapt; merge?: ListMerge } = {}) {
    super();
    this.items = items;
    this.#adapt = options.adapt;
    this.merge = options.merge;
  }

  get size(): number {
    return this.items.length;
  }

  get(index: number): unknown {
    const item = this.items[index];
    return this.#adapt === undefined ? item : this.#adapt(item);
  }

  toArray(): readonly unknown[] {
    return this.#adapt === undefined ? this.items : this.items.map(this.#adapt);
  }
}

export abstract class MapValue extends CelObject {
  abstract readonly size: number;
  /** Undefined where there is none. */
  abstract get(key: unknown): unknown;
  abstract keys(): readonly unknown[];

  has(key: unknown): boolean {
    return this.get(key) !== undefined;
  }
}

/** A map of the expression's own. */
export class LiteralMap extends MapValue {
  readonly #entries: ReadonlyMap<unknown, readonly [unknown, unknown]>;

  constructor(entries: Iterable<readonly [unknown, unknown]>) {
    super();
    this.#entries = new Map([...entries].map(entry => [keyOf(entry[0]), entry]));
  }

  get size(): number {
    return this.#entries.size;
  }

  get(key: unknown): unknown {
    return this.#entries.get(keyOf(key))?.[1];
  }

  keys(): readonly unknown[] {
    return [...this.#entries.values()].map(([key]) => key);
  }
}

/** A JSON object with any keys. */
export class JsonMap extends MapValue {
  readonly data: Readonly<Record<string, unknown>>;
  readonly #adapt: Adapt;

  constructor(data: Readonly<Record<string, unknown>>, adapt: Adapt) {
    super();
    this.data = data;
    this.#adapt = adapt;
  }

  get size(): number {
    return this.keys().length;
  }

  get(key: unknown): unknown {
    if (typeof key !== 'string' || !Object.hasOwn(this.data, key)) return undefined;
    const value = this.data[key];
    return value === undefined ? undefined : this.#adapt(value);
  }

  keys(): readonly string[] {
    return Object.keys(this.data);
  }
}

/** A JSON object with the fields that its type declares. */
export class StructValue extends MapValue {
  readonly data: Readonly<Record<string, unknown>>;
  readonly type: Type;

  constructor(data: Readonly<Record<string, unknown>>, type: Type) {
    super();
    this.data = data;
    this.type = type;
  }

  get size(): number {
    return this.keys().length;
  }

  get(name: unknown): unknown {
    const field = typeof name === 'string' ? this.type.fields?.().get(name) : undefined;
    return field === undefined ? undefined : this.read(field.key, field.binding.adapt);
  }

  read(key: string, adapt: Adapt): unknown {
    if (!Object.hasOwn(this.data, key)) return undefined;
    const value = this.data[key];
    return value === undefined ? undefined : adapt(value);
  }

  keys(): readonly string[] {
    const fields = this.type.fields?.() ?? new Map<string, never>();
    return [...fields]
      .filter(([, { key }]) => Object.hasOwn(this.data, key) && this.data[key] !== undefined)
      .map(([name]) => name);
  }
}

export class Optional extends CelObject {
  static readonly NONE = new Optional(undefined);
  /** Undefined in `NONE` only. */
  readonly value: unknown;

  constructor(value: unknown) {
    super();
    this.value = value;
  }
}

export class Uint extends CelObject {
  readonly value: bigint;

  constructor(value: bigint) {
    super();
    if (value < 0n || value > UINT_MAX) fail('unsigned integer overflow');
    this.value = value;
  }
}

export class Timestamp extends CelObject {
  /** Since 1970. */
  readonly nanoseconds: bigint;

  constructor(nanoseconds: bigint) {
    super();
    if (nanoseconds < TIMESTAMP_MIN || nanoseconds > TIMESTAMP_MAX) fail('timestamp overflow');
    this.nanoseconds = nanoseconds;
  }
}

export class Duration extends CelObject {
  readonly nanoseconds: bigint;

  constructor(nanoseconds: bigint) {
    super();
    if (nanoseconds < INT_MIN || nanoseconds > INT_MAX) fail('duration overflow');
    this.nanoseconds = nanoseconds;
  }
}

/** A type as a value: `type(1)`, `int`. */
export class TypeValue extends CelObject {
  readonly name: string;

  constructor(name: string) {
    super();
    this.name = name;
  }
}

/** A value of a library: its type tells which. */
export abstract class Opaque extends CelObject {
  abstract readonly type: Type;
  abstract equals(other: this): boolean;
}

export const INT_MIN = -(2n ** 63n);
export const INT_MAX = 2n ** 63n - 1n;
const UINT_MAX = 2n ** 64n - 1n;
const SECOND = 1_000_000_000n;
/** Years 1 to 9999. */
const TIMESTAMP_MIN = -62_135_596_800n * SECOND;
const TIMESTAMP_MAX = 253_402_300_800n * SECOND - 1n;

export function checkedInt(value: bigint): bigint {
  return value < INT_MIN || value > INT_MAX ? fail('integer overflow') : value;
}

/** Numbers that are equal are the same key. */
function keyOf(key: unknown): unknown {
  if (key instanceof Uint) return key.value;
  if (typeof key === 'number' && Number.isInteger(key)) return BigInt(key);
  return key;
}

/** Plain data without a schema, as upstream takes unstructured objects. */
export function adaptDyn(data: unknown): unknown {
  switch (typeof data) {
    case 'string':
    case 'boolean':
    case 'bigint':
      return data;
    case 'number':
      return Number.isInteger(data) && fitsInt(data) ? BigInt(data) : data;
    case 'undefined':
      return null;
    case 'object':
      return data === null ? null : adaptObject(data);
    default:
      return fail(`unsupported type: ${typeof data}`);
  }
}

/** JSON has one sort of numbers; one that is larger than any int is a double, as in Go. */
function fitsInt(value: number): boolean {
  return value >= -(2 ** 63) && value < 2 ** 63;
}

function adaptObject(data: object): unknown {
  if (Array.isArray(data)) return new ListValue(data, { adapt: adaptDyn });
  if (data instanceof CelObject || data instanceof Uint8Array) return data;
  return new JsonMap(data as Record<string, unknown>, adaptDyn);
}

export function mapFrom(entries: readonly (readonly [unknown, unknown])[]): LiteralMap {
  for (const [key] of entries) checkKey(key);
  const map = new LiteralMap(entries);
  return map.size === entries.length ? map : fail('insert failed: key already exists');
}

function checkKey(key: unknown): void {
  const fits =
    typeof key === 'string' ||
    typeof key === 'bigint' ||
    typeof key === 'boolean' ||
    key instanceof Uint;
  if (!fits) fail('unsupported key type');
}
