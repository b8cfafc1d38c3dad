import { type FieldError, fieldPath, invalidValue, nonNegative } from 'kernetes/sdk';

const STATUS = fieldPath('status');

/** None of the counters may be negative. */
export function validateCounters<T extends object>(
  status: T | undefined,
  names: readonly (keyof T & string)[],
): FieldError[] {
  return names.flatMap(name => nonNegative(counter(status, name), STATUS.child(name)));
}

/** `name` may not be greater than `limit`; `limitName` is what the answer calls the latter. */
export function validateNotGreater<T extends object>(
  status: T | undefined,
  [name, limit]: readonly [keyof T & string, keyof T & string],
  limitName = `status.${limit}`,
): FieldError[] {
  const value = counter(status, name) ?? 0;
  if (value <= (counter(status, limit) ?? 0)) return [];
  return [invalidValue(STATUS.child(name), value, `cannot be greater than ${limitName}`)];
}

/** Counts hash collisions: a lower number would bring a name back that is taken. */
export function validateCollisionCount(
  status: { collisionCount?: number } | undefined,
  old: { collisionCount?: number } | undefined,
): FieldError[] {
  const before = old?.collisionCount;
  const now = status?.collisionCount;
  if (before === undefined || (now !== undefined && now >= before)) return [];
  return [invalidValue(STATUS.child('collisionCount'), now ?? 0, 'cannot be decremented')];
}

function counter<T extends object>(
  status: T | undefined,
  name: keyof T & string,
): number | undefined {
  const value: unknown = status?.[name];
  return typeof value === 'number' ? value : undefined;
}
