import type { Schema } from 'kernetes/sdk';
import { type FieldSet, type FieldSetDraft, isEmptySet, LEAF } from './field-set.ts';

/** What a write did to an object. */
export interface Comparison {
  /** Fields added, and fields whose value changed. */
  readonly changed: FieldSet;
  readonly removed: FieldSet;
}

/** Fields that nobody owns. */
export interface SkippedFields {
  readonly root: ReadonlySet<string>;
  readonly metadata: ReadonlySet<string>;
}

/**
 * Compares two objects field by field, along their schema: what structured-merge-diff's Compare
 * finds. Atomic lists and maps are one field.
 */
export function compareObjects(
  old: object,
  object: object,
  options: { readonly schema: Schema; readonly skip: SkippedFields },
): Comparison {
  const { schema, skip } = options;
  const into: Sides = { changed: {}, removed: {} };
  compareFields(old as Json, object as Json, {
    schema,
    skip: skip.root,
    skipInMetadata: skip.metadata,
    into,
  });
  return into;
}

type Json = Readonly<Record<string, unknown>>;

interface Sides {
  readonly changed: FieldSetDraft;
  readonly removed: FieldSetDraft;
}

interface CompareFieldsOptions {
  readonly schema: Schema | undefined;
  readonly skip: ReadonlySet<string>;
  /** At the root only. */
  readonly skipInMetadata?: ReadonlySet<string>;
  readonly into: Sides;
}

const NONE: ReadonlySet<string> = new Set();

/** Two maps or structs, both there. */
function compareFields(old: Json, now: Json, options: CompareFieldsOptions): void {
  const { schema, skip, skipInMetadata, into } = options;
  for (const key in now) {
    const after = now[key];
    if (after === undefined || skip.has(key)) continue;
    const field = fieldOf(schema, key);
    const isMetadata = skipInMetadata !== undefined && key === 'metadata';
    const below = isMetadata ? skipInMetadata : NONE;
    const before = has(old, key) ? old[key] : undefined;
    if (before === undefined) {
      const zero = isMetadata || isAlwaysThere(schema, field, key);
      put(into.changed, `f:${key}`, fieldsOf(after, field, zero, below));
    } else if (before !== after) {
      compareValues(before, after, { schema: field, skip: below, step: `f:${key}`, into });
    }
  }
  for (const key in old) {
    if (skip.has(key) || has(now, key) || old[key] === undefined) continue;
    const field = fieldOf(schema, key);
    const zero = isAlwaysThere(schema, field, key);
    put(into.removed, `f:${key}`, fieldsOf(old[key], field, zero, NONE));
  }
}

interface CompareValuesOptions {
  readonly schema: Schema | undefined;
  readonly skip: ReadonlySet<string>;
  readonly step: string;
  readonly into: Sides;
}

/** Two values of one field, both there and not identical. */
function compareValues(before: unknown, after: unknown, options: CompareValuesOptions): void {
  const { schema, skip, step, into } = options;
  const structure = structureOf(schema, after);
  if (structure !== structureOf(schema, before)) {
    put(into.removed, step, fieldsOf(before, schema, true, NONE));
    put(into.changed, step, fieldsOf(after, schema, false, NONE));
    return;
  }
  if (structure === 'leaf') {
    if (!equal(before, after)) into.changed[step] = LEAF;
    return;
  }
  const below: Sides = { changed: {}, removed: {} };
  if (structure === 'fields') {
    compareFields(before as Json, after as Json, { schema, skip, into: below });
  } else {
    compareElements(before as unknown[], after as unknown[], schema as Schema, below);
  }
  if (!isEmptySet(below.changed)) into.changed[step] = below.changed;
  if (!isEmptySet(below.removed)) into.removed[step] = below.removed;
}

