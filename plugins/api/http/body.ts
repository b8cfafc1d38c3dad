import type { IncomingMessage } from 'node:http';
import type { Http2ServerRequest } from 'node:http2';
import {
  ApiError,
  type BodyCodec,
  badRequest,
  type PatchType,
  unsupportedMediaType,
} from 'kernetes/sdk';
import {
  type Parsed,
  parseApplied,
  parseJson,
  parsePatchJson,
  parseYaml,
  type Wanted,
} from './parse-text.ts';
import type { YamlConverter } from './yaml-converter.ts';

/** kube-apiserver's bound: 3 MiB. */
export const BODY_BYTES_MAX = 3 * 1024 * 1024;

/**
 * How much will come, as far as the client says. Throws RequestEntityTooLarge: more than we take.
 */
export function checkLength(request: IncomingMessage | Http2ServerRequest): number {
  const told = request.headers['content-length'];
  if (told === undefined) return Number.POSITIVE_INFINITY;
  const length = Number(told);
  if (length > BODY_BYTES_MAX) throw tooLarge();
  return length;
}

/** The whole body; rejects with RequestEntityTooLarge as soon as more came than we take. */
export function readBody(request: IncomingMessage | Http2ServerRequest): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    let isDone = false;
    const fail = (error: () => unknown) => {
      if (isDone) return;
      isDone = true;
      chunks.length = 0;
      reject(error());
    };
    request.on('data', (chunk: Buffer) => {
      if (isDone) return;
      size += chunk.length;
      if (size > BODY_BYTES_MAX) fail(tooLarge);
      else chunks.push(chunk);
    });
    request.on('end', () => {
      isDone = true;
      resolve(chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks));
    });
    request.on('error', error => fail(() => badRequest(`Cannot read the body: ${error.message}`)));
    request.on('close', () => fail(() => badRequest('The client went away within its request')));
  });
}

/** How a body is to be read. */
export interface Reading {
  /** In lower case, without parameters; empty: the client tells none. */
  readonly mediaType: string;
  /** Asked for only when a body is none of the usual. */
  readonly codecs: () => readonly BodyCodec[];
  readonly wanted: Wanted;
  readonly yaml: YamlConverter;
}

/**
 * An object's or an options' body as plain data; undefined: it is empty. Throws BadRequest,
 * UnsupportedMediaType; of YAML, rejects.
 */
export function parseBody(
  bytes: Buffer,
  { mediaType, codecs, wanted, yaml }: Reading,
): Parsed | Promise<Parsed> | undefined {
  const type = mediaType || 'application/json';
  if (bytes.length === 0) return undefined;
  if (type === 'application/json') return parseJson(bytes, wanted);
  if (YAML_TYPES.has(type)) return parseYaml(bytes, yaml);
  const all = codecs();
  const codec = all.find(({ mediaTypes }) => mediaTypes.includes(type));
  if (codec !== undefined) return { value: codec.decode(bytes), duplicates: [] };
  const others = all.flatMap(({ mediaTypes }) => mediaTypes);
  throw unsupportedMediaType(['application/json', 'application/yaml', ...others]);
}

export interface PatchReading extends Pick<Reading, 'mediaType' | 'yaml'> {
  /** An applied one may name no field twice. */
  readonly strict: boolean;
}

/** A patch's body and which patch it is. */
export async function parsePatch(
  bytes: Buffer,
  { mediaType, strict, yaml }: PatchReading,
): Promise<{ patchType: PatchType; body: unknown }> {
  const patchType = PATCH_TYPES.find(each => each === mediaType);
  if (patchType === undefined) throw unsupportedMediaType(PATCH_TYPES);
  if (patchType === 'application/apply-patch+yaml') {
    return { patchType, body: await parseApplied(bytes, { strict, yaml }) };
  }
  const prefix = patchType === 'application/merge-patch+json' ? 'error decoding patch: ' : '';
  return { patchType, body: parsePatchJson(bytes, prefix) };
}

/** Reading it takes long for its size. */
export function isYaml(mediaType: string): boolean {
  return YAML_TYPES.has(mediaType) || mediaType === 'application/apply-patch+yaml';
}

/** Of a Content-Type header. */
export function mediaTypeOf(contentType = ''): string {
  const end = contentType.indexOf(';');
  return (end < 0 ? contentType : contentType.slice(0, end)).trim().toLowerCase();
}

function tooLarge(): ApiError {
  return new ApiError({
    message: `Request entity too large: limit is ${BODY_BYTES_MAX}`,
    reason: 'RequestEntityTooLarge',
    details: {},
    code: 413,
  });
}

const YAML_TYPES = new Set(['application/yaml', 'application/x-yaml', 'text/yaml']);

const PATCH_TYPES: readonly PatchType[] = [
  'application/json-patch+json',
  'application/merge-patch+json',
  'application/strategic-merge-patch+json',
  'application/apply-patch+yaml',
];
