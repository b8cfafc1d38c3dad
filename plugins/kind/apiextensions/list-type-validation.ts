import {
  type FieldError,
  type FieldPath,
  forbiddenValue,
  invalidValue,
  itemsOf,
  type JSONSchemaProps,
  notSupported,
  propertyOf,
  required,
} from 'kernetes/sdk';

const LIST_TYPE = 'x-kubernetes-list-type';
const MAP_KEYS = 'x-kubernetes-list-map-keys';

/** Lists that are sets, or maps by keys. */
export function validateListType(schema: JSONSchemaProps, path: FieldPath): FieldError[] {
  const { type, [LIST_TYPE]: listType, [MAP_KEYS]: keys = [] } = schema;
  const errors: FieldError[] = [];
  if (listType !== undefined && type !== 'array') {
    const why = 'must be array if x-kubernetes-list-type is specified';
    if (!type) errors.push(required(path.child('type'), why));
    else errors.push(invalidValue(path.child('type'), type, why));
  } else if (listType === 'set') {
    errors.push(...validateSetItems(schema, path.child('items')));
  }
  if (listType !== undefined && !['atomic', 'set', 'map'].includes(listType)) {
    errors.push(notSupported(path.child(LIST_TYPE), listType, ['atomic', 'set', 'map']));
  }
  if (keys.length > 0 && listType !== 'map') {
    const why = 'must be map if x-kubernetes-list-map-keys is non-empty';
    const at = path.child(LIST_TYPE);
    errors.push(listType === undefined ? required(at, why) : invalidValue(at, listType, why));
  }
  if (listType === 'map') errors.push(...validateMap(schema, path));
  if (listType === 'map' || listType === 'set') {
    if (itemsOf(schema)?.nullable) {
      const why = 'cannot be nullable when x-kubernetes-list-type is ';
      errors.push(forbiddenValue(path.child('items', 'nullable'), why + listType));
    }
  }
  return errors;
}

/** Elements of a set are compared as a whole. */
function validateSetItems(schema: JSONSchemaProps, path: FieldPath): FieldError[] {
  const items = itemsOf(schema);
  const why = 'must be atomic as item of a list with x-kubernetes-list-type=set';
  const listType = items?.[LIST_TYPE];
  if (items?.type === 'array' && listType !== undefined && listType !== 'atomic') {
    return [invalidValue(path.child(LIST_TYPE), listType, why)];
  }
  if (items?.type === 'object' && items['x-kubernetes-map-type'] !== 'atomic') {
    return [invalidValue(path.child('x-kubernetes-map-type'), listType ?? null, why)];
  }
  return [];
}

function validateMap(schema: JSONSchemaProps, path: FieldPath): FieldError[] {
  const keys = schema[MAP_KEYS] ?? [];
  const items = itemsOf(schema);
  const errors: FieldError[] = [];
  if (keys.length === 0) {
    errors.push(
      required(path.child(MAP_KEYS), 'must not be empty if x-kubernetes-list-type is map'),
    );
  }
  if (items === undefined) {
    const why = 'must have a schema if x-kubernetes-list-type is map';
    return [...errors, required(path.child('items'), why)];
  }
  if (items.type !== 'object') {
    const why = "must be object if parent array's x-kubernetes-list-type is map";
    return [...errors, invalidValue(path.child('items', 'type'), items.type ?? '', why)];
  }
  for (const [i, key] of keys.entries()) {
    errors.push(...validateKey(schema, items, key, path));
    if (keys.indexOf(key) < i) {
      errors.push(invalidValue(path.child(MAP_KEYS), keys, 'must not contain duplicate entries'));
    }
  }
  return errors;
}

function validateKey(
  schema: JSONSchemaProps,
  items: JSONSchemaProps,
  key: string,
  path: FieldPath,
): FieldError[] {
  const property = propertyOf(items, key);
  if (property === undefined) {
    const why = 'entries must all be names of item properties';
    return [invalidValue(path.child(MAP_KEYS), schema[MAP_KEYS], why)];
  }
  const at = path.child('items', 'properties').key(key);
  const errors: FieldError[] = [];
  if (property.type === 'array' || property.type === 'object') {
    const why = "must be a scalar type if parent array's x-kubernetes-list-type is map";
    errors.push(invalidValue(at.child('type'), items.type, why));
  }
  if (!items.required?.includes(key) && property.default === undefined) {
    const why =
      'this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property';
    errors.push(required(at.child('default'), why));
  }
  if (property.nullable) {
    const why = 'this property is in x-kubernetes-list-map-keys, so it cannot be nullable';
    errors.push(forbiddenValue(at.child('nullable'), why));
  }
  return errors;
}
