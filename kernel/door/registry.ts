import type { EncodedObject, ServedResource } from '../../sdk/door.ts';
import type { VersionedObject } from '../../sdk/field-manager.ts';
import { apiVersionOf, type KubeObject } from '../../sdk/kind.ts';
import {
  inVersion,
  type KindDefinition,
  type KindVersion,
  type Subresource,
} from '../../sdk/kind-definition.ts';
import { unknownResource } from '../../sdk/status.ts';
import { cloneJson } from '../clone.ts';
import type { ObjectStore } from '../store/object-store.ts';
import type { ResourceStore } from '../store/resource-store.ts';
import { decodeObject, StorageForm, type StoredObject } from '../store/stored-object.ts';
import type { WatchBus } from '../watch/bus.ts';

/** A kind in one of its versions, ready to be worked with. */
export class Served implements ServedResource {
  readonly kind: KindDefinition;
  readonly version: KindVersion;
  readonly store: ResourceStore;
  /** `apps/v1` */
  readonly apiVersion: string;
  readonly subresources: ReadonlyMap<string, Subresource>;
  /** Watch frames made of an object, by their form; they go when the object goes. */
  readonly frames = new WeakMap<EncodedObject, Map<string, Buffer>>();
  readonly #objects: ObjectStore;
  readonly #head: Buffer;
  readonly #encoded = new WeakMap<StoredObject, EncodedObject>();
  #preparing = 0;

  constructor(
    kind: KindDefinition,
    version: KindVersion,
    store: ResourceStore,
    objects: ObjectStore,
  ) {
    this.kind = kind;
    this.version = version;
    this.store = store;
    this.#objects = objects;
    this.apiVersion = apiVersionOf({ group: kind.group, version: version.name });
    this.subresources = new Map((kind.subresources ?? []).map(each => [each.name, each]));
    this.#head = new StorageForm(kind.kind, this.apiVersion).head;
  }

  /** Whether objects are stored as this version shows them. */
  get isStored(): boolean {
    return this.apiVersion === this.store.form.apiVersion;
  }

  /** What error texts call it. */
  get subject(): { group: string; resource: string } {
    return this.kind;
  }

  key(namespace: string | undefined, name: string): string {
    return this.kind.namespaced ? `${namespace}/${name}` : name;
  }

  /**
   * Gets what `encode` needs for these objects where versions are made of one another by somebody
   * else. Undefined: nothing, as for nearly all kinds.
   */
  prepare(stored: Iterable<StoredObject>): Promise<void> | undefined {
    const { convert } = this.kind;
    if (convert === undefined) return undefined;
    const missing = [...stored].filter(
      each => each.form.apiVersion !== this.apiVersion && !this.#encoded.has(each),
    );
    return missing.length === 0 ? undefined : this.#prepare(missing, convert);
  }

  /** Whether somebody waits for `prepare`. */
  get isPreparing(): boolean {
    return this.#preparing > 0;
  }

  /** One that need not be prepared before. Synchronous for nearly all kinds. */
  show(stored: StoredObject): EncodedObject | Promise<EncodedObject> {
    const pending = this.prepare([stored]);
    return pending ? pending.then(() => this.encode(stored)) : this.encode(stored);
  }

  /** A stored object as this version shows it; the same one for the same argument. */
  encode(stored: StoredObject): EncodedObject {
    const isSame = stored.form.apiVersion === this.apiVersion;
    const { refresh } = this.kind.storage;
    if (isSame && refresh === undefined) return stored;
    let encoded = this.#encoded.get(stored);
    if (encoded === undefined) {
      if (this.kind.convert && !isSame) throw new Error(`"${stored.key}" was not prepared`);
      const object = stored.object();
      const fresh = refresh?.(object) ?? object;
      encoded = isSame && fresh === object ? stored : this.#convert(stored, fresh);
      this.#encoded.set(stored, encoded);
    }
    return encoded;
  }

  /** The same as it looks at a later revision. */
  encodeAt(stored: StoredObject, revision: number): EncodedObject {
    const isMade = this.kind.convert && stored.form.apiVersion !== this.apiVersion;
    if (!isMade) return this.encode(stored.at(revision));
    const object = this.encode(stored).object();
    const metadata = { ...object.metadata, resourceVersion: String(revision) };
    return this.encodeMade({ ...object, metadata });
  }

  /** An object of this version that is not stored as it is. */
  encodeMade({ kind: _, apiVersion: __, metadata, ...rest }: KubeObject): EncodedObject {
    const head = this.#head;
    const tail = Buffer.from(JSON.stringify({ metadata, ...rest }).slice(1));
    const hot = this.#objects.hot;
    const encoded: EncodedObject = { head, tail, object: () => hot.of(encoded) };
    return encoded;
  }

  /** A copy of what is stored, in the version that is written. */
  forWrite(stored: StoredObject): KubeObject | Promise<KubeObject> {
    if (stored.form === this.store.form) return cloneJson(stored.object());
    if (this.kind.convert) return this.#ask(stored.object(), this.store.form.apiVersion);
    return this.toStorage(cloneJson(this.encode(stored).object()));
  }

  /** An object of this version as it is to be kept. Takes its argument over. */
  kept(object: KubeObject): KubeObject | Promise<KubeObject> {
    if (this.kind.convert === undefined || this.isStored) return this.toStorage(object);
    return this.convertTo(object, this.store.form.apiVersion);
  }

  /** An object of this version in another; not changed. Only where somebody else is asked. */
  convertTo(object: KubeObject, apiVersion: string): Promise<KubeObject> {
    return this.#ask({ ...object, kind: this.kind.kind, apiVersion: this.apiVersion }, apiVersion);
  }

