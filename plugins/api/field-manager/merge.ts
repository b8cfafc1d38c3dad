import type { Schema } from 'kernetes/sdk';
import { fieldOf, type Json, own, setKey, stepOf, structureOf } from './structure.ts';

/**
 * An applied configuration laid over an object: structured-merge-diff's Merge. What both have is
 * merged as far as the schema lets it be owned in parts; beyond, the configuration's stands.
 * Neither argument is changed; the result shares with both.
 */
export function mergeApplied<T extends object>(live: T, config: object, schema: Schema): T {
  return mergeFields(live as unknown as Json, config as Json, schema) as unknown as T;
}

function mergeFields(live: Json, config: Json, schema: Schema | undefined): Json {
  const merged: Record<string, unknown> = { ...live };
  for (const key of Object.keys(config)) {
    const value = config[key];
    if (value === undefined) continue;
    const before = own(live, key);
    const after = before === undefined ? value : mergeValues(before, value, fieldOf(schema, key));
    setKey(merged, key, after);
  }
  return merged;
}

function mergeValues(live: unknown, config: unknown, schema: Schema | undefined): unknown {
  const structure = structureOf(schema, live);
  // A null is an empty struct or list, and adds nothing to what is there.
  if (config === null && structure !== 'leaf') return live;
  if (structure === 'leaf' || structure !== structureOf(schema, config)) return config;
  if (structure === 'fields') return mergeFields(live as Json, config as Json, schema);
  return mergeElements(live as unknown[], config as unknown[], schema as Schema);
}

/**
 * Elements of the configuration come in its order, those of the object alone keep their place
 * before the element that they stood before.
 */
function mergeElements(live: unknown[], config: unknown[], schema: Schema): unknown[] {
  const before = uniqueElements(live, schema);
  const steps = config.map(element => stepOf(element, schema));
  const wanted = new Set(steps);
  const sharedAfter = (from: number) =>
    steps.findIndex((step, at) => at >= from && before.has(step));
  const merged: unknown[] = [];
  const take = (from: number, end: number) => {
    for (let at = from; at < end; at++) {
      const found = before.get(steps[at] as string);
      const element = config[at];
      merged.push(found === undefined ? element : mergeValues(found, element, schema.items));
    }
  };
  let next = 0;
  let shared = sharedAfter(0);
  for (const element of live) {
    const step = stepOf(element, schema);
    if (!wanted.has(step)) merged.push(element);
    else if (step === steps[shared]) {
      take(next, shared + 1);
      next = shared + 1;
      shared = sharedAfter(next);
    }
  }
  take(next, config.length);
  return merged;
}

/** By their steps; undefined for those that occur twice, which are replaced. */
function uniqueElements(list: readonly unknown[], schema: Schema): Map<string, unknown> {
  const elements = new Map<string, unknown>();
  for (const element of list) {
    const step = stepOf(element, schema);
    elements.set(step, elements.has(step) ? undefined : element);
  }
  return elements;
}
