import type { Schema } from 'kernetes/sdk';
import { type FieldSet, type FieldSetDraft, fieldStep, isEmptySet, LEAF } from './field-set.ts';
import { equal, fieldOf, isStruct, type Json, own, stepOf, structureOf } from './structure.ts';

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
  const sides = compareFields(old as Json, object as Json, {
    schema,
    skip: skip.root,
    skipInMetadata: skip.metadata,
  });
  return { changed: sides?.changed ?? LEAF, removed: sides?.removed ?? LEAF };
}

/** What is found below a path; a side with nothing is absent. */
interface Sides {
  changed?: FieldSet;
  removed?: FieldSet;
}

interface CompareFieldsOptions {
  readonly schema: Schema | undefined;
  readonly skip: ReadonlySet<string>;
  /** At the root only. */
  readonly skipInMetadata?: ReadonlySet<string>;
}

const NONE: ReadonlySet<string> = new Set();

/** Two maps or structs, both there. Undefined: they do not differ. */
function compareFields(old: Json, now: Json, options: CompareFieldsOptions): Sides | undefined {
  const { schema, skip, skipInMetadata } = options;
  const found = new Findings();
  let matched = 0;
  for (const key in now) {
    const after = now[key];
    const before = own(old, key);
    if (before !== undefined && after !== undefined) matched += 1;
    if (before === after || after === undefined || skip.has(key)) continue;
    const field = fieldOf(schema, key);
    const isMetadata = skipInMetadata !== undefined && key === 'metadata';
    const below = isMetadata ? skipInMetadata : NONE;
    if (before === undefined) {
      const zero = isMetadata || isAlwaysThere(schema, field, key);
      found.add(fieldStep(key), { changed: fieldsOf(after, field, zero, below) });
    } else {
      found.add(fieldStep(key), compareValues(before, after, field, below));
    }
  }
  if (matched === keyCount(old)) return found.sides;
  for (const key in old) {
    if (skip.has(key) || old[key] === undefined || own(now, key) !== undefined) continue;
    const field = fieldOf(schema, key);
    const zero = isAlwaysThere(schema, field, key);
    found.add(fieldStep(key), { removed: fieldsOf(old[key], field, zero, NONE) });
  }
  return found.sides;
}

/** Two values of one field, both there and not identical. Undefined: they do not differ. */
function compareValues(
  before: unknown,
  after: unknown,
  schema: Schema | undefined,
  skip: ReadonlySet<string>,
): PartialSides | undefined {
  const structure = structureOf(schema, after);
  if (structure !== structureOf(schema, before)) {
    return {
      changed: fieldsOf(after, schema, false, NONE),
      removed: fieldsOf(before, schema, true, NONE),
    };
  }
  switch (structure) {
    case 'leaf':
      return equal(before, after) ? undefined : { changed: LEAF };
    case 'fields':
      return compareFields(before as Json, after as Json, { schema, skip });
    case 'elements':
      return compareElements(before as unknown[], after as unknown[], schema as Schema);
  }
}

/** Two lists that are sets, or maps by keys. Undefined: they do not differ. */
function compareElements(
  before: readonly unknown[],
  after: readonly unknown[],
  schema: Schema,
): Sides | undefined {
  const found = new Findings();
  // Most writes leave elements where they were: for those no key is written out or looked up.
  let aligned = 0;
  while (aligned < after.length && sameElement(before[aligned], after[aligned], schema)) {
    const sides = compareElement(before[aligned], after[aligned], schema);
    if (sides) found.add(stepOf(after[aligned], schema), sides);
    aligned += 1;
  }
  const old = new Map(before.slice(aligned).map(element => [stepOf(element, schema), element]));
  for (const element of after.slice(aligned)) {
    const step = stepOf(element, schema);
    if (old.has(step)) found.add(step, compareElement(old.get(step), element, schema));
    else found.add(step, { changed: fieldsOf(element, schema.items, false, NONE) });
    old.delete(step);
  }
  for (const [step, element] of old) {
    found.add(step, { removed: fieldsOf(element, schema.items, false, NONE) });
  }
  return found.sides;
}

function compareElement(before: unknown, after: unknown, { items }: Schema) {
  return before === after ? undefined : compareValues(before, after, items, NONE);
}

/** Whether two elements have the same step. */
function sameElement(a: unknown, b: unknown, { listType, listMapKeys }: Schema): boolean {
  if (a === b) return true;
  if (listType !== 'map' || !isStruct(a) || !isStruct(b)) return false;
  for (const key of listMapKeys) {
    const value = a[key];
    if (value !== b[key] || typeof value === 'object' || value === undefined) return false;
  }
  return true;
}

type PartialSides = { readonly [side in keyof Sides]?: FieldSet | undefined };

/** Gathers both sides of one level; makes nothing while nothing differs. */
class Findings {
  #changed: FieldSetDraft | undefined;
  #removed: FieldSetDraft | undefined;

  add(step: string, sides: PartialSides | undefined): void {
    if (sides?.changed) {
      this.#changed ??= {};
      this.#changed[step] = sides.changed;
    }
    if (sides?.removed) {
      this.#removed ??= {};
      this.#removed[step] = sides.removed;
    }
  }

  get sides(): Sides | undefined {
    if (!this.#changed && !this.#removed) return undefined;
    return {
      ...(this.#changed && { changed: this.#changed }),
      ...(this.#removed && { removed: this.#removed }),
    };
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
      put(
        set,
        fieldStep(key),
        fieldsOf(child, field, zero && isAlwaysThere(schema, field, key), NONE),
      );
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

function keyCount(object: Json): number {
  let count = 0;
  for (const _ in object) count += 1;
  return count;
}

function put(into: FieldSetDraft, step: string, set: FieldSet | undefined): void {
  if (set !== undefined) into[step] = set;
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
