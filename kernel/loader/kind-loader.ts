import { isDeepStrictEqual } from 'node:util';
import type { Disposer } from '../../sdk/extension.ts';
import { type KindDefinition, kindPoint } from '../../sdk/kind-definition.ts';
import type { Logger } from '../../sdk/logger.ts';
import { ALL_VERBS, type ServedKind, servedKindPoint } from '../../sdk/served-kind.ts';
import type { KindRegistry } from '../door/registry.ts';
import type { Extensions } from '../extensions.ts';
import type { ResourceStore } from '../store/resource-store.ts';

export interface KindLoaderOptions {
  readonly extensions: Extensions;
  readonly registry: KindRegistry;
  /** Removes objects of the resource that were not written for so long. */
  readonly expire: (resource: ResourceStore, ttlMs: number) => { close(): void };
  readonly log: Logger;
}

/** Serves the kinds that plugins contribute, one change after the other. */
export class KindLoader {
  readonly #options: KindLoaderOptions;
  readonly #served = new Set<KindDefinition>();
  readonly #expiries = new Map<KindDefinition, { close(): void }>();
  readonly #told = new Map<KindDefinition, Disposer>();
  #work: Promise<void> = Promise.resolve();
  #failure: unknown;

  constructor(options: KindLoaderOptions) {
    this.#options = options;
    options.extensions.onChange(kindPoint, () => this.#schedule());
  }

  /** Resolves when every kind contributed by now is served; rejects when one could not be. */
  async settled(): Promise<void> {
    await this.#work;
    const failure = this.#failure;
    this.#failure = undefined;
    if (failure !== undefined) throw failure;
  }

  #schedule(): void {
    this.#work = this.#work.then(() => this.#reconcile());
  }

  async #reconcile(): Promise<void> {
    const { extensions, log } = this.#options;
    const wanted = new Set(extensions.list(kindPoint).map(({ value }) => value));
    const gone = new Map<string, KindDefinition>();
    for (const kind of this.#served) if (!wanted.has(kind)) gone.set(idOf(kind), kind);
    const added: KindDefinition[] = [];
    for (const kind of wanted) {
      if (this.#served.has(kind)) continue;
      const old = gone.get(idOf(kind));
      if (old !== undefined && this.#replace(old, kind)) gone.delete(idOf(kind));
      else added.push(kind);
    }
    for (const kind of gone.values()) this.#remove(kind);
    const results = await Promise.allSettled(added.map(kind => this.#add(kind)));
    for (const result of results) {
      if (result.status === 'fulfilled') continue;
      this.#failure ??= result.reason;
      log.error('Cannot serve a kind', { error: result.reason });
    }
  }

  async #add(kind: KindDefinition): Promise<void> {
    this.#served.add(kind);
    this.#begin(kind, await this.#options.registry.add(kind));
  }

  /** False: it cannot take the other's place as it is. */
  #replace(old: KindDefinition, kind: KindDefinition): boolean {
    const isKept = old.storage.prefix === kind.storage.prefix && old.namespaced === kind.namespaced;
    const resource = isKept ? this.#options.registry.replace(old, kind) : undefined;
    if (resource === undefined) return false;
    const told = this.#told.get(old);
    if (told !== undefined && isDeepStrictEqual(toldOf(old), toldOf(kind))) {
      // Who follows the kind need not hear of it.
      this.#told.delete(old);
      this.#told.set(kind, told);
    }
    this.#forget(old);
    this.#served.add(kind);
    this.#begin(kind, resource);
    return true;
  }

  #begin(kind: KindDefinition, resource: ResourceStore): void {
    const { ttlSeconds } = kind.strategy;
    resource.isSeldomRead = ttlSeconds !== undefined;
    if (ttlSeconds) this.#expiries.set(kind, this.#options.expire(resource, ttlSeconds * 1_000));
    this.#tell(kind);
  }

  #tell(kind: KindDefinition): void {
    const value = toldOf(kind);
    if (value === undefined || this.#told.has(kind)) return;
    const told = { name: idOf(kind), plugin: 'kernel', value, remote: false };
    this.#told.set(kind, this.#options.extensions.provide(servedKindPoint, told));
  }

  #remove(kind: KindDefinition): void {
    this.#forget(kind);
    this.#options.registry.remove(kind);
  }

  #forget(kind: KindDefinition): void {
    void this.#told.get(kind)?.();
    this.#told.delete(kind);
    this.#expiries.get(kind)?.close();
    this.#expiries.delete(kind);
    this.#served.delete(kind);
  }

  /** Nothing expires from here on. */
  close(): void {
    for (const expiry of this.#expiries.values()) expiry.close();
    this.#expiries.clear();
  }
}

function idOf({ group, resource }: KindDefinition): string {
  return `${group}/${resource}`;
}

/** Undefined: nobody is told. A kind that is kept as another group's is that one's to tell. */
function toldOf(kind: KindDefinition): ServedKind | undefined {
  const { group, kind: name, resource, namespaced, storage, strategy, verbs = ALL_VERBS } = kind;
  if (storage.group !== undefined && storage.group !== group) return undefined;
  if (!verbs.includes('list') || kind.virtual) return undefined;
  const version = kind.versions[0]?.name ?? storage.version;
  const expires = strategy.ttlSeconds !== undefined;
  return Object.freeze({ group, version, kind: name, resource, namespaced, verbs, expires });
}
