import { badRequest } from 'kernetes/sdk';
import { isJsonObject, type JsonObject } from './json.ts';

/** What a strategic merge patch says beside values, for one object. */
export interface Directives {
  /** Fields that stay; all others go. */
  readonly retainKeys: ReadonlySet<string> | undefined;
  /** List -> its elements, or their merge keys, in the order wanted. */
  readonly orders: ReadonlyMap<string, readonly unknown[]>;
  /** List of primitives -> elements that go. */
  readonly deletions: ReadonlyMap<string, readonly unknown[]>;
}

/** Throws BadRequest on directives of another form. */
export function readDirectives(patch: JsonObject): Directives {
  const orders = new Map<string, readonly unknown[]>();
  const deletions = new Map<string, readonly unknown[]>();
  for (const [key, value] of Object.entries(patch)) {
    if (key.startsWith(SET_ELEMENT_ORDER)) {
      if (!Array.isArray(value)) throw badRequest('invalid patch format of setElementOrder list');
      orders.set(key.slice(SET_ELEMENT_ORDER.length), value);
    } else if (key.startsWith(DELETE_FROM_PRIMITIVE_LIST)) {
      if (!Array.isArray(value)) throw badRequest('invalid patch format of primitive list');
      deletions.set(key.slice(DELETE_FROM_PRIMITIVE_LIST.length), value);
    }
  }
  return { retainKeys: readRetainKeys(patch), orders, deletions };
}

export function isDirectiveKey(key: string): boolean {
  return (
    key.startsWith('$') &&
    (key === PATCH ||
      key === RETAIN_KEYS ||
      key.startsWith(SET_ELEMENT_ORDER) ||
      key.startsWith(DELETE_FROM_PRIMITIVE_LIST))
  );
}

/** A value that is new as a whole: its nulls and directives mean nothing and go. */
export function withoutDirectives(value: unknown): unknown {
  if (Array.isArray(value)) {
    return value.map(withoutDirectives).filter(element => element !== undefined);
  }
  if (!isJsonObject(value)) return value;
  if (value[PATCH] === 'delete') return undefined;
  const entries = Object.entries(value)
    .filter(([key, field]) => field !== null && !isDirectiveKey(key))
    .map(([key, field]) => [key, withoutDirectives(field)] as const);
  return Object.fromEntries(entries.filter(([, field]) => field !== undefined));
}

const PATCH = '$patch';
const RETAIN_KEYS = '$retainKeys';
const SET_ELEMENT_ORDER = '$setElementOrder/';
const DELETE_FROM_PRIMITIVE_LIST = '$deleteFromPrimitiveList/';

function readRetainKeys(patch: JsonObject): ReadonlySet<string> | undefined {
  const list = patch[RETAIN_KEYS];
  if (list === undefined) return undefined;
  const bad = badRequest('invalid patch format of retainKeys');
  if (!Array.isArray(list)) throw bad;
  const keys = new Set(list.map(String));
  for (const [key, value] of Object.entries(patch)) {
    if (value !== null && !isDirectiveKey(key) && !keys.has(key)) throw bad;
  }
  return keys;
}
