import type { Clock } from './clock.ts';
import type { Informer } from './informer.ts';
import { type KubeObject, keyOf } from './kind.ts';

/**
 * Whether the informer has caught up with what a controller wrote, so that it does not create or
 * delete the same again on the strength of an old copy. What client-go's ControllerExpectations
 * count, this sees: a written object's revision is in the copy, a deleted object is gone from it
 * or being deleted. Nothing to keep in step, so nothing to get wrong when a watch is interrupted.
 */
export class Expectations<T extends KubeObject> {
  readonly #clock: Clock;
  readonly #expected = new Map<string, Expected>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** `object` is what a create or update of the owner with this key answered. */
  wrote(owner: string, object: T): void {
    const expected = this.#of(owner);
    expected.revision = Math.max(expected.revision, Number(object.metadata.resourceVersion));
  }

  /** A delete for the owner was accepted; `object` is the copy it was decided on. */
  deleted(owner: string, object: T): void {
    this.#of(owner).deleted.set(keyOf(object), object.metadata.uid);
  }

  /** The copy can be trusted for this owner. After five minutes it is in any case. */
  satisfied(owner: string, informer: Copy<T>): boolean {
    const expected = this.#expected.get(owner);
    if (!expected) return true;
    const met = isMet(expected, informer) || this.#clock.monotonic() - expected.since > EXPIRY_MS;
    if (met) this.#expected.delete(owner);
    return met;
  }

  forget(owner: string): void {
    this.#expected.delete(owner);
  }

  #of(owner: string): Expected {
    let expected = this.#expected.get(owner);
    if (!expected) {
      expected = { revision: 0, deleted: new Map(), since: this.#clock.monotonic() };
      this.#expected.set(owner, expected);
    }
    return expected;
  }
}

type Copy<T> = Pick<Informer<T>, 'get' | 'resourceVersion'>;

function isMet<T extends KubeObject>({ revision, deleted }: Expected, informer: Copy<T>): boolean {
  const { resourceVersion } = informer;
  if (resourceVersion === undefined || Number(resourceVersion) < revision) return false;
  for (const [key, uid] of deleted) {
    const object = informer.get(key);
    if (object?.metadata.uid === uid && !object?.metadata.deletionTimestamp) return false;
  }
  return true;
}

interface Expected {
  /** The copy must be at least this new. */
  revision: number;
  /** Key -> uid. */
  readonly deleted: Map<string, string | undefined>;
  readonly since: number;
}

/**
 * When to look again at an owner whose copy cannot be trusted: the event that brings it up to date
 * comes sooner, unless a watch was interrupted.
 */
export const CATCH_UP_MS = 30_000;

/** As upstream: better to act on an old copy than never. */
const EXPIRY_MS = 300_000;
