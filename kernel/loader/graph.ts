import { LoadError } from './manifest.ts';

/** What the order of activation is made from. */
export interface Needing {
  readonly name: string;
  readonly needs: readonly string[];
}

/**
 * The plugins such that each comes after those that it needs, otherwise as given. Throws
 * `LoadError` for a name that stands twice, a need that is not there, or a circle.
 */
export function inOrderOfNeed<T extends Needing>(plugins: readonly T[]): T[] {
  const byName = new Map<string, T>();
  for (const plugin of plugins) {
    if (byName.has(plugin.name)) throw new LoadError(`Plugin "${plugin.name}" is listed twice`);
    byName.set(plugin.name, plugin);
  }
  const done = new Set<T>();
  const path: T[] = [];
  const visit = (plugin: T) => {
    if (done.has(plugin)) return;
    if (path.includes(plugin)) {
      const circle = [...path.slice(path.indexOf(plugin)), plugin].map(each => each.name);
      throw new LoadError(`Plugins need each other in a circle: ${circle.join(' -> ')}`);
    }
    path.push(plugin);
    for (const need of plugin.needs) {
      const needed = byName.get(need);
      if (needed === undefined) {
        throw new LoadError(`Plugin "${plugin.name}" needs "${need}": it is not in the profile`);
      }
      visit(needed);
    }
    path.pop();
    done.add(plugin);
  };
  for (const plugin of plugins) visit(plugin);
  return [...done];
}
