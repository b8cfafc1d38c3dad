import { conflict, notFound } from '../../sdk/status.ts';
import { Limits } from '../limits.ts';
import type { StoredObject } from '../store/stored-object.ts';
import type { RequestContext } from './context.ts';

/**
 * Tries a write on the state that the cache shows, and again when that was not the newest: upstream's
 * GuaranteedUpdate. `attempt` resolves to undefined when the object had changed. What it throws
 * counts only if it saw the newest state: another kernel on the same database may have created the
 * object that was not found, or made the version that the client names.
 */
export async function onNewest<T>(
  context: RequestContext,
  attempt: (stored: StoredObject) => Promise<T | undefined>,
): Promise<T> {
  const { request, served, stages } = context;
  const name = request.name ?? '';
  const key = served.key(request.namespace, name);
  for (let attempts = 1; ; attempts++) {
    const stored = served.store.get(key);
    try {
      if (stored === undefined) throw notFound(served.subject, name);
      const done = await attempt(stored);
      if (done !== undefined) return done;
      if (attempts === Limits.writeAttemptsMax) throw conflict(served.subject, name);
      await stages.objects.sync();
    } catch (error) {
      if (attempts === Limits.writeAttemptsMax) throw error;
      await stages.objects.sync();
      if (served.store.get(key) === stored) throw error;
    }
  }
}

/** Whether the object exists, also when the cache does not show it yet. */
export async function existsNow({ request, served, stages }: RequestContext): Promise<boolean> {
  const key = served.key(request.namespace, request.name ?? '');
  if (served.store.get(key)) return true;
  await stages.objects.sync();
  return served.store.get(key) !== undefined;
}
