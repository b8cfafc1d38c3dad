import { duplicate, type FieldError, type FieldPath, tooMany } from 'kernetes/sdk';

export interface ListLimits {
  readonly path: FieldPath;
  /** Absent: any number. */
  readonly max?: number;
}

type Check<T> = (item: T, path: FieldPath) => FieldError[];

/** A list that is too long is not looked at further. */
export function validateList<T>(
  list: readonly T[] | undefined,
  { path, max = Number.POSITIVE_INFINITY }: ListLimits,
  check: Check<T>,
): FieldError[] {
  if (list === undefined) return [];
  if (list.length > max) return [tooMany(path, list.length, max)];
  return list.flatMap((item, i) => check(item, path.index(i)));
}

/** The same, with no key twice. */
export function validateSet<T>(
  list: readonly T[] | undefined,
  limits: ListLimits & { readonly key: (item: T) => string },
  check: Check<T>,
): FieldError[] {
  const { path, max = Number.POSITIVE_INFINITY, key } = limits;
  const errors = validateList(list, limits, check);
  if (list === undefined || list.length > max) return errors;
  const seen = new Set<string>();
  for (const [i, item] of list.entries()) {
    const name = key(item);
    if (seen.has(name)) errors.push(duplicate(path.index(i), name));
    seen.add(name);
  }
  return errors;
}

/** Errors of a key are told of the map. */
export function validateMap<T>(
  map: Readonly<Record<string, T>> | undefined,
  limits: ListLimits & { readonly key: Check<string> },
  check: Check<T>,
): FieldError[] {
  const entries = Object.entries(map ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
  const { path, max = Number.POSITIVE_INFINITY, key: checkKey } = limits;
  if (entries.length > max) return [tooMany(path, entries.length, max)];
  return entries.flatMap(([key, value]) => [
    ...checkKey(key, path),
    ...check(value, path.key(key)),
  ]);
}
