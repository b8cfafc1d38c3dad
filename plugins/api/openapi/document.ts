import { createHash } from 'node:crypto';
import type { KindDefinition, KindVersion } from 'kernetes/sdk';
import { Definitions, type JsonNode, type SchemaRef } from './definitions.ts';
import { basePath, type Operation, operationsOf, type ServedVersion } from './operations.ts';
import { encodeV2Document } from './protobuf.ts';
import { v2Document, v2Paths } from './v2.ts';
import { v3Document } from './v3.ts';

/** A document ready to send. The hash is that of its content. */
export interface EncodedDocument {
  readonly bytes: Buffer;
  readonly hash: string;
}

/**
 * The OpenAPI documents of what is served now. Nothing is built before it is asked for; after a
 * change only the groups and versions that it touched are built anew, and the v2 document, which
 * holds them all, is put together from their parts.
 */
export class OpenApiDocuments {
  readonly #version: string;
  /** `apis/apps/v1` -> its part. */
  #parts = new Map<string, GroupVersionPart>();
  #v2: JsonNode | undefined;
  #v2Json: EncodedDocument | undefined;
  #v2Protobuf: EncodedDocument | undefined;
  #v3Root: EncodedDocument | undefined;
  /** `apis/metrics.k8s.io/v1beta1` */
  #remotes: readonly string[] = [];

  /** `version` is the server's, as `/version` gives it. */
  constructor(version: string) {
    this.#version = version;
  }

  /** Replaces what is served. Kinds are compared by identity. */
  setKinds(kinds: readonly KindDefinition[]): void {
    const parts = new Map<string, GroupVersionPart>();
    for (const [path, members] of membersByPath(kinds)) {
      const old = this.#parts.get(path);
      parts.set(path, old?.serves(members) ? old : new GroupVersionPart(this.#version, members));
    }
    this.#parts = parts;
    this.#v2 = this.#v2Json = this.#v2Protobuf = this.#v3Root = undefined;
  }

  /** Documents that others serve below the root. */
  setRemotes(paths: readonly string[]): void {
    this.#remotes = paths;
    this.#v3Root = undefined;
  }

  v2Json(): EncodedDocument {
    this.#v2Json ??= encoded(jsonBytes(this.#v2Document()));
    return this.#v2Json;
  }

  v2Protobuf(): EncodedDocument {
    this.#v2Protobuf ??= encoded(encodeV2Document(this.#v2Document()));
    return this.#v2Protobuf;
  }

  /** The list of v3 documents. Its addresses carry hashes, so that clients may keep what they got. */
  v3Root(): EncodedDocument {
    if (this.#v3Root) return this.#v3Root;
    const entries = [...this.#parts].map(([path, part]) => {
      const serverRelativeURL = `/openapi/v3/${path}?hash=${part.v3().hash}`;
      return [path, { serverRelativeURL }] as const;
    });
    const remotes = this.#remotes.map(path => {
      return [path, { serverRelativeURL: `/openapi/v3/${path}` }] as const;
    });
    const paths = Object.fromEntries([...entries, ...remotes]);
    this.#v3Root = encoded(jsonBytes({ paths }));
    return this.#v3Root;
  }

  /** The document of `api/v1` or `apis/apps/v1`; undefined when that is not served. */
  v3(path: string): EncodedDocument | undefined {
    return this.#parts.get(path)?.v3();
  }

  #v2Document(): JsonNode {
    if (this.#v2) return this.#v2;
    const paths: Record<string, JsonNode> = {};
    const definitions = new Map<SchemaRef, JsonNode>();
    for (const part of this.#parts.values()) {
      Object.assign(paths, part.v2Paths());
      for (const [id, definition] of part.definitions()) definitions.set(id, definition);
    }
    const sorted = new Map([...definitions].sort(([a], [b]) => (a < b ? -1 : 1)));
    this.#v2 = v2Document(this.#version, paths, sorted);
    return this.#v2;
  }
}

interface Member {
  readonly kind: KindDefinition;
  readonly version: KindVersion;
}

/** What one group and version adds to the documents. */
class GroupVersionPart {
  readonly #serverVersion: string;
  readonly #members: readonly Member[];
  #built: { operations: Operation[]; definitions: Map<SchemaRef, JsonNode> } | undefined;
  #v2Paths: Record<string, JsonNode> | undefined;
  #v3: EncodedDocument | undefined;

  constructor(serverVersion: string, members: readonly Member[]) {
    this.#serverVersion = serverVersion;
    this.#members = members;
  }

  serves(members: readonly Member[]): boolean {
    return (
      members.length === this.#members.length &&
      members.every(({ kind, version }, i) => {
        const own = this.#members[i];
        return own?.kind === kind && own.version === version;
      })
    );
  }

  definitions(): ReadonlyMap<SchemaRef, JsonNode> {
    return this.#build().definitions;
  }

  v2Paths(): Record<string, JsonNode> {
    this.#v2Paths ??= v2Paths(this.#build().operations);
    return this.#v2Paths;
  }

  v3(): EncodedDocument {
    if (this.#v3) return this.#v3;
    const { operations, definitions } = this.#build();
    this.#v3 = encoded(jsonBytes(v3Document(this.#serverVersion, operations, definitions)));
    return this.#v3;
  }

  #build(): { operations: Operation[]; definitions: Map<SchemaRef, JsonNode> } {
    if (this.#built) return this.#built;
    const definitions = new Definitions();
    const served = this.#members.map(member => definitions.served(member.kind, member.version));
    const operations = served.flatMap(operationsOf);
    const roots = [...served.flatMap(rootsOf), ...operations.flatMap(refsOf)];
    this.#built = { operations, definitions: definitions.closure(roots) };
    return this.#built;
  }
}

function membersByPath(kinds: readonly KindDefinition[]): Map<string, Member[]> {
  const groups = new Map<string, Member[]>();
  for (const kind of kinds) {
    for (const version of kind.versions) {
      const path = basePath(kind.group, version.name).slice(1);
      const members = groups.get(path) ?? [];
      members.push({ kind, version });
      groups.set(path, members);
    }
  }
  return new Map([...groups].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Kinds are described even when no operation names them. */
function rootsOf({ object, list, bodies }: ServedVersion): SchemaRef[] {
  return [object, list, ...bodies.values()];
}

function refsOf({ body, responses }: Operation): SchemaRef[] {
  return [...(body ? [body] : []), ...Object.values(responses)];
}

function jsonBytes(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value));
}

function encoded(bytes: Buffer): EncodedDocument {
  const hash = createHash('sha256').update(bytes).digest('hex').toUpperCase();
  return { bytes, hash };
}
