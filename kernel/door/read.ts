import type { DoorAnswer } from '../../sdk/door.ts';
import type { RequestOptions } from '../../sdk/request.ts';
import {
  ApiError,
  badRequest,
  expired,
  methodNotAllowed,
  notFound,
  resourceVersionTooLarge,
  unknownResource,
} from '../../sdk/status.ts';
import { Limits } from '../limits.ts';
import type { StoredObject } from '../store/stored-object.ts';
import type { RequestContext } from './context.ts';
import {
  ANY_REVISION,
  type ContinueToken,
  continueExpired,
  readContinue,
  writeContinue,
} from './continue.ts';
import { exactName, matcherOf } from './select.ts';

export async function get(context: RequestContext): Promise<DoorAnswer> {
  const { request, served } = context;
  await freshEnough(context, request.options?.resourceVersion);
  const sub = request.subresource ? served.subresources.get(request.subresource) : undefined;
  if (request.subresource && sub === undefined) {
    const isStatus = request.subresource === 'status' && served.kind.strategy.status;
    // Whether the object is there does not matter: no such path is served.
    if (!isStatus) throw unknownResource();
  }
  const stored = served.store.get(served.key(request.namespace, request.name ?? ''));
  if (stored === undefined) throw notFound(served.subject, request.name ?? '');
  const object = await served.show(stored);
  if (sub && !sub.verbs.includes('get')) throw methodNotAllowed();
  if (sub?.get) return { type: 'value', value: sub.get(object.object()), code: 200, warnings: [] };
  return { type: 'object', object, created: false, warnings: [] };
}

/** One page of a list, or all of it. */
export async function list(context: RequestContext): Promise<DoorAnswer> {
  return listAnswer(context, await selectPage(context));
}

export function listAnswer({ served }: RequestContext, page: Page): DoorAnswer {
  const { revision, next } = page;
  return {
    type: 'list',
    items: page.stored.map(each => served.encode(each)),
    resourceVersion: String(revision),
    continue: next === undefined ? '' : writeContinue({ revision, start: next }),
    remainingItemCount: next === undefined ? undefined : page.remaining,
    kind: served.kind,
    version: served.version,
  };
}

export interface Page {
  readonly stored: readonly StoredObject[];
  readonly revision: number;
  /** The key that the next page begins with. */
  readonly next: string | undefined;
  /** Undefined: not counted, because of a selector. */
  readonly remaining: number | undefined;
}

/**
 * What a list selects. All pages of one list show the same revision: that of the first, undone from
 * the newest state by the changes that the bus remembers.
 */
export async function selectPage(context: RequestContext): Promise<Page> {
  const { request, served, stages } = context;
  const options = request.options ?? {};
  const matches = matcherOf(served, options);
  const token = tokenOf(options);
  await freshEnough(context, revisionWanted(options, token));
  const exact = token === undefined ? exactRevision(options) : token.revision;
  const revision = exact === ANY_REVISION ? stages.objects.revision : exact;
  if (!stages.bus.remembers(revision)) {
    if (token) throw continueExpired(token.start);
    throw expired('The resourceVersion for the provided list is too old.');
  }
  let items = itemsAt(context, revision, token?.start ?? '');
  if (served.kind.convert && matches) {
    items = [...items];
    await served.prepare(items);
  }
  const found = takePage(items, {
    matches: matches && (each => matches(served.encode(each).object())),
    // A cache that may be old is asked for all that it has, as upstream's is.
    limit: options.resourceVersion === '0' && token === undefined ? 0 : (options.limit ?? 0),
  });
  const pending = served.prepare(found.stored);
  if (pending) await pending;
  return { ...found, revision };
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

/** Throws BadRequest. */
function tokenOf(options: RequestOptions): ContinueToken | undefined {
  if (!options.continue) return undefined;
  if (options.resourceVersion && options.resourceVersion !== '0') {
    throw badRequest('specifying resource version is not allowed when using continue');
  }
  return readContinue(options.continue);
}

/** How new the cache must be; undefined: as new as it gets. */
function revisionWanted(options: RequestOptions, token?: ContinueToken): string | undefined {
  if (token === undefined) return options.resourceVersion;
  // Another kernel on the same database may have been further when it gave the token.
  return token.revision === ANY_REVISION ? undefined : String(token.revision);
}

/** The revision to show. A page limit makes a given one exact, as upstream has always had it. */
function exactRevision(options: RequestOptions): number {
  const { resourceVersion, resourceVersionMatch: match, limit = 0 } = options;
  if (!resourceVersion || resourceVersion === '0') return ANY_REVISION;
  const exact = match === 'Exact' || (match === undefined && limit > 0);
  return exact ? parseRevision(resourceVersion) : ANY_REVISION;
}

/** The objects as they were at `revision`, in key order from `start` on. */
function itemsAt(context: RequestContext, revision: number, start: string): Iterable<StoredObject> {
  const { request, served, stages } = context;
  const namespace = request.namespace ?? '';
  const now = served.store.scan(namespace, start);
  if (revision >= stages.objects.revision) return oneOf(context, start) ?? now;
  const then = new Map<string, StoredObject | undefined>();
  for (const { object, previous } of stages.bus.changes(served.store, revision)) {
    const key = (object ?? previous)?.key ?? '';
    if (!then.has(key)) then.set(key, previous);
  }
  return then.size === 0 ? now : undo(now, then, namespace, start);
}

/** The object that a selector asks for by name, so that the others need not be looked at. */
function oneOf({ request, served }: RequestContext, start: string): StoredObject[] | undefined {
  const name = exactName(request.options?.fieldSelector);
  if (name === '' || (served.kind.namespaced && !request.namespace)) return undefined;
  const one = served.store.get(served.key(request.namespace, name));
  return one && one.key >= start ? [one] : [];
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

interface PageOptions {
  readonly matches: ((each: StoredObject) => boolean) | undefined;
  /** 0 or less: none. */
  readonly limit: number;
}

function takePage(
  scan: Iterable<StoredObject>,
  { matches, limit }: PageOptions,
): Omit<Page, 'revision'> {
  const stored: StoredObject[] = [];
  let next: string | undefined;
  let remaining = 0;
  for (const each of scan) {
    if (matches && !matches(each)) continue;
    if (limit > 0 && stored.length === limit) {
      next ??= each.key;
      remaining++;
      // Only an unfiltered list tells how many are left.
      if (matches) break;
    } else {
      stored.push(each);
    }
  }
  return { stored, next, remaining: matches ? undefined : remaining };
}
