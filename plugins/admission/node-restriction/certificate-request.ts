import {
  type CertificateSigningRequest,
  decodeRequest,
  nodeUser,
  parseCertificateRequest,
  SIGNERS,
} from 'kernetes/sdk';
import type { NodeRequest } from './node-restriction.ts';

/** A node asks for a kubelet's certificates in its own name; the signer checks the rest. */
export function checkCertificateRequest({ request, node, refuse }: NodeRequest): void {
  if (request.operation !== 'CREATE') return;
  const { spec } = request.object as CertificateSigningRequest;
  if (spec.signerName !== SIGNERS.kubeletServing && spec.signerName !== SIGNERS.kubeletClient) {
    return;
  }
  const wanted = nodeUser(node);
  if (commonNameOf(spec.request, refuse) !== wanted) {
    throw refuse(`can only create a node CSR with CN=${wanted}`);
  }
}

function commonNameOf(request: string, refuse: NodeRequest['refuse']): string {
  try {
    return parseCertificateRequest(decodeRequest(request)).commonName;
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw refuse(`unable to parse csr: ${why}`);
  }
}
