import { tooLong, typeInvalid } from '../field-path.ts';
import { type Check, refuse } from './check.ts';
import type { SchemaEngines } from './engines.ts';
import { FORMATS } from './formats.ts';
import type { JSONSchemaProps } from './properties.ts';
import { pathText } from './value-path.ts';

export function stringChecks(schema: JSONSchemaProps, engines: SchemaEngines): Check[] {
  const { minLength, maxLength, pattern, format } = schema;
  const checks: Check[] = [];
  if (maxLength !== undefined) {
    checks.push((value, _old, { path, errors }) => {
      if (lengthOf(value) > maxLength) errors.push(tooLong(pathText(path), maxLength));
    });
  }
  if (minLength !== undefined) {
    checks.push((value, _old, walk) => {
      const why = `should be at least ${minLength} chars long`;
      if (lengthOf(value) < minLength) refuse(walk, value, why);
    });
  }
  if (pattern) {
    const matches = engines.patterns.compile(pattern);
    checks.push((value, _old, walk) => {
      if (!matches(value as string)) refuse(walk, value, `should match '${pattern}'`);
    });
  }
  const fits = FORMATS.get(format ?? '');
  if (fits) {
    checks.push((value, _old, { path, errors }) => {
      if (fits(value as string)) return;
      const name = pathText(path);
      const why = `${name} in body must be of type ${format}: ${JSON.stringify(value)}`;
      errors.push(typeInvalid(name, value, why));
    });
  }
  return checks;
}

/** In code points, as Go counts runes. */
function lengthOf(value: unknown): number {
  const text = value as string;
  return /[\ud800-\udbff]/.test(text) ? [...text].length : text.length;
}

export function numberChecks(schema: JSONSchemaProps): Check[] {
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum, multipleOf } = schema;
  const checks: Check[] = [];
  if (multipleOf !== undefined && multipleOf > 0) {
    checks.push((value, _old, walk) => {
      const times = (value as number) / multipleOf;
      if (times !== Math.trunc(times)) refuse(walk, value, `should be a multiple of ${multipleOf}`);
    });
  }
  if (maximum !== undefined) {
    const what = exclusiveMaximum ? 'less than' : 'less than or equal to';
    checks.push((value, _old, walk) => {
      const n = value as number;
      if (exclusiveMaximum ? n >= maximum : n > maximum)
        refuse(walk, n, `should be ${what} ${maximum}`);
    });
  }
  if (minimum !== undefined) {
    const what = exclusiveMinimum ? 'greater than' : 'greater than or equal to';
    checks.push((value, _old, walk) => {
      const n = value as number;
      if (exclusiveMinimum ? n <= minimum : n < minimum)
        refuse(walk, n, `should be ${what} ${minimum}`);
    });
  }
  return checks;
}
