import {
  type FieldManagerContext,
  type KubeObject,
  type ManagedFieldsEntry,
  type Schema,
  toTime,
} from 'kernetes/sdk';
import { type Comparison, compareObjects, type SkippedFields } from './compare.ts';
import { difference, type FieldSet, isEmptySet, union } from './field-set.ts';
import {
  areValid,
  capUpdateManagers,
  fieldsOfEntry,
  isReset,
  isSameManager,
  sortEntries,
  withFields,
} from './managed-fields.ts';

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
  const skip = skippedFields(context.schema, context.subresource);
  const comparison = compareObjects(old ?? {}, object, { schema: context.schema, skip });
  const entries = move(before, comparison, context);
  if (entries.length === 0) delete object.metadata.managedFields;
  else object.metadata.managedFields = entries;
}

/** Never owned: they are the server's, or name the object. */
const SERVER_METADATA: ReadonlySet<string> = new Set([
  'name',
  'namespace',
  'creationTimestamp',
  'selfLink',
  'uid',
  'clusterName',
  'generation',
  'managedFields',
  'resourceVersion',
]);
const WITH_STATUS: SkippedFields = {
  root: new Set(['apiVersion', 'kind']),
  metadata: SERVER_METADATA,
};
const WITHOUT_STATUS: SkippedFields = {
  root: new Set(['apiVersion', 'kind', 'status']),
  metadata: SERVER_METADATA,
};

/** A status that a main write carries is the server's doing, where the schema is Kubernetes' own. */
function skippedFields(schema: Schema, subresource: string): SkippedFields {
  return subresource === '' && schema.id !== undefined ? WITHOUT_STATUS : WITH_STATUS;
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
  { changed, removed }: Comparison,
  context: FieldManagerContext,
): ManagedFieldsEntry[] {
  const writes = !isEmptySet(changed);
  if (!writes && isEmptySet(removed)) return sortEntries([...before]);
  const writer = entryOf(context);
  const entries: ManagedFieldsEntry[] = [];
  let owned: FieldSet = changed;
  for (const entry of before) {
    const fields = difference(difference(fieldsOfEntry(entry), changed), removed);
    if (writes && isSameManager(entry, writer)) owned = union(owned, fields);
    else if (fields === entry.fieldsV1) entries.push(entry);
    else if (!isEmptySet(fields)) entries.push(withFields(entry, fields));
  }
  if (writes) entries.push(withFields(writer, owned));
  return sortEntries(capUpdateManagers(entries));
}

function entryOf({ manager, apiVersion, subresource, clock }: FieldManagerContext) {
  const entry: ManagedFieldsEntry = {
    manager: manager || 'unknown',
    operation: 'Update',
    apiVersion,
    time: toTime(clock.now()),
    fieldsType: 'FieldsV1',
    fieldsV1: {},
  };
  if (subresource !== '') entry.subresource = subresource;
  return entry;
}
