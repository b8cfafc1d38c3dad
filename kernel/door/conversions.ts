import type { VersionedObject } from '../../sdk/field-manager.ts';
import type { KubeObject } from '../../sdk/kind.ts';
import type { Served } from './registry.ts';

/**
 * Lets what is computed at once use conversions that somebody else makes, which take time: whenever
 * one is missing the computation is broken off, and begun again when it is there. Computations are
 * short and need a few at most.
 */
export class Conversions {
  readonly #served: Served;
  readonly #versions: readonly Served[];
  readonly #known = new Map<string, KubeObject>();

  /** `versions` are those in which the objects of `served` are to be had. */
  constructor(served: Served, versions: readonly Served[]) {
    this.#served = served;
    this.#versions = versions;
  }

  /** What a computation calls; undefined: the version is not served. */
  convert(object: KubeObject, apiVersion: string): VersionedObject | undefined {
    const from = this.#version(object.apiVersion ?? this.#served.apiVersion);
    const to = this.#version(apiVersion);
    if (from === undefined || to === undefined) return undefined;
    const { schema } = to.version;
    if (from === to) return { object, schema };
    const id = idOf(object, apiVersion);
    const known = this.#known.get(id);
    if (known === undefined) throw new Missing(from, object, apiVersion);
    return { object: known, schema };
  }

  /** Must not have done anything that matters when it is broken off. */
  async run<T>(compute: () => T): Promise<T> {
    for (;;) {
      try {
        return compute();
      } catch (error) {
        if (!(error instanceof Missing)) throw error;
        const { from, object, apiVersion } = error;
        this.#known.set(idOf(object, apiVersion), await from.convertTo(object, apiVersion));
      }
    }
  }

  #version(apiVersion: string): Served | undefined {
    return this.#versions.find(each => each.apiVersion === apiVersion);
  }
}

class Missing extends Error {
  readonly from: Served;
  readonly object: KubeObject;
  readonly apiVersion: string;

  constructor(from: Served, object: KubeObject, apiVersion: string) {
    super(`Cannot go on without an object as ${apiVersion} has it`);
    this.from = from;
    this.object = object;
    this.apiVersion = apiVersion;
  }
}

/** A computation makes its objects anew each time, so that only what they say tells them. */
function idOf(object: KubeObject, apiVersion: string): string {
  return `${apiVersion} ${JSON.stringify(object)}`;
}
