import {
  compileValidator,
  type FieldError,
  type FieldPath,
  invalidValue,
  isSchema,
  itemsOf,
  type JSONSchemaProps,
  propertyOf,
  prune,
  type SchemaEngines,
} from 'kernetes/sdk';

/** Defaults must be valid, and have no field that would be dropped. */
export function validateDefaults(
  schema: JSONSchemaProps,
  path: FieldPath,
  engines: SchemaEngines,
): FieldError[] {
  const errors: FieldError[] = [];
  if (schema.default !== undefined && schema.default !== null) {
    errors.push(...validateDefault(schema, path.child('default'), engines));
  }
  const items = itemsOf(schema);
  if (items) errors.push(...validateDefaults(items, path.child('items'), engines));
  for (const name of Object.keys(schema.properties ?? {})) {
    const property = propertyOf(schema, name);
    if (property) {
      errors.push(...validateDefaults(property, path.child('properties').key(name), engines));
    }
  }
  return errors;
}

function validateDefault(
  schema: JSONSchemaProps,
  path: FieldPath,
  engines: SchemaEngines,
): FieldError[] {
  const value = schema.default;
  const isUnpruned = hasUnknown(value, schema);
  const unknown = isUnpruned ? [invalidValue(path, value, 'must not have unknown fields')] : [];
  const found = compileValidator(schema, engines)(value);
  const wrong = found.map(error => ({
    ...error,
    field: error.field === '' || error.field === '<nil>' ? `${path}` : `${path}.${error.field}`,
  }));
  return [...unknown, ...wrong];
}

/** Nulls are not unknown; they are refused as such. */
function hasUnknown(value: unknown, schema: JSONSchemaProps): boolean {
  if (!isSchema(value) && !Array.isArray(value)) return false;
  return prune(withoutNulls(value), schema, { isRoot: false, dryRun: true });
}

function withoutNulls(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value), (_key, each: unknown) => each ?? undefined);
}
