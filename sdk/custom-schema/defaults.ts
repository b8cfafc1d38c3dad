import { isSchema, itemsOf, type JSONSchemaProps, propertyOf, valuesOf } from './properties.ts';

/** Fills in what is absent, in place. */
export type Defaulter = (value: unknown) => void;

/** Undefined when the schema has no default anywhere. */
export function compileDefaults(schema: JSONSchemaProps): Defaulter | undefined {
  const fields: Field[] = [];
  for (const name of Object.keys(schema.properties ?? {})) {
    const property = propertyOf(schema, name);
    if (property === undefined) continue;
    const within = compileDefaults(property);
    const hasDefault = property.default !== undefined && property.default !== null;
    if (within === undefined && !hasDefault) continue;
    const value = hasDefault ? property.default : undefined;
    fields.push({ name, value, nullable: property.nullable === true, within });
  }
  const valueSchema = valuesOf(schema);
  const itemSchema = itemsOf(schema);
  const values = valueSchema && compileDefaults(valueSchema);
  const items = itemSchema && compileDefaults(itemSchema);
  if (fields.length === 0 && values === undefined && items === undefined) return undefined;
  return value => {
    if (Array.isArray(value)) {
      if (items) for (const element of value) items(element);
    } else if (isSchema(value)) {
      fillIn(value as Record<string, unknown>, fields);
      if (values) for (const each of Object.values(value)) values(each);
    }
  };
}

interface Field {
  readonly name: string;
  /** Undefined: none of its own. */
  readonly value: unknown;
  readonly nullable: boolean;
  readonly within: Defaulter | undefined;
}

function fillIn(object: Record<string, unknown>, fields: readonly Field[]): void {
  for (const { name, value, nullable, within } of fields) {
    const isThere = Object.hasOwn(object, name) && (object[name] !== null || nullable);
    if (!isThere) {
      if (value === undefined) continue;
      setOwn(object, name, structuredClone(value));
    }
    within?.(object[name]);
  }
}

/** Sets a key that comes from outside, of which `__proto__` may be one. */
function setOwn(object: Record<string, unknown>, key: string, value: unknown): void {
  if (key !== '__proto__') object[key] = value;
  else Object.defineProperty(object, key, { value, ...OWN });
}

const OWN = { enumerable: true, configurable: true, writable: true };
