import type { ServerResponse } from 'node:http';
import type { Door, DoorWatch, DoorWatchRequest, Shape, User } from 'kernetes/sdk';
import { integer, isTrue, type ResourcePath } from './path.ts';
import type { Response } from './respond.ts';

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

export interface WatchCall {
  readonly path: ResourcePath;
  readonly query: URLSearchParams;
  readonly shape: Shape;
}

/**
 * Streams frames until the client goes, the time is up, or the client is so far behind that what
 * waits for it exceeds its bound; it then gets no more and must watch anew.
 */
export async function serveWatch(
  { door, watches }: { readonly door: Door; readonly watches: Watches },
  response: Response,
  user: User,
  call: WatchCall,
): Promise<void> {
  // Both kinds of response are streams of bytes; their common type does not say so.
  const stream = response as ServerResponse;
  let watch: DoorWatch | undefined;
  let ended = false;
  let initialBytes = 0;
  const end = () => {
    if (ended) return;
    ended = true;
    forget();
    watch?.close();
    stream.end();
  };
  const forget = watches.add(end);
  stream.on('close', end);
  stream.on('error', end);
  try {
    watch = await door.watch(user, toWatchRequest(call), {
      write(frames) {
        if (ended) return false;
        if (!stream.headersSent) start(stream);
        stream.write(frames);
        if (watch === undefined) initialBytes += frames.length;
        return stream.writableLength - initialBytes <= BACKLOG_BYTES_MAX;
      },
      end,
    });
  } catch (error) {
    forget();
    throw error;
  }
  if (ended) watch.close();
  else if (!stream.headersSent) start(stream);
}

function start(stream: ServerResponse): void {
  stream.writeHead(200, {
    'content-type': 'application/json',
    'cache-control': 'no-cache, private',
  });
  stream.flushHeaders();
}

function toWatchRequest({ path, query, shape }: WatchCall): DoorWatchRequest {
  const { group, version, resource, namespace } = path;
  const text = (name: string) => query.get(name) ?? '';
  const name = path.name ?? '';
  const timeout = text('timeoutSeconds');
  const resourceVersion = text('resourceVersion');
  const labelSelector = text('labelSelector');
  const fieldSelector = text('fieldSelector');
  const match = text('resourceVersionMatch');
  return {
    group,
    version,
    resource,
    shape,
    allowBookmarks: isTrue(query, 'allowWatchBookmarks'),
    ...(isTrue(query, 'sendInitialEvents') && { sendInitialEvents: true }),
    ...(namespace && { namespace }),
    ...(name && { name }),
    ...(labelSelector && { labelSelector }),
    ...(fieldSelector && { fieldSelector }),
    ...(resourceVersion && { resourceVersion }),
    ...(match && { resourceVersionMatch: match }),
    ...(timeout && { timeoutSeconds: integer('timeoutSeconds', timeout) }),
  };
}

/** About ten seconds of a very busy cluster; beyond it the client will not catch up. */
const BACKLOG_BYTES_MAX = 16 * 1024 * 1024;
