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

/** Throws RequestEntityTooLarge where the client says that more than we take will come. */
export function checkLength(request: IncomingMessage | Http2ServerRequest): void {
  if (Number(request.headers['content-length'] ?? 0) > BODY_BYTES_MAX) throw tooLarge();
}

/** The whole body; rejects with RequestEntityTooLarge as soon as it is. */
export function readBody(request: IncomingMessage | Http2ServerRequest): Promise<Buffer> {
  checkLength(request);
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
  readonly contentType: string | undefined;
  readonly codecs: readonly BodyCodec[];
  readonly wanted: Wanted;
  readonly yaml: YamlConverter;
}

/**
 * An object's or an options' body as plain data; undefined: it is empty. Throws BadRequest,
 * UnsupportedMediaType; of YAML, rejects.
 */
export function parseBody(
  bytes: Buffer,
  { contentType, codecs, wanted, yaml }: Reading,
): Parsed | Promise<Parsed> | undefined {
  const type = mediaType(contentType) || 'application/json';
  if (bytes.length === 0) return undefined;
  if (type === 'application/json') return parseJson(bytes, wanted);
  if (YAML_TYPES.has(type)) return parseYaml(bytes, yaml);
  const codec = codecs.find(({ mediaTypes }) => mediaTypes.includes(type));
  if (codec !== undefined) return { value: codec.decode(bytes), duplicates: [] };
  const others = codecs.flatMap(({ mediaTypes }) => mediaTypes);
  throw unsupportedMediaType(['application/json', 'application/yaml', ...others]);
}

export interface PatchReading extends Pick<Reading, 'contentType' | 'yaml'> {
  /** An applied one may name no field twice. */
  readonly strict: boolean;
}

/** A patch's body and which patch it is. */
export async function parsePatch(
  bytes: Buffer,
  { contentType, strict, yaml }: PatchReading,
): Promise<{ patchType: PatchType; body: unknown }> {
  const type = mediaType(contentType);
  const patchType = PATCH_TYPES.find(each => each === type);
  if (patchType === undefined) throw unsupportedMediaType(PATCH_TYPES);
  if (patchType === 'application/apply-patch+yaml') {
    return { patchType, body: await parseApplied(bytes, { strict, yaml }) };
  }
  const prefix = patchType === 'application/merge-patch+json' ? 'error decoding patch: ' : '';
  return { patchType, body: parsePatchJson(bytes, prefix) };
}

/** Reading it takes long for its size. */
export function isYaml(contentType: string | undefined): boolean {
  const type = mediaType(contentType);
  return YAML_TYPES.has(type) || type === 'application/apply-patch+yaml';
}

function mediaType(contentType = ''): string {
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
