import type { FieldManagerContext, KubeObject } from 'kernetes/sdk';
import { type Comparison, compareObjects, type SkippedFields } from './compare.ts';
import { withMetadata } from './structure.ts';

/**
 * What a write did to an object, as managers of each of its versions see it: an entry names fields
 * as they are called in its version.
 */
export class Versions {
  /** In the version of the request. */
  readonly own: Comparison;
  readonly #old: KubeObject | undefined;
  readonly #object: KubeObject;
  readonly #context: FieldManagerContext;
  #others: Map<string, Comparison | undefined> | undefined;

  constructor(old: KubeObject | undefined, object: KubeObject, context: FieldManagerContext) {
    this.#old = old;
    this.#object = object;
    this.#context = context;
    const schema = withMetadata(context.schema);
    this.own = compareObjects(old ?? NOTHING, object, { schema, skip: skippedFields(context) });
  }

  /** Undefined: the version is not served any more, and what was owned in it is nobody's. */
  comparison(apiVersion = ''): Comparison | undefined {
    if (apiVersion === this.#context.apiVersion) return this.own;
    this.#others ??= new Map();
    if (!this.#others.has(apiVersion)) this.#others.set(apiVersion, this.#compareIn(apiVersion));
    return this.#others.get(apiVersion);
  }

  #compareIn(apiVersion: string): Comparison | undefined {
    const context = this.#context;
    const now = context.convert(this.#object, apiVersion);
    if (now === undefined) return undefined;
    const old = this.#old && context.convert(this.#old, apiVersion);
    const schema = withMetadata(now.schema);
    return compareObjects(old?.object ?? NOTHING, now.object, {
      schema,
      skip: skippedFields(context),
    });
  }
}

/** A status that a write to the object itself carries is not kept, or is the server's doing. */
export function skippedFields(context: FieldManagerContext): SkippedFields {
  const { schema, subresource, statusApart } = context;
  return subresource === '' && (statusApart || schema.id !== undefined)
    ? WITHOUT_STATUS
    : WITH_STATUS;
}

/** Never owned: they are the server's, or name the object. */
const SERVER_METADATA: ReadonlySet<string> = new Set([
  'name',
  'namespace',
  'creationTimestamp',
  'selfLink',
  'uid',
  'clusterName',
  'generation',
  'managedFields',
  'resourceVersion',
]);
const WITH_STATUS: SkippedFields = {
  root: new Set(['apiVersion', 'kind']),
  metadata: SERVER_METADATA,
};
const WITHOUT_STATUS: SkippedFields = {
  root: new Set(['apiVersion', 'kind', 'status']),
  metadata: SERVER_METADATA,
};
const NOTHING = {};
