import { type Schema, schemaById } from 'kernetes/sdk';

/** JSON data of which only the outermost level is known. */
export type Json = Readonly<Record<string, unknown>>;

/** How a value is owned: as a whole, by its fields, or by its elements. */
export function structureOf(
  schema: Schema | undefined,
  value: unknown,
): 'leaf' | 'fields' | 'elements' {
  if (typeof value !== 'object' || value === null) return 'leaf';
  if (Array.isArray(value)) {
    return schema?.type === 'array' && schema.listType !== 'atomic' ? 'elements' : 'leaf';
  }
  // Without a schema (a custom resource's free part) maps are granular, as upstream deduces.
  if (schema === undefined) return 'fields';
  const granular =
    schema.mapType === 'granular' && (schema.type === 'object' || schema.type === 'map');
  return granular ? 'fields' : 'leaf';
}

export function fieldOf(schema: Schema | undefined, key: string): Schema | undefined {
  return schema?.type === 'map' ? schema.additionalProperties : schema?.properties.get(key);
}

/** Whether the schema has a field of this name; keys of maps have none. */
export function isNamedField(schema: Schema | undefined, key: string): boolean {
  return schema?.type === 'object' && schema.properties.has(key);
}

/** `v:"x"` of a set's element, `k:{"name":"x"}` of an element with keys. */
export function stepOf(element: unknown, schema: Schema): string {
  if (schema.listType !== 'map' || !isStruct(element)) return `v:${JSON.stringify(element)}`;
  const keys = schema.listMapKeys;
  if (keys.length === 1) {
    const [key = ''] = keys;
    return `k:{${JSON.stringify(key)}:${JSON.stringify(keyValue(element, key, schema))}}`;
  }
  const pairs = keys
    .toSorted()
    .map(key => [key, keyValue(element, key, schema)] as const)
    .filter(([, value]) => value !== null);
  return `k:${JSON.stringify(Object.fromEntries(pairs))}`;
}

/** The value of one of an element's keys; null: it has none. */
export function keyValue(element: Json, key: string, schema: Schema): unknown {
  return element[key] ?? schema.items?.properties.get(key)?.default ?? null;
}

export function isStruct(value: unknown): value is Json {
  return typeof value === 'object' && value !== null;
}

/** Not what objects inherit: keys of maps may be called `constructor` or `__proto__`. */
export function own(object: Json, key: string): unknown {
  const value = object[key];
  return typeof value === 'function' || value === Object.prototype ? undefined : value;
}

/** An assignment, but that `__proto__` is a key like any. */
export function setKey(object: Record<string, unknown>, key: string, value: unknown): void {
  if (key !== '__proto__') object[key] = value;
  else Object.defineProperty(object, key, { value, ...ORDINARY });
}

/** Deep equality of JSON values; the order of keys does not count. */
export function equal(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (!isStruct(a) || !isStruct(b) || Array.isArray(a) !== Array.isArray(b)) return false;
  const keys = Object.keys(a);
  return (
    keys.length === Object.keys(b).length &&
    keys.every(key => Object.hasOwn(b, key) && equal(a[key], b[key]))
  );
}

/** The schema of a whole object: those of custom resources may say nothing of `metadata`. */
export function withMetadata(schema: Schema): Schema {
  if (schema.properties.has('metadata')) return schema;
  const known = completed.get(schema);
  if (known !== undefined) return known;
  const metadata = schemaById(OBJECT_META) as Schema;
  const properties = new Map([...schema.properties, ['metadata', metadata] as const]);
  // Children are getters, which no spread takes along.
  const whole = { ...schema, properties, items: undefined, additionalProperties: undefined };
  completed.set(schema, whole);
  return whole;
}

const completed = new WeakMap<Schema, Schema>();
const OBJECT_META = 'io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta';
const ORDINARY = { enumerable: true, configurable: true, writable: true };
