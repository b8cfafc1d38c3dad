import type { Route, RouteRequest, RouteResponse } from 'kernetes/sdk';
import type { EncodedDocument, OpenApiDocuments } from './document.ts';
import { negotiate, V2_TYPES, V3_TYPES } from './negotiate.ts';

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

function onlyReads(request: RouteRequest, read: () => RouteResponse): RouteResponse {
  if (request.method === 'GET' || request.method === 'HEAD') return read();
  return { ...empty(405), headers: { Allow: 'GET, HEAD' } };
}

function v2(request: RouteRequest, documents: OpenApiDocuments): RouteResponse {
  const format = negotiate(request.headers.accept, V2_TYPES);
  if (!format) return empty(406);
  const document = format === 'json' ? documents.v2Json() : documents.v2Protobuf();
  return send(request, document, V2_TYPES[format][0]);
}

function v3Group(request: RouteRequest, documents: OpenApiDocuments): RouteResponse {
  const document = documents.v3(request.path.slice(V3_PREFIX.length));
  if (!document) return empty(404);
  const asked = request.query.get('hash');
  // An address with a hash is that content for ever; one of older content leads to the newer.
  if (asked !== null && asked !== document.hash) {
    const headers = { Location: `${request.path}?hash=${document.hash}` };
    return { ...empty(301), headers };
  }
  const response = v3(request, document);
  if (asked === null || response.code !== 200) return response;
  const headers = { ...response.headers, 'Cache-Control': 'public, immutable, max-age=31536000' };
  return { ...response, headers };
}

function v3(request: RouteRequest, document: EncodedDocument): RouteResponse {
  if (!negotiate(request.headers.accept, V3_TYPES)) return empty(406);
  return send(request, document, V3_TYPES.json[0]);
}

function send(request: RouteRequest, document: EncodedDocument, type: string): RouteResponse {
  const etag = `"${document.hash}"`;
  const headers = { ETag: etag, Vary: 'Accept' };
  if (matches(request.headers['if-none-match'], etag)) return { ...empty(304), headers };
  return { code: 200, headers: { ...headers, 'Content-Type': type }, body: document.bytes };
}

function matches(ifNoneMatch: string | undefined, etag: string): boolean {
  const tags = ifNoneMatch?.split(',').map(tag => tag.trim().replace(/^W\//, '')) ?? [];
  return tags.includes(etag) || tags.includes('*');
}

function empty(code: number): RouteResponse {
  return { code, headers: {}, body: '' };
}
