import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { before, it } from 'node:test';
import {
  type CertificateTemplate,
  parseCertificateRequest,
} from '../sdk/certificates/certificates.ts';
import { makeCertificateRequest } from '../sdk/testing/certificates.ts';
import { systemClock } from './clock.ts';
import { openPki, type Pki } from './pki.ts';
import { KernelAuthority } from './pki-authority.ts';

const HOUR_MS = 3_600_000;
const now = systemClock().now();
let pki: Pki;
let authority: KernelAuthority;
let template: CertificateTemplate;

before(async () => {
  pki = await openPki({ hosts: [], clock: systemClock() });
  authority = new KernelAuthority(pki.ca);
  const { request } = await makeCertificateRequest('CN=alice');
  template = {
    subject: [
      { type: '2.5.4.3', value: '#0c0161' },
      { type: '2.5.4.10', value: 'a, O=b\nO=c' },
      { type: '2.5.4.10', value: 'ü' },
    ],
    names: [],
    publicKey: parseCertificateRequest(request).publicKey,
    keyUsage: 5,
    extendedKeyUsage: ['1.3.6.1.5.5.7.3.2'],
    notBefore: now,
    notAfter: now + HOUR_MS,
  };
});

it('KernelAuthority signs what it is told, as it is told', async () => {
  const certificate = new X509Certificate(await authority.sign(template));
  const ca = new X509Certificate(pki.ca.certificate);
  assert.ok(certificate.verify(ca.publicKey));
  assert.ok(certificate.checkIssued(ca));
  assert.equal(certificate.ca, false);
  const { subject, valid_to: end } = certificate.toLegacyObject();
  assert.deepEqual({ ...subject }, { CN: '#0c0161', O: ['a, O=b\nO=c', 'ü'] });
  assert.deepEqual(certificate.keyUsage, ['1.3.6.1.5.5.7.3.2']);
  assert.ok(Math.abs(Date.parse(end) - template.notAfter) <= 1_000);
  const again = new X509Certificate(await authority.sign(template));
  assert.notEqual(again.serialNumber, certificate.serialNumber);
});

it('KernelAuthority says other names', async () => {
  const names = [
    { type: 'dns', value: 'n1' },
    { type: 'ip', value: '2001:db8:0:0:0:0:0:1' },
    { type: 'email', value: 'a@b' },
    { type: 'url', value: 'spiffe://a/b' },
  ] as const;
  const signed = await authority.sign({ ...template, subject: [], names, keyUsage: 0 });
  assert.equal(
    new X509Certificate(signed).subjectAltName,
    'DNS:n1, IP Address:2001:DB8:0:0:0:0:0:1, email:a@b, URI:spiffe://a/b',
  );
});

it('KernelAuthority does not sign beyond its own end', async () => {
  const { validTo } = new X509Certificate(pki.ca.certificate);
  const long = { ...template, notAfter: now + 1e13 };
  assert.equal(new X509Certificate(await authority.sign(long)).validTo, validTo);
  const late = { ...template, notBefore: Date.parse(validTo) };
  await assert.rejects(authority.sign(late), /^Error: the signer has expired: NotAfter=20/);
});

it('KernelAuthority signs no key that is none', async () => {
  await assert.rejects(authority.sign({ ...template, publicKey: new Uint8Array(5) }));
});

it('KernelAuthority shows nothing of its key', () => {
  assert.equal(JSON.stringify(authority), '{}');
  assert.deepEqual(structuredClone(authority), {});
});
