import {
  inVersion,
  type KindDefinition,
  type KindVersion,
  type Schema,
  schemaById,
  schemaOf,
} from 'kernetes/sdk';
import type { ServedVersion } from './operations.ts';

/** The id of a definition. */
export type SchemaRef = string;

/** A JSON Schema as it stands in a document. */
export type JsonNode = Readonly<Record<string, unknown>>;

export const META = 'io.k8s.apimachinery.pkg.apis.meta.v1.';

/**
 * The definitions that documents name, by id. Kubernetes' own are looked up; kinds with a schema of
 * their own (custom resources) and lists that nobody defines get one made here.
 */
export class Definitions {
  readonly #own = new Map<SchemaRef, JsonNode>();

  /** Names what a served version sends and receives. */
  served(shared: KindDefinition, version: KindVersion): ServedVersion {
    const kind = inVersion(shared, version);
    const gvk = { group: kind.group, version: version.name, kind: kind.kind };
    const object = this.#define(version.schema, gvk);
    const bodies = new Map<string, SchemaRef>();
    for (const { name, body } of kind.subresources ?? []) {
      if (body) bodies.set(name, this.#define(body.schema, body));
    }
    return { kind, version, object, list: this.#list(gvk, object), bodies };
  }

  /** The named definitions and all that they refer to, sorted by id. */
  closure(roots: Iterable<SchemaRef>): Map<SchemaRef, JsonNode> {
    const found = new Map<SchemaRef, JsonNode>();
    const queue = [...roots];
    for (let id = queue.pop(); id !== undefined; id = queue.pop()) {
      if (found.has(id)) continue;
      const definition = this.#own.get(id) ?? schemaById(id)?.definition;
      if (!definition) throw new Error(`Cannot describe "${id}": there is no such definition`);
      found.set(id, definition as JsonNode);
      collectRefs(definition, queue);
    }
    return new Map([...found].sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  #define(schema: Schema, gvk: GroupVersionKind): SchemaRef {
    if (schema.id !== undefined) return schema.id;
    const id = customId(gvk);
    this.#own.set(id, { ...schema.definition, 'x-kubernetes-group-version-kind': [plain(gvk)] });
    return id;
  }

  #list(gvk: GroupVersionKind, object: SchemaRef): SchemaRef {
    const listGvk = { ...gvk, kind: `${gvk.kind}List` };
    const known = schemaOf(listGvk.group, listGvk.version, listGvk.kind)?.id;
    if (known !== undefined) return known;
    const id = customId(listGvk);
    this.#own.set(id, {
      type: 'object',
      required: ['items'],
      properties: {
        apiVersion: { type: 'string' },
        items: { type: 'array', items: { $ref: `#/definitions/${object}` } },
        kind: { type: 'string' },
        metadata: { $ref: `#/definitions/${META}ListMeta` },
      },
      'x-kubernetes-group-version-kind': [plain(listGvk)],
    });
    return id;
  }
}

interface GroupVersionKind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
}

function plain({ group, version, kind }: GroupVersionKind): GroupVersionKind {
  return { group, kind, version };
}

/** `stable.example.com/v1 CronTab` -> `com.example.stable.v1.CronTab`, as upstream names them. */
function customId({ group, version, kind }: GroupVersionKind): SchemaRef {
  return [...group.split('.').reverse(), version, kind].filter(Boolean).join('.');
}

function collectRefs(node: unknown, into: SchemaRef[]): void {
  if (typeof node !== 'object' || node === null) return;
  if ('$ref' in node && typeof node.$ref === 'string') {
    into.push(node.$ref.slice(node.$ref.lastIndexOf('/') + 1));
  }
  for (const child of Object.values(node)) collectRefs(child, into);
}
