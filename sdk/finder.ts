import type { InformerOptions } from './informer.ts';
import type { Kind, KubeObject } from './kind.ts';
import type { PluginContext } from './plugin.ts';
import { undefinedIfNotFound } from './status.ts';

/** Finds an object without a namespace by its name; undefined: there is none. */
export type Find<T> = (name: string) => T | Promise<T | undefined>;

/**
 * Opens a copy of a kind without namespaces and resolves when it is filled. What is in the copy is
 * found at once. The copy may be behind, so what it lacks is asked for; whatever goes wrong then,
 * but that there is none, rejects.
 */
export async function openFinder<T extends KubeObject>(
  { informer, objects }: Pick<PluginContext, 'informer' | 'objects'>,
  kind: Kind<T>,
  options?: InformerOptions,
): Promise<Find<T>> {
  const copy = informer(kind, options);
  await copy.synced;
  return name => copy.get(name) ?? objects.get(kind, { name }).catch(undefinedIfNotFound);
}
