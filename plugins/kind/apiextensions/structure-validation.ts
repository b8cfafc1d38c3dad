import { isDeepStrictEqual } from 'node:util';
import {
  type FieldError,
  type FieldPath,
  forbiddenValue,
  invalidValue,
  isSchema,
  itemsOf,
  type JSONSchemaProps,
  propertyOf,
  required,
  type SchemaEngines,
  valuesOf,
} from 'kernetes/sdk';

/**
 * Whether a schema is structural: every value's type is said outside of `allOf`, `anyOf`, `oneOf`
 * and `not`, which only check. Sorted by text, as upstream does.
 */
export function validateStructure(
  schema: JSONSchemaProps,
  path: FieldPath,
  engines: SchemaEngines,
): FieldError[] {
  const walk = new StructureWalk(engines);
  walk.node(schema, path, 'root');
  walk.complete(schema, schema, path);
  const text = ({ field, message }: FieldError) => `${field}: ${message}`;
  return walk.errors.sort((a, b) => (text(a) < text(b) ? -1 : 1));
}

type Level = 'root' | 'item' | 'field';

const NO_TYPE: Record<Level, string> = {
  root: 'must not be empty at the root',
  item: 'must not be empty for specified array items',
  field: 'must not be empty for specified object fields',
};
const INT_OR_STRING: readonly JSONSchemaProps[] = [{ type: 'integer' }, { type: 'string' }];
/** Deeper ones cannot be walked in all that is done with them. */
const DEPTH_MAX = 100;

class StructureWalk {
  readonly errors: FieldError[] = [];
  readonly #engines: SchemaEngines;
  #depth = 0;

  constructor(engines: SchemaEngines) {
    this.#engines = engines;
  }

