import type { DeleteOptions } from '../../sdk/api/types-meta-v1.ts';
import type { DoorAnswer } from '../../sdk/door.ts';
import type { KubeObject } from '../../sdk/kind.ts';
import { ApiError, conflict } from '../../sdk/status.ts';
import { Limits } from '../limits.ts';
import type { StoredObject } from '../store/stored-object.ts';
import { RequestContext } from './context.ts';
import { readDeleteOptions } from './delete-options.ts';
import { draft } from './draft.ts';
import { type Fate, markDeleted } from './mark-deleted.ts';
import { onNewest } from './newest.ts';
import { list } from './read.ts';

export async function remove(context: RequestContext): Promise<DoorAnswer> {
  const options = readDeleteOptions(context.request.body, context.request);
  return removeOne(dry(context, options), options);
}

/**
 * Deletes each object of a list (a page, where a limit is given) by itself and answers with the list.
 * The first that cannot be deleted ends it: what comes after it stays.
 */
export async function removeCollection(context: RequestContext): Promise<DoorAnswer> {
  const options = readDeleteOptions(context.request.body, context.request);
  const { request, served, user, stages } = dry(context, options);
  const listed = await list(context);
  const rest = (listed.type === 'list' ? listed.items : []).values();
  let failure: { readonly error: unknown } | undefined;
  const work = async () => {
    for (const each of rest) {
      if (failure) return;
      const { name = '', namespace } = each.object().metadata;
      const single = { ...request, verb: 'delete' as const, name, ...(namespace && { namespace }) };
      const own = new RequestContext(stages, user, single, served, context.auditAnnotations);
      try {
        await removeOne(own, options);
      } catch (error) {
        if (!ApiError.is(error, 'NotFound')) failure ??= { error };
      }
    }
  };
  await Promise.all(Array.from({ length: Limits.deleteCollectionWorkers }, work));
  if (failure) throw (failure as { readonly error: unknown }).error;
  return listed;
}

/** The options may ask for a dry run where the request itself does not. */
function dry(context: RequestContext, { dryRun = [] }: DeleteOptions): RequestContext {
  if (context.dryRun || dryRun.length === 0) return context;
  const { stages, user, request, served, auditAnnotations } = context;
  const options = { ...request.options, dryRun: true };
  return new RequestContext(stages, user, { ...request, options }, served, auditAnnotations);
}

function removeOne(context: RequestContext, options: DeleteOptions): Promise<DoorAnswer> {
  return onNewest(context, stored => attemptDelete(context, stored, options));
}

/** Undefined: lost a race. */
async function attemptDelete(
  context: RequestContext,
  stored: StoredObject,
  options: DeleteOptions,
): Promise<DoorAnswer | undefined> {
  const { served, stages } = context;
  checkPreconditions(context, stored, options);
  const old = await served.show(stored);
  const object = await served.forWrite(stored);
  const { strategy } = served.kind;
  const fate = markDeleted(object, options, { strategy, now: stages.clock.now() });
  // Nobody is asked: nothing is done.
  if (fate === 'pending') return finished(context, stored);
  try {
    await context.mutate('DELETE', undefined, old.object());
    await context.validateAdmission(undefined);
    if (fate === 'held') strategy.prepareDelete?.(object, context.strategy);
    delete object.metadata.resourceVersion;
    const outcome = await commit(context, stored, { object, fate });
    if (outcome === undefined) return undefined;
    if (fate === 'released') return finished(context, outcome);
    return kept(context, outcome, options);
  } finally {
    context.abandon();
  }
}

/** Returns the object as it is afterwards; undefined: lost a race. */
async function commit(
  context: RequestContext,
  stored: StoredObject,
  { object, fate }: { readonly object: KubeObject; readonly fate: Fate },
): Promise<StoredObject | undefined> {
  const { served } = context;
  const { key, revision } = stored;
  if (context.dryRun) return draft(context, key, object, revision);
  if (fate === 'released') {
    const outcome = await context.commit({ key, expected: revision, object: undefined });
    if (!outcome.ok) return undefined;
    return draft(context, key, object, outcome.stored?.revision ?? revision);
  }
  const value = served.store.form.encode(object);
  if (stored.form === served.store.form && served.store.form.isSame(value, stored)) return stored;
  const outcome = await context.commit({ key, expected: revision, object, value });
  return outcome.ok ? (outcome.stored ?? stored) : undefined;
}

function checkPreconditions(
  { served, request }: RequestContext,
  stored: StoredObject,
  { preconditions }: DeleteOptions,
): void {
  if (!preconditions) return;
  const { group, kind, strategy } = served.kind;
  const name = request.name ?? '';
  const checks = [
    ['UID', preconditions.uid, stored.object().metadata.uid, 'deleted and then recreated'],
    ['ResourceVersion', preconditions.resourceVersion, String(stored.revision), 'modified'],
  ] as const;
  for (const [what, wanted, found, why] of checks) {
    if (!wanted || wanted === found) continue;
    // Upstream looks at these in two places, which say it in two ways.
    if (strategy.heldBy) {
      const text = `Precondition failed: ${what} in precondition: ${wanted}, ${what} in object meta: ${found}`;
      throw conflict(served.subject, name, text);
    }
    const text =
      `the ${what} in the precondition (${wanted}) does not match the ${what} in record (${found}). ` +
      `The object might have been ${why}`;
    throw conflict({ group, resource: kind }, name, text);
  }
}

/** The object stays for now: it tells how. */
async function kept(
  { served, warnings }: RequestContext,
  stored: StoredObject,
  { orphanDependents }: DeleteOptions,
): Promise<DoorAnswer> {
  const object = await served.show(stored);
  // Upstream tells by the code who asks in the old way.
  const code = orphanDependents === false ? { code: 202 as const } : {};
  return { type: 'object', object, created: false, warnings, ...code };
}

/** It has gone, or goes by itself: some kinds answer with it, the others with a Status. */
async function finished(context: RequestContext, stored: StoredObject): Promise<DoorAnswer> {
  const { served, warnings } = context;
  const { group, resource, strategy } = served.kind;
  if (strategy.returnsDeleted || strategy.heldBy?.(stored.object())) {
    return { type: 'object', object: await served.show(stored), created: false, warnings };
  }
  const { name, uid } = stored.object().metadata;
  const details = { name, ...(group && { group }), kind: resource, uid };
  const value = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', details };
  return { type: 'value', value, code: 200, warnings };
}
