import type { IncomingMessage } from 'node:http';
import type { Http2ServerRequest } from 'node:http2';
import {
  ApiError,
  type BodyCodec,
  badRequest,
  type PatchType,
  unsupportedMediaType,
} from 'kernetes/sdk';
import { parse, parseDocument } from 'yaml';

/** kube-apiserver's bound: 3 MiB. */
export const BODY_BYTES_MAX = 3 * 1024 * 1024;

/** The whole body; rejects with RequestEntityTooLarge. */
export function readBody(request: IncomingMessage | Http2ServerRequest): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    request.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size <= BODY_BYTES_MAX) chunks.push(chunk);
    });
    request.on('end', () => {
      if (size > BODY_BYTES_MAX) reject(tooLarge(size));
      else resolve(chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks));
    });
    request.on('error', reject);
    request.on('aborted', () => reject(badRequest('The client went away within its request')));
  });
}

/** An object's or an options' body as plain data. Throws BadRequest, UnsupportedMediaType. */
export function parseBody(
  bytes: Buffer,
  contentType: string | undefined,
  codecs: readonly BodyCodec[],
): unknown {
  const type = mediaType(contentType) || 'application/json';
  if (bytes.length === 0) return undefined;
  if (type === 'application/json') return parseJson(bytes);
  if (YAML_TYPES.has(type)) return parseYaml(bytes);
  const codec = codecs.find(({ mediaTypes }) => mediaTypes.includes(type));
  if (codec !== undefined) return codec.decode(bytes);
  const others = codecs.flatMap(({ mediaTypes }) => mediaTypes);
  throw unsupportedMediaType(['application/json', 'application/yaml', ...others]);
}

/** A patch's body and which patch it is. `strict`: an applied one may name no field twice. */
export function parsePatch(
  bytes: Buffer,
  { contentType, strict }: { readonly contentType: string | undefined; readonly strict: boolean },
): { patchType: PatchType; body: unknown } {
  const type = mediaType(contentType);
  const patchType = PATCH_TYPES.find(each => each === type);
  if (patchType === undefined) throw unsupportedMediaType(PATCH_TYPES);
  const applies = patchType === 'application/apply-patch+yaml';
  return { patchType, body: applies ? parseApplied(bytes, strict) : parseJson(bytes) };
}

function mediaType(contentType = ''): string {
  const end = contentType.indexOf(';');
  return (end < 0 ? contentType : contentType.slice(0, end)).trim().toLowerCase();
}

function parseJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString());
  } catch (cause) {
    const why = (cause as Error).message;
    throw badRequest(`couldn't get version/kind; json parse error: ${why}`);
  }
}

function parseYaml(bytes: Buffer): unknown {
  try {
    return parse(bytes.toString(), { maxAliasCount: YAML_ALIASES_MAX });
  } catch (cause) {
    throw badRequest(`error parsing YAML: ${String((cause as Error).message).split('\n', 1)[0]}`);
  }
}

function parseApplied(bytes: Buffer, strict: boolean): unknown {
  const text = bytes.toString();
  // Most is JSON, which is YAML, too, and is read in a fraction of the time.
  if (!strict && text.startsWith('{')) {
    try {
      return JSON.parse(text);
    } catch {
      // A flow mapping of YAML begins in the same way.
    }
  }
  const document = parseDocument(text, { prettyErrors: false, uniqueKeys: strict });
  const twice = document.errors.filter(({ code }) => code === 'DUPLICATE_KEY');
  if (twice.length > 0) {
    const lines = twice.map(({ pos }) => duplicateText(text, pos[0]));
    throw badRequest(
      `error strict decoding YAML: error converting YAML to JSON: yaml: unmarshal errors:\n${lines.join('\n')}`,
    );
  }
  try {
    const [error] = document.errors;
    if (error) throw error;
    return document.toJS({ maxAliasCount: YAML_ALIASES_MAX });
  } catch (cause) {
    throw badRequest(`error decoding YAML: ${String((cause as Error).message).split('\n', 1)[0]}`);
  }
}

function duplicateText(text: string, at: number): string {
  const line = text.slice(0, at).split('\n').length;
  const [key = ''] = /^"(?:[^"\\]|\\.)*"|^[^\s:,}\]]*/.exec(text.slice(at)) ?? [];
  return `  line ${line}: key ${key.startsWith('"') ? key : JSON.stringify(key)} already set in map`;
}

function tooLarge(size: number): ApiError {
  return new ApiError({
    message: `Request entity too large: the body has ${size} bytes, limit is ${BODY_BYTES_MAX}`,
    reason: 'RequestEntityTooLarge',
    code: 413,
  });
}

/** A document of a few bytes must not unfold to gigabytes. */
const YAML_ALIASES_MAX = 100;

const YAML_TYPES = new Set(['application/yaml', 'application/x-yaml', 'text/yaml']);

const PATCH_TYPES: readonly PatchType[] = [
  'application/json-patch+json',
  'application/merge-patch+json',
  'application/strategic-merge-patch+json',
  'application/apply-patch+yaml',
];
