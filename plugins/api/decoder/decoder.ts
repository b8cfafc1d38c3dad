import {
  apiVersionOf,
  badRequest,
  type Decoded,
  type KubeObject,
  type Schema,
  schemaById,
} from 'kernetes/sdk';
import { copyJson, TooDeepError } from './copy-json.ts';
import { goKind, goType } from './go-type.ts';
import { decodeScalar, ScalarError } from './scalar.ts';

/**
 * One walk along a value and its schema at once. It makes a new object instead of sharing with the
 * argument: the door defaults and admits the result in place, while the argument may be shared with
 * the store (a patched object) or be decoded again (a retried update). Nothing is thrown and no
 * path is built while the value fits.
 */
export function decode(
  body: unknown,
  schema: Schema,
  kind: { group: string; version: string; kind: string },
): Decoded {
  const walk: Walk = { path: [], unknown: [], struct: kind.kind, lenient: schema.id === undefined };
  try {
    return { object: decodeRoot(body, schema, kind, walk), unknown: walk.unknown };
  } catch (error) {
    if (error instanceof MismatchError || error instanceof ScalarError) {
      throw refusal(kind, describe(error, schema, walk));
    }
    if (error instanceof TooDeepError) throw refusal(kind, error.message);
    throw error;
  }
}

/** What a walk knows beside the value at hand. */
interface Walk {
  /** Fields, and for elements of lists their index. */
  readonly path: (string | number)[];
  readonly unknown: string[];
  /** Name of the innermost Go struct, for messages. */
  struct: string;
  /** Wrong types stay as they are. */
  lenient: boolean;
}

class MismatchError extends Error {
  readonly value: unknown;
  readonly schema: Schema;

  constructor(value: unknown, schema: Schema) {
    super('Value does not fit its schema');
    this.value = value;
    this.schema = schema;
  }
}

/** Reported per object, as upstream. */
const UNKNOWN_MAX = 100;
/** No kind nests a tenth of it; the stack bears several times as much. */
const DEPTH_MAX = 500;
const OBJECT_META = 'io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta';

function decodeRoot(
  body: unknown,
  schema: Schema,
  kind: { group: string; version: string; kind: string },
  walk: Walk,
): KubeObject {
  if (!isObject(body)) throw new MismatchError(body, schema);
  const object: Record<string, unknown> = {
    kind: kind.kind,
    apiVersion: apiVersionOf(kind),
    metadata: undefined,
  };
  decodeFields(body, schema, walk, object);
  object.kind = kind.kind;
  object.apiVersion = apiVersionOf(kind);
  object.metadata ??= {};
  return object as unknown as KubeObject;
}

/** The value in the schema's shape; undefined: to be left out. */
function decodeValue(value: unknown, schema: Schema, walk: Walk): unknown {
  switch (schema.type) {
    case 'string':
      if (typeof value === 'string') return value;
      break;
    case 'boolean':
      if (typeof value === 'boolean') return value;
      break;
    case 'object':
      if (isObject(value)) return decodeObject(value, schema, walk);
      break;
    case 'map':
      if (isObject(value)) return decodeMap(value, schema, walk);
      break;
    case 'array':
      if (Array.isArray(value)) return decodeArray(value, schema, walk);
      break;
    case 'raw':
      return decodeRaw(value, schema, walk);
    default: {
      const scalar = walk.lenient ? undefined : decodeScalar(value, schema);
      if (scalar !== undefined) return scalar;
    }
  }
  // Of a custom resource, what is Kubernetes' own has its form.
  if (walk.lenient && schema.id === undefined) return copyJson(value);
  throw new MismatchError(value, schema);
}

/** Any JSON; where a definition of a schema may hold others, those have their form too. */
function decodeRaw(value: unknown, schema: Schema, walk: Walk): unknown {
  const alternative = SCHEMA_OR.get(schema.id ?? '');
  const props = alternative === undefined ? undefined : schemaById(SCHEMA_PROPS);
  if (props === undefined) return copyJson(value);
  if (isObject(value)) return decodeObject(value, props, walk);
  if (alternative === 'boolean' && typeof value === 'boolean') return value;
  if (alternative === 'array' && Array.isArray(value)) {
    return value.map(each => decodeElement(each, props, walk));
  }
  if (alternative === 'strings' && Array.isArray(value)) {
    if (value.every(each => typeof each === 'string')) return [...value];
  }
  throw new MismatchError(value, schema);
}

const EXTENSIONS = 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.';
const SCHEMA_PROPS = `${EXTENSIONS}JSONSchemaProps`;
/** What may stand in the place of a schema. */
const SCHEMA_OR: ReadonlyMap<string, 'array' | 'boolean' | 'strings'> = new Map([
  [`${EXTENSIONS}JSONSchemaPropsOrArray`, 'array'],
  [`${EXTENSIONS}JSONSchemaPropsOrBool`, 'boolean'],
  [`${EXTENSIONS}JSONSchemaPropsOrStringArray`, 'strings'],
]);

function decodeObject(value: object, schema: Schema, walk: Walk): object {
  if (walk.path.length > DEPTH_MAX) throw new TooDeepError();
  const { struct, lenient } = walk;
  if (schema.id !== undefined) {
    walk.struct = structName(schema.id);
    walk.lenient = false;
  }
  const object: Record<string, unknown> = {};
  decodeFields(value, schema, walk, object);
  walk.struct = struct;
  walk.lenient = lenient;
  return object;
}

