import { toTime } from '../../sdk/clock.ts';
import type { DoorAnswer } from '../../sdk/door.ts';
import type { KubeObject } from '../../sdk/kind.ts';
import { badRequest, conflict } from '../../sdk/status.ts';
import type { StoredObject } from '../store/stored-object.ts';
import { RequestContext } from './context.ts';
import { onNewest } from './newest.ts';
import { listAnswer, selectPage } from './read.ts';

export async function remove(context: RequestContext): Promise<DoorAnswer> {
  const options = readOptions(context.request.body);
  return onNewest(context, stored => attemptDelete(context, stored, options));
}

export async function removeCollection(context: RequestContext): Promise<DoorAnswer> {
  const { request, served, user, stages } = context;
  const page = await selectPage(context);
  const removals = page.stored.map(async each => {
    const { name = '', namespace } = each.object().metadata;
    const single = { ...request, verb: 'delete' as const, name, ...(namespace && { namespace }) };
    await remove(new RequestContext(stages, user, single, served)).catch(ignoreNotFound);
  });
  await Promise.all(removals);
  return listAnswer(context, page);
}

/** Whether nothing keeps an object that somebody asked to delete. */
export function isReleased({ served }: RequestContext, object: KubeObject): boolean {
  const { deletionTimestamp, finalizers, deletionGracePeriodSeconds } = object.metadata;
  if (!deletionTimestamp || finalizers?.length) return false;
  if (served.kind.strategy.heldBy?.(object)) return false;
  return (deletionGracePeriodSeconds ?? 0) === 0;
}

/** Undefined: lost a race. */
async function attemptDelete(
  context: RequestContext,
  stored: StoredObject,
  options: DeleteBody,
): Promise<DoorAnswer | undefined> {
  const { served, stages } = context;
  checkPreconditions(context, stored, options);
  let committed = false;
  try {
    await context.mutate('DELETE', undefined, stored.object());
    await context.validateAdmission(undefined);
    const marked = mark(context, served.forWrite(stored), options);
    if (context.dryRun) return deleted(context, stored);
    if (marked !== 'unchanged') delete marked.metadata.resourceVersion;
    if (marked === 'unchanged') {
      return { type: 'object', object: served.encode(stored), created: false, warnings: [] };
    }
    const released = isReleased(context, marked);
    const outcome = await stages.objects.write(served.store, {
      key: stored.key,
      expected: stored.revision,
      object: released ? undefined : marked,
    });
    committed = outcome.ok;
    if (!outcome.ok) return undefined;
    if (released || outcome.stored === undefined) return deleted(context, stored);
    return { type: 'object', object: served.encode(outcome.stored), created: false, warnings: [] };
  } finally {
    if (!committed) context.abandon();
  }
}

/**
 * The object with its deletion asked for: timestamp, grace and the finalizers that the propagation
 * policy calls for. Upstream's BeforeDelete and deletionFinalizersForGarbageCollection.
 */
function mark(
  context: RequestContext,
  object: KubeObject,
  options: DeleteBody,
): KubeObject | 'unchanged' {
  const { strategy } = context.served.kind;
  const { metadata } = object;
  const finalizers = finalizersFor(context, metadata.finalizers ?? [], options);
  const grace = strategy.gracePeriodSeconds?.(object, options.gracePeriodSeconds) ?? 0;
  const already = metadata.deletionTimestamp !== undefined;
  if (already) {
    const shorter = grace < (metadata.deletionGracePeriodSeconds ?? 0);
    const same = finalizers.join() === (metadata.finalizers ?? []).join();
    if (!shorter && same && !isReleased(context, object)) return 'unchanged';
  }
  if (finalizers.length > 0) metadata.finalizers = finalizers;
  else delete metadata.finalizers;
  if (!already || grace < (metadata.deletionGracePeriodSeconds ?? 0)) {
    const now = context.stages.clock.now();
    metadata.deletionTimestamp = toTime(now + grace * 1_000);
    metadata.deletionGracePeriodSeconds = grace;
    if (strategy.generation && metadata.generation) metadata.generation++;
  }
  strategy.prepareDelete?.(object, context.strategy);
  return object;
}

function finalizersFor(
  { served }: RequestContext,
  current: readonly string[],
  options: DeleteBody,
): string[] {
  const policy =
    options.propagationPolicy ??
    (options.orphanDependents === undefined
      ? undefined
      : options.orphanDependents
        ? 'Orphan'
        : 'Background');
  const others = current.filter(each => each !== ORPHAN && each !== FOREGROUND);
  if (policy === 'Orphan') return [...others, ORPHAN];
  if (policy === 'Foreground') return [...others, FOREGROUND];
  if (policy === 'Background') return others;
  if (current.includes(ORPHAN) || current.includes(FOREGROUND)) return [...current];
  return served.kind.strategy.defaultOrphan ? [...others, ORPHAN] : others;
}

function checkPreconditions(
  context: RequestContext,
  stored: StoredObject,
  options: DeleteBody,
): void {
  const { uid, resourceVersion } = options.preconditions ?? {};
  const { served, request } = context;
  const current = stored.object().metadata.uid;
  if (uid && uid !== current) {
    const why = `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${current}`;
    throw conflict(served.subject, request.name ?? '', why);
  }
  if (resourceVersion && resourceVersion !== String(stored.revision)) {
    const why =
      `Precondition failed: ResourceVersion in precondition: ${resourceVersion}, ` +
      `ResourceVersion in object meta: ${stored.revision}`;
    throw conflict(served.subject, request.name ?? '', why);
  }
}

function deleted({ served, warnings }: RequestContext, stored: StoredObject): DoorAnswer {
  const { name, uid } = stored.object().metadata;
  const { group, resource } = served.kind;
  const details = { name, ...(group && { group }), kind: resource, uid };
  const value = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', details };
  return { type: 'value', value, code: 200, warnings };
}

interface DeleteBody {
  readonly gracePeriodSeconds?: number;
  readonly propagationPolicy?: string;
  readonly orphanDependents?: boolean;
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string };
}

/** Throws BadRequest. */
function readOptions(body: unknown): DeleteBody {
  if (body === undefined || body === null) return {};
  if (typeof body !== 'object') throw badRequest('the body of a delete must be DeleteOptions');
  const options = body as DeleteBody;
  const { gracePeriodSeconds: grace, propagationPolicy: policy } = options;
  if (grace !== undefined && grace !== null && (!Number.isInteger(grace) || grace < 0)) {
    throw badRequest(
      `gracePeriodSeconds is ${JSON.stringify(grace)}, want a number that is not negative`,
    );
  }
  if (policy && !['Orphan', 'Background', 'Foreground'].includes(policy)) {
    throw badRequest(
      `propagationPolicy is "${policy}", want "Foreground", "Background" or "Orphan"`,
    );
  }
  return options;
}

function ignoreNotFound(error: unknown): void {
  if ((error as { reason?: string }).reason !== 'NotFound') throw error;
}

const ORPHAN = 'orphan';
const FOREGROUND = 'foregroundDeletion';
