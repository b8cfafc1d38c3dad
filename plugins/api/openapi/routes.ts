import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { Route, RouteRequest, RouteResponse } from 'kernetes/sdk';
import type { EncodedDocument, OpenApiDocuments } from './document.ts';
import { acceptsGzip, negotiate, V2_TYPES, V3_TYPES } from './negotiate.ts';

const V3_PREFIX = '/openapi/v3/';

/** The paths under `/openapi`. */
export function openApiRoutes(documents: OpenApiDocuments): Route[] {
  return [
    { path: '/openapi/v2', handle: request => onlyReads(request, () => v2(request, documents)) },
    {
      path: '/openapi/v3',
      handle: request => onlyReads(request, () => v3(request, documents.v3Root())),
    },
    {
      path: `${V3_PREFIX}*`,
      handle: request => onlyReads(request, () => v3Group(request, documents)),
    },
  ];
}

type Answer = RouteResponse | Promise<RouteResponse>;

function onlyReads(request: RouteRequest, read: () => Answer): Answer {
  if (request.method === 'GET' || request.method === 'HEAD') return read();
  return { ...empty(405), headers: { Allow: 'GET, HEAD' } };
}

function v2(request: RouteRequest, documents: OpenApiDocuments): Answer {
  const format = negotiate(request.headers.accept, V2_TYPES);
  if (!format) return empty(406);
  const document = format === 'json' ? documents.v2Json() : documents.v2Protobuf();
  return send(request, document, { 'Content-Type': V2_TYPES[format][0] });
}

function v3Group(request: RouteRequest, documents: OpenApiDocuments): Answer {
  const document = documents.v3(request.path.slice(V3_PREFIX.length));
  if (!document) return empty(404);
  const asked = request.query.get('hash');
  if (asked === null) return v3(request, document);
  // An address with a hash is that content for ever; one of older content leads to the newer.
  if (asked !== document.hash) {
    const headers = { Location: `${request.path}?hash=${document.hash}` };
    return { ...empty(301), headers };
  }
  return v3(request, document, { 'Cache-Control': 'public, immutable, max-age=31536000' });
}

function v3(
  request: RouteRequest,
  document: EncodedDocument,
  headers: Readonly<Record<string, string>> = {},
): Answer {
  if (!negotiate(request.headers.accept, V3_TYPES)) return empty(406);
  return send(request, document, { ...headers, 'Content-Type': V3_TYPES.json[0] });
}

function send(
  request: RouteRequest,
  document: EncodedDocument,
  own: Readonly<Record<string, string>>,
): Answer {
  const etag = `"${document.hash}"`;
  const validators = { ETag: etag, Vary: 'Accept, Accept-Encoding' };
  if (matches(request.headers['if-none-match'], etag)) {
    return { ...empty(304), headers: validators };
  }
  const headers = { ...own, ...validators };
  const { bytes } = document;
  const isSmall = bytes.length < GZIP_BYTES_MIN;
  if (isSmall || !acceptsGzip(request.headers['accept-encoding'])) {
    return { code: 200, headers, body: bytes };
  }
  return compressed(document).then(body => ({
    code: 200,
    headers: { ...headers, 'Content-Encoding': 'gzip' },
    body,
  }));
}

/** Once for each document, as long as it is served. */
function compressed(document: EncodedDocument): Promise<Buffer> {
  let bytes = zipped.get(document);
  if (bytes === undefined) {
    bytes = promisify(gzip)(document.bytes, { level: GZIP_LEVEL });
    zipped.set(document, bytes);
  }
  return bytes;
}

const zipped = new WeakMap<EncodedDocument, Promise<Buffer>>();
/** As of the API's other answers. */
const GZIP_BYTES_MIN = 128 * 1024;
const GZIP_LEVEL = 1;

function matches(ifNoneMatch: string | undefined, etag: string): boolean {
  const tags = ifNoneMatch?.split(',').map(tag => tag.trim().replace(/^W\//, '')) ?? [];
  return tags.includes(etag) || tags.includes('*');
}

function empty(code: number): RouteResponse {
  return { code, headers: {}, body: '' };
}
