import type { Route, RouteResponse } from 'kernetes/sdk';
import type { VerificationKey } from './signing-key.ts';

export interface DiscoveryOptions {
  readonly issuer: string;
  readonly keys: readonly VerificationKey[];
  /** The URL of this server. */
  readonly server: () => string;
}

/** How others check tokens without asking us (OpenID Connect Discovery). */
export function discoveryRoutes({ issuer, keys, server }: DiscoveryOptions): Route[] {
  const configuration = () => ({
    issuer,
    jwks_uri: `${server()}${KEYS_PATH}`,
    response_types_supported: ['id_token'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: [...new Set(keys.map(({ algorithm }) => algorithm))],
  });
  const keySet = () => ({ keys: keys.map(toJwk) });
  return [
    route('/.well-known/openid-configuration', 'application/json', configuration),
    route(KEYS_PATH, 'application/jwk-set+json', keySet),
  ];
}

function route(path: string, type: string, document: () => object): Route {
  return {
    path,
    handle({ method }): RouteResponse {
      if (method !== 'GET' && method !== 'HEAD') {
        const headers = { 'content-type': 'text/plain; charset=utf-8', allow: 'GET' };
        return { code: 405, headers, body: 'Method Not Allowed\n' };
      }
      const headers = { 'content-type': type, 'cache-control': 'public, max-age=3600' };
      return { code: 200, headers, body: JSON.stringify(document()) };
    },
  };
}

function toJwk({ publicKey, kid, algorithm }: VerificationKey): object {
  const { kty, ...numbers } = publicKey.export({ format: 'jwk' });
  return { use: 'sig', kty, kid, alg: algorithm, ...numbers };
}

const KEYS_PATH = '/openid/v1/jwks';
