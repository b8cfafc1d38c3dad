/** A call that failed, in the words that a Go client would use: people search for them. */
export function tellFailure(error: unknown, url: string, hostname: string): Error {
  const { code = '', message } = (error ?? {}) as Partial<NodeJS.ErrnoException>;
  const known = WORDS[code]?.(error as Details, hostname);
  const why = known ?? message ?? String(error);
  const isPosted = known !== undefined || DURING_POST.test(why);
  return new Error(isPosted ? `Post ${JSON.stringify(url)}: ${why}` : why, { cause: error });
}

interface Details {
  readonly address?: string;
  readonly port?: number;
  readonly cert?: { readonly subjectaltname?: string };
}

const DURING_POST = /^(context deadline exceeded|service "|no (endpoints|service port) )/;

const VERIFY = 'tls: failed to verify certificate: x509:';
const unknownAuthority = () => `${VERIFY} certificate signed by unknown authority`;
const expired = () => `${VERIFY} certificate has expired or is not yet valid`;

const WORDS: Readonly<Record<string, (error: Details, hostname: string) => string>> = {
  ECONNREFUSED: ({ address, port }) => `dial tcp ${address}:${port}: connect: connection refused`,
  EHOSTUNREACH: ({ address, port }) => `dial tcp ${address}:${port}: connect: no route to host`,
  ETIMEDOUT: ({ address, port }) => `dial tcp ${address}:${port}: connect: connection timed out`,
  ENOTFOUND: (_error, hostname) => `dial tcp: lookup ${hostname}: no such host`,
  ECONNRESET: () => 'EOF',
  DEPTH_ZERO_SELF_SIGNED_CERT: unknownAuthority,
  SELF_SIGNED_CERT_IN_CHAIN: unknownAuthority,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: unknownAuthority,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: unknownAuthority,
  CERT_SIGNATURE_FAILURE: unknownAuthority,
  CERT_HAS_EXPIRED: expired,
  CERT_NOT_YET_VALID: expired,
  ERR_TLS_CERT_ALTNAME_INVALID: ({ cert }, hostname) => {
    const names = (cert?.subjectaltname ?? '').replace(/\b(DNS|IP Address):/g, '');
    return `${VERIFY} certificate is valid for ${names}, not ${hostname}`;
  },
};
