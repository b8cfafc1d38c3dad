import type { JSONSchemaProps, SchemaEngines } from 'kernetes/sdk';
import {
  compileValidator,
  type FieldError,
  type FieldPath,
  forbiddenValue,
  invalidValue,
} from 'kernetes/sdk';
import { validateDefaults } from './default-validation.ts';
import { validateKeywords } from './keyword-validation.ts';
import { compileAllRules } from './rule-validation.ts';
import { validateStructure } from './structure-validation.ts';

export interface SchemaValidationOptions {
  /** The version has a status subresource. */
  readonly hasStatus: boolean;
  /** It need not be structural. */
  readonly isFree: boolean;
  readonly engines: SchemaEngines;
}

/** A version's schema, in upstream's order: structure, defaults, then each keyword. */
export function validateSchema(
  schema: JSONSchemaProps,
  path: FieldPath,
  { hasStatus, isFree, engines }: SchemaValidationOptions,
): FieldError[] {
  const errors: FieldError[] = [];
  if (hasStatus) errors.push(...validateRootOfStatus(schema, path));
  if (schema.nullable) {
    errors.push(forbiddenValue(path.child('nullable'), 'nullable cannot be true at the root'));
  }
  if (!isFree) {
    const structure = validateStructure(schema, path, engines);
    errors.push(...(structure.length > 0 ? structure : validateDefaults(schema, path, engines)));
  }
  errors.push(...validateKeywords(schema, path));
  if (errors.length > 0) return errors;
  return [...compileAllRules(schema, path, engines), ...validateBuild(schema, path, engines)];
}

/** What passed everything else must give a validator. */
function validateBuild(
  schema: JSONSchemaProps,
  path: FieldPath,
  engines: SchemaEngines,
): FieldError[] {
  try {
    compileValidator(schema, engines);
    return [];
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return [invalidValue(path, '', `error building validator: ${why}`)];
  }
}

function validateRootOfStatus(schema: JSONSchemaProps, path: FieldPath): FieldError[] {
  if (schema.type !== undefined && schema.type !== 'object') {
    const why =
      'only "object" is allowed as the type at the root of the schema if the status subresource is enabled';
    return [invalidValue(path.child('type'), schema.type, why)];
  }
  const other = Object.entries(schema).find(
    ([key, value]) => value !== undefined && !ROOT_KEYS.has(key),
  );
  if (other === undefined) return [];
  const names = [...ROOT_KEYS.values()].map(goName).join(' ');
  const why = `only [${names}] fields are allowed at the root of the schema if the status subresource is enabled`;
  return [invalidValue(path, schema, why)];
}

function goName(key: string): string {
  const name = key
    .replace(/^x-kubernetes-/, 'x-')
    .replace(/-(\w)/g, (_, c: string) => c.toUpperCase());
  return name.charAt(0).toUpperCase() + name.slice(1);
}

const ROOT_KEYS = new Set([
  'description',
  'type',
  'format',
  'title',
  'maximum',
  'exclusiveMaximum',
  'minimum',
  'exclusiveMinimum',
  'maxLength',
  'minLength',
  'pattern',
  'maxItems',
  'minItems',
  'uniqueItems',
  'multipleOf',
  'required',
  'items',
  'properties',
  'externalDocs',
  'example',
  'x-kubernetes-preserve-unknown-fields',
  'x-kubernetes-validations',
]);
