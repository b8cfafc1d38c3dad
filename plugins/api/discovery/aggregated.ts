import { createHash } from 'node:crypto';
import type { RouteRequest, RouteResponse } from 'kernetes/sdk';
import { aggregated, type EncodedDocument, type ServedGroups } from './documents.ts';

/**
 * Everything in one document, for who accepts that (kubectl from 1.26 on); undefined for others.
 * Who has the document already is told so: clients ask again whenever they start.
 */
export function aggregatedResponse(
  request: RouteRequest,
  served: ServedGroups,
  core: boolean,
): RouteResponse | undefined {
  const { accept = '', 'if-none-match': known } = request.headers;
  const version = VERSIONS.find(each => accepts(accept, each));
  if (version === undefined) return undefined;
  const { body, etag } = documentOf(served, core, version);
  const headers = { etag, vary: 'Accept', 'cache-control': 'public' };
  if (known === etag) return { code: 304, headers, body: '' };
  const type = `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList`;
  return { code: 200, headers: { ...headers, 'content-type': type }, body };
}

/** The newest first: a client names all that it knows. */
const VERSIONS = ['v2', 'v2beta1'];

function accepts(accept: string, version: string): boolean {
  return accept.split(',').some(entry => {
    const parts = new Set(entry.split(';').map(part => part.trim()));
    return (
      parts.has('application/json') &&
      parts.has('as=APIGroupDiscoveryList') &&
      parts.has(`v=${version}`) &&
      parts.has('g=apidiscovery.k8s.io')
    );
  });
}

function documentOf(groups: ServedGroups, core: boolean, version: string): EncodedDocument {
  const key = `${version} ${core}`;
  const known = groups.encoded.get(key);
  if (known) return known;
  const body = JSON.stringify(aggregated(groups, core, `apidiscovery.k8s.io/${version}`));
  const hash = createHash('sha512').update(body).digest('hex').toUpperCase();
  const document = { body, etag: `"${hash}"` };
  groups.encoded.set(key, document);
  return document;
}
