import type { DoorAnswer } from '../../sdk/door.ts';
import type { RequestOptions } from '../../sdk/request.ts';
import {
  ApiError,
  badRequest,
  expired,
  methodNotAllowed,
  notFound,
  resourceVersionTooLarge,
} from '../../sdk/status.ts';
import { Limits } from '../limits.ts';
import type { StoredObject } from '../store/stored-object.ts';
import type { RequestContext } from './context.ts';
import { type Matcher, matcherOf } from './select.ts';

export async function get(context: RequestContext): Promise<DoorAnswer> {
  const { request, served } = context;
  await freshEnough(context, request.options?.resourceVersion);
  const stored = served.store.get(served.key(request.namespace, request.name ?? ''));
  if (stored === undefined) throw notFound(served.subject, request.name ?? '');
  const object = served.encode(stored);
  const sub = request.subresource ? served.subresources.get(request.subresource) : undefined;
  if (request.subresource && sub === undefined) {
    const isStatus = request.subresource === 'status' && served.kind.strategy.status;
    if (!isStatus) throw notFound(served.subject, request.name ?? '');
  }
  if (sub && !sub.verbs.includes('get')) throw methodNotAllowed();
  if (sub?.get) return { type: 'value', value: sub.get(object.object()), code: 200, warnings: [] };
  return { type: 'object', object, created: false, warnings: [] };
}

/**
 * A page of a list. All pages of one list show the same revision: that of the first, undone from
 * the newest state by the changes that the bus remembers.
 */
export async function list(context: RequestContext): Promise<DoorAnswer> {
  const { request, served, stages } = context;
  const options = request.options ?? {};
  const token = options.continue ? readToken(options) : undefined;
  if (token === undefined) await freshEnough(context, options.resourceVersion);
  const current = stages.objects.revision;
  const revision = token?.revision ?? exactRevision(context, current);
  const matches = matcherOf(served, options);
  const scan = itemsAt(context, revision, token?.start ?? '');
  const page = takePage(context, scan, matches, options.limit ?? 0);
  return {
    type: 'list',
    items: page.stored.map(each => served.encode(each)),
    resourceVersion: String(revision),
    continue: page.next ? writeToken(revision, page.next) : '',
    remainingItemCount: page.next && !matches ? page.remaining : undefined,
    kind: served.kind,
    version: served.version,
  };
}

/** Waits until the cache shows what the request must see. */
export async function freshEnough(
  context: RequestContext,
  asked: string | undefined,
): Promise<void> {
  const { objects, clock } = context.stages;
  if (asked === undefined || asked === '') return objects.sync();
  const revision = parseRevision(asked);
  if (revision <= objects.revision) return;
  await new Promise<void>((resolve, reject) => {
    const timer = clock.setTimeout(
      () => reject(resourceVersionTooLarge(revision, objects.revision)),
      Limits.freshnessTimeoutMs,
    );
    objects.waitFor(revision).then(
      () => {
        timer.cancel();
        resolve();
      },
      (error: unknown) => {
        timer.cancel();
        reject(error);
      },
    );
  });
}

export function parseRevision(text: string): number {
  const revision = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(revision)) return revision;
  // Upstream answers this one with code 500 and no reason.
  throw new ApiError({
    message: `resourceVersion: Invalid value: "${text}": strconv.ParseUint: parsing "${text}": invalid syntax`,
    code: 500,
  });
}

function exactRevision({ request, stages }: RequestContext, current: number): number {
  const { resourceVersion, resourceVersionMatch } = request.options ?? {};
  if (resourceVersionMatch !== 'Exact' || !resourceVersion) return current;
  const revision = parseRevision(resourceVersion);
  if (!stages.bus.remembers(revision)) {
    throw expired(`The provided resource version is too old: ${revision}`);
  }
  return revision;
}

/** The objects as they were at `revision`, in key order from `start` on. */
function itemsAt(context: RequestContext, revision: number, start: string): Iterable<StoredObject> {
  const { request, served, stages } = context;
  const namespace = request.namespace ?? '';
  if (revision >= stages.objects.revision) return served.store.scan(namespace, start);
  if (!stages.bus.remembers(revision)) {
    throw expired(
      'The provided continue parameter is too old to display a consistent list result.',
    );
  }
  const then = new Map<string, StoredObject | undefined>();
  for (const { object, previous } of stages.bus.changes(served.store, revision)) {
    const key = (object ?? previous)?.key ?? '';
    if (!then.has(key)) then.set(key, previous);
  }
  return undo(served.store.scan(namespace, start), then, namespace, start);
}

function undo(
  now: Iterable<StoredObject>,
  then: ReadonlyMap<string, StoredObject | undefined>,
  namespace: string,
  start: string,
): StoredObject[] {
  const kept = [...now].filter(each => !then.has(each.key));
  for (const [key, object] of then) {
    const inside = key >= start && (!namespace || key.startsWith(`${namespace}/`));
    if (object && inside) kept.push(object);
  }
  return kept.sort((a, b) => (a.key < b.key ? -1 : 1));
}

interface Page {
  readonly stored: StoredObject[];
  /** The key that the next page begins with. */
  readonly next: string | undefined;
  readonly remaining: number;
}

function takePage(
  { served }: RequestContext,
  scan: Iterable<StoredObject>,
  matches: Matcher | undefined,
  limit: number,
): Page {
  const stored: StoredObject[] = [];
  let next: string | undefined;
  let remaining = 0;
  for (const each of scan) {
    if (matches && !matches(served.encode(each).object())) continue;
    if (limit > 0 && stored.length === limit) {
      next ??= each.key;
      remaining++;
      // Only an unfiltered list tells how many are left.
      if (matches) break;
    } else {
      stored.push(each);
    }
  }
  return { stored, next, remaining };
}

interface Token {
  readonly revision: number;
  readonly start: string;
}

function writeToken(revision: number, start: string): string {
  const token = JSON.stringify({ v: TOKEN_VERSION, rv: revision, start });
  return Buffer.from(token).toString('base64url');
}

function readToken(options: RequestOptions): Token {
  if (options.resourceVersion && options.resourceVersion !== '0') {
    throw badRequest('specifying resource version is not allowed when using continue');
  }
  try {
    const text = Buffer.from(options.continue ?? '', 'base64url').toString();
    const { v, rv, start } = JSON.parse(text) as Record<string, unknown>;
    if (v === TOKEN_VERSION && typeof rv === 'number' && typeof start === 'string') {
      return { revision: rv, start };
    }
  } catch {
    // Whatever is wrong with it, the client gets the same answer.
  }
  throw badRequest('invalid continue token: continue key is not valid');
}

const TOKEN_VERSION = 'meta.k8s.io/v1';
