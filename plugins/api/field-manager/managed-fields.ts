import { type FieldManagerContext, type ManagedFieldsEntry, toTime } from 'kernetes/sdk';
import { type FieldSet, isFieldSet, LEAF, union } from './field-set.ts';

/** Updating managers that an object remembers one by one. */
export const UPDATE_MANAGERS_MAX = 10;

/** Where the oldest go beyond that. */
const ANCIENT = 'ancient-changes';

/** An entry of the writer, without fields. */
export function entryOf(
  { manager, apiVersion, subresource, clock }: FieldManagerContext,
  operation: 'Apply' | 'Update',
): ManagedFieldsEntry {
  const entry: ManagedFieldsEntry = {
    manager: manager || 'unknown',
    operation,
    apiVersion,
    time: toTime(clock.now()),
    fieldsType: 'FieldsV1',
    fieldsV1: {},
  };
  if (subresource !== '') entry.subresource = subresource;
  return entry;
}

/** The fields of an entry. */
export function fieldsOfEntry(entry: ManagedFieldsEntry): FieldSet {
  return (entry.fieldsV1 as FieldSet | undefined) ?? LEAF;
}

export function withFields(entry: ManagedFieldsEntry, fields: FieldSet): ManagedFieldsEntry {
  return { ...entry, fieldsV1: { ...fields } };
}

/** Whether a client may have meant these entries; otherwise upstream goes on with the live ones. */
export function areValid(entries: readonly ManagedFieldsEntry[]): boolean {
  return entries.every(({ operation, apiVersion, fieldsType, fieldsV1 }) => {
    return (
      (operation === 'Apply' || operation === 'Update') &&
      !!apiVersion &&
      fieldsType === 'FieldsV1' &&
      (fieldsV1 === undefined || isFieldSet(fieldsV1))
    );
  });
}

/** An empty list, or one empty entry: the client wants all entries forgotten. */
export function isReset(entries: readonly ManagedFieldsEntry[] | undefined): boolean {
  if (entries === undefined || entries.length > 1) return false;
  return entries[0] === undefined || Object.keys(entries[0]).length === 0;
}

/** Whether two entries are the same manager's. An applier is one in all API versions. */
export function isSameManager(a: ManagedFieldsEntry, b: ManagedFieldsEntry): boolean {
  return (
    a.manager === b.manager &&
    a.operation === b.operation &&
    (a.subresource ?? '') === (b.subresource ?? '') &&
    (a.operation === 'Apply' || a.apiVersion === b.apiVersion)
  );
}

/** Upstream's order: appliers first, then by time, manager, version and subresource. */
export function sortEntries(entries: ManagedFieldsEntry[]): ManagedFieldsEntry[] {
  return entries.sort(
    (a, b) =>
      compare(a.operation, b.operation) ||
      compare(a.time, b.time) ||
      compare(a.manager, b.manager) ||
      compare(a.apiVersion, b.apiVersion) ||
      compare(a.subresource, b.subresource),
  );
}

/**
 * Merges the oldest updating managers of one API version until few enough are left. The first seen
 * of a version stays until there is a second to merge it with.
 */
export function capUpdateManagers(entries: ManagedFieldsEntry[]): ManagedFieldsEntry[] {
  const updaters = sortEntries(entries.filter(({ operation }) => operation === 'Update'));
  if (updaters.length <= UPDATE_MANAGERS_MAX) return entries;
  const kept = new Set(entries);
  const buckets = new Map<string, ManagedFieldsEntry>();
  let count = updaters.length;
  for (const entry of updaters) {
    if (count <= UPDATE_MANAGERS_MAX) break;
    const version = entry.apiVersion ?? '';
    const bucket = buckets.get(version);
    if (bucket === undefined) {
      buckets.set(version, entry);
      continue;
    }
    const fields = union(fieldsOfEntry(bucket), fieldsOfEntry(entry));
    const merged = { ...entry, manager: ANCIENT, fieldsV1: { ...fields } };
    delete merged.subresource;
    kept.delete(bucket);
    kept.delete(entry);
    kept.add(merged);
    buckets.set(version, merged);
    count -= 1;
  }
  return [...kept];
}

function compare(a = '', b = ''): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
