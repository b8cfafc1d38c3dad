import {
  ApiError,
  apiVersionOf,
  type DoorAnswer,
  type EncodedObject,
  internalError,
  type KubeObject,
  type ServedResource,
  type ShapeTransform,
} from 'kernetes/sdk';
import type { Accepted } from './accept.ts';
import type { Call } from './call.ts';
import { type Pieces, type Response, send, write } from './send.ts';
import { keepUntilRead } from './unread.ts';
import { listToYaml, toYaml } from './yaml-answer.ts';
import type { YamlConverter } from './yaml-converter.ts';

export { type Response, write } from './send.ts';

/** What an answer is written with. */
export interface RespondContext {
  readonly accepted: Accepted;
  /** The client takes gzip. */
  readonly gzip: boolean;
  readonly served: ServedResource;
  readonly includeObject: 'None' | 'Metadata' | 'Object';
  readonly now: number;
  readonly shapes: readonly ShapeTransform[];
  readonly yaml: YamlConverter;
}

/** Writes the door's answer in the form that the client accepts. */
export async function respond(
  { response, request, trail }: Call,
  answer: DoorAnswer,
  context: RespondContext,
): Promise<void> {
  // Its time was up.
  if (response.headersSent) return;
  const code =
    ('code' in answer && answer.code) || ('created' in answer && answer.created ? 201 : 200);
  if ('warnings' in answer) warn(response, answer.warnings);
  const { mediaType: type, shape } = context.accepted;
  const pieces = encode(answer, context);
  if (trail?.wantsResponse) trail.responseObject(Buffer.concat(pieces));
  let body = pieces;
  if (type === 'application/yaml') {
    const isPlainList = answer.type === 'list' && shape.name === 'object';
    body = isPlainList
      ? await listToYaml({ head: listHead(answer), items: answer.items }, context.yaml, response)
      : await toYaml(pieces, context.yaml);
  }
  if (request.method === 'HEAD') write(response, code, type, NOTHING);
  else await send(response, body, { code, type, gzip: context.gzip });
}

export function respondError(response: Response, error: unknown): void {
  const { status } = error instanceof ApiError ? error : internalError(error);
  const body = Buffer.from(JSON.stringify(status));
  if (status.code === 429 || status.details?.retryAfterSeconds) {
    response.setHeader('retry-after', String(status.details?.retryAfterSeconds ?? 1));
  }
  keepUntilRead(response);
  write(response, status.code ?? 500, 'application/json', body);
}

function encode(answer: DoorAnswer, context: RespondContext): Pieces {
  const { shape } = context.accepted;
  if (answer.type === 'value') return [Buffer.from(JSON.stringify(shapeValue(answer, context)))];
  if (shape.name !== 'object') return [Buffer.from(JSON.stringify(reshape(answer, context)))];
  if (answer.type === 'list') return encodeList(answer);
  const { head, tail } = answer.object;
  return [head, tail];
}

/** The items of a typed list stand without kind and apiVersion: their bytes begin after the head. */
function encodeList(answer: DoorAnswer & { type: 'list' }): Pieces {
  const { items } = answer;
  const empty = JSON.stringify(listHead(answer));
  if (items.length === 0) return [Buffer.from(empty)];
  const pieces: Uint8Array[] = [Buffer.from(empty.slice(0, -'[]}'.length))];
  let separator = OPEN;
  for (const { tail } of items) {
    pieces.push(separator, tail);
    separator = NEXT;
  }
  pieces.push(END);
  return pieces;
}

function listHead(answer: DoorAnswer & { type: 'list' }) {
  const { kind, version } = answer;
  const apiVersion = apiVersionOf({ group: kind.group, version: version.name });
  return { kind: `${kind.kind}List`, apiVersion, metadata: listMeta(answer), items: [] } as const;
}

/** A Scale has columns; a Status is the same to everybody. */
function shapeValue({ value }: DoorAnswer & { type: 'value' }, context: RespondContext): object {
  if (context.accepted.shape.name === 'object') return value;
  const { kind, apiVersion } = value as KubeObject;
  const body = context.served.kind.subresources
    ?.map(subresource => subresource.body)
    .find(each => each?.kind === kind && each?.row && apiVersionOf(each) === apiVersion);
  if (body === undefined) return value;
  const { transform, shapeContext } = shaping(context);
  const version = { ...body, name: body.version };
  return transform.one(value as KubeObject, { ...shapeContext, version }, true);
}

function reshape(answer: Exclude<DoorAnswer, { type: 'value' }>, context: RespondContext): object {
  const { transform, shapeContext } = shaping(context);
  if (answer.type === 'object') return transform.one(answer.object.object(), shapeContext, true);
  const objects = answer.items.map((item: EncodedObject) => item.object());
  return transform.list(objects, listMeta(answer), shapeContext);
}

function shaping({ accepted, served, includeObject, now, shapes }: RespondContext) {
  const transform = shapes.find(each => each.name === accepted.shape.name);
  if (transform === undefined)
    throw internalError(`No plugin gives the shape ${accepted.shape.name}`);
  return {
    transform,
    shapeContext: { ...served, shape: { ...accepted.shape, includeObject }, now },
  };
}

function listMeta(answer: DoorAnswer & { type: 'list' }): object {
  return {
    resourceVersion: answer.resourceVersion,
    ...(answer.continue && { continue: answer.continue }),
    ...(answer.remainingItemCount && { remainingItemCount: answer.remainingItemCount }),
  };
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

const OPEN = Buffer.from('[{');
const NEXT = Buffer.from(',{');
const END = Buffer.from(']}');
const NOTHING = Buffer.alloc(0);
