import { isDeepStrictEqual } from 'node:util';
import type { DoorAnswer } from '../../sdk/door.ts';
import { invalidValue } from '../../sdk/field-path.ts';
import type { KubeObject } from '../../sdk/kind.ts';
import { conflict, invalid } from '../../sdk/status.ts';
import { cloneJson } from '../clone.ts';
import type { StoredObject } from '../store/stored-object.ts';
import type { RequestContext } from './context.ts';
import { draft } from './draft.ts';
import { isReleased } from './mark-deleted.ts';
import { onNewest } from './newest.ts';
import type { Served } from './registry.ts';

/**
 * What a write makes of the current object, in the request's version; `current` gives a copy of it
 * to work on. Called again after a lost race.
 */
export type Change = (current: () => KubeObject) => Changed;

export interface Changed {
  readonly object: KubeObject;
  /** That the client changes, where it named one: what is at another is a Conflict. */
  readonly revision: string | undefined;
  /** Instead of the object. */
  readonly answer?: object;
}

/** Reads, changes and commits by compare-and-swap. */
export function write(context: RequestContext, change: Change): Promise<DoorAnswer> {
  return onNewest(context, stored => attemptWrite(context, stored, change));
}

/** Undefined: lost a race. */
async function attemptWrite(
  context: RequestContext,
  stored: StoredObject,
  change: Change,
): Promise<DoorAnswer | undefined> {
  const { served } = context;
  const { key } = stored;
  const old = (await served.show(stored)).object();
  const made = context.converting(() => change(() => cloneJson(old)));
  const changed = made instanceof Promise ? await made : made;
  checkPreconditions(context, changed, stored);
  try {
    const prepared = prepare(context, changed.object, old);
    // Before admission, as upstream: nobody owns what the server adds; and upstream tells nobody as
    // the owner of what a POST to a subresource set: a binding.
    if (context.request.verb !== 'create') {
      const tracked = context.trackFields(prepared, old);
      if (tracked) await tracked;
    }
    const object = admitted(context, await context.mutate('UPDATE', prepared, old), prepared, old);
    raiseGeneration(context, object, old);
    if (validates(context)) context.validate(object, old);
    await context.validateAdmission(object);
    delete object.metadata.resourceVersion;
    const given = served.kept(object);
    const kept = given instanceof Promise ? await given : given;
    const released = isReleased(served.kind.strategy, kept);
    if (context.dryRun) {
      return answer(context, draft(context, key, kept, stored.revision), changed);
    }
    const value = served.store.form.encode(kept);
    if (!released && isUnchanged(served, value, kept, stored)) {
      return answer(context, stored, changed);
    }
    const outcome = await context.commit({
      key,
      expected: stored.revision,
      ...(released ? { object: undefined } : { object: kept, value }),
    });
    if (!outcome.ok) return undefined;
    // What let go of the object is answered with what it wrote.
    const last = released && draft(context, key, kept, stored.revision);
    return answer(context, last || (outcome.stored ?? stored), changed);
  } finally {
    context.abandon();
  }
}

/** A write that changes nothing makes no revision; the order of members is no change. */
function isUnchanged(
  { store }: Served,
  value: Buffer,
  object: KubeObject,
  stored: StoredObject,
): boolean {
  // Kept in an earlier version: any write brings it to the present one.
  if (stored.form !== store.form) return false;
  if (store.form.isSame(value, stored)) return true;
  if (!store.form.isSameLength(value, stored)) return false;
  const { resourceVersion: _, ...metadata } = stored.object().metadata;
  return isDeepStrictEqual({ ...stored.object(), metadata }, object);
}

async function answer(
  context: RequestContext,
  stored: StoredObject,
  changed: Changed,
): Promise<DoorAnswer> {
  const { served, warnings, request } = context;
  if (changed.answer) {
    const code = request.verb === 'create' ? 201 : 200;
    return { type: 'value', value: changed.answer, code, warnings };
  }
  const object = await served.show(stored);
  const view = served.subresources.get(request.subresource ?? '')?.get;
  if (view) return { type: 'value', value: view(object.object()), code: 200, warnings };
  return { type: 'object', object, created: false, warnings };
}

