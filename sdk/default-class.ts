import type { KubeObject } from './kind.ts';

/**
 * The class that objects get which name none: of those that bear one of these annotations as
 * `"true"` the newest, and of the same second the first by name. Undefined: there is none.
 */
export function defaultClass<T extends KubeObject>(
  classes: readonly T[],
  annotations: readonly string[],
): T | undefined {
  const isDefault = ({ metadata }: T) =>
    annotations.some(key => metadata.annotations?.[key] === 'true');
  return classes.filter(isDefault).sort(newestFirst)[0];
}

function newestFirst({ metadata: a }: KubeObject, { metadata: b }: KubeObject): number {
  const [at = '', bt = ''] = [a.creationTimestamp, b.creationTimestamp];
  if (at !== bt) return at > bt ? -1 : 1;
  return (a.name ?? '') < (b.name ?? '') ? -1 : 1;
}
