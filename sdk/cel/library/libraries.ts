import type { Library } from '../overload.ts';
import { CONVERSIONS } from './conversions.ts';
import { OPERATORS } from './operators.ts';
import { REGEX } from './regex.ts';
import { TIME } from './time.ts';

/** What every expression may call. */
export const LIBRARIES: readonly Library[] = [OPERATORS, CONVERSIONS, TIME, REGEX];