  /** Takes its argument over. */
  toStorage(object: KubeObject): KubeObject {
    if (this.isStored) return object;
    const converted = this.version.toStorage?.(object) ?? object;
    converted.kind = this.store.form.kind;
    converted.apiVersion = this.store.form.apiVersion;
    return converted;
  }

  /** An object of another version as this one shows it; the argument is not changed. */
  convertFrom(other: Served, object: KubeObject): KubeObject {
    return this.#fromStorage(other.toStorage(cloneJson(object)));
  }

  /** `fresh` may be the store's own. */
  #convert(stored: StoredObject, fresh: KubeObject): EncodedObject {
    const own = fresh === stored.object() ? decodeObject(stored) : fresh;
    return this.encodeMade(this.#fromStorage(own));
  }

  async #prepare(
    missing: readonly StoredObject[],
    convert: NonNullable<KindDefinition['convert']>,
  ): Promise<void> {
    const { refresh } = this.kind.storage;
    this.#preparing++;
    try {
      // What is kept in an earlier version has another schema than the one that refreshes.
      const fresh = missing.map(each => {
        const object = each.object();
        return each.form === this.store.form ? (refresh?.(object) ?? object) : object;
      });
      const converted = await convert(fresh, this.apiVersion);
      for (const [i, object] of converted.entries()) {
        const stored = missing[i];
        if (stored) this.#encoded.set(stored, this.encodeMade(object));
      }
    } finally {
      this.#preparing--;
    }
  }

  async #ask(object: KubeObject, apiVersion: string): Promise<KubeObject> {
    const [converted] = (await this.kind.convert?.([object], apiVersion)) ?? [];
    return cloneJson(converted ?? object);
  }

  #fromStorage(object: KubeObject): KubeObject {
    const converted = this.version.fromStorage?.(object) ?? object;
    converted.apiVersion = this.apiVersion;
    return converted;
  }
}

/** The kinds that are served, by where they are in paths. */
export class KindRegistry {
  readonly #objects: ObjectStore;
  readonly #bus: WatchBus;
  readonly #served = new Map<string, Served>();

  constructor(objects: ObjectStore, bus: WatchBus) {
    this.#objects = objects;
    this.#bus = bus;
  }

  /** Loads what is stored of the kind, then serves it. */
  async add(kind: KindDefinition): Promise<ResourceStore> {
    const { prefix } = kind.storage;
    const store = await this.#objects.register(prefix, kind.namespaced, ...formsOf(kind));
    this.#serve(kind, store);
    return store;
  }

  /**
   * Serves a kind in the place of an earlier definition of it, without a moment in between. Its
   * watches end, since they show what the earlier one said; they can go on where they were.
   */
  replace(old: KindDefinition, kind: KindDefinition): ResourceStore | undefined {
    const store = this.#storeOf(old);
    if (store === undefined) return undefined;
    for (const each of old.versions)
      this.#served.delete(pathOf(old.group, each.name, old.resource));
    store.setForms(formsOf(kind));
    this.#serve(kind, store);
    this.#bus.endAll(store);
    return store;
  }

  /** The database keeps its objects; their watches end, unless another kind shows them too. */
  remove(kind: KindDefinition): void {
    const store = this.#storeOf(kind);
    for (const each of kind.versions) {
      this.#served.delete(pathOf(kind.group, each.name, kind.resource));
    }
    if (store === undefined || [...this.#served.values()].some(each => each.store === store))
      return;
    this.#bus.endAll(store);
    this.#objects.unregister(store.prefix);
  }

  /** Throws NotFound. */
  get(group: string, version: string, resource: string): Served {
    const served = this.find(group, version, resource);
    if (served === undefined) throw unknownResource();
    return served;
  }

  find(group: string, version: string, resource: string): Served | undefined {
    return this.#served.get(pathOf(group, version, resource));
  }

  /** An object in another version of its kind, `any` being one; undefined: that one is not served. */
  convert(any: Served, object: KubeObject, apiVersion: string): VersionedObject | undefined {
    const to = this.#sibling(any, apiVersion);
    const from = this.#sibling(any, object.apiVersion ?? any.apiVersion);
    return to && from && { object: to.convertFrom(from, object), schema: to.version.schema };
  }

  #sibling(any: Served, apiVersion: string): Served | undefined {
    if (any.apiVersion === apiVersion) return any;
    for (const each of this.#served.values()) {
      if (each.store === any.store && each.apiVersion === apiVersion) return each;
    }
    return undefined;
  }

  /** Everything that shows the same stored objects, this one too. */
  equivalents({ store }: Served): readonly Served[] {
    return [...this.#served.values()].filter(each => each.store === store);
  }

  all(): Iterable<Served> {
    return this.#served.values();
  }

  #serve(kind: KindDefinition, store: ResourceStore): void {
    for (const each of kind.versions) {
      const served = new Served(inVersion(kind, each), each, store, this.#objects);
      this.#served.set(pathOf(kind.group, each.name, kind.resource), served);
    }
  }

  #storeOf({ group, resource, versions }: KindDefinition): ResourceStore | undefined {
    for (const { name } of versions) {
      const served = this.#served.get(pathOf(group, name, resource));
      if (served !== undefined) return served.store;
    }
    return undefined;
  }
}

function formsOf({ kind, group, storage }: KindDefinition): StorageForm[] {
  const versions = [storage.version, ...(storage.earlier ?? [])];
  return versions.map(version => {
    return new StorageForm(kind, apiVersionOf({ group: storage.group ?? group, version }));
  });
}

function pathOf(group: string, version: string, resource: string): string {
  return `${group}/${version}/${resource}`;
}
