import { invalidValue } from '../field-path.ts';
import type { FieldError } from '../status.ts';
import { pathText } from './value-path.ts';

/** A value that is looked through. */
export interface Walk {
  readonly path: (string | number)[];
  errors: FieldError[];
}

/** `old`: what was there before, or `UNRELATED`. */
export type Check = (value: unknown, old: unknown, walk: Walk) => void;

/** Nothing of the old object is known to be the same place. */
export const UNRELATED = Symbol('unrelated');

export function refuse({ path, errors }: Walk, value: unknown, why: string): void {
  const name = pathText(path);
  errors.push(invalidValue(name, value, `${name} in body ${why}`));
}