  node(schema: JSONSchemaProps, path: FieldPath, level: Level): void {
    if (this.#isTooDeep(path)) return;
    const { type, additionalProperties, properties } = schema;
    const items = itemsOf(schema);
    if (type === 'array' && schema.items === undefined) {
      this.errors.push(required(path.child('items'), 'must be specified'));
    }
    if (items) this.node(items, path.child('items'), 'item');
    for (const name of Object.keys(properties ?? {})) {
      const property = propertyOf(schema, name);
      if (property) this.node(property, path.child('properties').key(name), 'field');
    }
    if (additionalProperties !== undefined && level === 'root') {
      this.#forbid(path.child('additionalProperties'), 'must not be used at the root');
    }
    const values = valuesOf(schema);
    if (values) this.node(values, path.child('additionalProperties'), 'field');
    this.#extensions(schema, path);
    this.#checks(schema, path, {
      skipAnyOf: isDeepStrictEqual(schema.anyOf, INT_OR_STRING),
      skipFirst: isDeepStrictEqual(schema.allOf?.[0]?.anyOf, INT_OR_STRING),
    });
    this.#type(schema, path, level);
    this.#metadata(schema, path, level);
    this.#depth--;
  }

  /** Whatever a junctor says about fields and items, the structure says too. */
  complete(check: JSONSchemaProps, structure: JSONSchemaProps, path: FieldPath): void {
    for (const { schema, at } of junctors(check, path)) {
      this.#completeOne(schema, structure, at, path);
      this.complete(schema, structure, at);
    }
    if (check !== structure) return;
    for (const name of Object.keys(structure.properties ?? {})) {
      const property = propertyOf(structure, name);
      if (property) this.complete(property, property, path.child('properties').key(name));
    }
    const [items, values] = [itemsOf(structure), valuesOf(structure)];
    if (items) this.complete(items, items, path.child('items'));
    if (values) this.complete(values, values, path.child('additionalProperties'));
  }

  #completeOne(
    check: JSONSchemaProps,
    structure: JSONSchemaProps,
    at: FieldPath,
    path: FieldPath,
  ): void {
    const items = itemsOf(check);
    if (items) {
      const own = itemsOf(structure);
      if (own) this.#completeOne(items, own, at.child('items'), path.child('items'));
      else this.errors.push(required(path.child('items'), `because it is defined in ${at}.items`));
    }
    for (const name of Object.keys(check.properties ?? {})) {
      const property = propertyOf(check, name);
      const own = propertyOf(structure, name) ?? valuesOf(structure);
      const below = path.child('properties').key(name);
      const where = at.child('properties').key(name);
      if (own && property) this.#completeOne(property, own, where, below);
      else this.errors.push(required(below, `because it is defined in ${where}`));
    }
  }

  #extensions(schema: JSONSchemaProps, path: FieldPath): void {
    if (!schema['x-kubernetes-int-or-string']) return;
    for (const key of [
      'x-kubernetes-preserve-unknown-fields',
      'x-kubernetes-embedded-resource',
    ] as const) {
      if (!schema[key]) continue;
      const why = 'must be false if x-kubernetes-int-or-string is true';
      this.errors.push(invalidValue(path.child(key), schema[key], why));
    }
  }

  #type(schema: JSONSchemaProps, path: FieldPath, level: Level): void {
    const { type } = schema;
    const at = path.child('type');
    const isOpen = schema['x-kubernetes-preserve-unknown-fields'] === true;
    if (schema['x-kubernetes-embedded-resource']) {
      const why = 'must be object if x-kubernetes-embedded-resource is true';
      if (!type) this.errors.push(required(at, why));
      else if (type !== 'object') this.errors.push(invalidValue(at, type, why));
      if (schema.additionalProperties !== undefined) {
        const place = path.child('additionalProperties');
        this.#forbid(place, 'must not be used if x-kubernetes-embedded-resource is set');
      }
      if (!isOpen && Object.keys(schema.properties ?? {}).length === 0) {
        const detail =
          'must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields';
        this.errors.push(required(path.child('properties'), detail));
      }
    } else if (!type && !schema['x-kubernetes-int-or-string'] && !isOpen) {
      this.errors.push(required(at, NO_TYPE[level]));
    }
    if (level === 'root' && type && type !== 'object') {
      this.errors.push(invalidValue(at, type, 'must be object at the root'));
    }
  }

  #metadata(schema: JSONSchemaProps, path: FieldPath, level: Level): void {
    const isResource = level === 'root' || schema['x-kubernetes-embedded-resource'] === true;
    if (!isResource) return;
    for (const [name, wanted] of [
      ['kind', 'string'],
      ['apiVersion', 'string'],
      ['metadata', 'object'],
    ] as const) {
      const property = propertyOf(schema, name);
      if (property === undefined || property.type === wanted) continue;
      const at = path.child('properties').key(name).child('type');
      this.errors.push(invalidValue(at, property.type ?? '', `must be ${wanted}`));
    }
    const metadata = propertyOf(schema, 'metadata');
    if (level !== 'root' || metadata === undefined) return;
    const { type: _type, properties = {}, default: _default, ...rest } = metadata;
    const others = Object.keys(properties).filter(
      name => name !== 'name' && name !== 'generateName',
    );
    const said = Object.entries(rest).filter(
      ([key, value]) => value !== undefined && !CHECKS.has(key),
    );
    if (others.length === 0 && said.length === 0) return;
    const why =
      'must not specify anything other than name and generateName, but metadata is implicitly specified';
    this.#forbid(path.child('properties').key('metadata'), why);
  }

  #checks(
    schema: JSONSchemaProps,
    path: FieldPath,
    { skipAnyOf = false, skipFirst = false } = {},
  ): void {
    for (const { schema: nested, at, keyword, index } of junctors(schema, path)) {
      if (keyword === 'anyOf' && skipAnyOf) continue;
      this.#nested(nested, at, keyword === 'allOf' && index === 0 && skipFirst);
    }
    const { pattern } = schema;
    if (!pattern) return;
    try {
      this.#engines.patterns.compile(pattern);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      const detail = `must be a valid regular expression, but isn't: ${why}`;
      this.errors.push(invalidValue(path.child('pattern'), pattern, detail));
    }
  }

  #nested(schema: JSONSchemaProps, path: FieldPath, skipAnyOf: boolean): void {
    if (this.#isTooDeep(path)) return;
    this.#checks(schema, path, { skipAnyOf });
    const items = itemsOf(schema);
    if (items) this.#nested(items, path.child('items'), false);
    for (const name of Object.keys(schema.properties ?? {})) {
      const property = propertyOf(schema, name);
      if (property) this.#nested(property, path.child('properties').key(name), false);
    }
    for (const [key, wanted] of NESTED) {
      const value = schema[key];
      const isSet = Array.isArray(value)
        ? value.length > 0
        : value !== undefined && value !== '' && value !== false;
      if (isSet || (key === 'additionalProperties' && value === false)) {
        this.#forbid(path.child(key), `must be ${wanted} to be structural`);
      }
    }
    if (propertyOf(schema, 'metadata')) {
      const at = path.child('properties').key('metadata');
      this.#forbid(at, 'must not be specified in a nested context');
    }
    this.#depth--;
  }

  #forbid(path: FieldPath, why: string): void {
    this.errors.push(forbiddenValue(path, why));
  }

  #isTooDeep(path: FieldPath): boolean {
    if (++this.#depth <= DEPTH_MAX) return false;
    this.#depth--;
    this.#forbid(path, `schemas must not nest deeper than ${DEPTH_MAX}`);
    return true;
  }
}

const NESTED = [
  ['type', 'empty'],
  ['additionalProperties', 'undefined'],
  ['default', 'undefined'],
  ['title', 'empty'],
  ['description', 'empty'],
  ['nullable', 'false'],
  ['x-kubernetes-preserve-unknown-fields', 'false'],
  ['x-kubernetes-embedded-resource', 'false'],
  ['x-kubernetes-int-or-string', 'false'],
  ['x-kubernetes-list-map-keys', 'empty'],
  ['x-kubernetes-list-type', 'undefined'],
  ['x-kubernetes-map-type', 'undefined'],
  ['x-kubernetes-validations', 'empty'],
] as const;

/** What may be said about the metadata at the root beside the names. */
const CHECKS = new Set<string>();

interface Junctor {
  readonly keyword: 'allOf' | 'anyOf' | 'oneOf' | 'not';
  readonly index: number;
  readonly schema: JSONSchemaProps;
  readonly at: FieldPath;
}

function* junctors(schema: JSONSchemaProps, path: FieldPath): Generator<Junctor, void, undefined> {
  for (const keyword of ['anyOf', 'allOf', 'oneOf'] as const) {
    for (const [index, nested] of (schema[keyword] ?? []).entries()) {
      if (isSchema(nested))
        yield { keyword, index, schema: nested, at: path.child(keyword).index(index) };
    }
  }
  if (isSchema(schema.not))
    yield { keyword: 'not', index: 0, schema: schema.not, at: path.child('not') };
}
