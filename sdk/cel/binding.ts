import type { Schema } from '../schema.ts';
import type { CelType } from './cel.ts';
import { DEVICE_BINDING } from './device.ts';
import { parseDuration, parseTimestamp } from './library/time.ts';
import {
  type Binding,
  BOOL,
  DYN,
  type Field,
  listOf,
  mapOf,
  optionalOf,
  scalar,
  type Type,
} from './type.ts';
import {
  type Adapt,
  adaptDyn,
  CelObject,
  JsonMap,
  type ListMerge,
  ListValue,
  Optional,
  StructValue,
} from './value.ts';

/** How a variable is typed, and how its plain data become values. */
export function bindingOf(type: CelType): Binding {
  if ('schema' in type) {
    return bind(type.schema, type.resource === true) ?? { type: DYN, adapt: adaptDyn };
  }
  if ('optional' in type) return optionalBinding(bindingOf(type.optional));
  if ('of' in type) return { type: type.of as Type, adapt: adaptDyn };
  if ('fields' in type) return structOf('object', () => fieldsOf(type.fields));
  if (type.type === 'device') return DEVICE_BINDING;
  return { type: NAMED[type.type], adapt: adaptDyn };
}

function optionalBinding({ type, adapt }: Binding): Binding {
  return {
    type: optionalOf(type),
    adapt: data => (data === undefined ? Optional.NONE : new Optional(adapt(data))),
  };
}

const STRING = scalar('string');
const NAMED = {
  dyn: DYN,
  string: STRING,
  bool: BOOL,
  int: scalar('int'),
  list: listOf(DYN),
  map: mapOf(STRING, DYN),
} as const;

function fieldsOf(types: Readonly<Record<string, CelType>>): ReadonlyMap<string, Field> {
  return new Map(
    Object.entries(types).map(([key, type]) => [key, { key, binding: bindingOf(type) }]),
  );
}

/** Types are compared by identity, so that each schema has one. */
const plain = new WeakMap<Schema, Binding>();
const resources = new WeakMap<Schema, Binding>();

/** Undefined for what expressions cannot reach: data of any kind in a custom resource. */
function bind(schema: Schema, resource = schema.embeddedResource): Binding | undefined {
  const known = resource ? resources : plain;
  const found = known.get(schema);
  if (found) return found;
  const made = schema.nullable ? orNull(make(schema, resource)) : make(schema, resource);
  if (made) known.set(schema, made);
  return made;
}

function make(schema: Schema, resource: boolean): Binding | undefined {
  switch (schema.type) {
    case 'object':
      return structOf(schema.id ?? 'object', () => declared(schema, resource));
    case 'map':
      return mapBinding(schema);
    case 'array':
      return listBinding(schema);
    case 'string':
      return FORMATS.get(schema.format ?? '') ?? { type: STRING, adapt: adaptDyn };
    case 'integer':
      return { type: scalar('int'), adapt: adaptDyn };
    case 'number':
      return {
        type: scalar('double'),
        adapt: data => (typeof data === 'number' ? data : adaptDyn(data)),
      };
    case 'boolean':
      return { type: BOOL, adapt: adaptDyn };
    case 'time':
    case 'micro-time':
      return TIMESTAMP;
    case 'bytes':
      return BYTES;
    case 'quantity':
    case 'int-or-string':
      return { type: DYN, adapt: adaptDyn };
    case 'raw':
      if (resource) return structOf('object', () => declared(schema, true));
      return schema.id === undefined ? undefined : { type: DYN, adapt: adaptDyn };
  }
}

function orNull(binding: Binding | undefined): Binding | undefined {
  if (binding === undefined) return undefined;
  return { type: binding.type, adapt: data => (data === null ? null : binding.adapt(data)) };
}

function ofText(type: Type, parse: (text: string) => unknown): Binding {
  return { type, adapt: data => (typeof data === 'string' ? parse(data) : adaptDyn(data)) };
}

const TIMESTAMP = ofText(scalar('timestamp'), parseTimestamp);
const BYTES = ofText(scalar('bytes'), text => new Uint8Array(Buffer.from(text, 'base64')));
const FORMATS: ReadonlyMap<string, Binding> = new Map([
  ['byte', BYTES],
  ['date', ofText(scalar('timestamp'), text => parseTimestamp(`${text}T00:00:00Z`))],
  ['date-time', TIMESTAMP],
  ['duration', ofText(scalar('duration'), parseDuration)],
]);

function structOf(name: string, read: () => ReadonlyMap<string, Field>): Binding {
  let fields: ReadonlyMap<string, Field> | undefined;
  const type: Type = {
    kind: 'object',
    name,
    parameters: [],
    fields: () => {
      fields ??= read();
      return fields;
    },
  };
  return { type, adapt: data => (isObject(data) ? new StructValue(data, type) : adaptDyn(data)) };
}

function declared(schema: Schema, resource: boolean): ReadonlyMap<string, Field> {
  const fields = new Map<string, Field>();
  for (const [key, property] of schema.properties) {
    const binding = bind(property);
    if (binding) fields.set(escapeName(key), { key, binding });
  }
  if (resource) for (const [name, field] of RESOURCE_FIELDS) fields.set(name, field);
  return fields;
}

const TEXT: Binding = { type: STRING, adapt: adaptDyn };
const METADATA = structOf('object', () => textFields('name', 'generateName'));
/** All that rules may know of an object's identity. */
const RESOURCE_FIELDS = new Map([
  ...textFields('apiVersion', 'kind'),
  ['metadata', { key: 'metadata', binding: METADATA }],
]);

function textFields(...names: string[]): Map<string, Field> {
  return new Map(names.map(key => [key, { key, binding: TEXT }]));
}

function mapBinding(schema: Schema): Binding | undefined {
  const values = schema.additionalProperties && bind(schema.additionalProperties);
  if (values === undefined) return undefined;
  return {
    type: mapOf(STRING, values.type),
    adapt: data => (isObject(data) ? new JsonMap(data, values.adapt) : adaptDyn(data)),
  };
}

function listBinding(schema: Schema): Binding | undefined {
  const items = schema.items && bind(schema.items);
  if (items === undefined) return undefined;
  const options: { adapt: Adapt; merge?: ListMerge } = { adapt: items.adapt };
  if (schema.listType !== 'atomic') {
    options.merge = { type: schema.listType, keys: schema.listMapKeys.map(escapeName) };
  }
  return {
    type: listOf(items.type),
    adapt: data => (Array.isArray(data) ? new ListValue(data, options) : adaptDyn(data)),
  };
}

function isObject(data: unknown): data is Record<string, unknown> {
  if (typeof data !== 'object' || data === null || Array.isArray(data)) return false;
  return !(data instanceof CelObject || data instanceof Uint8Array);
}

/** A property's name as an identifier of the language (KEP-2876). */
function escapeName(name: string): string {
  if (RESERVED.has(name)) return `__${name}__`;
  return name.replace(/__|[.\-/]/g, part => ESCAPES[part] ?? part);
}

const ESCAPES: Readonly<Record<string, string>> = {
  __: '__underscores__',
  '.': '__dot__',
  '-': '__dash__',
  '/': '__slash__',
};
const RESERVED: ReadonlySet<string> = new Set(
  'true false null in as break const continue else for function if import let loop package namespace return var void while'.split(
    ' ',
  ),
);
