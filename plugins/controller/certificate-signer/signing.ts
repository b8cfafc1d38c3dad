import {
  type AlternativeName,
  type CertificateRequest,
  type CertificateSigningRequest,
  type CertificateSigningRequestCondition,
  type CertificateTemplate,
  decodeRequest,
  kubeletClientError,
  kubeletServingError,
  parseCertificateRequest,
  SIGNERS,
} from 'kernetes/sdk';

/** What becomes of a request. */
export type Decision =
  | { readonly failed: CertificateSigningRequestCondition }
  | { readonly template: CertificateTemplate };

export interface DecideOptions {
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** How long a certificate is good at most, and when nothing is asked. */
  readonly durationMs: number;
}

/** Undefined: nothing, it is not approved, done, or for a signer of somebody else's. */
export function decide(
  { spec, status = {} }: CertificateSigningRequest,
  { now, durationMs }: DecideOptions,
): Decision | undefined {
  const check = CHECKS[spec.signerName];
  const types = new Set((status.conditions ?? []).map(({ type }) => type));
  const isWanted = types.has('Approved') && !types.has('Denied') && !types.has('Failed');
  if (check === undefined || !isWanted || status.certificate) return undefined;
  const { usages = [], expirationSeconds } = spec;
  const request = parseCertificateRequest(decodeRequest(spec.request));
  const wrong = check(request, usages) ?? unknownUsages(usages);
  if (wrong !== undefined) return { failed: { ...FAILED, message: wrong } };
  const asked = expirationSeconds === undefined ? durationMs : expirationSeconds * 1_000;
  const lifeMs = Math.min(Math.max(asked, DURATION_MS_MIN), durationMs);
  // A short life is not made shorter by what is given to clocks that are behind.
  const end = now + lifeMs - (lifeMs < SHORT_MS ? 0 : CLOCK_SKEW_MS);
  const { subject, publicKey } = request;
  return {
    template: {
      subject,
      publicKey,
      names: namesOf(request),
      keyUsage: usages.reduce((bits, usage) => bits | (KEY_USAGES[usage] ?? 0), 0),
      extendedKeyUsage: [
        ...new Set(usages.flatMap(usage => EXTENDED_KEY_USAGES[usage] ?? [])),
      ].sort(),
      notBefore: now - CLOCK_SKEW_MS,
      notAfter: end,
    },
  };
}

type Check = (request: CertificateRequest, usages: readonly string[]) => string | undefined;

const CHECKS: Readonly<Record<string, Check>> = {
  [SIGNERS.client]: (_request, usages) => clientError(usages),
  [SIGNERS.kubeletClient]: kubeletClientError,
  [SIGNERS.kubeletServing]: kubeletServingError,
  [SIGNERS.legacyUnknown]: () => undefined,
};

function clientError(usages: readonly string[]): string | undefined {
  const allowed = ['client auth', 'digital signature', 'key encipherment'];
  const other = usages.find(usage => !allowed.includes(usage));
  if (other !== undefined) return `invalid usage for client certificate: ${other}`;
  if (usages.includes('client auth')) return undefined;
  return 'missing required usage for client certificate: client auth';
}

function unknownUsages(usages: readonly string[]): string | undefined {
  const isKnown = (usage: string) =>
    Object.hasOwn(KEY_USAGES, usage) || Object.hasOwn(EXTENDED_KEY_USAGES, usage);
  const unknown = usages.filter(usage => !isKnown(usage));
  if (unknown.length === 0) return undefined;
  return `unrecognized usage values: [${unknown.map(usage => `"${usage}"`).join(' ')}]`;
}

function namesOf(request: CertificateRequest): AlternativeName[] {
  const { dnsNames, emailAddresses, ipAddresses, uris } = request;
  return [
    ...dnsNames.map(value => ({ type: 'dns' as const, value })),
    ...emailAddresses.map(value => ({ type: 'email' as const, value })),
    ...ipAddresses.map(value => ({ type: 'ip' as const, value })),
    ...uris.map(value => ({ type: 'url' as const, value })),
  ];
}

const FAILED = { type: 'Failed', status: 'True', reason: 'SignerValidationFailure' };

const MINUTE_MS = 60_000;
const DURATION_MS_MIN = 10 * MINUTE_MS;
const CLOCK_SKEW_MS = 5 * MINUTE_MS;
const SHORT_MS = 8 * 60 * MINUTE_MS;

const KEY_USAGES: Readonly<Record<string, number>> = {
  signing: 1,
  'digital signature': 1,
  'content commitment': 2,
  'key encipherment': 4,
  'data encipherment': 8,
  'key agreement': 16,
  'cert sign': 32,
  'crl sign': 64,
  'encipher only': 128,
  'decipher only': 256,
};

const PURPOSE = '1.3.6.1.5.5.7.3';
const EXTENDED_KEY_USAGES: Readonly<Record<string, string>> = {
  any: '2.5.29.37.0',
  'server auth': `${PURPOSE}.1`,
  'client auth': `${PURPOSE}.2`,
  'code signing': `${PURPOSE}.3`,
  'email protection': `${PURPOSE}.4`,
  's/mime': `${PURPOSE}.4`,
  'ipsec end system': `${PURPOSE}.5`,
  'ipsec tunnel': `${PURPOSE}.6`,
  'ipsec user': `${PURPOSE}.7`,
  timestamping: `${PURPOSE}.8`,
  'ocsp signing': `${PURPOSE}.9`,
  'microsoft sgc': '1.3.6.1.4.1.311.10.3.3',
  'netscape sgc': '2.16.840.1.113730.4.1',
};
