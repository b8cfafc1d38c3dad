import { parseQuantity, QuantityError, type Schema } from 'kernetes/sdk';

/** Whether a value that no decoder has seen can be what the schema says. Unknown fields may be. */
export function fits(value: unknown, schema: Schema): boolean {
  switch (schema.type) {
    case 'object':
      return (
        isRecord(value) &&
        [...schema.properties].every(([name, property]) => {
          const member = value[name];
          return member === undefined || fits(member, property);
        })
      );
    case 'map': {
      const { additionalProperties: each } = schema;
      return isRecord(value) && (!each || Object.values(value).every(member => fits(member, each)));
    }
    case 'array': {
      const { items } = schema;
      return Array.isArray(value) && (!items || value.every(item => fits(item, items)));
    }
    case 'integer':
      return Number.isInteger(value);
    case 'quantity':
      return typeof value === 'string' && isQuantity(value);
    // There are no others in what autoscalers consist of.
    default:
      return typeof value === 'string';
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isQuantity(text: string): boolean {
  try {
    parseQuantity(text);
    return true;
  } catch (error) {
    if (error instanceof QuantityError) return false;
    throw error;
  }
}
