import { createPrivateKey, webcrypto } from 'node:crypto';
import type { AlternativeName } from '../certificates/certificates.ts';

export interface MadeRequest {
  /** PEM. */
  readonly request: string;
  /** The private key, PEM. */
  readonly key: string;
  /** As `spec.request` has it. */
  readonly base64: string;
}

/** A new key and a request for a certificate of it: `CN=alice, O=dev`. */
export async function makeCertificateRequest(
  subject: string,
  names: readonly AlternativeName[] = [],
): Promise<MadeRequest> {
  const x509 = await library();
  const keys = await newKeys();
  const made = await x509.Pkcs10CertificateRequestGenerator.create({
    name: subject,
    keys,
    signingAlgorithm: ALGORITHM,
    extensions: names.length === 0 ? [] : [new x509.SubjectAlternativeNameExtension([...names])],
  });
  const request = `${made.toString('pem')}\n`;
  const base64 = Buffer.from(request).toString('base64');
  return { request, key: await privateKeyOf(keys), base64 };
}

/** What a server on 127.0.0.1 shows, PEM; it is its own authority. */
export async function makeServerCertificate(
  names: readonly string[],
): Promise<{ readonly key: string; readonly certificate: string }> {
  const x509 = await library();
  const keys = await newKeys();
  const made = await x509.X509CertificateGenerator.createSelfSigned({
    name: 'CN=webhook',
    notBefore: new Date('2020-01-01'),
    notAfter: new Date('2120-01-01'),
    signingAlgorithm: ALGORITHM,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true),
      new x509.SubjectAlternativeNameExtension([
        { type: 'ip', value: '127.0.0.1' },
        ...names.map(value => ({ type: 'dns' as const, value })),
      ]),
    ],
  });
  return { key: await privateKeyOf(keys), certificate: made.toString('pem') };
}

/** Some certificate, PEM, that is signed by its own key. Milliseconds since the epoch. */
export async function makeCertificate(
  subject: string,
  validity: { readonly notBefore: number; readonly notAfter: number },
): Promise<string> {
  const x509 = await library();
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: subject,
    notBefore: new Date(validity.notBefore),
    notAfter: new Date(validity.notAfter),
    signingAlgorithm: ALGORITHM,
    keys: await newKeys(),
  });
  return `${certificate.toString('pem')}\n`;
}

/** Loaded when it is needed: most tests have no certificates. */
async function library(): Promise<typeof import('@peculiar/x509')> {
  await import('reflect-metadata');
  const x509 = await import('@peculiar/x509');
  x509.cryptoProvider.set(webcrypto);
  return x509;
}

function newKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
}

async function privateKeyOf({ privateKey }: webcrypto.CryptoKeyPair): Promise<string> {
  const key = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', privateKey));
  const made = createPrivateKey({ key, format: 'der', type: 'pkcs8' });
  return made.export({ type: 'pkcs8', format: 'pem' }).toString();
}

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
