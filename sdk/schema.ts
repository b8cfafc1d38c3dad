import { DEFINITIONS_JSON } from './api/definitions.ts';

/**
 * How a value is encoded. A struct is `object`, a Go map is `map`. `quantity` to `bytes` are
 * upstream's scalars with an encoding of their own; `raw` is any JSON, kept as it is.
 */
export type SchemaType =
  | 'object'
  | 'map'
  | 'array'
  | 'string'
  | 'integer'
  | 'number'
  | 'boolean'
  | 'quantity'
  | 'int-or-string'
  | 'time'
  | 'micro-time'
  | 'bytes'
  | 'raw';

/**
 * The structure of a value: what the decoder, patches and managedFields go by. Nodes are shared
 * and may be cyclic (JSONSchemaProps holds itself), so compare by identity and walk along a value.
 * Immutable; usable in any thread, but built per thread.
 */
export interface Schema {
  readonly type: SchemaType;
  /** The definition that this is, for example `io.k8s.api.apps.v1.Deployment`. */
  readonly id: string | undefined;
  /** Of an `object`; empty otherwise. */
  readonly properties: ReadonlyMap<string, Schema>;
  /** Of an `object`. Only data: like upstream's Go types, decoding does not ask for them. */
  readonly required: readonly string[];
  /** The elements of an `array`. */
  readonly items: Schema | undefined;
  /** The values of a `map`. */
  readonly additionalProperties: Schema | undefined;
  /** `int32`, `int64`, `double` … */
  readonly format: string | undefined;
  /** How server-side apply merges an `array`. */
  readonly listType: 'atomic' | 'set' | 'map';
  readonly listMapKeys: readonly string[];
  /** How server-side apply merges an `object` or `map`. */
  readonly mapType: 'granular' | 'atomic';
  /** How a strategic merge patch merges: of `merge`, `replace`, `retainKeys`, any number. */
  readonly patchStrategy: readonly string[];
  readonly patchMergeKey: string | undefined;
  /** Fields that `properties` lacks are kept. Only in custom resources. */
  readonly preserveUnknown: boolean;
  /** `null` is a value, not an absent field. Only in custom resources. */
  readonly nullable: boolean;
  /** The value is an object with apiVersion, kind and metadata. Only in custom resources. */
  readonly embeddedResource: boolean;
  readonly default: unknown;
  /** What it was made of, as it stands in OpenAPI documents. */
  readonly definition: SchemaDefinition;
}

/** The keys of an OpenAPI schema that say something about structure. Others are let through. */
export interface SchemaDefinition {
  readonly $ref?: string;
  readonly type?: string;
  readonly format?: string;
  readonly properties?: Readonly<Record<string, SchemaDefinition>>;
  readonly required?: readonly string[];
  readonly items?: SchemaDefinition;
  readonly additionalProperties?: SchemaDefinition | boolean;
  readonly default?: unknown;
  readonly nullable?: boolean;
  readonly 'x-kubernetes-list-type'?: 'atomic' | 'set' | 'map';
  readonly 'x-kubernetes-list-map-keys'?: readonly string[];
  readonly 'x-kubernetes-map-type'?: 'granular' | 'atomic';
  readonly 'x-kubernetes-patch-strategy'?: string;
  readonly 'x-kubernetes-patch-merge-key'?: string;
  readonly 'x-kubernetes-preserve-unknown-fields'?: boolean;
  readonly 'x-kubernetes-int-or-string'?: boolean;
  readonly 'x-kubernetes-embedded-resource'?: boolean;
  readonly 'x-kubernetes-group-version-kind'?: readonly {
    readonly group: string;
    readonly version: string;
    readonly kind: string;
  }[];
}

/** The schema of a kind that Kubernetes itself defines; lists and options kinds too. */
export function schemaOf(group: string, version: string, kind: string): Schema | undefined {
  const id = catalogue().ids.get(`${group}/${version}/${kind}`);
  return id === undefined ? undefined : schemaById(id);
}

/** The same, for who knows that Kubernetes defines the kind. */
export function builtInSchema(group: string, version: string, kind: string): Schema {
  const schema = schemaOf(group, version, kind);
  if (schema === undefined) throw new Error(`Cannot find schema of ${group}/${version} ${kind}`);
  return schema;
}

