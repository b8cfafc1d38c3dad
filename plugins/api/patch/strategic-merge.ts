import { badRequest, type Schema } from 'kernetes/sdk';
import { isDirectiveKey, readDirectives, withoutDirectives } from './directives.ts';
import { isJsonObject, type JsonObject, ownValue, setKey } from './json.ts';
import { checkOrder, deleteFromPrimitives, mergeList, orderList } from './strategic-list.ts';

/**
 * Strategic merge patch: a merge patch that knows from the schema which lists are sets of
 * primitives, which are maps by a merge key, and which are replaced whole. Source for what the
 * directives mean: apimachinery's `strategicpatch` and its design notes. Neither argument is
 * changed; the result shares with both.
 */
export function strategicMerge(
  original: JsonObject,
  patch: JsonObject,
  schema: Schema | undefined,
): JsonObject {
  if (patch.$patch === 'delete') return {};
  if (patch.$patch === 'replace') return asObject(withoutDirectives(patch));
  if (patch.$patch !== undefined && patch.$patch !== 'merge') {
    throw badRequest(`unknown patch type: ${String(patch.$patch)}`);
  }
  const { retainKeys, orders, deletions } = readDirectives(patch);
  const merged: Record<string, unknown> = { ...original };
  if (retainKeys) {
    for (const key of Object.keys(merged)) if (!retainKeys.has(key)) delete merged[key];
  }
  for (const [key, value] of Object.entries(patch)) {
    if (isDirectiveKey(key)) continue;
    const result =
      value === null ? undefined : mergeField(ownValue(merged, key), value, fieldOf(schema, key));
    if (result === undefined) delete merged[key];
    else setKey(merged, key, result);
  }
  for (const [key, unwanted] of deletions) {
    const list = merged[key];
    if (Array.isArray(list)) merged[key] = deleteFromPrimitives(list, unwanted);
  }
  for (const [key, order] of orders) {
    const list = merged[key];
    if (!Array.isArray(list)) continue;
    const mergeKey = fieldOf(schema, key)?.patchMergeKey;
    checkOrder(patch[key], { order, mergeKey });
    const before = Array.isArray(original[key]) ? original[key] : [];
    merged[key] = orderList(list, { order, before, mergeKey });
  }
  return merged;
}

/** The new value of a field; undefined: it goes. */
function mergeField(original: unknown, patch: unknown, field: Schema | undefined): unknown {
  const replaces = field?.patchStrategy.includes('replace') ?? false;
  if (isJsonObject(patch) && isJsonObject(original) && !replaces) {
    return strategicMerge(original, patch, field);
  }
  if (Array.isArray(patch) && Array.isArray(original) && merges(field)) {
    return mergeList(original, patch, {
      mergeKey: field?.patchMergeKey,
      mergeElement: (one, other) => strategicMerge(one, other, field?.items),
    });
  }
  return withoutDirectives(patch);
}

function merges(field: Schema | undefined): boolean {
  return field?.patchStrategy.includes('merge') ?? false;
}

/** What the schema says of a key; undefined where it says nothing. */
function fieldOf(schema: Schema | undefined, key: string): Schema | undefined {
  return schema?.type === 'map' ? schema.additionalProperties : schema?.properties.get(key);
}

function asObject(value: unknown): JsonObject {
  return isJsonObject(value) ? value : {};
}
