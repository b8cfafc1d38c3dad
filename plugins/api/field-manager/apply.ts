import {
  type ApplyContext,
  badRequest,
  type KubeObject,
  type ManagedFieldsEntry,
  type Schema,
} from 'kernetes/sdk';
import { appliedFields } from './applied-fields.ts';
import { checkApplied, checkDepth } from './check-applied.ts';
import { type Conflict, conflictError } from './conflict.ts';
import { withoutTouched } from './field-manager.ts';
import {
  difference,
  type FieldSet,
  fieldStep,
  intersection,
  isEmptySet,
  LEAF,
  union,
} from './field-set.ts';
import { KUBECTL, lastAppliedFields, withLastApplied } from './last-applied.ts';
import {
  entryOf,
  fieldsOfEntry,
  isSameManager,
  sortEntries,
  withFields,
} from './managed-fields.ts';
import { mergeApplied } from './merge.ts';
import { prune } from './prune.ts';
import { reconciled } from './reconcile.ts';
import { equal, withMetadata } from './structure.ts';
import { skippedFields, Versions } from './versions.ts';

/**
 * Server-side apply, as structured-merge-diff's `Updater.Apply` does it: the configuration is merged
 * into the live object; what this manager applied before, does not any more and nobody else owns is
 * pruned; what that changes of others' fields is a conflict, or is taken over.
 *
 * Entries of other versions take part by the comparison in their version. Where something is pruned,
 * what others own in those counts under the names that it has there.
 */
export function applyConfig(
  live: KubeObject | undefined,
  config: KubeObject,
  context: ApplyContext,
): KubeObject {
  const schema = withMetadata(context.schema);
  checkKind(config, context);
  if (config.metadata.managedFields) throw badRequest('metadata.managedFields must be nil');
  checkDepth(config);
  checkApplied(config, { schema, kind: kindText(context.apiVersion, context.kind) });
  const wanted = withoutReset(config, context);
  const claimed = claimedFields(wanted, schema, context);
  const before = entriesOf(live, claimed, context);
  const base = live ?? { metadata: {} };

  const writer = entryOf(context, 'Apply');
  const mine = before.find(entry => isSameManager(entry, writer));
  const others = before.filter(entry => entry !== mine);
  const merged = mergeApplied(base, wanted, schema);
  const object = mine ? pruned(merged, { claimed, mine, others, context }) : merged;

  const versions = new Versions(base, object, context);
  const conflicts = conflictsOf(others, versions);
  if (!context.force) refuse(conflicts, base, context);
  const entries = others.flatMap(entry => remaining(entry, versions));
  const changes = !equal(base, object);
  if (!isEmptySet(claimed)) entries.push(claimOf(writer, { claimed, mine, changes }));
  return finish(object, config, sortEntries(entries), context);
}

function checkKind({ apiVersion = '', kind = '' }: KubeObject, context: ApplyContext): void {
  if (apiVersion === context.apiVersion && kind === context.kind) return;
  throw badRequest(`invalid object type: ${kindText(textOr(apiVersion), textOr(kind))}`);
}