/** The schema of a definition: `io.k8s.api.core.v1.PodSpec`. The same object each time. */
export function schemaById(id: string): Schema | undefined {
  const known = nodes.get(id);
  if (known) return known;
  const definitions = catalogue().definitions;
  const definition = Object.hasOwn(definitions, id) ? definitions[id] : undefined;
  if (!definition) return undefined;
  const node = new SchemaNode(definition, { id });
  nodes.set(id, node);
  return node;
}

/**
 * The schema of a custom resource. `$ref` may name definitions of Kubernetes, above all
 * `#/definitions/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta`; the rest must be structural.
 * A `$ref` to nothing throws when it is first followed.
 */
export function schemaFrom(definition: SchemaDefinition): Schema {
  const target = definition.$ref === undefined ? undefined : resolve(definition.$ref);
  if (!target) return new SchemaNode(definition, {});
  // Keys beside a reference overlay the shared node; without any it is the node.
  return Object.keys(definition).length === 1 ? target : new SchemaNode(definition, { target });
}

const EMPTY_LIST: readonly never[] = Object.freeze([]);
const EMPTY_MAP: ReadonlyMap<string, Schema> = new Map();
const EXTENSIONS = 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.';
const MACHINERY = 'io.k8s.apimachinery.pkg.';

/** Definitions whose encoding upstream writes by hand. */
const HAND_ENCODED: ReadonlyMap<string, SchemaType> = new Map([
  [`${MACHINERY}api.resource.Quantity`, 'quantity'],
  [`${MACHINERY}util.intstr.IntOrString`, 'int-or-string'],
  [`${MACHINERY}apis.meta.v1.Time`, 'time'],
  [`${MACHINERY}apis.meta.v1.MicroTime`, 'micro-time'],
  [`${MACHINERY}apis.meta.v1.FieldsV1`, 'raw'],
  [`${MACHINERY}apis.meta.v1.Patch`, 'raw'],
  [`${MACHINERY}runtime.RawExtension`, 'raw'],
  [`${EXTENSIONS}JSON`, 'raw'],
  [`${EXTENSIONS}JSONSchemaPropsOrArray`, 'raw'],
  [`${EXTENSIONS}JSONSchemaPropsOrBool`, 'raw'],
  [`${EXTENSIONS}JSONSchemaPropsOrStringArray`, 'raw'],
]);

interface Catalogue {
  readonly definitions: Readonly<Record<string, SchemaDefinition>>;
  /** `apps/v1/Deployment` -> definition id */
  readonly ids: ReadonlyMap<string, string>;
}

/** Bounded by the number of definitions. */
const nodes = new Map<string, SchemaNode>();
let loaded: Catalogue | undefined;

/** Parsed on first use: a thread that asks for no schema does not pay the milliseconds. */
function catalogue(): Catalogue {
  if (loaded) return loaded;
  const definitions: Catalogue['definitions'] = JSON.parse(DEFINITIONS_JSON);
  const ids = new Map<string, string>();
  for (const [id, definition] of Object.entries(definitions)) {
    for (const { group, version, kind } of definition['x-kubernetes-group-version-kind'] ?? []) {
      ids.set(`${group}/${version}/${kind}`, id);
    }
  }
  loaded = { definitions, ids };
  return loaded;
}

class SchemaNode implements Schema {
  readonly type: SchemaType;
  readonly id: string | undefined;
  readonly required: readonly string[];
  readonly format: string | undefined;
  readonly listType: 'atomic' | 'set' | 'map';
  readonly listMapKeys: readonly string[];
  readonly mapType: 'granular' | 'atomic';
  readonly patchStrategy: readonly string[];
  readonly patchMergeKey: string | undefined;
  readonly preserveUnknown: boolean;
  readonly nullable: boolean;
  readonly embeddedResource: boolean;
  readonly default: unknown;
  readonly definition: SchemaDefinition;
  /** What children are taken from: the target of a reference, so that they are shared. */
  readonly #target: Schema | undefined;
  #properties: ReadonlyMap<string, Schema> | undefined;
  #items: Schema | undefined;
  #additionalProperties: Schema | undefined;

