import { X509Certificate } from 'node:crypto';
import {
  type CertificateSigningRequest,
  decodeRequest,
  dns1123LabelErrors,
  dns1123SubdomainErrors,
  duplicate,
  type FieldError,
  type FieldPath,
  fieldPath,
  forbiddenValue,
  invalidValue,
  notSupported,
  pemBlocks,
  required,
  SIGNERS,
  tooLong,
  verifyCertificateRequest,
} from 'kernetes/sdk';
import { validateConditions, validateKept, validateNotApproved } from './conditions.ts';

type Request = CertificateSigningRequest;

const SPEC = fieldPath('spec');
const CERTIFICATE = fieldPath('status', 'certificate');

/** Of a new one: it never changes. */
export function validateSpec(request: Request): FieldError[] {
  const { usages = [], signerName = '', expirationSeconds } = request.spec ?? {};
  const errors = validateRequest(request.spec?.request ?? '');
  if (usages.length === 0) errors.push(required(SPEC.child('usages')));
  if (!isOld(request)) errors.push(...validateUsages(usages, SPEC.child('usages')));
  if (signerName === SIGNERS.legacyUnknown && !isOld(request)) {
    const detail = 'the legacy signerName is not allowed via this API version';
    errors.push(invalidValue(SPEC.child('signerName'), signerName, detail));
  } else errors.push(...validateSignerName(signerName, SPEC.child('signerName')));
  if (expirationSeconds !== undefined && expirationSeconds < EXPIRATION_SECONDS_MIN) {
    const detail = 'may not specify a duration less than 600 seconds (10 minutes)';
    errors.push(invalidValue(SPEC.child('expirationSeconds'), expirationSeconds, detail));
  }
  return errors;
}

/** Of a change of the conditions by `approval`. */
export function validateApproval(request: Request, old: Request): FieldError[] {
  return [...validateChange(request, old), ...validateKept(request, old)];
}

export function validateStatus(request: Request, old: Request): FieldError[] {
  const errors = validateChange(request, old);
  const certificate = request.status?.certificate ?? '';
  const before = old.status?.certificate ?? '';
  const wrong =
    certificate === before || isOld(request) ? undefined : certificateError(certificate);
  if (wrong !== undefined) errors.push(invalidValue(CERTIFICATE, '<certificate data>', wrong));
  errors.push(...validateKept(request, old), ...validateNotApproved(request, old));
  if (before !== '' && certificate !== before) {
    const detail = 'updates may not modify existing certificate content';
    errors.push(forbiddenValue(CERTIFICATE, detail));
  }
  return errors;
}

/** What v1beta1 let in stays as it is. */
function validateChange(request: Request, old: Request): FieldError[] {
  const isLenient = isOld(request) || validateConditions(old.status?.conditions, false).length > 0;
  return validateConditions(request.status?.conditions, isLenient);
}

function isOld({ apiVersion }: Request): boolean {
  return apiVersion?.endsWith('/v1beta1') ?? false;
}

function validateRequest(base64: string): FieldError[] {
  try {
    verifyCertificateRequest(decodeRequest(base64));
    return [];
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    const bytes = [...Buffer.from(base64, 'base64')].map(byte => `0x${byte.toString(16)}`);
    // As Go prints bytes.
    const message = `Invalid value: []byte{${bytes.join(', ')}}: ${why}`;
    return [{ reason: 'FieldValueInvalid', field: `${SPEC.child('request')}`, message }];
  }
}

function validateUsages(usages: readonly string[], path: FieldPath): FieldError[] {
  const unknown = usages.flatMap((usage, i) =>
    USAGES.includes(usage) ? [] : [notSupported(path.index(i), usage, USAGES)],
  );
  const repeated = usages.flatMap((usage, i) =>
    usages.indexOf(usage) < i ? [duplicate(path.index(i), usage)] : [],
  );
  return [...unknown, ...repeated];
}

/** `example.com/path`: a domain, and a name within it. */
export function validateSignerName(name: string, path: FieldPath): FieldError[] {
  const errors: FieldError[] = name === '' ? [required(path)] : [];
  const [domain = '', own = '', ...more] = name.split('/');
  if (!name.includes('/') || more.length > 0) {
    const detail =
      "must be a fully qualified domain and path of the form 'example.com/signer-name'";
    return [...errors, invalidValue(path, name, detail)];
  }
  if (domain.length > DOMAIN_LENGTH_MAX) errors.push(tooLong(path, DOMAIN_LENGTH_MAX));
  const labels = domain.split('.');
  errors.push(...labelFindings(domain, path, dns1123LabelErrors));
  if (labels.length < 2) {
    const detail = 'should be a domain with at least two segments separated by dots';
    errors.push(invalidValue(path, domain, detail));
  }
  errors.push(...labelFindings(own, path, dns1123SubdomainErrors));
  if (name.length > NAME_LENGTH_MAX) errors.push(tooLong(path, NAME_LENGTH_MAX));
  return errors;
}

/** Of the first wrong label only: the others would say the same. */
function labelFindings(
  text: string,
  path: FieldPath,
  errorsOf: (label: string) => string[] | undefined,
): FieldError[] {
  for (const label of text.split('.')) {
    const errors = errorsOf(label) ?? [];
    if (errors.length === 0) continue;
    return errors.map(error => invalidValue(path, text, `validating label "${label}": ${error}`));
  }
  return [];
}

function certificateError(base64: string): string | undefined {
  if (base64 === '') return undefined;
  const blocks = pemBlocks(decodeRequest(base64));
  if (blocks.length === 0) return 'must contain at least one CERTIFICATE PEM block';
  for (const { type, hasHeaders, bytes } of blocks) {
    if (type !== 'CERTIFICATE') {
      return `only CERTIFICATE PEM blocks are allowed, found "${type}"`;
    }
    if (hasHeaders) return 'no PEM block headers are permitted';
    if (bytes.length === 0) return 'found CERTIFICATE PEM block containing 0 certificates';
    try {
      new X509Certificate(bytes);
    } catch {
      return 'x509: malformed certificate';
    }
  }
  return undefined;
}

const EXPIRATION_SECONDS_MIN = 600;
const DOMAIN_LENGTH_MAX = 253;
/** Upstream's: a domain, a slash, and a name as long as a domain with one label more. */
const NAME_LENGTH_MAX = 571;

/** Sorted, as the answer names them. */
const USAGES: readonly string[] = [
  'any',
  'cert sign',
  'client auth',
  'code signing',
  'content commitment',
  'crl sign',
  'data encipherment',
  'decipher only',
  'digital signature',
  'email protection',
  'encipher only',
  'ipsec end system',
  'ipsec tunnel',
  'ipsec user',
  'key agreement',
  'key encipherment',
  'microsoft sgc',
  'netscape sgc',
  'ocsp signing',
  's/mime',
  'server auth',
  'signing',
  'timestamping',
];
