import { duplicate } from '../field-path.ts';
import type { FieldError } from '../status.ts';
import { isSchema, itemsOf, type JSONSchemaProps, propertyOf, valuesOf } from './properties.ts';
import { pathText } from './value-path.ts';

/** The elements that a list of type `set` or `map` has more than once. */
export function duplicatesIn(
  value: unknown,
  schema: JSONSchemaProps,
  path: readonly (string | number)[] = [],
): FieldError[] {
  if (Array.isArray(value)) {
    const items = itemsOf(schema);
    if (items === undefined) return [];
    const within = value.flatMap((each, i) => duplicatesIn(each, items, [...path, i]));
    return [...within, ...duplicatesOf(value, schema, path)];
  }
  if (!isSchema(value)) return [];
  const values = valuesOf(schema);
  return Object.entries(value).flatMap(([name, each]) => {
    const child = propertyOf(schema, name) ?? values;
    return child && typeof each === 'object' ? duplicatesIn(each, child, [...path, name]) : [];
  });
}

/** Finds what an element of a list was before: only those of type `map` can be told apart. */
export function correlate(schema: JSONSchemaProps, old: unknown): (element: unknown) => unknown {
  if (schema['x-kubernetes-list-type'] !== 'map' || !Array.isArray(old)) return () => undefined;
  const known = new Map<string, unknown>();
  for (const each of old) {
    const key = keyText(mapKeyOf(each, schema));
    if (!known.has(key)) known.set(key, each);
  }
  return element => {
    const key = mapKeyOf(element, schema);
    return key && known.get(keyText(key));
  };
}

/** What tells an element of a list of type `map` from the others. */
function mapKeyOf(element: unknown, schema: JSONSchemaProps): Record<string, unknown> | undefined {
  if (!isSchema(element)) return undefined;
  const key: Record<string, unknown> = {};
  for (const name of schema['x-kubernetes-list-map-keys'] ?? []) {
    const value = Object.hasOwn(element, name)
      ? (element as Record<string, unknown>)[name]
      : propertyOf(itemsOf(schema) ?? {}, name)?.default;
    if (value !== undefined) key[name] = value;
  }
  return key;
}

/** The same for equal values, which may have their members in any order; '' for undefined. */
function keyText(key: unknown): string {
  return (
    JSON.stringify(key, (_name, value: unknown) => (isSchema(value) ? sorted(value) : value)) ?? ''
  );
}

function sorted(object: object): object {
  return Object.fromEntries(Object.entries(object).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function duplicatesOf(
  list: readonly unknown[],
  schema: JSONSchemaProps,
  path: readonly (string | number)[],
): FieldError[] {
  const type = schema['x-kubernetes-list-type'];
  if (type !== 'set' && type !== 'map') return [];
  const keys = type === 'set' ? list : list.map(each => mapKeyOf(each, schema));
  const seen = new Set<string>();
  return keys.flatMap((key, i) => {
    if (key === undefined) return [];
    const text = keyText(key);
    if (seen.has(text)) return [duplicate(pathText([...path, i]), key)];
    seen.add(text);
    return [];
  });
}
