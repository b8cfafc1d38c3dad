import { definePlugin } from 'kernetes/sdk';

/** Tells what of the language is not frozen in its thread, and what came of writing to it. */
export default definePlugin<Record<string, never>>({
  name: 'test.intrinsics',
  activate({ log }) {
    log.info('not frozen', { names: notFrozen() });
    log.info('written', { names: Object.keys(WRITES).filter(name => succeeds(WRITES[name])) });
    const error = Object.assign(new Error('as it was'), { toString: () => 'as it is' });
    error.name = 'Own';
    log.info('heirs', { text: `${error}`, name: error.name, was: Error.prototype.name });
  },
});

const WRITES: Record<string, (() => unknown) | undefined> = {
  'Array.prototype.push': () => Object.assign(Array.prototype, { push: 1 }),
  'Array.prototype[0]': () => Object.assign(Array.prototype, { 0: 1 }),
  'Array.prototype.length': () => Object.assign(Array.prototype, { length: 1 }),
  'Object.prototype.toJSON': () => Object.assign(Object.prototype, { toJSON: 1 }),
  'Uint8Array.prototype.set': () => Object.assign(Uint8Array.prototype, { set: 1 }),
  'Promise.prototype.then': () => Object.assign(Promise.prototype, { then: 1 }),
  'JSON.parse': () => Object.assign(JSON, { parse: 1 }),
  globalThis: () => Object.assign(globalThis, { globalThis: 1 }),
};

function succeeds(write: (() => unknown) | undefined): boolean {
  try {
    write?.();
    return true;
  } catch {
    return false;
  }
}

function notFrozen(): string[] {
  const { getPrototypeOf } = Object;
  const roots = { Object, Array, Map, Set, Promise, Uint8Array, Float64Array, JSON, Math };
  const hidden = {
    array: getPrototypeOf([].values()),
    map: getPrototypeOf(new Map().keys()),
    generator: getPrototypeOf(function* () {}),
    async: getPrototypeOf(async () => {}),
    asyncGenerator: getPrototypeOf(async function* () {}),
  };
  const open: string[] = [];
  for (const [name, root] of Object.entries({ ...roots, ...hidden, Error, RegExp, Date, Reflect })) {
    const { prototype } = root as { prototype?: object };
    for (let each = prototype ?? root; each; each = getPrototypeOf(each)) {
      if (!Object.isFrozen(each)) open.push(name);
      for (const { value, get, set } of Object.values(Object.getOwnPropertyDescriptors(each))) {
        for (const part of [value, get, set]) if (!Object.isFrozen(part)) open.push(name);
      }
    }
  }
  return open;
}
