import type { ServerResponse } from 'node:http';
import type { Http2ServerResponse } from 'node:http2';
import { gzip } from 'node:zlib';
import {
  ApiError,
  apiVersionOf,
  type DoorAnswer,
  type EncodedObject,
  internalError,
  type ServedResource,
  type ShapeTransform,
} from 'kernetes/sdk';
import { stringify } from 'yaml';
import type { Accepted } from './accept.ts';

export type Response = ServerResponse | Http2ServerResponse;

/** What an answer is written with. */
export interface RespondContext {
  readonly accepted: Accepted;
  /** The client takes gzip. */
  readonly gzip: boolean;
  readonly served: ServedResource;
  readonly includeObject: 'None' | 'Metadata' | 'Object';
  readonly now: number;
  readonly shapes: readonly ShapeTransform[];
}

/** Writes the door's answer in the form that the client accepts. */
export async function respond(
  response: Response,
  answer: DoorAnswer,
  context: RespondContext,
): Promise<void> {
  const code =
    ('code' in answer && answer.code) || ('created' in answer && answer.created ? 201 : 200);
  if ('warnings' in answer) warn(response, answer.warnings);
  await send(response, code, encode(answer, context), context);
}

export function respondError(response: Response, error: unknown): void {
  const { status } = error instanceof ApiError ? error : internalError(error);
  const body = Buffer.from(JSON.stringify(status));
  if (status.code === 429 || status.details?.retryAfterSeconds) {
    response.setHeader('retry-after', String(status.details?.retryAfterSeconds ?? 1));
  }
  write(response, status.code ?? 500, 'application/json', body);
}

export function write(response: Response, code: number, type: string, body: Uint8Array): void {
  response.writeHead(code, {
    'content-type': type,
    'content-length': body.length,
    ...(!response.hasHeader('cache-control') && { 'cache-control': 'no-cache, private' }),
  });
  // Both kinds of response take bytes; their common type does not say so.
  (response as ServerResponse).end(body);
}

function encode(answer: DoorAnswer, context: RespondContext): Buffer {
  const { shape } = context.accepted;
  if (answer.type === 'value') return Buffer.from(JSON.stringify(answer.value));
  if (shape.name !== 'object') return Buffer.from(JSON.stringify(reshape(answer, context)));
  if (answer.type === 'list') return encodeList(answer);
  const { head, tail } = answer.object;
  return Buffer.concat([head, tail]);
}

/** The items of a typed list stand without kind and apiVersion: their bytes begin after the head. */
function encodeList(answer: DoorAnswer & { type: 'list' }): Buffer {
  const { kind, version, items } = answer;
  const apiVersion = apiVersionOf({ group: kind.group, version: version.name });
  const list = { kind: `${kind.kind}List`, apiVersion, metadata: listMeta(answer), items: [] };
  const empty = JSON.stringify(list);
  if (items.length === 0) return Buffer.from(empty);
  const pieces: Uint8Array[] = [Buffer.from(empty.slice(0, -'[]}'.length))];
  let separator = OPEN;
  for (const { tail } of items) {
    pieces.push(separator, tail);
    separator = NEXT;
  }
  pieces.push(END);
  return Buffer.concat(pieces);
}

function reshape(answer: Exclude<DoorAnswer, { type: 'value' }>, context: RespondContext): object {
  const { accepted, served, includeObject, now, shapes } = context;
  const transform = shapes.find(each => each.name === accepted.shape.name);
  if (transform === undefined)
    throw internalError(`No plugin gives the shape ${accepted.shape.name}`);
  const shapeContext = { ...served, shape: { ...accepted.shape, includeObject }, now };
  if (answer.type === 'object') return transform.one(answer.object.object(), shapeContext, true);
  const objects = answer.items.map((item: EncodedObject) => item.object());
  return transform.list(objects, listMeta(answer), shapeContext);
}

function listMeta(answer: DoorAnswer & { type: 'list' }): object {
  return {
    resourceVersion: answer.resourceVersion,
    ...(answer.continue && { continue: answer.continue }),
    ...(answer.remainingItemCount && { remainingItemCount: answer.remainingItemCount }),
  };
}

async function send(
  response: Response,
  code: number,
  json: Buffer,
  { accepted, gzip: compresses }: RespondContext,
): Promise<void> {
  const { mediaType } = accepted;
  const body = mediaType === 'application/yaml' ? toYaml(json) : json;
  if (!compresses || body.length < GZIP_BYTES_MIN) {
    write(response, code, mediaType, body);
    return;
  }
  const compressed = await compress(body);
  response.setHeader('content-encoding', 'gzip');
  response.setHeader('vary', 'Accept-Encoding');
  write(response, code, mediaType, compressed);
}

function compress(body: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    gzip(body, { level: GZIP_LEVEL }, (error, compressed) => {
      if (error) reject(error);
      else resolve(compressed);
    });
  });
}

function toYaml(json: Buffer): Buffer {
  return Buffer.from(stringify(JSON.parse(json.toString())));
}

/** Adds `Warning` headers (RFC 7234) to an answer that has not begun. */
export function warn(response: Response, warnings: readonly string[]): void {
  if (warnings.length === 0) return;
  const before = [response.getHeader('warning') ?? []].flat().map(String);
  response.setHeader('warning', [...before, ...warnings.map(warningOf)]);
}

/** Header values are bytes to Node: those of UTF-8, as upstream sends them, without control characters. */
function warningOf(text: string): string {
  const plain = text.replace(CONTROLS, ' ').replace(/["\\]/g, '\\$&');
  return Buffer.from(`299 - "${plain}"`).toString('latin1');
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what no header may have.
const CONTROLS = /[\u0000-\u001f\u007f]/g;

/** As upstream: smaller answers are not worth it, and the fastest level is. */
const GZIP_BYTES_MIN = 128 * 1024;
const GZIP_LEVEL = 1;

const OPEN = Buffer.from('[{');
const NEXT = Buffer.from(',{');
const END = Buffer.from(']}');
