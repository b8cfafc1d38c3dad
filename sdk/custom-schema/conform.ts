import { isSchema, itemsOf, type JSONSchemaProps, propertyOf, valuesOf } from './properties.ts';

/**
 * Takes out, in place, what the schema does not have: fields that it does not name, and nulls in
 * fields that are not nullable. Tells whether there was something. `dryRun` only tells.
 *
 * `isRoot`: the value is an object with apiVersion, kind and metadata, which are let through.
 */
export function prune(value: unknown, schema: JSONSchemaProps, options: PruneOptions): boolean {
  if (Array.isArray(value)) return pruneItems(value, schema, options);
  if (!isSchema(value)) return false;
  const object = value as Record<string, unknown>;
  const isResource = options.isRoot || schema['x-kubernetes-embedded-resource'] === true;
  const values = valuesOf(schema);
  const isOpen = isOpenSchema(schema);
  let found = false;
  for (const name of Object.keys(object)) {
    if (isResource && METADATA.has(name)) continue;
    const property = propertyOf(schema, name);
    const isOut =
      property === undefined
        ? values === undefined && !isOpen
        : object[name] === null && property.nullable !== true;
    if (isOut) {
      if (!options.dryRun) delete object[name];
      found = true;
    } else {
      const within = property ?? values;
      if (within && prune(object[name], within, { ...options, isRoot: false })) found = true;
    }
    if (found && options.dryRun) return true;
  }
  return found;
}

export interface PruneOptions {
  readonly isRoot: boolean;
  readonly dryRun: boolean;
}

function pruneItems(list: unknown[], schema: JSONSchemaProps, options: PruneOptions): boolean {
  const items = itemsOf(schema);
  if (items === undefined) return false;
  let found = false;
  for (const element of list) {
    if (prune(element, items, { ...options, isRoot: false })) found = true;
    if (found && options.dryRun) return true;
  }
  return found;
}

function isOpenSchema(schema: JSONSchemaProps): boolean {
  return (
    schema['x-kubernetes-preserve-unknown-fields'] === true || schema.additionalProperties === true
  );
}

const METADATA = new Set(['apiVersion', 'kind', 'metadata']);
