import { isDeepStrictEqual } from 'node:util';
import {
  type AdmissionPlugin,
  type AdmissionRequest,
  type Attributes,
  admissionForbidden,
  type CertificateRequest,
  type CertificateSigningRequest,
  decodeRequest,
  parseCertificateRequest,
  type Review,
  SIGNERS,
} from 'kernetes/sdk';

/** Asks the authorizers. */
export type Ask = (attributes: Attributes) => Promise<Review>;

/** Who may ask for, approve and sign which certificates. */
export function certificateAdmission(ask: Ask): AdmissionPlugin {
  return {
    rules: [
      { operations: ['CREATE'], groups: [GROUP], resources: [RESOURCE] },
      {
        operations: ['UPDATE'],
        groups: [GROUP],
        resources: [`${RESOURCE}/approval`, `${RESOURCE}/status`],
      },
    ],
    validate(request) {
      if (request.operation === 'CREATE') return checkSubject(request);
      if (request.subresource === 'approval') return checkRight(ask, request, 'approve');
      return changesStatus(request) ? checkRight(ask, request, 'sign') : undefined;
    },
  };
}

/** By the request as it was: nobody gives it another signer on the way. */
async function checkRight(
  ask: Ask,
  request: AdmissionRequest,
  verb: 'approve' | 'sign',
): Promise<void> {
  const { spec } = request.oldObject as CertificateSigningRequest;
  const [domain] = spec.signerName.split('/');
  for (const name of [spec.signerName, `${domain}/*`]) {
    const { user } = request;
    const signer = { group: GROUP, version: '*', resource: 'signers', subresource: '' };
    const { allowed } = await ask({ user, verb, ...signer, namespace: '', name });
    if (allowed) return;
  }
  const what = `user not permitted to ${verb} requests with signerName "${spec.signerName}"`;
  throw admissionForbidden(request, what);
}

function changesStatus({ object, oldObject }: AdmissionRequest): boolean {
  const { certificate, conditions = [] } = (object as CertificateSigningRequest).status ?? {};
  const old = (oldObject as CertificateSigningRequest).status ?? {};
  return (
    certificate !== old.certificate || !isDeepStrictEqual(conditions, [...(old.conditions ?? [])])
  );
}

function checkSubject(request: AdmissionRequest): void {
  const { spec } = request.object as CertificateSigningRequest;
  if (!OURS.includes(spec.signerName)) return;
  const { commonName, organizations } = parsed(request, spec);
  // Upstream asks this of one signer; but every one of ours signs with the CA that is believed.
  if (organizations.includes('system:masters')) {
    const what = `use of ${spec.signerName} signer with system:masters group is not allowed`;
    throw admissionForbidden(request, what);
  }
  if (commonName.startsWith('system:plugin:') || organizations.includes('system:plugins')) {
    const what = `use of ${spec.signerName} signer with the name of a plugin is not allowed`;
    throw admissionForbidden(request, what);
  }
}

function parsed(
  request: AdmissionRequest,
  spec: CertificateSigningRequest['spec'],
): CertificateRequest {
  try {
    return parseCertificateRequest(decodeRequest(spec.request));
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw admissionForbidden(request, `failed to parse CSR: ${why}`);
  }
}

const GROUP = 'certificates.k8s.io';
const RESOURCE = 'certificatesigningrequests';
const OURS: readonly string[] = Object.values(SIGNERS);
