import { isDeepStrictEqual } from 'node:util';
import type { IntOrString } from './api/types-meta-v1.ts';
import { type FieldPath, invalidValue, notSupported } from './field-path.ts';
import { isPercentage } from './int-or-string.ts';
import { percentErrors } from './names.ts';
import type { FieldError } from './status.ts';

/** Checks of single fields that many kinds share, with upstream's words. */

export function nonNegative(value: number | undefined, path: FieldPath | string): FieldError[] {
  if (value === undefined || value >= 0) return [];
  return [invalidValue(path, value, 'must be greater than or equal to 0')];
}

export function immutable(value: unknown, old: unknown, path: FieldPath | string): FieldError[] {
  if (isDeepStrictEqual(value, old)) return [];
  return [invalidValue(path, value ?? null, 'field is immutable')];
}

/** `supported` in the order in which the answer names them. */
export function oneOf(
  value: string | undefined,
  supported: readonly string[],
  path: FieldPath | string,
): FieldError[] {
  if (value !== undefined && supported.includes(value)) return [];
  return [notSupported(path, value ?? '', supported)];
}

/** A number or percentage that is not negative. */
export function positiveIntOrPercent(
  value: IntOrString | undefined,
  path: FieldPath | string,
): FieldError[] {
  if (typeof value !== 'string') return nonNegative(value, path);
  return (percentErrors(value) ?? []).map(error => invalidValue(path, value, error));
}

export function atMost100Percent(
  value: IntOrString | undefined,
  path: FieldPath | string,
): FieldError[] {
  if (typeof value !== 'string' || !isPercentage(value) || Number.parseInt(value, 10) <= 100) {
    return [];
  }
  return [invalidValue(path, value, 'must not be greater than 100%')];
}

/** The number in a number or percentage; 0 for what is neither. */
export function intOrPercentValue(value: IntOrString | undefined): number {
  if (typeof value !== 'string') return value ?? 0;
  return isPercentage(value) ? Number.parseInt(value, 10) : 0;
}
