import type { Contribution, Disposer, ExtensionPoint } from '../sdk/extension.ts';
import { ownPoint } from './point-rules.ts';

/** A contribution, and what of it other threads may use. */
export interface Offer<T> extends Contribution<T> {
  /** Its functions that may be called from another thread: as its provider defines the point. */
  readonly methods: readonly string[];
}

/**
 * What plugins added to which point. The order of a point's contributions is that of the plugins
 * in the profile; within a plugin, the order in which it provided them.
 */
export class Extensions {
  readonly #points = new Map<string, Point>();
  readonly #rankOf: (plugin: string) => number;

  constructor(rankOf: (plugin: string) => number) {
    this.#rankOf = rankOf;
  }

  /** Throws when the name is taken at the point. */
  provide<T>(point: ExtensionPoint<T>, contribution: Contribution<T>): Disposer {
    const { items, listeners } = this.#at(point.name);
    const taken = items.find(item => item.name === contribution.name);
    if (taken !== undefined) {
      throw new Error(
        `Cannot add "${contribution.name}" to "${point.name}": plugin "${taken.plugin}" has added it`,
      );
    }
    const rank = this.#rankOf(contribution.plugin);
    const after = items.findIndex(item => this.#rankOf(item.plugin) > rank);
    const offer = { ...contribution, methods: ownPoint(point).methods };
    items.splice(after < 0 ? items.length : after, 0, offer);
    notify(listeners);
    return () => {
      const at = items.indexOf(offer);
      if (at < 0) return;
      items.splice(at, 1);
      notify(listeners);
    };
  }

  list<T>(point: ExtensionPoint<T>): readonly Offer<T>[] {
    // Only `provide` with the same point puts something here.
    return this.#at(point.name).items as readonly Offer<T>[];
  }

  onChange<T>(point: ExtensionPoint<T>, callback: () => void): () => void {
    const { listeners } = this.#at(point.name);
    listeners.add(callback);
    return () => void listeners.delete(callback);
  }

  #at(name: string): Point {
    let point = this.#points.get(name);
    if (point === undefined) {
      point = { items: [], listeners: new Set() };
      this.#points.set(name, point);
    }
    return point;
  }
}

interface Point {
  readonly items: Offer<unknown>[];
  readonly listeners: Set<() => void>;
}

function notify(listeners: ReadonlySet<() => void>): void {
  for (const listener of [...listeners]) listener();
}
