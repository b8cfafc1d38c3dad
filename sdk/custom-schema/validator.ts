import { isDeepStrictEqual } from 'node:util';
import { invalidValue, notSupported, required, tooMany, typeInvalid } from '../field-path.ts';
import type { FieldError } from '../status.ts';
import { type Check, refuse, UNRELATED, type Walk } from './check.ts';
import type { SchemaEngines } from './engines.ts';
import { correlate } from './list-types.ts';
import { isSchema, itemsOf, type JSONSchemaProps, propertyOf, valuesOf } from './properties.ts';
import { numberChecks, stringChecks } from './scalar-checks.ts';
import { pathText } from './value-path.ts';

/**
 * Values against the schema of a custom resource: compiled once, to functions that do nothing and
 * build no path while a value fits. A library such as ajv would not do: it makes JavaScript's own
 * regular expressions of what users write, which can be made to run for hours, and what it finds
 * would have to be put into upstream's words and causes, which clients read.
 *
 * With `old`, what was wrong before and is the same still is let through (KEP-4008). That needs a
 * second walk, and only an object that is refused pays for it.
 */
export type Validator = (value: unknown, old?: unknown) => FieldError[];

/** Throws what `engines.patterns` and its `compile` throw. */
export function compileValidator(schema: JSONSchemaProps, engines: SchemaEngines): Validator {
  const check = compile(schema, engines);
  return (value, old) => {
    const walk: Walk = { path: [], errors: [] };
    check(value, UNRELATED, walk);
    if (walk.errors.length === 0 || old === undefined) return walk.errors;
    const again: Walk = { path: [], errors: [] };
    check(value, old, again);
    return again.errors;
  };
}

function compile(schema: JSONSchemaProps, engines: SchemaEngines): Check {
  const checkType = typeCheck(schema);
  const junctors = junctorChecks(schema, engines);
  const strings = stringChecks(schema, engines);
  const numbers = numberChecks(schema);
  const arrays = arrayChecks(schema, engines);
  const objects = objectChecks(schema, engines);
  const checkEnum = enumCheck(schema);
  return (value, old, walk) => {
    if (old !== UNRELATED && isDeepStrictEqual(value, old)) return;
    checkType?.(value, old, walk);
    if (value !== null && value !== undefined) {
      for (const check of junctors) check(value, old, walk);
      const own = typeof value === 'string' ? strings : typeof value === 'number' ? numbers : NONE;
      for (const check of own) check(value, old, walk);
      if (Array.isArray(value)) for (const check of arrays) check(value, old, walk);
    }
    checkEnum?.(value, old, walk);
    if (isSchema(value)) objects?.(value, old, walk);
  };
}

const NONE: readonly Check[] = [];

function typeCheck(schema: JSONSchemaProps): Check | undefined {
  const isEither = schema['x-kubernetes-int-or-string'] === true;
  const types = isEither ? ['integer', 'string'] : schema.type ? [schema.type] : [];
  const wanted = types.join(',');
  return (value, _old, walk) => {
    if (value === null || value === undefined) {
      if (schema.nullable === true || types.length === 0) return;
      refuseType(walk, wanted, 'null');
      return;
    }
    if (types.length === 0) return;
    const type = typeOf(value);
    const fits = types.includes(type) || (type === 'integer' && wanted === 'number');
    if (!fits) refuseType(walk, wanted, type);
  };
}

function refuseType({ path, errors }: Walk, wanted: string, found: string): void {
  const name = pathText(path);
  const why = `${name} in body must be of type ${wanted}: ${JSON.stringify(found)}`;
  errors.push(typeInvalid(name, found, why));
}

function typeOf(value: unknown): string {
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number';
  return typeof value;
}

/** Of a combination as a whole; upstream says no field. */
function refuseAll({ path, errors }: Walk, why: string): void {
  errors.push(invalidValue('<nil>', '', `"${pathText(path)}" must ${why}`));
}

function junctorChecks(schema: JSONSchemaProps, engines: SchemaEngines): Check[] {
  const checks: Check[] = [];
  const compiled = (list: readonly JSONSchemaProps[]) => list.map(each => compile(each, engines));
  if (schema.anyOf?.length) checks.push(anyOf(compiled(schema.anyOf)));
  if (schema.oneOf?.length) checks.push(oneOf(compiled(schema.oneOf)));
  if (schema.allOf?.length) checks.push(allOf(compiled(schema.allOf)));
  if (isSchema(schema.not)) checks.push(not(compile(schema.not, engines)));
  return checks;
}

/** What a schema says about a value, apart from the rest. */
function tryOut(check: Check, value: unknown, old: unknown, { path }: Walk): FieldError[] {
  const walk: Walk = { path, errors: [] };
  check(value, old, walk);
  return walk.errors;
}

function anyOf(checks: readonly Check[]): Check {
  return (value, old, walk) => {
    let best: FieldError[] | undefined;
    for (const check of checks) {
      const errors = tryOut(check, value, old, walk);
      if (errors.length === 0) return;
      if (best === undefined || errors.length < best.length) best = errors;
    }
    refuseAll(walk, 'validate at least one schema (anyOf)');
    walk.errors.push(...(best ?? []));
  };
}

