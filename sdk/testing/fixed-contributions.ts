import type { Contributions } from '../extension.ts';

/** What a point was given before the test began; it does not change. By the names, else by number. */
export function fixedContributions<T>(
  values: readonly T[] | Readonly<Record<string, T>>,
): Contributions<T> {
  const list = Object.entries<T>({ ...values }).map(([name, value]) => {
    return { name, plugin: name, value, remote: false };
  });
  return { list: () => list, onChange: () => () => undefined };
}
