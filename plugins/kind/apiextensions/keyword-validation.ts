import {
  type FieldError,
  type FieldPath,
  forbiddenValue,
  invalidValue,
  isSchema,
  type JSONSchemaProps,
  notSupported,
  required,
  subschemas,
} from 'kernetes/sdk';
import { validateListType } from './list-type-validation.ts';

const TYPES = ['array', 'boolean', 'integer', 'number', 'object', 'string'];
const UNSUPPORTED = [
  'id',
  'additionalItems',
  'patternProperties',
  'definitions',
  'dependencies',
  '$ref',
] as const;
const METADATA = new Set(['apiVersion', 'kind', 'metadata']);

/** Each keyword of a schema by itself, wherever it stands. */
export function validateKeywords(schema: JSONSchemaProps, path: FieldPath): FieldError[] {
  return validateNode(schema, path, { isRoot: true, inMetadata: false, noDefaults: undefined });
}

interface Place {
  readonly isRoot: boolean;
  /** Below apiVersion, kind or metadata of an object. */
  readonly inMetadata: boolean;
  /** Why there may be no defaults here. */
  readonly noDefaults: string | undefined;
}

function validateNode(schema: JSONSchemaProps, path: FieldPath, place: Place): FieldError[] {
  const own = [
    ...validateOwn(schema, path, place),
    ...validateMapType(schema, path),
    ...validateListType(schema, path),
    ...validateRules(schema, path),
  ];
  for (const { keyword, at, schema: child } of subschemas(schema)) {
    const base = path.child(keyword);
    const below = at === undefined ? base : typeof at === 'number' ? base.index(at) : base.key(at);
    own.push(...validateNode(child, below, placeBelow(schema, place, { keyword, at })));
  }
  return own;
}

function placeBelow(
  schema: JSONSchemaProps,
  place: Place,
  { keyword, at }: { readonly keyword: string; readonly at: string | number | undefined },
): Place {
  const below = { ...place, isRoot: false };
  if (keyword === 'additionalProperties' && place.inMetadata) {
    return { ...below, noDefaults: 'inside additionalProperties applying to object metadata' };
  }
  const isResource = place.isRoot || schema['x-kubernetes-embedded-resource'] === true;
  if (keyword !== 'properties' || !isResource || !METADATA.has(String(at))) return below;
  return {
    ...below,
    inMetadata: true,
    noDefaults: place.isRoot ? `in top-level ${at}` : place.noDefaults,
  };
}

function validateOwn(schema: JSONSchemaProps, path: FieldPath, place: Place): FieldError[] {
  const errors: FieldError[] = [];
  const forbid = (key: string, why: string) => errors.push(forbiddenValue(path.child(key), why));
  const { type } = schema;
  if (type && !TYPES.includes(type)) errors.push(notSupported(path.child('type'), type, TYPES));
  if (schema.default !== undefined && schema.default !== null && place.noDefaults) {
    forbid('default', `must not be set ${place.noDefaults}`);
  }
  for (const key of UNSUPPORTED) if (isSet(schema[key])) forbid(key, `${key} is not supported`);
  if (type === 'null') forbid('type', 'type cannot be set to null, use nullable as an alternative');
  if (Array.isArray(schema.items))
    forbid('items', 'items must be a schema object and not an array');
  if (place.inMetadata && schema['x-kubernetes-embedded-resource']) {
    forbid('x-kubernetes-embedded-resource', 'must not be used inside of resource meta');
  }
  if (schema.uniqueItems) {
    const why = 'uniqueItems cannot be set to true since the runtime complexity becomes quadratic';
    forbid('uniqueItems', why);
  }
  const { additionalProperties: rest, properties = {} } = schema;
  if (rest !== undefined && rest !== true && Object.keys(properties).length > 0) {
    forbid('additionalProperties', 'additionalProperties and properties are mutual exclusive');
  }
  if (schema['x-kubernetes-preserve-unknown-fields'] === false) {
    const at = path.child('x-kubernetes-preserve-unknown-fields');
    errors.push(invalidValue(at, false, 'must be true or undefined'));
  }
  return errors;
}

function isSet(value: unknown): boolean {
  if (value === undefined || value === '') return false;
  return !isSchema(value) || Object.keys(value).length > 0;
}

function validateMapType(schema: JSONSchemaProps, path: FieldPath): FieldError[] {
  const { type, 'x-kubernetes-map-type': mapType } = schema;
  if (mapType === undefined) return [];
  const errors: FieldError[] = [];
  const why = 'must be object if x-kubernetes-map-type is specified';
  if (!type) errors.push(required(path.child('type'), why));
  else if (type !== 'object') errors.push(invalidValue(path.child('type'), type, why));
  if (mapType !== 'atomic' && mapType !== 'granular') {
    errors.push(notSupported(path.child('x-kubernetes-map-type'), mapType, ['atomic', 'granular']));
  }
  return errors;
}

const REASONS = [
  'FieldValueDuplicate',
  'FieldValueForbidden',
  'FieldValueInvalid',
  'FieldValueRequired',
];

function validateRules(schema: JSONSchemaProps, path: FieldPath): FieldError[] {
  return (schema['x-kubernetes-validations'] ?? []).flatMap((given, i) => {
    const at = path.child('x-kubernetes-validations').index(i);
    const { rule = '', message = '', messageExpression = '', reason, fieldPath = '' } = given;
    const errors: FieldError[] = [];
    const isBlank = (text: string) => text !== '' && text.trim() === '';
    const hasBreak = (text: string) => /[\n\r]/.test(text.trim());
    if (rule.trim() === '') errors.push(required(at.child('rule'), 'rule is not specified'));
    else if (isBlank(message)) {
      errors.push(invalidValue(at.child('message'), message, 'must be non-empty if specified'));
    } else if (hasBreak(message)) {
      errors.push(invalidValue(at.child('message'), message, 'must not contain line breaks'));
    } else if (hasBreak(rule) && message === '') {
      const why = 'message must be specified if rule contains line breaks';
      errors.push(required(at.child('message'), why));
    }
    if (isBlank(messageExpression)) {
      const why = 'messageExpression must be non-empty if specified';
      errors.push(required(at.child('messageExpression'), why));
    }
    if (reason !== undefined && !REASONS.includes(reason)) {
      errors.push(notSupported(at.child('reason'), reason, REASONS));
    }
    if (isBlank(fieldPath)) {
      errors.push(invalidValue(at.child('fieldPath'), fieldPath, 'must be non-empty if specified'));
    } else if (hasBreak(fieldPath)) {
      errors.push(invalidValue(at.child('fieldPath'), fieldPath, 'must not contain line breaks'));
    }
    return errors;
  });
}
