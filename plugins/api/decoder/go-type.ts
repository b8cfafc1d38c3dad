import type { Schema } from 'kernetes/sdk';

/** The JSON type of a value as Go's decoder names it in errors. */
export function goKind(value: unknown, schema: Schema): string {
  if (Array.isArray(value)) return 'array';
  switch (typeof value) {
    case 'boolean':
      return 'bool';
    case 'number':
      // A number that the field cannot hold is shown, one where none belongs is not.
      return schema.type === 'integer' || schema.type === 'int-or-string'
        ? `number ${value}`
        : 'number';
    default:
      return typeof value;
  }
}

/** The Go type behind a schema as errors show it: `[]v1.Container`, `int32`. */
export function goType(schema: Schema): string {
  if (schema.id !== undefined && schema.type !== 'int-or-string') {
    return schema.id.split('.').slice(-2).join('.');
  }
  switch (schema.type) {
    case 'array':
      return `[]${schema.items ? goType(schema.items) : 'interface {}'}`;
    case 'map':
      return `map[string]${schema.additionalProperties ? goType(schema.additionalProperties) : 'string'}`;
    case 'integer':
      return schema.format ?? 'int64';
    case 'int-or-string':
      return 'int32';
    case 'number':
      return 'float64';
    case 'boolean':
      return 'bool';
    case 'bytes':
      return '[]uint8';
    case 'object':
      return 'struct {}';
    default:
      return 'string';
  }
}
