import { isDeepStrictEqual } from 'node:util';
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

/** What tells an element of a list of type `map` from the others. */
export function mapKeyOf(
  element: unknown,
  schema: JSONSchemaProps,
): Record<string, unknown> | undefined {
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

function duplicatesOf(
  list: readonly unknown[],
  schema: JSONSchemaProps,
  path: readonly (string | number)[],
): FieldError[] {
  const type = schema['x-kubernetes-list-type'];
  if (type !== 'set' && type !== 'map') return [];
  const keys = type === 'set' ? list : list.map(each => mapKeyOf(each, schema));
  const seen = new Map<string, unknown[]>();
  return keys.flatMap((key, i) => {
    if (key === undefined) return [];
    // Objects may have their members in any order, so a text finds candidates only.
    const id =
      typeof key === 'object'
        ? Object.keys(key ?? {})
            .sort()
            .join()
        : JSON.stringify(key);
    const alike = seen.get(id) ?? [];
    seen.set(id, alike);
    if (alike.some(each => isDeepStrictEqual(each, key))) {
      return [duplicate(pathText([...path, i]), key)];
    }
    alike.push(key);
    return [];
  });
}
