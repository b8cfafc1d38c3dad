import type { Library } from '../overload.ts';
import { CONVERSIONS } from './conversions.ts';
import { FORMAT } from './format.ts';
import { IP } from './ip.ts';
import { LISTS } from './lists.ts';
import { MATH } from './math.ts';
import { OPERATORS } from './operators.ts';
import { QUANTITY } from './quantity.ts';
import { REGEX } from './regex.ts';
import { SEMVER } from './semver.ts';
import { STRINGS } from './strings.ts';
import { TIME } from './time.ts';
import { URLS } from './url.ts';

/** What every expression may call. */
export const LIBRARIES: readonly Library[] = [
  OPERATORS,
  CONVERSIONS,
  TIME,
  STRINGS,
  REGEX,
  LISTS,
  MATH,
  QUANTITY,
  URLS,
  IP,
  FORMAT,
  SEMVER,
];
