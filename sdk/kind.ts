import type { ObjectMeta } from './api/types-meta-v1.ts';

/**
 * Names a kind of object at run time and carries its type at compile time:
 * `objects.get(Deployment, key)` is a `Deployment`. Plain data; safe to send between threads.
 */
export interface Kind<T = KubeObject> {
  /** Empty for the core group. */
  readonly group: string;
  readonly version: string;
  /** `Deployment` */
  readonly kind: string;
  /** The plural that stands in paths: `deployments`. */
  readonly resource: string;
  readonly namespaced: boolean;
  /** Never there; it only ties `T` to the value. */
  readonly __object?: T;
}

/** What every stored object has. */
export interface KubeObject {
  apiVersion?: string;
  kind?: string;
  metadata: ObjectMeta;
}

/** A label or annotation map. */
export type StringMap = Record<string, string>;

/** Where an object is. `namespace` is absent for cluster-scoped kinds. */
export interface ObjectKey {
  readonly namespace?: string;
  readonly name: string;
}

/** `namespace/name`, or `name` for cluster-scoped objects: client-go's MetaNamespaceKey. */
export function keyOf(object: { metadata: ObjectMeta }): string {
  const { namespace, name } = object.metadata;
  return namespace ? `${namespace}/${name}` : (name ?? '');
}

export function parseKey(key: string): ObjectKey {
  const slash = key.indexOf('/');
  return slash < 0 ? { name: key } : { namespace: key.slice(0, slash), name: key.slice(slash + 1) };
}

/** What `parseKey` reads. */
export function formatKey({ namespace, name }: ObjectKey): string {
  return namespace ? `${namespace}/${name}` : name;
}

/** `apps/v1`, or `v1` for the core group. */
export function apiVersionOf(kind: { group: string; version: string }): string {
  return kind.group ? `${kind.group}/${kind.version}` : kind.version;
}
