import { ApiError, badRequest, type KubeObject, type Schema } from 'kernetes/sdk';
import { stepText } from './conflict.ts';
import { fieldStep } from './field-set.ts';
import { fieldOf, isStruct, type Json, keyValue, stepOf } from './structure.ts';

/** What one is told of a configuration; `kind` as upstream writes it: `apps/v1, Kind=Deployment`. */
export interface CheckAppliedOptions {
  readonly schema: Schema;
  readonly kind: string;
}

/**
 * An applied configuration must fit the schema field by field, for what does not could neither be
 * merged nor owned; `fieldValidation` has no say in it. Upstream's answer has no reason and the code
 * of a server's failure.
 */
export function checkApplied(config: KubeObject, { schema, kind }: CheckAppliedOptions): void {
  const errors = errorsIn(config, schema, '');
  if (errors.length === 0) return;
  const { namespace = '', name = '' } = config.metadata ?? {};
  const why = errors.length === 1 ? errors[0] : ['errors:', ...errors].join('\n  ');
  throw new ApiError({
    message: `failed to create typed patch object (${namespace}/${name}; ${kind}): ${why}`,
    code: 500,
  });
}

/** Throws BadRequest where walking a configuration would exhaust the stack. */
export function checkDepth(value: unknown, depth = 0): void {
  if (!isStruct(value)) return;
  if (depth > DEPTH_MAX) throw badRequest('error decoding YAML: exceeded max depth');
  for (const child of Object.values(value)) checkDepth(child, depth + 1);
}

/** Levels that a configuration may nest; no kind has a tenth of them. */
const DEPTH_MAX = 500;

function errorsIn(value: unknown, schema: Schema | undefined, path: string): string[] {
  if (value === null || value === undefined) return [];
  const below = (step: string, child: unknown, childSchema: Schema | undefined) =>
    errorsIn(child, childSchema, path + stepText(step));
  if (schema === undefined) return [];
  switch (schema.type) {
    case 'object':
    case 'map':
      if (!isMap(value)) return [problem(path, `expected map, got ${shown(value)}`)];
      return fieldErrors(value, schema, path, below);
    case 'array':
      if (!Array.isArray(value)) return [problem(path, `expected list, got ${shown(value)}`)];
      return elementErrors(value, schema, path, below);
    default:
      return scalarErrors(value, schema, path);
  }
}

type Below = (step: string, child: unknown, schema: Schema | undefined) => string[];

function fieldErrors(map: Json, schema: Schema, path: string, below: Below): string[] {
  const errors: string[] = [];
  for (const key of Object.keys(map)) {
    const field = fieldOf(schema, key);
    if (field === undefined && !isOpen(schema, key, path)) {
      return [...errors, problem(path + stepText(fieldStep(key)), 'field not declared in schema')];
    }
    errors.push(...below(fieldStep(key), map[key], field));
  }
  return errors;
}

/** Whether a field that the schema does not have may be there. */
function isOpen(schema: Schema, key: string, path: string): boolean {
  if (schema.type === 'map' || schema.preserveUnknown) return true;
  return (schema.embeddedResource || path === '') && OBJECT_FIELDS.has(key);
}

function elementErrors(
  list: readonly unknown[],
  schema: Schema,
  path: string,
  below: Below,
): string[] {
  const errors: string[] = [];
  const seen = new Set<string>();
  for (const [at, element] of list.entries()) {
    const associative = schema.listType !== 'atomic';
    const why = associative ? elementError(element, schema) : undefined;
    if (why !== undefined) return [...errors, problem(path, `element ${at}: ${why}`)];
    const step = associative ? stepOf(element, schema) : `i:${at}`;
    if (seen.has(step)) {
      errors.push(problem(path, `duplicate entries for key ${stepText(step)}`));
    }
    seen.add(step);
    errors.push(...below(step, element, schema.items));
  }
  return errors;
}

/** Why an element cannot be told from the others. */
function elementError(element: unknown, schema: Schema): string | undefined {
  if (schema.listType === 'set') {
    if (element === null)
      return "associative list without keys has an element that's an explicit null";
    if (Array.isArray(element)) return 'not supported: associative list with lists as elements';
    return isStruct(element)
      ? "associative list without keys has an element that's a map type"
      : undefined;
  }
  if (element === null) return 'associative list with keys may not have a null element';
  if (!isMap(element)) return 'associative list with keys may not have non-map elements';
  const keys = schema.listMapKeys;
  if (keys.some(key => keyValue(element, key, schema) !== null)) return undefined;
  return `associative list with keys has an element that omits all key fields [${keys.map(key => `"${key}"`).join(' ')}] (and doesn't have default values for any key fields)`;
}

function scalarErrors(value: unknown, schema: Schema, path: string): string[] {
  switch (schema.type) {
    case 'string':
    case 'bytes':
      if (typeof value === 'string') return [];
      return [
        problem(path, `expected string, got &value.valueUnstructured{Value:${goText(value)}}`),
      ];
    case 'integer':
    case 'number':
      if (typeof value === 'number') return [];
      return [problem(path, `expected numeric (int or float), got ${goType(value)}`)];
    case 'boolean':
      return typeof value === 'boolean'
        ? []
        : [problem(path, `expected boolean, got ${shown(value)}`)];
    case 'quantity':
    case 'int-or-string':
    case 'time':
    case 'micro-time':
      return isStruct(value) ? [problem(path, `expected any scalar, got ${shown(value)}`)] : [];
    default:
      return [];
  }
}

function problem(path: string, why: string): string {
  return path === '' ? why : `${path}: ${why}`;
}

function isMap(value: unknown): value is Json {
  return isStruct(value) && !Array.isArray(value);
}

/** As Go prints a value that it holds by pointer. */
function shown(value: unknown): string {
  return `&{${plain(value)}}`;
}

function plain(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(plain).join(' ')}]`;
  if (!isStruct(value)) return value === null ? '<nil>' : String(value);
  const keys = Object.keys(value).sort();
  return `map[${keys.map(key => `${key}:${plain(value[key])}`).join(' ')}]`;
}

/** As Go prints a value with its type. */
function goText(value: unknown): string {
  if (Array.isArray(value)) return `[]interface {}{${value.map(goText).join(', ')}}`;
  if (!isStruct(value)) return JSON.stringify(value);
  const pairs = Object.keys(value)
    .sort()
    .map(key => `${JSON.stringify(key)}:${goText(value[key])}`);
  return `map[string]interface {}{${pairs.join(', ')}}`;
}

function goType(value: unknown): string {
  if (Array.isArray(value)) return '[]interface {}';
  if (isStruct(value)) return 'map[string]interface {}';
  return typeof value === 'boolean' ? 'bool' : 'string';
}

const OBJECT_FIELDS: ReadonlySet<string> = new Set(['apiVersion', 'kind', 'metadata']);