/** Nobody looked at the types yet; upstream takes what is no text for absent. */
function textOr(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/** `apps/v1, Kind=Deployment`, `/v1, Kind=Pod`. */
function kindText(apiVersion: string, kind: string): string {
  return `${apiVersion.includes('/') ? apiVersion : `/${apiVersion}`}, Kind=${kind}`;
}

/** The configuration without what such a request does not change. */
function withoutReset(config: KubeObject, context: ApplyContext): KubeObject {
  if (context.subresource === 'status') {
    const { apiVersion, kind, status } = config as WithStatus;
    const { name, uid, resourceVersion } = config.metadata;
    const metadata = defined({ name, uid, resourceVersion });
    return { ...defined({ apiVersion, kind, status }), metadata };
  }
  if (!skippedFields(context).root.has('status')) return config;
  const { status: _, ...wanted } = config as WithStatus;
  return wanted;
}

function defined<T extends object>(fields: T): Partial<T> {
  const entries = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as Partial<T>;
}

/** What the configuration claims, without what nobody owns. */
function claimedFields(config: KubeObject, schema: Schema, context: ApplyContext): FieldSet {
  const { root, metadata } = skippedFields(context);
  const { 'f:metadata': meta = LEAF, ...fields } = appliedFields(config, schema);
  const kept = Object.entries(fields).filter(([step]) => !root.has(step.slice(2)));
  const keptMeta = Object.entries(meta).filter(
    ([step]) => step !== '.' && !metadata.has(step.slice(2)),
  );
  if (keptMeta.length > 0) kept.push(['f:metadata', Object.fromEntries(keptMeta)]);
  return Object.fromEntries(kept);
}

/**
 * The live object's entries. Where nobody has kept any, all that is there is the doing of an unknown
 * updater, so that an applier conflicts with it.
 */
function entriesOf(
  live: KubeObject | undefined,
  claimed: FieldSet,
  context: ApplyContext,
): readonly ManagedFieldsEntry[] {
  const entries = live?.metadata.managedFields ?? [];
  if (live === undefined) return [];
  if (entries.length > 0) return entries.map(entry => upToDate(entry, live, context));
  const { changed } = new Versions(undefined, live, context).own;
  const fields = withinReach(changed, claimed, context);
  if (isEmptySet(fields)) return [];
  return [withFields(entryOf({ ...context, manager: BEFORE_APPLY }, 'Update'), fields)];
}

function upToDate(entry: ManagedFieldsEntry, live: KubeObject, context: ApplyContext) {
  if (entry.apiVersion !== context.apiVersion) return entry;
  const before = fieldsOfEntry(entry);
  const fields = reconciled(before, live, withMetadata(context.schema));
  return fields === before ? entry : withFields(entry, fields);
}

/** Of all fields, what a request to the subresource could have written. */
function withinReach(fields: FieldSet, claimed: FieldSet, { subresource }: ApplyContext): FieldSet {
  if (subresource === '') return fields;
  if (subresource !== 'status') return intersection(fields, claimed);
  const status = fields[STATUS];
  return status === undefined ? LEAF : { [STATUS]: status };
}

interface PrunedOptions {
  readonly claimed: FieldSet;
  readonly mine: ManagedFieldsEntry;
  readonly others: readonly ManagedFieldsEntry[];
  readonly context: ApplyContext;
}

function pruned(merged: KubeObject, { claimed, mine, others, context }: PrunedOptions): KubeObject {
  const all = others.map(fieldsOfEntry);
  const owned = all.reduce(union, union(claimed, METADATA));
  const before = fieldsOfEntry(mine);
  const isSame = mine.apiVersion === context.apiVersion;
  const last = isSame ? before : translated(merged, { last: before, owned, mine, context });
  if (isEmptySet(difference(last, claimed))) return merged;
  return prune(merged, { schema: withMetadata(context.schema), last, owned });
}

interface TranslatedOptions {
  readonly last: FieldSet;
  readonly owned: FieldSet;
  readonly mine: ManagedFieldsEntry;
  readonly context: ApplyContext;
}

/** What an applier let go of that it applied in another version, as this version calls it. */
function translated(
  merged: KubeObject,
  { last, owned, mine, context }: TranslatedOptions,
): FieldSet {
  const { convert, apiVersion } = context;
  const there = convert(merged, mine.apiVersion ?? '');
  if (there === undefined) return LEAF;
  const left = prune(there.object, { schema: withMetadata(there.schema), last, owned });
  const [whole, bare] = [there.object, left].map(each => {
    const back = convert(each, apiVersion);
    return back ? appliedFields(back.object, withMetadata(back.schema)) : LEAF;
  });
  return difference(whole ?? LEAF, bare ?? LEAF);
}

function conflictsOf(others: readonly ManagedFieldsEntry[], versions: Versions): Conflict[] {
  return others.flatMap(entry => {
    const changed = versions.comparison(entry.apiVersion)?.changed ?? LEAF;
    const fields = intersection(fieldsOfEntry(entry), changed);
    return isEmptySet(fields) ? [] : [{ entry, fields }];
  });
}

/** Throws Conflict; but kubectl may change what its client-side apply set. */
function refuse(conflicts: readonly Conflict[], live: KubeObject, context: ApplyContext): void {
  if (conflicts.length === 0) return;
  const left =
    context.manager === KUBECTL ? beyondLastApplied(conflicts, live, context) : conflicts;
  if (left.length > 0) throw conflictError(left);
}

function beyondLastApplied(
  conflicts: readonly Conflict[],
  live: KubeObject,
  context: ApplyContext,
): Conflict[] {
  const allowed = lastAppliedFields(live, {
    schema: withMetadata(context.schema),
    apiVersion: context.apiVersion,
    skip: skippedFields(context),
  });
  return conflicts.flatMap(({ entry, fields }) => {
    const left = difference(fields, allowed);
    return isEmptySet(left) ? [] : [{ entry, fields: left }];
  });
}

/** What another manager's entry is after the apply: none or one. */
function remaining(entry: ManagedFieldsEntry, versions: Versions): ManagedFieldsEntry[] {
  const comparison = versions.comparison(entry.apiVersion);
  if (comparison === undefined) return [];
  const fields = withoutTouched(fieldsOfEntry(entry), comparison);
  if (fields === entry.fieldsV1) return [entry];
  return isEmptySet(fields) ? [] : [withFields(entry, fields)];
}

interface ClaimOptions {
  readonly claimed: FieldSet;
  readonly mine: ManagedFieldsEntry | undefined;
  readonly changes: boolean;
}

/** The applier's entry. Its time is that of the last apply that changed something. */
function claimOf(
  writer: ManagedFieldsEntry,
  { claimed, mine, changes }: ClaimOptions,
): ManagedFieldsEntry {
  const entry = withFields(writer, claimed);
  if (changes) return entry;
  const { time: _, ...timeless } = entry;
  return mine?.time === undefined ? timeless : { ...entry, time: mine.time };
}

function finish(
  object: KubeObject,
  config: KubeObject,
  managedFields: ManagedFieldsEntry[],
  { manager, subresource }: ApplyContext,
): KubeObject {
  const done = { ...object, metadata: { ...object.metadata, managedFields } };
  return manager === KUBECTL && subresource === '' ? withLastApplied(done, config) : done;
}

interface WithStatus extends KubeObject {
  readonly status?: unknown;
}

const STATUS = fieldStep('status');
/** Of which nothing need be owned for it to stay. */
const METADATA: FieldSet = { 'f:metadata': LEAF };
const BEFORE_APPLY = 'before-first-apply';
