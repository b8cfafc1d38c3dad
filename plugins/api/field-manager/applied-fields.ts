import type { Schema } from 'kernetes/sdk';
import { type FieldSet, type FieldSetDraft, fieldStep, isEmptySet, LEAF } from './field-set.ts';
import { fieldOf, isNamedField, isStruct, type Json, stepOf, structureOf } from './structure.ts';

/**
 * What an applied configuration (or a whole object) claims: structured-merge-diff's ToFieldSet. A
 * field that the schema names is claimed by what is in it, a map's key and a list's element also as
 * such, for without a claim an emptied one would stay.
 */
export function appliedFields(value: object, schema: Schema | undefined): FieldSet {
  return fieldsIn(value, schema) ?? LEAF;
}

/** Undefined: nothing is claimed. */
function fieldsIn(value: unknown, schema: Schema | undefined): FieldSet | undefined {
  switch (structureOf(schema, value)) {
    case 'leaf':
      return LEAF;
    case 'fields':
      return fieldsOfMap(value as Json, schema);
    case 'elements':
      return fieldsOfList(value as unknown[], schema as Schema);
  }
}

function fieldsOfMap(map: Json, schema: Schema | undefined): FieldSet | undefined {
  const set: FieldSetDraft = {};
  for (const key in map) {
    const value = map[key];
    if (value === undefined) continue;
    const below = fieldsIn(value, fieldOf(schema, key));
    const claimed = isNamedField(schema, key) && !isEmptyMap(value) ? below : withItself(below);
    if (claimed !== undefined) set[fieldStep(key)] = claimed;
  }
  return isEmptySet(set) ? undefined : set;
}

function fieldsOfList(list: readonly unknown[], schema: Schema): FieldSet | undefined {
  const set: FieldSetDraft = {};
  for (const element of list) {
    const step = stepOf(element, schema);
    // Elements that stand there twice are claimed whole: which is whose cannot be told.
    set[step] = set[step] === undefined ? withItself(fieldsIn(element, schema.items)) : LEAF;
  }
  return isEmptySet(set) ? undefined : set;
}

function withItself(below: FieldSet | undefined): FieldSet {
  if (below === undefined || isEmptySet(below)) return LEAF;
  return { '.': LEAF, ...below };
}

function isEmptyMap(value: unknown): boolean {
  return isStruct(value) && !Array.isArray(value) && Object.keys(value).length === 0;
}
