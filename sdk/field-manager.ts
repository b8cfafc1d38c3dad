import type { Clock } from './clock.ts';
import { definePoint } from './extension.ts';
import type { KubeObject } from './kind.ts';
import type { Schema } from './schema.ts';

/** Keeps `metadata.managedFields`. One per cluster. */
export interface FieldManager {
  /** Sets `object.metadata.managedFields` in place for a write by `context.manager`. */
  update(object: KubeObject, old: KubeObject | undefined, context: FieldManagerContext): void;
  /**
   * Server-side apply: what `live` becomes when `context.manager` wants of it what `config` says.
   * Returns another object, whose `metadata.managedFields` is set (empty when nobody owns anything);
   * it is still to be decoded and defaulted, and `update` is not to be called for it. `live` is
   * undefined where the object is to be made. Neither argument is changed; the result may share
   * with both. `config` is as it came in, but its metadata is an object. Throws BadRequest on one
   * of another kind or with managedFields, Conflict where others own what it changes (unless
   * `context.force`), and what upstream throws where it does not fit the schema.
   */
  apply(live: KubeObject | undefined, config: KubeObject, context: ApplyContext): KubeObject;
}

export interface FieldManagerContext {
  readonly manager: string;
  readonly schema: Schema;
  readonly apiVersion: string;
  /** Empty for the object itself. */
  readonly subresource: string;
  /** Only the `status` subresource changes the object's status. */
  readonly statusApart: boolean;
  readonly clock: Clock;
  /**
   * An object of any version of the kind (its `apiVersion` tells; absent: the request's) in another,
   * which an entry of managedFields is about; the argument is not changed. Undefined: that version
   * is not served.
   */
  readonly convert: (object: KubeObject, apiVersion: string) => VersionedObject | undefined;
}

export interface VersionedObject {
  readonly object: KubeObject;
  readonly schema: Schema;
}

export interface ApplyContext extends FieldManagerContext {
  readonly kind: string;
  /** Take fields over that others own. */
  readonly force: boolean;
}

export const fieldManagerPoint = definePoint<FieldManager>({
  name: 'fieldManager',
  combine: 'unique',
  methods: [],
});
