import { type KindDefinition, kindPoint } from '../../sdk/kind-definition.ts';
import type { Logger } from '../../sdk/logger.ts';
import type { KindRegistry } from '../door/registry.ts';
import type { Extensions } from '../extensions.ts';

/** Serves the kinds that plugins contribute, one change after the other. */
export class KindLoader {
  readonly #extensions: Extensions;
  readonly #registry: KindRegistry;
  readonly #log: Logger;
  readonly #served = new Set<KindDefinition>();
  #work: Promise<void> = Promise.resolve();
  #failure: unknown;

  constructor(extensions: Extensions, registry: KindRegistry, log: Logger) {
    this.#extensions = extensions;
    this.#registry = registry;
    this.#log = log;
    extensions.onChange(kindPoint, () => this.#schedule());
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
    const wanted = new Set(this.#extensions.list(kindPoint).map(({ value }) => value));
    for (const kind of this.#served) {
      if (wanted.has(kind)) continue;
      this.#registry.remove(kind);
      this.#served.delete(kind);
    }
    const added = [...wanted].filter(kind => !this.#served.has(kind));
    for (const kind of added) this.#served.add(kind);
    const results = await Promise.allSettled(added.map(kind => this.#registry.add(kind)));
    for (const result of results) {
      if (result.status === 'fulfilled') continue;
      this.#failure ??= result.reason;
      this.#log.error('Cannot serve a kind', { error: result.reason });
    }
  }
}
