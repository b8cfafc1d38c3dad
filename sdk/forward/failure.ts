import { formatHostPort } from './target.ts';

/** No answer came from a backend. The message says why, in the words that a Go client would use. */
export class BackendError extends Error {
  override name = 'BackendError';
}

/** What was to be reached: an address, or a name. */
export interface HostPort {
  readonly host: string;
  readonly port: number;
}

export function backendError(error: unknown, target: HostPort): BackendError {
  if (error instanceof BackendError) return error;
  const failure = (error ?? {}) as Failure;
  const { code = '', message = String(error) } = failure;
  const verdict = VERIFY[code]?.(failure);
  const why = verdict ? `${TLS}${verdict}` : (WORDS[code]?.(failure, target) ?? message);
  return new BackendError(why, { cause: error });
}

export function refused(target: HostPort): BackendError {
  return backendError({ code: 'ECONNREFUSED' }, target);
}

export function dialTimeout(target: HostPort): BackendError {
  return new BackendError(`${dial({}, target)}: i/o timeout`);
}

export const NO_TLS = 'http: server gave HTTP response to HTTPS client';
export const TLS_WANTED = 'client sent an HTTP request to an HTTPS server';

/** What Node tells beside its message; each error has some of it. */
interface Failure {
  readonly code?: string;
  readonly message?: string;
  readonly address?: string;
  readonly port?: number;
  /** The name that a certificate should have had, and the certificate. */
  readonly host?: string;
  readonly cert?: { readonly subjectaltname?: string };
}

type Words = (failure: Failure, target: HostPort) => string;

const WORDS: Readonly<Record<string, Words>> = {
  ECONNREFUSED: (...at) => `${dial(...at)}: connect: connection refused`,
  EHOSTUNREACH: (...at) => `${dial(...at)}: connect: no route to host`,
  ENETUNREACH: (...at) => `${dial(...at)}: connect: network is unreachable`,
  ETIMEDOUT: (...at) => `${dial(...at)}: connect: connection timed out`,
  ENOTFOUND: (_failure, { host }) => `dial tcp: lookup ${host}: no such host`,
  // Also of one that closes a connection without an answer.
  ECONNRESET: () => 'EOF',
  ERR_SSL_WRONG_VERSION_NUMBER: () => NO_TLS,
  ERR_SSL_PACKET_LENGTH_TOO_LONG: () => NO_TLS,
  EPROTO: ({ message = '' }) => (/wrong version|packet length/.test(message) ? NO_TLS : message),
};

/** A name is told by the address that was found for it. */
function dial({ address: host, port }: Failure, target: HostPort): string {
  return `dial tcp ${formatHostPort(host && port ? { host, port } : target)}`;
}

const TLS = 'tls: failed to verify certificate: x509: ';
const unknown = () => 'certificate signed by unknown authority';
const expired = () => 'certificate has expired or is not yet valid';
const VERIFY: Readonly<Record<string, (failure: Failure) => string>> = {
  DEPTH_ZERO_SELF_SIGNED_CERT: unknown,
  SELF_SIGNED_CERT_IN_CHAIN: unknown,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: unknown,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: unknown,
  CERT_SIGNATURE_FAILURE: unknown,
  CERT_HAS_EXPIRED: expired,
  CERT_NOT_YET_VALID: expired,
  ERR_TLS_CERT_ALTNAME_INVALID({ host, cert }) {
    const names = (cert?.subjectaltname ?? '').replace(/\b(DNS|IP Address):/g, '');
    if (names !== '') return `certificate is valid for ${names}, not ${host}`;
    return `certificate is not valid for any names, but wanted to match ${host}`;
  },
};