/** Admission may change no more of an object than a client may, and not which one it is. */
function admitted(
  context: RequestContext,
  mutated: KubeObject | undefined,
  prepared: KubeObject,
  old: KubeObject,
): KubeObject {
  if (mutated === undefined || mutated === prepared) return prepared;
  const { name } = mutated.metadata;
  if (name !== old.metadata.name) {
    const why = invalidValue('metadata.name', name ?? '', 'field is immutable');
    throw invalid(context.served.kind, old.metadata.name ?? '', [why]);
  }
  return prepare(context, mutated, old);
}

/** The part of the change that the client may make: upstream's BeforeUpdate. */
function prepare(context: RequestContext, changed: KubeObject, old: KubeObject): KubeObject {
  const { strategy } = context.served.kind;
  if (context.request.subresource === 'status') {
    const object = cloneJson(old) as WithStatus;
    const { status } = changed as WithStatus;
    if (status === undefined) delete object.status;
    else object.status = status;
    if (changed.metadata.managedFields)
      object.metadata.managedFields = changed.metadata.managedFields;
    strategy.prepareStatusUpdate?.(object, old, context.strategy);
    return object;
  }
  keepServerFields(changed, old);
  if (context.request.subresource) return changed;
  if (strategy.status) {
    const { status } = old as WithStatus;
    if (status === undefined) delete (changed as WithStatus).status;
    else (changed as WithStatus).status = cloneJson(status);
  }
  strategy.prepareUpdate?.(changed, old, context.strategy);
  return changed;
}

function keepServerFields({ metadata }: KubeObject, { metadata: old }: KubeObject): void {
  for (const field of SERVER_FIELDS) {
    if (old[field] === undefined) delete metadata[field];
    else Object.assign(metadata, { [field]: old[field] });
  }
  // Validation refuses to have them set.
  if (old.deletionTimestamp) metadata.deletionTimestamp = old.deletionTimestamp;
  const { deletionGracePeriodSeconds = old.deletionGracePeriodSeconds } = metadata;
  if (deletionGracePeriodSeconds !== undefined)
    Object.assign(metadata, { deletionGracePeriodSeconds });
  delete metadata.selfLink;
  if (metadata.managedFields === undefined && old.managedFields) {
    metadata.managedFields = cloneJson(old.managedFields);
  }
}

function raiseGeneration(context: RequestContext, object: KubeObject, old: KubeObject): void {
  const { strategy } = context.served.kind;
  if (!strategy.generation || context.request.subresource === 'status') return;
  if (object.metadata.generation !== old.metadata.generation) return;
  const raises = strategy.raisesGeneration ?? hasOtherSpec;
  if (!raises(object, old)) return;
  object.metadata.generation = (old.metadata.generation ?? 0) + 1;
}

function hasOtherSpec(object: WithSpec, old: WithSpec): boolean {
  return !isDeepStrictEqual(object.spec, old.spec);
}

function checkPreconditions(context: RequestContext, changed: Changed, stored: StoredObject): void {
  const { served, request } = context;
  if (changed.revision && changed.revision !== String(stored.revision)) {
    throw conflict(served.subject, request.name ?? '');
  }
  const current = stored.object().metadata.uid;
  const { uid } = changed.object.metadata;
  if (uid && uid !== current) {
    const why = `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${current}`;
    throw conflict(served.subject, request.name ?? '', why);
  }
}

function validates({ request, served }: RequestContext): boolean {
  return served.subresources.get(request.subresource ?? '')?.validates ?? true;
}

interface WithStatus extends KubeObject {
  status?: unknown;
}

interface WithSpec extends KubeObject {
  spec?: unknown;
}

const SERVER_FIELDS = ['uid', 'creationTimestamp', 'generation', 'generateName'] as const;
