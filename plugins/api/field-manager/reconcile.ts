import type { Schema } from 'kernetes/sdk';
import { type FieldSet, type FieldSetDraft, isEmptySet, LEAF } from './field-set.ts';
import { fieldOf, isStruct, type Json, own, stepOf, structureOf } from './structure.ts';

/**
 * The set with what the schema has made atomic since it was written: who owned parts of such a list
 * or map now owns it as a whole. Returns its argument where nothing is to do.
 */
export function reconciled(set: FieldSet, value: unknown, schema: Schema | undefined): FieldSet {
  const structure = structureOf(schema, value);
  if (structure === 'leaf') return set;
  const children = structure === 'elements' ? elementsOf(value, schema as Schema) : undefined;
  let result: FieldSetDraft | undefined;
  for (const step in set) {
    const node = set[step] as FieldSet;
    if (step === '.' || isEmptySet(node)) continue;
    const name = step.slice(2);
    const child = children ? children.get(step) : own(value as Json, name);
    const below = children ? schema?.items : fieldOf(schema, name);
    const now = isNowAtomic(child, below) ? LEAF : reconciled(node, child, below);
    if (now === node) continue;
    result ??= { ...set };
    result[step] = now;
  }
  return result ?? set;
}

/** Known by the schema alone: what is deduced from values never changes. */
function isNowAtomic(value: unknown, schema: Schema | undefined): boolean {
  return schema !== undefined && isStruct(value) && structureOf(schema, value) === 'leaf';
}

function elementsOf(value: unknown, schema: Schema): Map<string, unknown> {
  return new Map((value as unknown[]).map(element => [stepOf(element, schema), element]));
}
