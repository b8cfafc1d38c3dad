/**
 * Freezes what the language itself brings, and all that can be reached from it, so that nobody in
 * the thread changes it for the others. Node's own `--frozen-intrinsics` does the same by
 * `Object.freeze`, which makes every store to an element of an array or a typed array (`a[i] = x`)
 * some 70 to 120 ns long: V8 asks whether a prototype has elements that must not be hidden, and
 * goes the slow way for each that was frozen. One whose members were made constant first, and that
 * is sealed then, is as frozen, and V8 does not mind it.
 */
export function freezeIntrinsics(): void {
  const reached = new Set<object>();
  for (const root of roots()) visit(root, reached);
  for (const object of reached) {
    // A set gives also what is added while it is walked.
    if (isOverridden(object)) allowOverrides(object);
    for (const key of Reflect.ownKeys(object)) {
      const { value, get, set } = Reflect.getOwnPropertyDescriptor(object, key) ?? {};
      for (const next of [value, get, set]) visit(next, reached);
    }
    visit(Object.getPrototypeOf(object), reached);
  }
  for (const object of reached) freeze(object);
}

/** As `Object.freeze`, but what inherits from it can have elements stored at full speed. */
export function freeze(object: object): void {
  if (!hasHeirsWithElements(object)) {
    Object.freeze(object);
    return;
  }
  for (const key of Reflect.ownKeys(object)) {
    if (!Reflect.getOwnPropertyDescriptor(object, key)?.writable) continue;
    Object.defineProperty(object, key, { writable: false });
  }
  // All at once, where one by one would leave a dictionary, in which all is slower to find.
  Object.seal(object);
}

const TypedArray: typeof Int8Array = Object.getPrototypeOf(Int8Array);

/** Others stay as V8 likes them: it looks through frozen iterators into what they walk over. */
function hasHeirsWithElements(object: object): boolean {
  if (object === Object.prototype || object === Array.prototype) return true;
  return object === TypedArray.prototype || object instanceof TypedArray;
}

function visit(value: unknown, reached: Set<object>): void {
  const isObject = typeof value === 'object' && value !== null;
  if (isObject || typeof value === 'function') reached.add(value as object);
}

/** The globals of the language, what only its syntax leads to, and the timers and console. */
function roots(): unknown[] {
  const { getPrototypeOf } = Object;
  const globals = [...LANGUAGE].filter(name => name !== 'globalThis');
  return [
    ...globals.map(name => Reflect.get(globalThis, name)),
    ...[[], '', new Map(), new Set()].map(each => getPrototypeOf(each[Symbol.iterator]())),
    getPrototypeOf(/e/[Symbol.matchAll]('')),
    function* () {},
    async () => {},
    async function* () {},
    getPrototypeOf(async function* () {}.prototype),
    ...[setTimeout, setInterval, setImmediate, clearTimeout, clearInterval, clearImmediate],
    console,
  ];
}

/**
 * A prototype from which objects are made that get members of the same name by mere assignment:
 * `error.toString = …`. The language would refuse that once it is frozen.
 */
function isOverridden(object: object): boolean {
  if (typeof object === 'function') return object === Function.prototype;
  return OVERRIDDEN_BY.some(key => Object.hasOwn(object, key));
}

const OVERRIDDEN_BY = ['constructor', Symbol.iterator, Symbol.asyncIterator];

/** Puts accessors in the place of its values: they give these, and define on the heir when set. */
function allowOverrides(object: object): void {
  for (const key of Reflect.ownKeys(object)) {
    const { value, writable, configurable, enumerable } =
      Reflect.getOwnPropertyDescriptor(object, key) ?? {};
    if (!writable || !configurable) continue;
    // Methods: functions would have prototypes to go on with.
    const accessors = {
      get: () => value,
      set(this: unknown, next: unknown) {
        if (this === object) throw new TypeError(`Cannot assign to "${String(key)}": it is frozen`);
        if (Object.hasOwn(this as object, key)) (this as Record<PropertyKey, unknown>)[key] = next;
        else Object.defineProperty(this, key, { value: next, ...ASSIGNED });
      },
    };
    // The walk sees values, not what functions close over.
    Object.assign(accessors.get, { value });
    Object.defineProperty(object, key, { ...accessors, enumerable: enumerable === true });
  }
}

const ASSIGNED = { writable: true, enumerable: true, configurable: true };

/** Its globals, of any version. */
export const LANGUAGE: ReadonlySet<string> = new Set(
  `Object Function Array Number parseFloat parseInt Infinity NaN undefined Boolean String Symbol
  Date Promise RegExp Error AggregateError EvalError RangeError ReferenceError SyntaxError TypeError
  URIError SuppressedError DisposableStack AsyncDisposableStack globalThis JSON Math Intl
  ArrayBuffer Uint8Array Int8Array Uint16Array Int16Array Uint32Array Int32Array Float16Array
  Float32Array Float64Array Uint8ClampedArray BigUint64Array BigInt64Array DataView Map BigInt Set
  Iterator WeakMap WeakSet WeakRef Proxy Reflect FinalizationRegistry decodeURI decodeURIComponent
  encodeURI encodeURIComponent escape unescape eval isFinite isNaN SharedArrayBuffer Atomics
  WebAssembly`.split(/\s+/),
);
