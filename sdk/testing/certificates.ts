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
  const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey));
  const key = createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' });
  const request = `${made.toString('pem')}\n`;
  return {
    request,
    key: key.export({ type: 'pkcs8', format: 'pem' }).toString(),
    base64: Buffer.from(request).toString('base64'),
  };
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

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