function decodeFields(
  value: object,
  schema: Schema,
  walk: Walk,
  object: Record<string, unknown>,
): void {
  const { properties } = schema;
  const from = value as Record<string, unknown>;
  for (const name in from) {
    const field = properties.get(name) ?? embeddedField(name, schema, walk);
    if (field === undefined) {
      keepOrReport(name, from[name], schema, walk, object);
      continue;
    }
    const given = from[name];
    if (given === null || given === undefined) {
      if (field.nullable && given === null) object[name] = null;
      continue;
    }
    walk.path.push(name);
    const decoded = decodeValue(given, field, walk);
    walk.path.pop();
    if (!isOmitted(decoded, field, schema, name)) object[name] = decoded;
  }
}

/** What every object has although its schema does not say so. Only in custom resources. */
function embeddedField(name: string, schema: Schema, walk: Walk): Schema | undefined {
  if (!schema.embeddedResource && !(walk.lenient && walk.path.length === 0)) return undefined;
  if (name === 'metadata') return schemaById(OBJECT_META);
  if (name === 'kind' || name === 'apiVersion') {
    return schemaById(OBJECT_META)?.properties.get('name');
  }
  return undefined;
}

function keepOrReport(
  name: string,
  value: unknown,
  schema: Schema,
  walk: Walk,
  object: Record<string, unknown>,
): void {
  if (schema.preserveUnknown) put(object, name, copyJson(value));
  else if (walk.unknown.length < UNKNOWN_MAX) walk.unknown.push(pathText([...walk.path, name]));
}

/** Upstream's structs print no empty list or map, except where the field is required. */
function isOmitted(decoded: unknown, field: Schema, parent: Schema, name: string): boolean {
  // An explicitly empty `managedFields` asks for a reset.
  if (parent.id === undefined || name === 'managedFields') return false;
  if (field.type === 'array') {
    return (decoded as unknown[]).length === 0 && !parent.required.includes(name);
  }
  return field.type === 'map' && isEmpty(decoded as object) && !parent.required.includes(name);
}

function decodeMap(value: object, schema: Schema, walk: Walk): object {
  const values = schema.additionalProperties;
  if (values === undefined) return copyJson(value) as object;
  if (values.type === 'string' && allStrings(value)) return { ...value };
  const map: Record<string, unknown> = {};
  for (const [key, given] of Object.entries(value)) {
    walk.path.push(key);
    put(map, key, decodeElement(given, values, walk));
    walk.path.pop();
  }
  return map;
}

function decodeArray(value: readonly unknown[], schema: Schema, walk: Walk): unknown[] {
  const items = schema.items;
  if (items === undefined) return copyJson(value) as unknown[];
  const { path } = walk;
  return value.map((given, index) => {
    path.push(index);
    const decoded = decodeElement(given, items, walk);
    path.pop();
    return decoded;
  });
}

/** A `null` inside a list or map is the type's zero value, as in Go. */
function decodeElement(value: unknown, schema: Schema, walk: Walk): unknown {
  if (value !== null) return decodeValue(value, schema, walk);
  return schema.nullable || walk.lenient ? null : zeroValue(schema);
}

function zeroValue(schema: Schema): unknown {
  switch (schema.type) {
    case 'string':
    case 'bytes':
      return '';
    case 'integer':
    case 'number':
    case 'int-or-string':
      return 0;
    case 'boolean':
      return false;
    case 'quantity':
      return '0';
    case 'object':
    case 'map':
      return {};
    case 'array':
      return [];
    default:
      return null;
  }
}

function describe(error: MismatchError | ScalarError, root: Schema, walk: Walk): string {
  if (error instanceof ScalarError) return error.message;
  const what = goKind(error.value, error.schema);
  const type = goType(error.schema);
  const fields = fieldsOf(walk.path, root);
  if (fields.length === 0) return `json: cannot unmarshal ${what} into Go value of type ${type}`;
  const place = `${walk.struct}.${fields.join('.')}`;
  return `json: cannot unmarshal ${what} into Go struct field ${place} of type ${type}`;
}

/** The struct fields of a path: Go's messages name neither indexes nor keys of maps. */
function fieldsOf(path: readonly (string | number)[], root: Schema): string[] {
  const fields: string[] = [];
  let schema: Schema | undefined = root;
  for (const step of path) {
    if (schema?.type === 'array') schema = schema.items;
    else if (schema?.type === 'map') schema = schema.additionalProperties;
    else {
      fields.push(String(step));
      schema = schema?.properties.get(String(step));
    }
  }
  return fields;
}

function refusal({ version, kind }: { version: string; kind: string }, why: string): Error {
  return badRequest(`${kind} in version "${version}" cannot be handled as a ${kind}: ${why}`);
}

/** `spec.containers[0].nope` */
function pathText(path: readonly (string | number)[]): string {
  let text = '';
  for (const step of path) {
    text += typeof step === 'number' ? `[${step}]` : text === '' ? step : `.${step}`;
  }
  return text;
}

function structName(id: string): string {
  return id.slice(id.lastIndexOf('.') + 1);
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isEmpty(value: object): boolean {
  for (const _ in value) return false;
  return true;
}

function allStrings(value: object): boolean {
  for (const key in value) {
    if (typeof (value as Record<string, unknown>)[key] !== 'string') return false;
  }
  return true;
}

/** Sets a key from outside, of which `__proto__` may be one. */
function put(object: Record<string, unknown>, key: string, value: unknown): void {
  if (key !== '__proto__') object[key] = value;
  else Object.defineProperty(object, key, { value, ...OWN });
}

const OWN = { enumerable: true, configurable: true, writable: true };