/** Two lists that are sets, or maps by keys. */
function compareElements(
  before: readonly unknown[],
  after: readonly unknown[],
  schema: Schema,
  into: Sides,
): void {
  const old = new Map(before.map(element => [stepOf(element, schema), element]));
  for (const element of after) {
    const step = stepOf(element, schema);
    if (!old.has(step)) {
      put(into.changed, step, fieldsOf(element, schema.items, false, NONE));
      continue;
    }
    const was = old.get(step);
    old.delete(step);
    if (was !== element) {
      compareValues(was, element, { schema: schema.items, skip: NONE, step, into });
    }
  }
  for (const [step, element] of old) {
    put(into.removed, step, fieldsOf(element, schema.items, false, NONE));
  }
}

/**
 * All paths of a value that is there on one side only. `zero`: the other side, too, has the struct
 * or list as such, empty, so it is not a member itself. Undefined: no path at all.
 */
function fieldsOf(
  value: unknown,
  schema: Schema | undefined,
  zero: boolean,
  skip: ReadonlySet<string>,
): FieldSet | undefined {
  const structure = structureOf(schema, value);
  if (structure === 'leaf') return LEAF;
  const set: FieldSetDraft = zero ? {} : { '.': LEAF };
  let empty = true;
  if (structure === 'fields') {
    for (const key in value as Json) {
      const child = (value as Json)[key];
      if (child === undefined || skip.has(key)) continue;
      empty = false;
      const field = fieldOf(schema, key);
      put(set, `f:${key}`, fieldsOf(child, field, zero && isAlwaysThere(schema, field, key), NONE));
    }
  } else {
    for (const element of value as unknown[]) {
      empty = false;
      const step = stepOf(element, schema as Schema);
      put(set, step, fieldsOf(element, schema?.items, false, NONE));
    }
  }
  if (zero) return isEmptySet(set) ? undefined : set;
  return empty ? LEAF : set;
}

/** Not by `in`: keys of maps may be called like what objects inherit. */
function has(object: Json, key: string): boolean {
  return Object.hasOwn(object, key) && object[key] !== undefined;
}

function put(into: FieldSetDraft, step: string, set: FieldSet | undefined): void {
  if (set !== undefined) into[step] = set;
}

/** How a value is owned: as a whole, by its fields, or by its elements. */
function structureOf(schema: Schema | undefined, value: unknown): 'leaf' | 'fields' | 'elements' {
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

function fieldOf(schema: Schema | undefined, key: string): Schema | undefined {
  return schema?.type === 'map' ? schema.additionalProperties : schema?.properties.get(key);
}

/**
 * Fields that Go's structs hold by value and therefore always have: upstream compares with them
 * empty where the object has none, and so nobody owns them as such. The schema tells it of required
 * fields only.
 */
function isAlwaysThere(
  parent: Schema | undefined,
  field: Schema | undefined,
  name: string,
): boolean {
  if (parent?.id === undefined || field === undefined) return false;
  return parent.required.includes(name) || (field.type === 'object' && BY_VALUE.has(name));
}

const BY_VALUE = new Set(['metadata', 'spec', 'status', 'template', 'strategy', 'updateStrategy']);

/** `v:"x"` of a set's element, `k:{"name":"x"}` of an element with keys. */
function stepOf(element: unknown, schema: Schema): string {
  if (schema.listType !== 'map' || typeof element !== 'object' || element === null) {
    return `v:${JSON.stringify(element)}`;
  }
  const keys = schema.listMapKeys;
  if (keys.length === 1) {
    const [key = ''] = keys;
    return `k:{${JSON.stringify(key)}:${JSON.stringify(keyValue(element as Json, key, schema))}}`;
  }
  const pairs = keys.toSorted().map(key => [key, keyValue(element as Json, key, schema)]);
  return `k:${JSON.stringify(Object.fromEntries(pairs))}`;
}

function keyValue(element: Json, key: string, schema: Schema): unknown {
  return element[key] ?? schema.items?.properties.get(key)?.default ?? null;
}

/** Deep equality of JSON values. */
function equal(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const [x, y] = [a as Json, b as Json];
  const keys = Object.keys(x);
  return (
    keys.length === Object.keys(y).length &&
    keys.every(key => Object.hasOwn(y, key) && equal(x[key], y[key]))
  );
}
