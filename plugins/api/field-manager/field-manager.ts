import type { FieldManagerContext, KubeObject, ManagedFieldsEntry } from 'kernetes/sdk';
import type { Comparison } from './compare.ts';
import { difference, type FieldSet, isEmptySet, union } from './field-set.ts';
import {
  areValid,
  capUpdateManagers,
  entryOf,
  fieldsOfEntry,
  isReset,
  isSameManager,
  sortEntries,
  withFields,
} from './managed-fields.ts';
import { Versions } from './versions.ts';

/**
 * Sets `object.metadata.managedFields` for a write, by comparing `object` with `old`. Only the part
 * of the trees that the write touched is made anew.
 */
export function updateManagedFields(
  object: KubeObject,
  old: KubeObject | undefined,
  context: FieldManagerContext,
): void {
  const before = entriesBefore(object, old, context);
  // Of an object whose entries were forgotten none are kept until somebody applies it.
  const tracks = before.length > 0 || old === undefined;
  const entries = tracks ? move(before, new Versions(old, object, context), context) : [];
  if (entries.length === 0) delete object.metadata.managedFields;
  else object.metadata.managedFields = entries;
}

/** The entries that the write starts from. */
function entriesBefore(
  object: KubeObject,
  old: KubeObject | undefined,
  { subresource }: FieldManagerContext,
): readonly ManagedFieldsEntry[] {
  const live = old?.metadata.managedFields ?? [];
  const given = object.metadata.managedFields;
  if (subresource !== '' || given === undefined) return live;
  if (isReset(given)) return [];
  return areValid(given) ? given : live;
}

/** Takes what was changed or removed from all, and gives what was changed to the writer. */
function move(
  before: readonly ManagedFieldsEntry[],
  versions: Versions,
  context: FieldManagerContext,
): ManagedFieldsEntry[] {
  const { changed, removed } = versions.own;
  const writes = !isEmptySet(changed);
  if (!writes && isEmptySet(removed)) return sortEntries([...before]);
  const writer = entryOf(context, 'Update');
  const entries: ManagedFieldsEntry[] = [];
  let owned: FieldSet = changed;
  for (const entry of before) {
    const comparison = versions.comparison(entry.apiVersion);
    if (comparison === undefined) continue;
    const fields = withoutTouched(fieldsOfEntry(entry), comparison);
    if (writes && isSameManager(entry, writer)) owned = union(owned, fields);
    else if (fields === entry.fieldsV1) entries.push(entry);
    else if (!isEmptySet(fields)) entries.push(withFields(entry, fields));
  }
  if (writes) entries.push(withFields(writer, owned));
  return sortEntries(capUpdateManagers(entries));
}

/** What a manager still owns after a write by another. */
export function withoutTouched(fields: FieldSet, { changed, removed }: Comparison): FieldSet {
  return difference(difference(fields, changed), removed);
}
