import { isDeepStrictEqual } from 'node:util';
import type { Schema } from '../sdk/schema.ts';

/** The three states that an apply merges, at one place of the object. */
export interface ThreeStates {
  /** What is applied now. */
  readonly wanted: unknown;
  /** What was applied the last time. */
  readonly last: unknown;
  /** What is there, with what the server and others added. */
  readonly live: unknown;
}

/**
 * What is there, changed to what is wanted: fields that were applied the last time and are not
 * wanted any more go; what others set stays. Lists merge by their keys where the schema says so,
 * else they are one value. These are the rules of `kubectl apply`; without a schema, those that
 * it has for custom resources.
 */
export function threeWayMerge(states: ThreeStates, schema: Schema | undefined): unknown {
  const { wanted, last, live } = states;
  if (isMap(wanted)) {
    return mergeMaps(wanted, isMap(last) ? last : {}, isMap(live) ? live : {}, schema);
  }
  if (Array.isArray(wanted) && Array.isArray(live) && schema?.patchStrategy.includes('merge')) {
    const lists = { wanted, last: Array.isArray(last) ? last : [], live };
    const keyOf = keyFunction(schema);
    return keyOf ? mergeByKey(lists, keyOf, schema.items) : mergeSets(lists);
  }
  return wanted;
}

type Fields = Readonly<Record<string, unknown>>;

function mergeMaps(wanted: Fields, last: Fields, live: Fields, schema: Schema | undefined): Fields {
  const merged: Record<string, unknown> = {};
  // With this strategy one choice excludes the other (a volume's source): nothing else stays.
  const keep = !schema?.patchStrategy.includes('retainKeys');
  for (const [name, value] of Object.entries(live)) {
    if (name in wanted ? wanted[name] !== null : keep && !(name in last)) merged[name] = value;
  }
  for (const [name, value] of Object.entries(wanted)) {
    if (value === null || value === undefined) continue;
    const child = schema?.properties.get(name) ?? schema?.additionalProperties;
    merged[name] = threeWayMerge({ wanted: value, last: last[name], live: live[name] }, child);
  }
  return merged;
}

interface Lists {
  readonly wanted: readonly unknown[];
  readonly last: readonly unknown[];
  readonly live: readonly unknown[];
}

type KeyOf = (item: unknown) => string;

/** Undefined: the items are their own keys. A key field that is left out has its default. */
function keyFunction({ items, listMapKeys, patchMergeKey }: Schema): KeyOf | undefined {
  const names = listMapKeys.length > 0 ? listMapKeys : patchMergeKey ? [patchMergeKey] : [];
  if (names.length === 0) return undefined;
  return item => {
    const fields = isMap(item) ? item : {};
    return JSON.stringify(names.map(name => fields[name] ?? items?.properties.get(name)?.default));
  };
}

function mergeByKey({ wanted, last, live }: Lists, keyOf: KeyOf, items: Schema | undefined) {
  const lastByKey = new Map(last.map(item => [keyOf(item), item]));
  const liveByKey = new Map(live.map(item => [keyOf(item), item]));
  const merged = new Map(
    wanted.map(item => {
      const key = keyOf(item);
      const states = { wanted: item, last: lastByKey.get(key), live: liveByKey.get(key) };
      return [key, threeWayMerge(states, items)];
    }),
  );
  const kept = live.filter(item => merged.has(keyOf(item)) || !lastByKey.has(keyOf(item)));
  const common = kept.map(keyOf).filter(key => merged.has(key));
  const [...wantedKeys] = merged.keys();
  if (!isDeepStrictEqual(common, wantedKeys.slice(0, common.length))) {
    return [...merged.values(), ...kept.filter(item => !merged.has(keyOf(item)))];
  }
  // The order is as wanted already: what others put between stays between.
  const added = wantedKeys.slice(common.length).map(key => merged.get(key));
  return [...kept.map(item => merged.get(keyOf(item)) ?? item), ...added];
}

function mergeSets({ wanted, last, live }: Lists): unknown[] {
  const kept = live.filter(item => wanted.includes(item) || !last.includes(item));
  return [...kept, ...wanted.filter(item => !kept.includes(item))];
}

function isMap(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
