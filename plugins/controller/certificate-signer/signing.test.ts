import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type CertificateSigningRequest, type CertificateTemplate, SIGNERS } from 'kernetes/sdk';
import { makeCertificateRequest } from 'kernetes/sdk/testing';
import { decide } from './signing.ts';

type Request = CertificateSigningRequest;
type Spec = Request['spec'];

const NODE = 'CN=system:node:n1, O=system:nodes';
const DNS = [{ type: 'dns', value: 'n1' }] as const;
const alice = await makeCertificateRequest('CN=alice, O=dev');
const client = await makeCertificateRequest(NODE);
const serving = await makeCertificateRequest(NODE, DNS);

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;
const NOW = 1_000 * DAY_MS;
const OPTIONS = { now: NOW, durationMs: 365 * DAY_MS };
const CLIENT = ['digital signature', 'key encipherment', 'client auth'];
const SERVER = ['digital signature', 'key encipherment', 'server auth'];

function csr(spec: Partial<Spec> = {}, types: readonly string[] = ['Approved']): Request {
  const conditions = types.map(type => ({ type, status: 'True' }));
  return {
    metadata: { name: 'a' },
    spec: { request: alice.base64, signerName: SIGNERS.client, usages: CLIENT, ...spec },
    status: { conditions },
  };
}

function templateOf(request: Request): CertificateTemplate {
  const decision = decide(request, OPTIONS);
  assert.ok(decision && 'template' in decision, JSON.stringify(decision));
  return decision.template;
}

describe('decide() leaves alone', () => {
  const signed = csr();
  const cases: readonly [string, Request][] = [
    ['what nobody approved', csr({}, [])],
    ['what was denied', csr({}, ['Denied'])],
    ['what v1beta1 let be both', csr({}, ['Approved', 'Denied'])],
    ['what failed', csr({}, ['Approved', 'Failed'])],
    ['what is signed', { ...signed, status: { ...signed.status, certificate: 'YQ==' } }],
    ['what is somebody else’s to sign', csr({ signerName: 'example.com/mine' })],
  ];
  for (const [name, request] of cases) {
    it(name, () => assert.equal(decide(request, OPTIONS), undefined));
  }
});

describe('decide() fails', () => {
  const kubelet = { signerName: SIGNERS.kubeletClient, request: client.base64 };
  const server = { signerName: SIGNERS.kubeletServing, request: serving.base64, usages: SERVER };
  const cases: readonly [string, Partial<Spec>, string][] = [
    [
      'a server that wants to be a client',
      { usages: [...CLIENT, 'server auth'] },
      'invalid usage for client certificate: server auth',
    ],
    [
      'a client that wants nothing',
      { usages: ['digital signature'] },
      'missing required usage for client certificate: client auth',
    ],
    [
      'a kubelet that is none',
      { ...kubelet, request: alice.base64 },
      'subject organization is not system:nodes',
    ],
    [
      'a kubelet with names',
      { ...kubelet, request: serving.base64 },
      'DNS subjectAltNames are not allowed',
    ],
    [
      'a kubelet’s server without names',
      { ...server, request: client.base64 },
      'DNS or IP subjectAltName is required',
    ],
    [
      'a kubelet’s server that wants to be a client',
      { ...server, usages: CLIENT },
      'usages did not match [digital signature key encipherment server auth]',
    ],
    [
      'a usage that nobody knows',
      { signerName: SIGNERS.legacyUnknown, usages: ['any', 'fun', 'constructor'] },
      'unrecognized usage values: ["fun" "constructor"]',
    ],
  ];
  for (const [name, spec, message] of cases) {
    it(name, () => {
      const reason = 'SignerValidationFailure';
      const failed = { type: 'Failed', status: 'True', reason, message };
      assert.deepEqual(decide(csr(spec), OPTIONS), { failed });
    });
  }
});

describe('decide() signs', () => {
  const [CLIENT_AUTH, SERVER_AUTH] = ['1.3.6.1.5.5.7.3.2', '1.3.6.1.5.5.7.3.1'];
  const cases: readonly [string, Partial<Spec>, object][] = [
    ['a client', {}, { keyUsage: 5, extendedKeyUsage: [CLIENT_AUTH], names: [] }],
    [
      'a kubelet',
      {
        signerName: SIGNERS.kubeletClient,
        request: client.base64,
        usages: ['client auth', 'digital signature'],
      },
      { keyUsage: 1, extendedKeyUsage: [CLIENT_AUTH], names: [] },
    ],
    [
      'a kubelet’s server',
      { signerName: SIGNERS.kubeletServing, request: serving.base64, usages: SERVER },
      { keyUsage: 5, extendedKeyUsage: [SERVER_AUTH], names: [...DNS] },
    ],
    [
      'what was always signed',
      { signerName: SIGNERS.legacyUnknown, usages: ['signing', 'email protection', 's/mime'] },
      { keyUsage: 1, extendedKeyUsage: ['1.3.6.1.5.5.7.3.4'], names: [] },
    ],
  ];
  for (const [name, spec, wanted] of cases) {
    it(name, () => {
      const { keyUsage, extendedKeyUsage, names } = templateOf(csr(spec));
      assert.deepEqual({ keyUsage, extendedKeyUsage, names }, wanted);
    });
  }

  it('for the subject and key that were asked for', () => {
    const { subject, publicKey } = templateOf(csr());
    assert.deepEqual(subject, [
      { type: '2.5.4.3', value: 'alice' },
      { type: '2.5.4.10', value: 'dev' },
    ]);
    assert.ok(
      Buffer.from(alice.request.split('-----')[2] ?? '', 'base64').includes(Buffer.from(publicKey)),
    );
  });

  const lives: readonly [number | undefined, number][] = [
    [undefined, 365 * DAY_MS - 5 * MINUTE_MS],
    [600, 10 * MINUTE_MS],
    [60, 10 * MINUTE_MS],
    [3_600, 60 * MINUTE_MS],
    [28_800, 475 * MINUTE_MS],
    [86_400, DAY_MS - 5 * MINUTE_MS],
    [2 ** 31 - 1, 365 * DAY_MS - 5 * MINUTE_MS],
  ];
  for (const [expirationSeconds, lifeMs] of lives) {
    it(`for ${lifeMs / MINUTE_MS} minutes when ${expirationSeconds} seconds are asked`, () => {
      const spec = expirationSeconds === undefined ? {} : { expirationSeconds };
      const { notBefore, notAfter } = templateOf(csr(spec));
      assert.deepEqual([notBefore, notAfter], [NOW - 5 * MINUTE_MS, NOW + lifeMs]);
    });
  }
});
