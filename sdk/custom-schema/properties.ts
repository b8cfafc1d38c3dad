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

/** The schemas right below one, those that structure a value before those that only check it. */
export function* subschemas(schema: JSONSchemaProps): Generator<Subschema, void, undefined> {
  for (const keyword of ONE) yield* one(keyword, schema[keyword]);
  for (const keyword of MANY) yield* many(keyword, schema[keyword]);
  for (const keyword of LISTS) yield* many(keyword, schema[keyword]);
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

const ONE = ['items', 'additionalProperties', 'additionalItems', 'not'] as const;
const MANY = ['properties', 'patternProperties', 'definitions', 'dependencies'] as const;
const LISTS = ['allOf', 'anyOf', 'oneOf'] as const;

function* one(keyword: string, schema: unknown): Generator<Subschema, void, undefined> {
  if (isSchema(schema)) yield { keyword, schema };
  else yield* many(keyword, schema);
}

function* many(keyword: string, schemas: unknown): Generator<Subschema, void, undefined> {
  if (typeof schemas !== 'object' || schemas === null) return;
  for (const [key, schema] of Object.entries(schemas)) {
    if (isSchema(schema)) yield { keyword, at: Array.isArray(schemas) ? Number(key) : key, schema };
  }
}
