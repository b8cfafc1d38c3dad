import type { JSONSchemaProps } from '../api/types-apiextensions-v1.ts';

export type { JSONSchemaProps };

/** A schema inside a schema, and where: `properties`, `name`. */
export interface Subschema {
  readonly keyword: string;
  /** The key in a map of schemas, the index in a list of them; absent: the keyword's only one. */
  readonly at?: string | number;
  readonly schema: JSONSchemaProps;
}

/** A JSON value that may stand where a schema is wanted. */
export function isSchema(value: unknown): value is JSONSchemaProps {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The schemas right below one. */
export function subschemas(schema: JSONSchemaProps): readonly Subschema[] {
  let found: Subschema[] | undefined;
  for (const keyword in schema) {
    if (!HOLDERS.has(keyword)) continue;
    const value = (schema as Record<string, unknown>)[keyword];
    found ??= [];
    if (!MAPS.has(keyword) && isSchema(value)) found.push({ keyword, schema: value });
    else if (typeof value === 'object' && value !== null) addAll(keyword, value, found);
  }
  return found ?? NONE;
}

/** The schema of a property; never what objects inherit. */
export function propertyOf(schema: JSONSchemaProps, name: string): JSONSchemaProps | undefined {
  const { properties } = schema;
  return properties && Object.hasOwn(properties, name) ? properties[name] : undefined;
}

/** The schema of the values of a map. */
export function valuesOf({ additionalProperties }: JSONSchemaProps): JSONSchemaProps | undefined {
  return isSchema(additionalProperties) ? additionalProperties : undefined;
}

/** The schema of the elements of a list. */
export function itemsOf({ items }: JSONSchemaProps): JSONSchemaProps | undefined {
  return isSchema(items) ? items : undefined;
}

const NONE: readonly Subschema[] = Object.freeze([]);
/** Keywords of maps of schemas by any key. */
const MAPS = new Set(['properties', 'patternProperties', 'definitions', 'dependencies']);
const HOLDERS = new Set([
  ...MAPS,
  'items',
  'additionalProperties',
  'additionalItems',
  'not',
  'allOf',
  'anyOf',
  'oneOf',
]);

function addAll(keyword: string, schemas: object, found: Subschema[]): void {
  const isList = Array.isArray(schemas);
  for (const [key, schema] of Object.entries(schemas)) {
    if (isSchema(schema)) found.push({ keyword, at: isList ? Number(key) : key, schema });
  }
}
