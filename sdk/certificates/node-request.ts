import type { CertificateRequest } from './certificate-request.ts';

/** What makes a request one of a kubelet's, in upstream's words where it is none. */

/** Why it is no request for the certificate that a kubelet shows to the API server. */
export function kubeletClientError(
  request: CertificateRequest,
  usages: readonly string[],
): string | undefined {
  const { dnsNames, emailAddresses, ipAddresses, uris } = request;
  if (!isOfNodes(request)) return NO_NODES;
  if (dnsNames.length > 0) return 'DNS subjectAltNames are not allowed';
  if (emailAddresses.length > 0) return NO_EMAIL;
  if (ipAddresses.length > 0) return 'IP subjectAltNames are not allowed';
  if (uris.length > 0) return NO_URI;
  if (!isNamedNode(request)) return NO_NAME;
  return usagesError(usages, 'client auth');
}

/** Why it is no request for the certificate that a kubelet serves with. */
export function kubeletServingError(
  request: CertificateRequest,
  usages: readonly string[],
): string | undefined {
  const { dnsNames, emailAddresses, ipAddresses, uris } = request;
  if (!isOfNodes(request)) return NO_NODES;
  if (dnsNames.length === 0 && ipAddresses.length === 0) {
    return 'DNS or IP subjectAltName is required';
  }
  if (emailAddresses.length > 0) return NO_EMAIL;
  if (uris.length > 0) return NO_URI;
  return usagesError(usages, 'server auth') ?? (isNamedNode(request) ? undefined : NO_NAME);
}

function isOfNodes({ organizations }: CertificateRequest): boolean {
  return organizations.length === 1 && organizations[0] === 'system:nodes';
}

function isNamedNode({ commonName }: CertificateRequest): boolean {
  return commonName.startsWith('system:node:');
}

/** Both are needed, key encipherment may be there (RSA keys), and nothing else. */
function usagesError(usages: readonly string[], auth: string): string | undefined {
  const wanted = [auth, 'digital signature', 'key encipherment'].sort();
  const given = new Set(usages);
  const isComplete = given.has(auth) && given.has('digital signature');
  if (isComplete && [...given].every(usage => wanted.includes(usage))) return undefined;
  return `usages did not match [${wanted.join(' ')}]`;
}

const NO_NODES = 'subject organization is not system:nodes';
const NO_NAME = 'subject common name does not begin with system:node:';
const NO_EMAIL = 'Email subjectAltNames are not allowed';
const NO_URI = 'URI subjectAltNames are not allowed';
