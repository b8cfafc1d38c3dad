import { isDeepStrictEqual } from 'node:util';
import type { ManagedFieldsEntry } from '../../sdk/api/types-meta-v1.ts';
import type { KubeObject } from '../../sdk/kind.ts';

/**
 * Finishes the managedFields of an object that was applied, once everything else has had its say in
 * it: admission's changes are nobody's, as upstream. Without entries the field goes.
 */
export function settleApplied(
  { metadata, ...rest }: KubeObject,
  old: KubeObject | undefined,
): void {
  const { managedFields = [] } = metadata;
  if (managedFields.length === 0) delete metadata.managedFields;
  // That somebody applied it again is nothing to write down.
  if (old?.metadata.managedFields === undefined) return;
  const { metadata: before, ...oldRest } = old;
  if (
    isDeepStrictEqual(rest, oldRest) &&
    isDeepStrictEqual(withoutBookkeeping(metadata), withoutBookkeeping(before)) &&
    isSameButTimes(managedFields, before.managedFields ?? [])
  ) {
    metadata.managedFields = old.metadata.managedFields;
  }
}

function withoutBookkeeping(metadata: KubeObject['metadata']): KubeObject['metadata'] {
  const { managedFields: _, resourceVersion: __, ...rest } = metadata;
  return rest;
}

function isSameButTimes(
  some: readonly ManagedFieldsEntry[],
  others: readonly ManagedFieldsEntry[],
): boolean {
  if (some.length !== others.length) return false;
  const timeless = others.map(withoutTime);
  return some.every(entry => timeless.some(each => isDeepStrictEqual(withoutTime(entry), each)));
}

function withoutTime({ time: _, ...rest }: ManagedFieldsEntry): ManagedFieldsEntry {
  return rest;
}
