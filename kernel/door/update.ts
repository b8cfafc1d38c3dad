import { isDeepStrictEqual } from 'node:util';
import type { DoorAnswer } from '../../sdk/door.ts';
import type { KubeObject } from '../../sdk/kind.ts';
import type { Subresource } from '../../sdk/kind-definition.ts';
import { ApiError, badRequest, conflict, invalid, methodNotAllowed } from '../../sdk/status.ts';
import { cloneJson } from '../clone.ts';
import type { StoredObject } from '../store/stored-object.ts';
import type { RequestContext } from './context.ts';
import { createObject } from './create.ts';
import { draft } from './draft.ts';
import { isReleased } from './mark-deleted.ts';
import { existsNow, onNewest } from './newest.ts';
import type { Served } from './registry.ts';

/**
 * What a write makes of the current object, in the request's version; `current` gives a copy of it
 * to work on. Called again after a lost race.
 */
type Change = (current: () => KubeObject) => Changed;

interface Changed {
  readonly object: KubeObject;
  /** That the client changes, where it named one: what is at another is a Conflict. */
  readonly revision: string | undefined;
  /** Instead of the object. */
  readonly answer?: object;
}

export async function update(context: RequestContext): Promise<DoorAnswer> {
  const { request, served } = context;
  const sub = subresourceOf(context, 'update');
  if (sub?.apply) return applySubresource(context, sub);
  const body = context.decodeObject(request.body);
  checkName(context, body);
  if (served.kind.strategy.createOnUpdate && !request.subresource) {
    const exists = await existsNow(context);
    // Who names a revision means an object that was there: it is gone.
    if (!exists && !body.metadata.resourceVersion) return createObject(context, body);
  }
  checkRevisionGiven(context, body);
  let spare: KubeObject | undefined = body;
  return write(context, () => {
    // Only a second attempt needs the body decoded again: the first takes it over.
    const object = spare ?? context.decodeObject(request.body);
    spare = undefined;
    served.version.defaults?.(object);
    return { object, revision: object.metadata.resourceVersion };
  });
}

export async function patch(context: RequestContext): Promise<DoorAnswer> {
  const { request, served, stages } = context;
  const type = request.patchType ?? 'application/merge-patch+json';
  const patcher = stages.patcher(type);
  const sub = subresourceOf(context, 'patch');
  const { manager } = context;
  const force = request.options?.force ?? false;
  return write(context, copy => {
    const current = copy();
    const schema = sub?.body?.schema ?? served.version.schema;
    const view = sub?.get ? sub.get(current) : current;
    const patched = patcher.patch(view, request.body, { type, schema, manager, force });
    const asked = patched.metadata?.resourceVersion;
    const revision = asked !== current.metadata.resourceVersion ? asked : undefined;
    if (sub?.apply) return { ...applied(context, sub, current, patched), revision };
    const object = context.decodeObject(patched);
    checkName(context, object);
    served.version.defaults?.(object);
    return { object, revision };
  });
}

/** POST to a subresource that changes its object: a binding. */
export async function createSubresource(context: RequestContext): Promise<DoorAnswer> {
  const sub = subresourceOf(context, 'create');
  if (sub?.apply === undefined) throw methodNotAllowed();
  return applySubresource(context, sub);
}

function applySubresource(context: RequestContext, sub: Subresource): Promise<DoorAnswer> {
  return write(context, current => {
    const body = cloneJson(context.request.body) as KubeObject;
    return applied(context, sub, current(), body);
  });
}