function oneOf(checks: readonly Check[]): Check {
  return (value, old, walk) => {
    const results = checks.map(check => tryOut(check, value, old, walk));
    const valid = results.filter(errors => errors.length === 0).length;
    if (valid === 1) return;
    const found = valid === 0 ? 'Found none valid' : `Found ${valid} valid alternatives`;
    refuseAll(walk, `validate one and only one schema (oneOf). ${found}`);
    if (valid > 0) return;
    walk.errors.push(...results.reduce((best, each) => (each.length < best.length ? each : best)));
  };
}

function allOf(checks: readonly Check[]): Check {
  return (value, old, walk) => {
    const results = checks.map(check => tryOut(check, value, old, walk));
    const errors = results.flat();
    if (errors.length === 0) return;
    walk.errors.push(...errors);
    const none = results.every(each => each.length > 0) ? '. None validated' : '';
    refuseAll(walk, `validate all the schemas (allOf)${none}`);
  };
}

function not(check: Check): Check {
  return (value, _old, walk) => {
    // What is not to be valid cannot be let through for having been so before.
    if (tryOut(check, value, UNRELATED, walk).length === 0) {
      refuseAll(walk, 'not validate the schema (not)');
    }
  };
}

function arrayChecks(schema: JSONSchemaProps, engines: SchemaEngines): Check[] {
  const { minItems, maxItems, uniqueItems } = schema;
  const items = itemsOf(schema);
  const checks: Check[] = [];
  if (items) checks.push(itemsCheck(schema, compile(items, engines)));
  if (minItems !== undefined) {
    checks.push((value, _old, walk) => {
      const size = (value as unknown[]).length;
      if (size < minItems) refuse(walk, size, `should have at least ${minItems} items`);
    });
  }
  if (maxItems !== undefined) {
    checks.push((value, _old, { path, errors }) => {
      const size = (value as unknown[]).length;
      if (size > maxItems) errors.push(tooMany(pathText(path), size, maxItems));
    });
  }
  if (uniqueItems) {
    checks.push((value, _old, walk) => {
      const list = value as unknown[];
      const texts = new Set(list.map(each => JSON.stringify(each)));
      if (texts.size < list.length) refuse(walk, '', `shouldn't contain duplicates`);
    });
  }
  return checks;
}

function itemsCheck(schema: JSONSchemaProps, check: Check): Check {
  return (value, old, walk) => {
    const oldOf = correlate(schema, old);
    for (const [i, element] of (value as unknown[]).entries()) {
      walk.path.push(i);
      check(element, oldOf(element) ?? UNRELATED, walk);
      walk.path.pop();
    }
  };
}

type ObjectCheck = (value: object, old: unknown, walk: Walk) => void;

function objectChecks(schema: JSONSchemaProps, engines: SchemaEngines): ObjectCheck | undefined {
  const { minProperties, maxProperties, additionalProperties } = schema;
  const requiredNames = schema.required ?? [];
  const properties = new Map<string, Check>();
  for (const name of Object.keys(schema.properties ?? {})) {
    const property = propertyOf(schema, name);
    if (property) properties.set(name, compile(property, engines));
  }
  const values = valuesOf(schema);
  const rest = values && compile(values, engines);
  return (value, old, walk) => {
    const object = value as Record<string, unknown>;
    const names = Object.keys(object);
    if (minProperties !== undefined && names.length < minProperties) {
      refuse(walk, names.length, `should have at least ${minProperties} properties`);
      return;
    }
    if (maxProperties !== undefined && names.length > maxProperties) {
      walk.errors.push(tooMany(pathText(walk.path), names.length, maxProperties));
      return;
    }
    for (const name of names) {
      const check = properties.get(name) ?? rest;
      walk.path.push(name);
      if (check) check(object[name], fieldOf(old, name), walk);
      else if (additionalProperties === false) refuseProperty(walk, name);
      walk.path.pop();
    }
    for (const name of requiredNames) {
      if (Object.hasOwn(object, name)) continue;
      walk.errors.push(required(pathText([...walk.path, name])));
    }
  };
}

function refuseProperty({ path, errors }: Walk, name: string): void {
  const why = `${pathText(path)} in body is a forbidden property`;
  errors.push(invalidValue(pathText(path.slice(0, -1)), name, why));
}

function fieldOf(old: unknown, name: string): unknown {
  if (!isSchema(old) || !Object.hasOwn(old, name)) return UNRELATED;
  return (old as Record<string, unknown>)[name];
}

function enumCheck({ enum: values }: JSONSchemaProps): Check | undefined {
  if (!values?.length) return undefined;
  const texts = values.map(each => (typeof each === 'string' ? each : JSON.stringify(each)));
  const simple = new Set(values);
  return (value, _old, { path, errors }) => {
    if (simple.has(value) || values.some(each => isDeepStrictEqual(each, value))) return;
    errors.push(notSupported(pathText(path), value ?? 'null', texts));
  };
}
