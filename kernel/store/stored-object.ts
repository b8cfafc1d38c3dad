import { LRUCache } from 'lru-cache';
import type { EncodedObject } from '../../sdk/door.ts';
import type { KubeObject } from '../../sdk/kind.ts';
import { Limits } from '../limits.ts';

/**
 * How objects of one resource are kept. The value in the database is the object as JSON without
 * `metadata.resourceVersion` (that is the key's modification revision), with `kind`, `apiVersion`
 * and `metadata` as its first members, in this order. The bytes that clients get are the same with
 * the resourceVersion put in as metadata's first member, so nothing is serialized twice.
 */
export class StorageForm {
  readonly kind: string;
  readonly apiVersion: string;
  /** `{"kind":"Pod","apiVersion":"v1",` */
  readonly head: Buffer;
  readonly #start: string;

  constructor(kind: string, apiVersion: string) {
    this.kind = kind;
    this.apiVersion = apiVersion;
    const head = `{"kind":${JSON.stringify(kind)},"apiVersion":${JSON.stringify(apiVersion)},`;
    this.head = Buffer.from(head);
    this.#start = head + METADATA;
  }

  equals({ kind, apiVersion }: StorageForm): boolean {
    return kind === this.kind && apiVersion === this.apiVersion;
  }

  /** The database's bytes of `object`, which must not carry a resourceVersion. */
  encode(object: KubeObject): Buffer {
    const json = JSON.stringify(object);
    if (json.startsWith(this.#start)) return Buffer.from(json);
    const { kind: _kind, apiVersion: _apiVersion, metadata, ...rest } = object;
    const { resourceVersion: _resourceVersion, ...kept } = metadata;
    return Buffer.from(
      JSON.stringify({ kind: this.kind, apiVersion: this.apiVersion, metadata: kept, ...rest }),
    );
  }

  /** Whether `value` is what `stored` was made of, byte for byte. */
  isSame(value: Buffer, stored: StoredObject): boolean {
    if (!this.isSameLength(value, stored)) return false;
    return stored.rest.equals(value.subarray(this.#start.length));
  }

  isSameLength(value: Buffer, stored: StoredObject): boolean {
    return stored.rest.length === value.length - this.#start.length;
  }

  /** Whether the database's bytes are of this kind and version, in the form that is written here. */
  isFormOf(value: Uint8Array): boolean {
    const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
    return bytes.toString('latin1', 0, this.#start.length) === this.#start;
  }

  /** The clients' bytes after the head. */
  tail(value: Uint8Array, revision: number): Buffer {
    const start = this.#start.length;
    let bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
    if (bytes.toString('latin1', 0, start) !== this.#start) {
      // Written by another program, in another order.
      bytes = this.encode(JSON.parse(bytes.toString()) as KubeObject);
    }
    const separator = bytes[start] === CLOSING_BRACE ? '' : ',';
    return Buffer.concat([versionPrefix(revision, separator), bytes.subarray(start)]);
  }
}

/** One object at one revision. Immutable; shared by the cache, the bus and every answer. */
export class StoredObject implements EncodedObject {
  /** `namespace/name`, or `name`. */
  readonly key: string;
  readonly revision: number;
  readonly tail: Buffer;
  readonly form: StorageForm;
  readonly #hot: DecodedObjects;

  constructor(key: string, revision: number, tail: Buffer, form: StorageForm, hot: DecodedObjects) {
    this.key = key;
    this.revision = revision;
    this.tail = tail;
    this.form = form;
    this.#hot = hot;
  }

  get head(): Buffer {
    return this.form.head;
  }

  get #restAt(): number {
    const at = versionLength(this.revision);
    return this.tail[at] === COMMA ? at + 1 : at;
  }

  object(): KubeObject {
    return this.#hot.of(this);
  }

  /** What follows the resourceVersion. */
  get rest(): Buffer {
    return this.tail.subarray(this.#restAt);
  }

  /** The same object as a later revision shows it: what a DELETED event carries. */
  at(revision: number): StoredObject {
    const separated = this.tail.subarray(versionLength(this.revision));
    const tail = Buffer.concat([versionPrefix(revision, ''), separated]);
    return new StoredObject(this.key, revision, tail, this.form, this.#hot);
  }
}

/**
 * Decoded forms of the objects that are in use, so that memory holds bytes for the many and
 * JavaScript objects for the few.
 */
export class DecodedObjects {
  readonly #cache = new LRUCache<EncodedObject, KubeObject>({ max: Limits.decodedObjectsMax });
  readonly #freeze: boolean;

  /** `freeze`: whoever changes a shared object gets a TypeError. For tests; it costs. */
  constructor({ freeze = false } = {}) {
    this.#freeze = freeze;
  }

  of(stored: EncodedObject): KubeObject {
    let object = this.#cache.get(stored);
    if (object === undefined) {
      object = decodeObject(stored);
      this.keep(stored, object);
    }
    return object;
  }

  /** Keeps what a writer has at hand, so that it need not be parsed again. */
  keep(stored: EncodedObject, object: KubeObject): void {
    this.#cache.set(stored, this.#freeze ? deepFreeze(object) : object);
  }
}

export function decodeObject({ head, tail }: EncodedObject): KubeObject {
  return JSON.parse(Buffer.concat([head, tail]).toString()) as KubeObject;
}

function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  Object.freeze(value);
  for (const field of Object.values(value)) deepFreeze(field);
  return value;
}

function versionPrefix(revision: number, separator: string): Buffer {
  return Buffer.from(`${METADATA}"resourceVersion":"${revision}"${separator}`);
}

function versionLength(revision: number): number {
  return VERSION_OVERHEAD + String(revision).length;
}

const METADATA = '"metadata":{';
const CLOSING_BRACE = '}'.charCodeAt(0);
const COMMA = ','.charCodeAt(0);
const VERSION_OVERHEAD = `${METADATA}"resourceVersion":""`.length;
