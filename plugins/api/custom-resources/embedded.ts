import {
  dns1035LabelErrors,
  type FieldError,
  invalidValue,
  isSchema,
  itemsOf,
  type JSONSchemaProps,
  labelKeyErrors,
  labelValueErrors,
  propertyOf,
  required,
  valuesOf,
} from 'kernetes/sdk';

/** What is wrong with the objects inside an object. */
export function embeddedErrors(value: unknown, schema: JSONSchemaProps, path = ''): FieldError[] {
  if (!hasEmbedded(schema)) return [];
  if (Array.isArray(value)) {
    const items = itemsOf(schema);
    return items ? value.flatMap((each, i) => embeddedErrors(each, items, `${path}[${i}]`)) : [];
  }
  if (!isSchema(value)) return [];
  const own = schema['x-kubernetes-embedded-resource'] ? checkObject(value, path) : [];
  const values = valuesOf(schema);
  const below = Object.entries(value).flatMap(([name, each]) => {
    const child = propertyOf(schema, name) ?? values;
    return child ? embeddedErrors(each, child, path ? `${path}.${name}` : name) : [];
  });
  return [...own, ...below];
}

const known = new WeakMap<JSONSchemaProps, boolean>();

function hasEmbedded(schema: JSONSchemaProps): boolean {
  let has = known.get(schema);
  if (has === undefined) {
    const children = [itemsOf(schema), valuesOf(schema), ...Object.values(schema.properties ?? {})];
    has =
      schema['x-kubernetes-embedded-resource'] === true ||
      children.some(child => child !== undefined && hasEmbedded(child));
    known.set(schema, has);
  }
  return has;
}

function checkObject(value: object, path: string): FieldError[] {
  const { apiVersion, kind, metadata } = value as Record<string, unknown>;
  const errors: FieldError[] = [];
  if (!apiVersion) errors.push(required(`${path}.apiVersion`, 'must not be empty'));
  else if (typeof apiVersion !== 'string' || apiVersion.split('/').length > 2) {
    const why = `unexpected GroupVersion string: ${String(apiVersion)}`;
    errors.push(invalidValue(`${path}.apiVersion`, apiVersion, why));
  }
  if (!kind) errors.push(required(`${path}.kind`, 'must not be empty'));
  else {
    const wrong = dns1035LabelErrors(String(kind).toLowerCase()) ?? [];
    errors.push(
      ...wrong.map(why => {
        const text = `may have mixed case, but should otherwise match: ${why}`;
        return invalidValue(`${path}.kind`, kind, text);
      }),
    );
  }
  const { labels } = (isSchema(metadata) ? metadata : {}) as { labels?: Record<string, string> };
  const at = `${path}.metadata.labels`;
  for (const [key, each] of Object.entries(labels ?? {})) {
    errors.push(...(labelKeyErrors(key) ?? []).map(why => invalidValue(at, key, why)));
    errors.push(...(labelValueErrors(each) ?? []).map(why => invalidValue(at, each, why)));
  }
  return errors;
}
