import type { Fence } from '../../sdk/request.ts';
import { type ApiError, conflict } from '../../sdk/status.ts';
import { Limits } from '../limits.ts';
import type { WriteOutcome, WriteRequest } from '../store/object-store.ts';
import type { StoredObject } from '../store/stored-object.ts';
import type { RequestContext } from './context.ts';
import type { Served } from './registry.ts';

/**
 * A write that happens only while another object is as the requester believes. Both are compared
 * in one transaction, by their revisions, so no change of the fence can come between. The fence's
 * revision is the one that the requester saw, or a newer one of the cache that says the same: no
 * read is added. When only the fence was found changed, and still says the same (a lease that was
 * renewed meanwhile), the write is tried again; each time somebody else has got on.
 *
 * Throws Conflict as soon as the fence says something else.
 */
export async function writeFenced(
  context: RequestContext,
  fence: Fence,
  write: WriteRequest,
): Promise<WriteOutcome> {
  const { stages, served } = context;
  const { store: resource, key } = placeOf(context, fence);
  let expected = revisionKnown(context, fence, resource.get(key));
  for (let attempts = 1; ; attempts++) {
    const fenced = { ...write, fence: { resource, key, expected } };
    const outcome = await stages.objects.write(served.store, fenced);
    if (outcome.ok || outcome.fence?.revision === expected) return outcome;
    expected = revisionHeld(context, fence, outcome.fence);
    const isLost = (outcome.found?.revision ?? 0) !== write.expected;
    if (isLost || attempts === Limits.writeAttemptsMax) return outcome;
  }
}

/** Throws Conflict unless the fence, as everybody else sees it, still holds. */
export async function checkFence(context: RequestContext): Promise<void> {
  const { fence } = context.request;
  if (fence === undefined) return;
  const { store, key } = placeOf(context, fence);
  await context.stages.objects.sync();
  revisionKnown(context, fence, store.get(key));
}

function placeOf(
  { stages }: RequestContext,
  fence: Fence,
): Pick<Served, 'store'> & { key: string } {
  const served = stages.kinds.get(fence.group, fence.version, fence.resource);
  return { store: served.store, key: served.key(fence.namespace, fence.name) };
}

function revisionKnown(
  context: RequestContext,
  fence: Fence,
  cached: StoredObject | undefined,
): number {
  const seen = Number(fence.resourceVersion);
  if (cached === undefined || cached.revision === seen) return seen;
  return cached.revision < seen ? seen : revisionHeld(context, fence, cached);
}

/** The revision of a fence that is found to say what it should. */
function revisionHeld(
  context: RequestContext,
  fence: Fence,
  found: StoredObject | undefined,
): number {
  if (found === undefined) throw refusal(context, fence, 'is gone');
  const object = found.object();
  if (object.metadata.uid !== fence.uid) throw refusal(context, fence, 'is another one');
  for (const [path, wanted] of Object.entries(fence.fields)) {
    if (valueAt(object, path) === wanted) continue;
    throw refusal(context, fence, `has another ${path} than ${JSON.stringify(wanted)}`);
  }
  return found.revision;
}

function refusal({ served, request }: RequestContext, fence: Fence, why: string): ApiError {
  const { group, resource, namespace, name } = fence;
  const kind = group ? `${resource}.${group}` : resource;
  const place = namespace ? `${namespace}/${name}` : name;
  const text = `the write is fenced by ${kind} "${place}", which ${why}`;
  return conflict(served.subject, request.name ?? '', text);
}

function valueAt(object: object, path: string): unknown {
  let value: unknown = object;
  for (const field of path.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, field))
      return undefined;
    value = (value as Readonly<Record<string, unknown>>)[field];
  }
  return value;
}
