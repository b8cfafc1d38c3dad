import type { KubeObject } from './kind.ts';

/** Makes a smaller object with the fields that somebody declared to need. */
export type Projection = <T extends KubeObject>(object: T) => T;

/**
 * Keeps `apiVersion`, `kind`, `metadata` without managedFields, and the given dotted paths. A path
 * that meets an array goes on in each of its elements: `spec.containers.ports`. Without paths
 * everything but managedFields stays. The argument is not changed; what is kept is shared with it.
 */
export function compileProjection(fields?: readonly string[]): Projection {
  if (fields === undefined) return withoutManagedFields;
  const tree: Tree = new Map();
  for (const field of fields) grow(tree, field.split('.'));
  tree.set('apiVersion', undefined);
  tree.set('kind', undefined);
  tree.set('metadata', undefined);
  return object => withoutManagedFields(prune(object, tree) as typeof object);
}

/** A field and which of its own fields stay; undefined: all. */
type Tree = Map<string, Tree | undefined>;

function grow(tree: Tree, [head = '', ...rest]: string[]): void {
  if (rest.length === 0) {
    tree.set(head, undefined);
    return;
  }
  if (tree.has(head) && tree.get(head) === undefined) return;
  const branch = tree.get(head) ?? new Map();
  tree.set(head, branch);
  grow(branch, rest);
}

function prune(value: unknown, tree: Tree): unknown {
  if (Array.isArray(value)) return value.map(item => prune(item, tree));
  if (typeof value !== 'object' || value === null) return value;
  const kept: Record<string, unknown> = {};
  const record = value as Record<string, unknown>;
  for (const [field, branch] of tree) {
    const child = record[field];
    if (child !== undefined) kept[field] = branch ? prune(child, branch) : child;
  }
  return kept;
}

function withoutManagedFields<T extends KubeObject>(object: T): T {
  if (object.metadata.managedFields === undefined) return object;
  const { managedFields: _, ...metadata } = object.metadata;
  return { ...object, metadata };
}
