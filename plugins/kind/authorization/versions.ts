import { builtInSchema, type KindVersion, type KubeObject, olderVersion } from 'kernetes/sdk';

export const GROUP = 'authorization.k8s.io';

/** Deprecated in 1.19 and gone in 1.22. */
export function versionsOf<T extends KubeObject>(kind: string): KindVersion<T>[] {
  const v1: KindVersion<T> = { name: 'v1', schema: builtInSchema(GROUP, 'v1', kind) };
  const older = { group: GROUP, kind, name: 'v1beta1', deprecated: 19, until: 21 };
  return [v1, olderVersion(v1, older)];
}
