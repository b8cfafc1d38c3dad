import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import type { Http2ServerResponse } from 'node:http2';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';

export type Response = ServerResponse | Http2ServerResponse;

/** A body as it is made: shared bytes, which nobody joins before they are sent. */
export type Pieces = readonly Uint8Array[];

/** One write, with its length told. Nothing is written to who was answered already. */
export function write(response: Response, code: number, type: string, body: Uint8Array): void {
  if (response.headersSent) return;
  const headers = { ...headersOf(response, type), 'content-length': body.length };
  // A client's cache takes over what 304 says of type and length for the body that it has.
  response.writeHead(code, code === 304 ? {} : headers);
  // Both kinds of response take bytes; their common type does not say so.
  (response as ServerResponse).end(body);
}

export interface SendOptions {
  readonly code: number;
  readonly type: string;
  /** The client takes gzip. */
  readonly gzip: boolean;
}

/**
 * A small body at once. Of a large one no more is taken from memory than the client is ready to
 * get: who reads slowly, or not at all, holds a chunk, and what is in the store anyway.
 */
export async function send(
  response: Response,
  pieces: Pieces,
  { code, type, gzip }: SendOptions,
): Promise<void> {
  if (response.headersSent) return;
  const length = lengthOf(pieces);
  if (length < GZIP_BYTES_MIN) {
    return write(response, code, type, joined(pieces, length));
  }
  const headers = headersOf(response, type);
  if (gzip) {
    response.writeHead(code, { ...headers, 'content-encoding': 'gzip', vary: 'Accept-Encoding' });
    const source = Readable.from(chunksOf(pieces), { objectMode: true, highWaterMark: 1 });
    await pipeline(source, createGzip({ level: GZIP_LEVEL }), response as ServerResponse).catch(
      cutShort,
    );
    return;
  }
  response.writeHead(code, { ...headers, 'content-length': length });
  await writeAll(response as ServerResponse, pieces);
}

async function writeAll(response: ServerResponse, pieces: Pieces): Promise<void> {
  const gone = new AbortController();
  const leave = () => gone.abort();
  response.once('close', leave);
  try {
    for (const chunk of chunksOf(pieces)) {
      if (response.destroyed || gone.signal.aborted) return;
      if (!response.write(chunk)) await once(response, 'drain', gone);
    }
    response.end();
  } catch (error) {
    cutShort(error);
  } finally {
    response.off('close', leave);
  }
}

/** A client that goes away, or whose time is up, is no failure of ours. */
function cutShort(error: unknown): void {
  const code = (error as { readonly code?: string }).code ?? '';
  if (!GONE.has(code)) throw error;
}

function* chunksOf(pieces: Pieces): Generator<Uint8Array, void, undefined> {
  let chunk: Uint8Array[] = [];
  let length = 0;
  for (const piece of pieces) {
    chunk.push(piece);
    length += piece.length;
    if (length < CHUNK_BYTES) continue;
    yield joined(chunk, length);
    chunk = [];
    length = 0;
  }
  if (length > 0) yield joined(chunk, length);
}

function joined(pieces: Pieces, length: number): Uint8Array {
  const [first] = pieces;
  return pieces.length === 1 && first ? first : Buffer.concat(pieces, length);
}

function lengthOf(pieces: Pieces): number {
  let length = 0;
  for (const piece of pieces) length += piece.length;
  return length;
}

function headersOf(response: Response, type: string): Record<string, string> {
  const cached = response.hasHeader('cache-control');
  return { 'content-type': type, ...(!cached && { 'cache-control': 'no-cache, private' }) };
}

/** As upstream: smaller answers are not worth it, and the fastest level is. */
const GZIP_BYTES_MIN = 128 * 1024;
const GZIP_LEVEL = 1;
/** Enough that the turns between two of them cost nothing. */
const CHUNK_BYTES = 256 * 1024;
const GONE: ReadonlySet<string> = new Set([
  'ABORT_ERR',
  'ERR_STREAM_PREMATURE_CLOSE',
  'ERR_STREAM_DESTROYED',
  'ERR_HTTP2_INVALID_STREAM',
  'ERR_HTTP2_STREAM_CANCEL',
  'ECONNRESET',
  'EPIPE',
]);
