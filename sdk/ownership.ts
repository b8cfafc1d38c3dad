import type { ObjectMeta, OwnerReference } from './api/types-meta-v1.ts';
import { apiVersionOf, type Kind, type KubeObject, type ObjectKey } from './kind.ts';

/** The owner that manages the object: at most one has `controller: true`. */
export function controllerOf(object: { metadata: ObjectMeta }): OwnerReference | undefined {
  return object.metadata.ownerReferences?.find(reference => reference.controller);
}

/** The reference that makes `owner` the controller of what it creates. */
export function controllerReference<T extends KubeObject>(
  kind: Kind<T>,
  owner: KubeObject,
): OwnerReference {
  return {
    apiVersion: apiVersionOf(kind),
    kind: kind.kind,
    name: owner.metadata.name ?? '',
    uid: owner.metadata.uid ?? '',
    controller: true,
    blockOwnerDeletion: true,
  };
}

/** Index function: the uid of the controller; for objects without one, `orphansIn` their namespace. */
export function byController(object: { metadata: ObjectMeta }): readonly string[] {
  const uid = controllerOf(object)?.uid;
  return [uid ?? orphansIn(object.metadata.namespace)];
}

/** Under which `byController` finds the objects of a namespace that nobody manages. */
export function orphansIn(namespace = ''): string {
  return `orphans in ${namespace}`;
}

/** Where the object's controller is, if that is of the given kind. */
export function controllerKey<T extends KubeObject>(
  kind: Kind<T>,
  object: KubeObject,
): ObjectKey | undefined {
  const reference = controllerOf(object);
  if (!reference || reference.kind !== kind.kind) return undefined;
  const slash = reference.apiVersion.indexOf('/');
  const group = slash < 0 ? '' : reference.apiVersion.slice(0, slash);
  if (group !== kind.group) return undefined;
  const { namespace } = object.metadata;
  return { ...(kind.namespaced && namespace && { namespace }), name: reference.name };
}
