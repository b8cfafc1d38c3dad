import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  type AdmissionRequest,
  ApiError,
  type Attributes,
  type CertificateSigningRequest,
  SIGNERS,
} from 'kernetes/sdk';
import { admissionRequest, makeCertificateRequest } from 'kernetes/sdk/testing';
import { certificateAdmission } from './certificates.ts';

type Status = NonNullable<CertificateSigningRequest['status']>;

const ALICE = { name: 'alice', groups: [] };
const MINE = 'example.com/mine';
const PREFIX = 'certificatesigningrequests.certificates.k8s.io "a" is forbidden:';

function csr(signerName: string, given: { request?: string; status?: Status } = {}) {
  const { request = '', status } = given;
  return {
    metadata: { name: 'a' },
    spec: { request, signerName, usages: ['client auth'] },
    ...(status && { status }),
  };
}

function asked(object: CertificateSigningRequest, given: Partial<AdmissionRequest> = {}) {
  const group = 'certificates.k8s.io';
  const resource = 'certificatesigningrequests';
  return admissionRequest(object, { group, resource, user: ALICE, ...given });
}

/** The text of the refusal, or nothing; and what the authorizers were asked. */
async function admit(request: AdmissionRequest, rights: readonly string[] = []) {
  const questions: string[] = [];
  const admission = certificateAdmission(async (attributes: Attributes) => {
    assert.ok('resource' in attributes);
    assert.equal(attributes.user, ALICE);
    const { verb, group, resource, name } = attributes;
    questions.push(`${verb} ${resource}.${group} ${name}`);
    return { allowed: rights.includes(`${verb} ${name}`), denied: false, reason: '' };
  });
  try {
    await admission.validate?.(request);
    return { questions, refusal: '' };
  } catch (error) {
    assert.ok(ApiError.is(error, 'Forbidden'), String(error));
    return { questions, refusal: error.message };
  }
}

describe('who approves', () => {
  const cases: readonly [string, string[], boolean][] = [
    ['nobody', [], false],
    ['who may for the signer', [`approve ${MINE}`], true],
    ['who may for its domain', ['approve example.com/*'], true],
    ['who may for another', ['approve example.com/other', `sign ${MINE}`], false],
  ];
  for (const [name, rights, allowed] of cases) {
    it(`is ${name}${allowed ? '' : ' or refused'}`, async () => {
      // Asking for another signer on the way changes nothing.
      const request = asked(csr(SIGNERS.client), { subresource: 'approval', oldObject: csr(MINE) });
      const { refusal, questions } = await admit(request, rights);
      const text = `${PREFIX} user not permitted to approve requests with signerName "${MINE}"`;
      assert.equal(refusal, allowed ? '' : text);
      assert.equal(questions[0], `approve signers.certificates.k8s.io ${MINE}`);
    });
  }
});

describe('who sets a status', () => {
  const failed = { conditions: [{ type: 'Failed', status: 'True' }] };
  const cases: readonly [string, Status, Status, string[], boolean][] = [
    ['with a certificate', { certificate: 'YQ==' }, {}, [], false],
    ['with a failure', failed, {}, [], false],
    ['with a certificate', { certificate: 'YQ==' }, {}, [`sign ${MINE}`], true],
    ['with a failure', failed, {}, ['sign example.com/*'], true],
    ['without a change', failed, failed, [], true],
    ['of nothing', {}, { conditions: [] }, [], true],
  ];
  for (const [name, status, old, rights, allowed] of cases) {
    it(`${name} ${allowed ? 'is let' : 'is refused'} with the rights [${rights}]`, async () => {
      const { refusal } = await admit(
        asked(csr(MINE, { status }), {
          subresource: 'status',
          oldObject: csr(MINE, { status: old }),
        }),
        rights,
      );
      const text = `${PREFIX} user not permitted to sign requests with signerName "${MINE}"`;
      assert.equal(refusal, allowed ? '' : text);
    });
  }
});

describe('who asks for a certificate', () => {
  const MASTERS = 'CN=me, O=system:masters';
  const masters = (signer: string) =>
    `${PREFIX} use of ${signer} signer with system:masters group is not allowed`;
  const plugin = (signer: string) =>
    `${PREFIX} use of ${signer} signer with the name of a plugin is not allowed`;
  const cases: readonly [string, string, string][] = [
    ['CN=me, O=dev', SIGNERS.client, ''],
    [MASTERS, SIGNERS.client, masters(SIGNERS.client)],
    ['CN=me, O=dev, O=system:masters', SIGNERS.client, masters(SIGNERS.client)],
    [MASTERS, MINE, ''],
    [MASTERS, SIGNERS.legacyUnknown, masters(SIGNERS.legacyUnknown)],
    ['CN=system:plugin:auth.rbac', SIGNERS.client, plugin(SIGNERS.client)],
    ['CN=me, O=system:plugins', SIGNERS.kubeletClient, plugin(SIGNERS.kubeletClient)],
    ['CN=system:plugin:x', SIGNERS.kubeletServing, plugin(SIGNERS.kubeletServing)],
    ['CN=system:plugin:x', SIGNERS.legacyUnknown, plugin(SIGNERS.legacyUnknown)],
    ['CN=system:plugin:x', MINE, ''],
  ];
  for (const [subject, signer, text] of cases) {
    it(`of ${subject} from ${signer} is ${text === '' ? 'let' : 'refused'}`, async () => {
      const { base64 } = await makeCertificateRequest(subject);
      assert.equal((await admit(asked(csr(signer, { request: base64 })))).refusal, text);
    });
  }

  it('that nobody can read is refused', async () => {
    const { refusal } = await admit(asked(csr(SIGNERS.client, { request: 'YQ==' })));
    const why = 'failed to parse CSR: PEM block type must be CERTIFICATE REQUEST';
    assert.equal(refusal, `${PREFIX} ${why}`);
  });
});
