import type { Schema } from 'kernetes/sdk';
import { appliedFields } from './applied-fields.ts';
import {
  difference,
  type FieldSet,
  type FieldSetDraft,
  fieldStep,
  intersection,
  isEmptySet,
  isMember,
  LEAF,
  union,
} from './field-set.ts';
import { fieldOf, isNamedField, type Json, setKey, stepOf, structureOf } from './structure.ts';

export interface PruneOptions {
  readonly schema: Schema;
  /** What the manager applied last time. */
  readonly last: FieldSet;
  /** What all managers own by now, this one's new configuration included. */
  readonly owned: FieldSet;
}

/**
 * Takes out of a merged object what its applier applied last time and nobody owns any more. Parts
 * of it that nobody ever owned go only with what held them.
 */
export function prune<T extends object>(merged: T, options: PruneOptions): T {
  const { schema } = options;
  const last = withNamedFields(options.last, schema);
  const whole = fieldsOf(merged, schema);
  const owned = withNamedFields(options.owned, schema);
  const bare = fieldsOf(without(merged, last, schema), schema);
  const kept = fieldsOf(without(merged, difference(whole, union(bare, owned)), schema), schema);
  return without(merged, intersection(difference(whole, kept), last), schema);
}

function fieldsOf(value: object, schema: Schema): FieldSet {
  return withNamedFields(appliedFields(value, schema), schema);
}

/** The set and the fields that lead to its members, as far as the schema names them. */
function withNamedFields(set: FieldSet, schema: Schema | undefined): FieldSet {
  const result: FieldSetDraft = {};
  for (const step in set) {
    const child = set[step] as FieldSet;
    if (isEmptySet(child)) {
      result[step] = child;
      continue;
    }
    const name = step.slice(2);
    const isField = step.startsWith('f:');
    const below = withNamedFields(child, isField ? fieldOf(schema, name) : schema?.items);
    result[step] = isField && isNamedField(schema, name) ? { '.': LEAF, ...below } : below;
  }
  return result;
}

function without<T extends object>(object: T, gone: FieldSet, schema: Schema): T {
  return removed(object, gone, schema) as T;
}

/** What is left of a value; undefined: nothing. */
function removed(value: unknown, gone: FieldSet, schema: Schema | undefined): unknown {
  if (isEmptySet(gone)) return value;
  switch (structureOf(schema, value)) {
    case 'leaf':
      return value;
    case 'fields':
      return removedFields(value as Json, gone, schema);
    case 'elements':
      return removedElements(value as unknown[], gone, schema as Schema);
  }
}

/** A map that is empty now stays: were it nobody's, its own path would be gone, too. */
function removedFields(map: Json, gone: FieldSet, schema: Schema | undefined): Json {
  const left: Record<string, unknown> = {};
  for (const key of Object.keys(map)) {
    const at = gone[fieldStep(key)];
    if (at !== undefined && isMember(at)) continue;
    const value = at === undefined ? map[key] : removed(map[key], at, fieldOf(schema, key));
    if (value !== undefined) setKey(left, key, value);
  }
  return left;
}

function removedElements(list: readonly unknown[], gone: FieldSet, schema: Schema) {
  const left: unknown[] = [];
  for (const element of list) {
    const at = gone[stepOf(element, schema)];
    if (at !== undefined && isMember(at)) continue;
    const value = at === undefined ? element : removed(element, at, schema.items);
    if (value !== undefined) left.push(value);
  }
  return list.length > 0 && left.length === 0 ? undefined : left;
}