function applied(
  context: RequestContext,
  sub: Subresource,
  current: KubeObject,
  body: unknown,
): Changed {
  const object = sub.body
    ? context.decode(body, sub.body.schema, sub.body)
    : context.decodeObject(body);
  const revision = object.metadata?.resourceVersion;
  const answer = sub.apply?.(current, object, context.strategy);
  if (answer) return { object: current, revision, answer };
  if (context.request.verb === 'create') return { object: current, revision, answer: SUCCESS };
  return { object: current, revision };
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
  const { served, stages } = context;
  const { key } = stored;
  const old = served.encode(stored).object();
  const changed = change(() => cloneJson(old));
  checkPreconditions(context, changed, stored);
  let committed = false;
  try {
    const prepared = prepare(context, changed.object, old);
    const object = (await context.mutate('UPDATE', prepared, old)) ?? prepared;
    raiseGeneration(context, object, old);
    if (validates(context)) context.validate(object, old);
    await context.validateAdmission(object);
    // Upstream tells nobody as the owner of what a POST to a subresource set: a binding.
    if (context.request.verb !== 'create') context.trackFields(object, old);
    delete object.metadata.resourceVersion;
    const kept = served.toStorage(object);
    const released = isReleased(served.kind.strategy, kept);
    if (context.dryRun) {
      return answer(context, draft(context, key, kept, stored.revision), changed);
    }
    const value = served.store.form.encode(kept);
    if (!released && isUnchanged(served, value, kept, stored)) {
      return answer(context, stored, changed);
    }
    const outcome = await stages.objects.write(served.store, {
      key,
      expected: stored.revision,
      ...(released ? { object: undefined } : { object: kept, value }),
    });
    committed = outcome.ok;
    if (!outcome.ok) return undefined;
    // What let go of the object is answered with what it wrote.
    const last = released && draft(context, key, kept, stored.revision);
    return answer(context, last || (outcome.stored ?? stored), changed);
  } finally {
    if (!committed) context.abandon();
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

function answer(context: RequestContext, stored: StoredObject, changed: Changed): DoorAnswer {
  const { served, warnings, request } = context;
  if (changed.answer) {
    const code = request.verb === 'create' ? 201 : 200;
    return { type: 'value', value: changed.answer, code, warnings };
  }
  const view = served.subresources.get(request.subresource ?? '')?.get;
  if (view)
    return { type: 'value', value: view(served.encode(stored).object()), code: 200, warnings };
  return { type: 'object', object: served.encode(stored), created: false, warnings };
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

export function checkName({ request }: RequestContext, { metadata }: KubeObject): void {
  if (!metadata.name) metadata.name = request.name ?? '';
  if (metadata.name !== request.name) {
    throw badRequest(
      `the name of the object (${metadata.name}) does not match the name on the URL (${request.name})`,
    );
  }
}

function checkRevisionGiven({ served }: RequestContext, object: KubeObject): void {
  if (served.kind.strategy.unconditionalUpdate !== false || object.metadata.resourceVersion) return;
  throw invalid(served.kind, object.metadata.name ?? '', [
    {
      reason: 'FieldValueInvalid',
      field: 'metadata.resourceVersion',
      message: 'Invalid value: 0x0: must be specified for an update',
    },
  ]);
}

/** The subresource asked for; `status` needs no entry. Throws NotFound or MethodNotAllowed. */
export function subresourceOf(
  { request, served }: RequestContext,
  verb: 'create' | 'update' | 'patch',
): Subresource | undefined {
  const name = request.subresource;
  if (!name) return undefined;
  const sub = served.subresources.get(name);
  if (sub === undefined) {
    if (name === 'status' && served.kind.strategy.status && verb !== 'create') return undefined;
    throw notServed();
  }
  if (!sub.verbs.includes(verb)) throw methodNotAllowed();
  return sub;
}

function validates({ request, served }: RequestContext): boolean {
  return served.subresources.get(request.subresource ?? '')?.validates ?? true;
}

function notServed(): ApiError {
  const message = 'the server could not find the requested resource';
  return new ApiError({ message, reason: 'NotFound', details: {}, code: 404 });
}

interface WithStatus extends KubeObject {
  status?: unknown;
}

interface WithSpec extends KubeObject {
  spec?: unknown;
}

const SERVER_FIELDS = ['uid', 'creationTimestamp', 'generation', 'generateName'] as const;

const SUCCESS = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 };