  constructor(own: SchemaDefinition, from: { id?: string; target?: Schema }) {
    const merged = from.target ? { ...from.target.definition, ...own } : own;
    this.id = from.id ?? from.target?.id;
    this.type = from.target?.type ?? typeOf(own, from.id);
    this.required = merged.required ?? EMPTY_LIST;
    this.format = merged.format;
    this.listType = merged['x-kubernetes-list-type'] ?? 'atomic';
    this.listMapKeys = merged['x-kubernetes-list-map-keys'] ?? EMPTY_LIST;
    this.mapType = merged['x-kubernetes-map-type'] ?? 'granular';
    this.patchStrategy = merged['x-kubernetes-patch-strategy']?.split(',') ?? EMPTY_LIST;
    this.patchMergeKey = merged['x-kubernetes-patch-merge-key'];
    this.preserveUnknown = merged['x-kubernetes-preserve-unknown-fields'] ?? false;
    this.nullable = merged.nullable ?? false;
    this.embeddedResource = merged['x-kubernetes-embedded-resource'] ?? false;
    this.default = merged.default;
    this.definition = own;
    this.#target = from.target;
  }

  get properties(): ReadonlyMap<string, Schema> {
    if (this.type !== 'object') return EMPTY_MAP;
    this.#properties ??= this.#target?.properties ?? propertiesOf(this.definition, this.id);
    return this.#properties;
  }

  get items(): Schema | undefined {
    if (this.type !== 'array') return undefined;
    this.#items ??= this.#target?.items ?? schemaFrom(this.definition.items ?? {});
    return this.#items;
  }

  get additionalProperties(): Schema | undefined {
    if (this.type !== 'map') return undefined;
    this.#additionalProperties ??= this.#target?.additionalProperties ?? valuesOf(this.definition);
    return this.#additionalProperties;
  }
}

function propertiesOf(
  { properties = {} }: SchemaDefinition,
  id: string | undefined,
): ReadonlyMap<string, Schema> {
  const newer = id === undefined ? undefined : newerProperties(id);
  const entries = Object.entries(properties);
  return new Map(
    entries.map(([name, property]) => [name, schemaFrom(withMergeType(property, newer?.[name]))]),
  );
}

/** The fields of the stable definition that a pre-release one became. */
function newerProperties(id: string): SchemaDefinition['properties'] {
  const [, group, name] = /^(.*)\.v\d+(?:alpha|beta)\d+\.(\w+)$/.exec(id) ?? [];
  if (group === undefined) return undefined;
  const { definitions } = catalogue();
  return ['v2', 'v1'].map(version => definitions[`${group}.${version}.${name}`]).find(Boolean)
    ?.properties;
}

/** How a field is merged was often first written down in the version that came after. */
function withMergeType(property: SchemaDefinition, newer: SchemaDefinition | undefined) {
  if (newer?.type !== property.type) return property;
  const said = MERGE_KEYS.filter(key => property[key] === undefined && newer?.[key] !== undefined);
  if (said.length === 0 || property[MERGE_KEYS[0]] !== undefined) return property;
  return { ...property, ...Object.fromEntries(said.map(key => [key, newer?.[key]])) };
}

const MERGE_KEYS = [
  'x-kubernetes-list-type',
  'x-kubernetes-list-map-keys',
  'x-kubernetes-map-type',
] as const;

function valuesOf({ additionalProperties }: SchemaDefinition): Schema {
  return schemaFrom(typeof additionalProperties === 'object' ? additionalProperties : {});
}

function typeOf(definition: SchemaDefinition, id: string | undefined): SchemaType {
  const special = id === undefined ? undefined : HAND_ENCODED.get(id);
  if (special) return special;
  if (definition['x-kubernetes-int-or-string']) return 'int-or-string';
  switch (definition.type) {
    case 'object':
      return definition.additionalProperties ? 'map' : 'object';
    case 'string':
      return definition.format === 'byte' ? 'bytes' : 'string';
    case 'array':
    case 'integer':
    case 'number':
    case 'boolean':
      return definition.type;
    case undefined:
      return definition.properties || definition.additionalProperties
        ? typeOf({ ...definition, type: 'object' }, id)
        : 'raw';
    default:
      throw new Error(`Cannot read schema: type is "${definition.type}", want a JSON Schema type`);
  }
}

function resolve(ref: string): Schema {
  const id = ref.slice(ref.lastIndexOf('/') + 1);
  const target = schemaById(id);
  if (!target) throw new Error(`Cannot resolve "${ref}": no definition is called "${id}"`);
  return target;
}
