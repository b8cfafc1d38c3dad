import { badRequest } from 'kernetes/sdk';
import { withoutDirectives } from './directives.ts';
import { isJsonObject, type JsonObject, unprocessable } from './json.ts';

export interface MergeListOptions {
  /** Absent: the list is a set of primitives. */
  readonly mergeKey: string | undefined;
  readonly mergeElement: (original: JsonObject, patch: JsonObject) => JsonObject;
}

export interface OrderListOptions {
  /** The elements, or objects with their merge keys, as the patch wants them ordered. */
  readonly order: readonly unknown[];
  /** The list before the patch: where elements stay that `order` does not name. */
  readonly before: readonly unknown[];
  readonly mergeKey: string | undefined;
}

/** Merges a list whose patch strategy is `merge`. */
export function mergeList(
  original: readonly unknown[],
  patch: readonly unknown[],
  options: MergeListOptions,
): unknown[] {
  const { mergeKey } = options;
  const holdsObjects = isJsonObject(patch[0] ?? original[0]);
  if (!holdsObjects) {
    const merged = distinct([...original, ...patch]);
    return orderList(merged, { order: patch, before: original, mergeKey: undefined });
  }
  if (mergeKey === undefined) throw unprocessable('cannot merge lists without merge key');
  const { kept, changes, replaced } = applyElementDirectives(original, patch, mergeKey);
  if (replaced) return changes.map(withoutDirectives);
  const merged = mergeByKey(kept, changes, { ...options, mergeKey });
  return orderList(merged, { order: changes, before: kept, mergeKey });
}

export function deleteFromPrimitives(
  list: readonly unknown[],
  unwanted: readonly unknown[],
): unknown[] {
  const gone = new Set(unwanted);
  return list.filter(element => !gone.has(element));
}

/**
 * Elements that `order` names come in its order. The others keep theirs, and stand before the
 * first named element that they stood before until now.
 */
export function orderList(list: readonly unknown[], options: OrderListOptions): unknown[] {
  const { order, before, mergeKey } = options;
  const rank = ranking(order, mergeKey);
  const place = ranking(before, mergeKey);
  const named = list.filter(element => rank(element) >= 0).sort((a, b) => rank(a) - rank(b));
  const others = list.filter(element => rank(element) < 0).sort((a, b) => place(a) - place(b));
  const ordered: unknown[] = [];
  let next = 0;
  for (const element of named) {
    const until = place(element);
    while (next < others.length && until >= 0) {
      const at = place(others[next]);
      if (at < 0 || at > until) break;
      ordered.push(others[next]);
      next += 1;
    }
    ordered.push(element);
  }
  return [...ordered, ...others.slice(next)];
}

/** What a patch holds of a list must be in the order that it wants. Throws BadRequest. */
export function checkOrder(
  patch: unknown,
  { order, mergeKey }: Pick<OrderListOptions, 'order' | 'mergeKey'>,
): void {
  if (!Array.isArray(patch)) return;
  const rank = ranking(order, mergeKey);
  let last = -1;
  for (const element of patch) {
    if (isJsonObject(element) && element.$patch !== undefined) continue;
    const at = rank(element);
    if (at < last || at < 0) throw badRequest('invalid patch format of setElementOrder list');
    last = at;
  }
}

interface ElementDirectives {
  /** Of the original, what the patch does not delete. */
  readonly kept: readonly unknown[];
  /** Of the patch, what are elements. */
  readonly changes: readonly JsonObject[];
  /** The patch is the new list. */
  readonly replaced: boolean;
}

/** `{$patch: delete, <key>: x}` takes an element out; `{$patch: replace}` empties the list first. */
function applyElementDirectives(
  original: readonly unknown[],
  patch: readonly unknown[],
  mergeKey: string,
): ElementDirectives {
  const deleted = new Set<unknown>();
  let replaced = false;
  const changes: JsonObject[] = [];
  for (const element of patch) {
    if (!isJsonObject(element)) throw unprocessable('list element types are not identical');
    switch (element.$patch) {
      case undefined:
      case 'merge':
        changes.push(element);
        break;
      case 'replace':
        replaced = true;
        // Beside the bare marker, an element may carry it: then it is one of the new list.
        if (Object.keys(element).length > 1) changes.push(element);
        break;
      case 'delete':
        deleted.add(identity(keyOf(element, mergeKey)));
        break;
      default:
        throw badRequest(`unknown patch type: ${String(element.$patch)}`);
    }
  }
  const isKept = (each: unknown) => !isJsonObject(each) || !deleted.has(identity(each[mergeKey]));
  return { kept: deleted.size === 0 ? original : original.filter(isKept), changes, replaced };
}

function mergeByKey(
  original: readonly unknown[],
  patch: readonly JsonObject[],
  { mergeKey, mergeElement }: MergeListOptions & { readonly mergeKey: string },
): unknown[] {
  const merged = [...original];
  const positions = indexBy(merged, mergeKey);
  for (const element of patch) {
    const key = identity(keyOf(element, mergeKey));
    const at = positions.get(key) ?? merged.length;
    const found = merged[at];
    merged[at] = isJsonObject(found) ? mergeElement(found, element) : withoutDirectives(element);
    positions.set(key, at);
  }
  return merged;
}

function keyOf(element: JsonObject, mergeKey: string): unknown {
  const key = element[mergeKey];
  if (key !== undefined && key !== null) return key;
  throw unprocessable(
    `map: ${JSON.stringify(element)} does not contain declared merge key: ${mergeKey}`,
  );
}

/** Where an element stands in a list; -1: nowhere. */
function ranking(
  list: readonly unknown[],
  mergeKey: string | undefined,
): (element: unknown) => number {
  const positions = indexBy(list, mergeKey);
  return element => positions.get(identity(identifying(element, mergeKey))) ?? -1;
}

/** The first position of each element. */
function indexBy(list: readonly unknown[], mergeKey: string | undefined): Map<unknown, number> {
  const positions = new Map<unknown, number>();
  for (const [position, element] of list.entries()) {
    const key = identity(identifying(element, mergeKey));
    if (!positions.has(key)) positions.set(key, position);
  }
  return positions;
}

function identifying(element: unknown, mergeKey: string | undefined): unknown {
  return mergeKey !== undefined && isJsonObject(element) ? element[mergeKey] : element;
}

/** A value that is the same for equal keys. */
function identity(key: unknown): unknown {
  return typeof key === 'object' ? JSON.stringify(key) : key;
}

function distinct(list: readonly unknown[]): unknown[] {
  return [...new Set(list)];
}
