import type { ServerResponse } from 'node:http';
import type { AuditTrail, Random, Shape, User } from 'kernetes/sdk';
import {
  ApiError,
  badRequest,
  type Door,
  type DoorWatch,
  type DoorWatchRequest,
  parseFieldSelector,
} from 'kernetes/sdk';
import { integer, isTrue, type ResourcePath } from './path.ts';
import type { Response } from './respond.ts';

/** Where the frames of a watch go. */
export interface WatchStream {
  readonly begun: boolean;
  /** Tells the client that the watch is accepted; comes before the first `write`. */
  begin(): void;
  write(frames: Uint8Array): void;
  /** Bytes that the client did not take yet. */
  readonly backlog: number;
  end(why: WatchEnd): void;
  /** When the client is gone. */
  onClose(listener: () => void): void;
}

/** Its time is up or its kind is gone; the server stops; the client is too slow. */
export type WatchEnd = 'over' | 'stopping' | 'behind';

/** The watches that are open, so that a server that stops can end them. */
export class Watches {
  readonly #open = new Set<() => void>();

  add(end: () => void): () => void {
    this.#open.add(end);
    return () => void this.#open.delete(end);
  }

  endAll(): void {
    for (const end of [...this.#open]) end();
  }
}

export interface WatchServer {
  readonly door: Door;
  readonly watches: Watches;
  readonly random: Random;
  /** A watch without a timeout of its own lasts this long, or up to twice as long. */
  readonly minRequestTimeoutSeconds: number;
}

export interface WatchCall {
  readonly path: ResourcePath;
  readonly query: URLSearchParams;
  readonly shape: Shape;
  readonly trail?: AuditTrail | undefined;
}

/**
 * Streams frames until the client goes, the time is up, or the client is so far behind that what
 * waits for it exceeds its bound; it then gets no more and must watch anew.
 */
export async function serveWatch(
  server: WatchServer,
  stream: WatchStream,
  user: User,
  call: WatchCall,
): Promise<void> {
  let watch: DoorWatch | undefined;
  let ended = false;
  let behind = false;
  let initialBytes = 0;
  const end = (why: WatchEnd) => {
    if (ended) return;
    ended = true;
    forget();
    watch?.close();
    if (stream.begun) stream.end(why);
  };
  const write = (frames: Uint8Array) => {
    begin();
    stream.write(frames);
  };
  const begin = () => {
    if (stream.begun) return;
    call.trail?.responseStarted(200);
    stream.begin();
  };
  const forget = server.watches.add(() => end('stopping'));
  stream.onClose(() => end('over'));
  try {
    watch = await server.door.watch(
      user,
      toWatchRequest(server, call),
      {
        write(frames) {
          if (ended) return false;
          write(frames);
          if (watch === undefined) initialBytes += frames.length;
          behind = stream.backlog - initialBytes > BACKLOG_BYTES_MAX;
          return !behind;
        },
        end: () => end(behind ? 'behind' : 'over'),
      },
      call.trail?.annotations,
    );
  } catch (error) {
    if (ended || !isTold(error)) {
      forget();
      throw error;
    }
    write(Buffer.from(`${JSON.stringify({ type: 'ERROR', object: error.status })}\n`));
    end('over');
  }
  if (ended) watch?.close();
  else begin();
}

/** The body of an answer, frame after frame. */
export function httpStream({ response }: { readonly response: Response }): WatchStream {
  // Both kinds of response are streams of bytes; their common type does not say so.
  const stream = response as ServerResponse;
  return {
    get begun() {
      return stream.headersSent;
    },
    begin() {
      stream.writeHead(200, {
        'content-type': 'application/json',
        'cache-control': 'no-cache, private',
      });
      stream.flushHeaders();
    },
    write(frames) {
      stream.write(frames);
    },
    get backlog() {
      return stream.writableLength;
    },
    end() {
      stream.end();
    },
    onClose(listener) {
      stream.on('close', listener);
      stream.on('error', listener);
    },
  };
}

/**
 * A watch that cannot begin where it was asked to is accepted and told so by an event: clients look
 * for it there.
 */
function isTold(error: unknown): error is ApiError {
  return ApiError.is(error, 'Expired') || ApiError.is(error, 'Timeout');
}

function toWatchRequest(server: WatchServer, { path, query, shape }: WatchCall): DoorWatchRequest {
  const { group, version, resource, namespace } = path;
  const text = (name: string) => query.get(name) ?? '';
  const name = path.name ?? '';
  const resourceVersion = text('resourceVersion');
  const labelSelector = text('labelSelector');
  const fieldSelector = text('fieldSelector');
  const match = text('resourceVersionMatch');
  if (name && fieldSelector) checkName(name, fieldSelector);
  return {
    group,
    version,
    resource,
    shape,
    allowBookmarks: isTrue(query, 'allowWatchBookmarks'),
    ...(query.has('sendInitialEvents') && {
      sendInitialEvents: isTrue(query, 'sendInitialEvents'),
    }),
    ...(namespace && { namespace }),
    ...(name && { name }),
    ...(labelSelector && { labelSelector }),
    ...(fieldSelector && { fieldSelector }),
    ...(resourceVersion && { resourceVersion }),
    ...(match && { resourceVersionMatch: match }),
    timeoutSeconds: timeoutOf(server, query),
  };
}

/** Watches that all began after a restart do not all end at once either. */
function timeoutOf({ random, minRequestTimeoutSeconds }: WatchServer, query: URLSearchParams) {
  const asked = integer(query.get('timeoutSeconds') ?? '0');
  return asked === 0 ? minRequestTimeoutSeconds * (1 + random.next()) : asked;
}

/** Throws BadRequest: the path names one object, the selector another. */
function checkName(name: string, fieldSelector: string): void {
  const asked = parseFieldSelector(fieldSelector).find(
    ({ field, operator }) => field === 'metadata.name' && operator === '=',
  );
  if (asked?.value === name) return;
  throw badRequest("fieldSelector metadata.name doesn't match requested name");
}

/** About ten seconds of a very busy cluster; beyond it the client will not catch up. */
const BACKLOG_BYTES_MAX = 16 * 1024 * 1024;
