import { createPublicKey, type KeyObject, verify } from 'node:crypto';
import {
  asciiOf,
  childrenOf,
  type Der,
  expectTag,
  objectIdOf,
  readDer,
  TAG,
  textOf,
} from './der.ts';
import { pemBlocks } from './pem.ts';

/** What a PKCS #10 request asks for. */
export interface CertificateRequest {
  /** In the request's order; attributes that Kubernetes does not keep are left out. */
  readonly subject: readonly SubjectAttribute[];
  /** The last one, as upstream reads it; empty: none. */
  readonly commonName: string;
  readonly organizations: readonly string[];
  /** SubjectPublicKeyInfo, DER. */
  readonly publicKey: Uint8Array;
  readonly dnsNames: readonly string[];
  readonly emailAddresses: readonly string[];
  readonly ipAddresses: readonly string[];
  readonly uris: readonly string[];
}

export interface SubjectAttribute {
  /** Object identifier: `2.5.4.3` is the common name. */
  readonly type: string;
  readonly value: string;
}

/**
 * Reads the first block of a PEM text, and checks that who asks has the key. Throws an `Error` with
 * a text for the client. Costs about as much as verifying a signature.
 */
export function verifyCertificateRequest(pem: string): CertificateRequest {
  return read(pem, true);
}

/** The same without looking at the signature: for what was verified before it was stored. */
export function parseCertificateRequest(pem: string): CertificateRequest {
  return read(pem, false);
}

/** The form that `spec.request` has, base64 of PEM. */
export function decodeRequest(base64: string): string {
  return Buffer.from(base64, 'base64').toString('latin1');
}

function read(pem: string, checksSignature: boolean): CertificateRequest {
  const [block] = pemBlocks(pem);
  if (block?.type !== 'CERTIFICATE REQUEST') {
    throw new Error('PEM block type must be CERTIFICATE REQUEST');
  }
  const [info, algorithm, signature] = childrenOf(readDer(block.bytes, TAG.sequence));
  const [, subject, key, attributes] = childrenOf(expectTag(info, TAG.sequence));
  const publicKey = expectTag(key, TAG.sequence).bytes;
  const signed = { info: expectTag(info, TAG.sequence), algorithm, signature };
  if (checksSignature) checkSignature(signed, keyOf(publicKey));
  const kept = subjectOf(expectTag(subject, TAG.sequence));
  const valuesOf = (type: string) =>
    kept.filter(each => each.type === type).map(each => each.value);
  return {
    subject: kept,
    commonName: valuesOf(COMMON_NAME).at(-1) ?? '',
    organizations: valuesOf(ORGANIZATION),
    publicKey,
    ...alternativeNames(attributes),
  };
}

interface Signed {
  readonly info: Der;
  readonly algorithm: Der | undefined;
  readonly signature: Der | undefined;
}

function keyOf(bytes: Uint8Array): KeyObject {
  try {
    return createPublicKey({ key: Buffer.from(bytes), format: 'der', type: 'spki' });
  } catch (cause) {
    throw new Error('x509: the public key cannot be read', { cause });
  }
}

function checkSignature({ info, algorithm, signature }: Signed, key: KeyObject): void {
  const [type] = childrenOf(expectTag(algorithm, TAG.sequence));
  const known = ALGORITHMS[objectIdOf(type)];
  if (known === undefined || known.key !== key.asymmetricKeyType) {
    throw new Error('x509: cannot verify signature: algorithm unimplemented');
  }
  const [unused, ...bits] = expectTag(signature, TAG.bitString).content;
  const isValid = unused === 0 && verify(known.hash, info.bytes, key, Buffer.from(bits));
  if (!isValid) throw new Error(FAILURES[known.key]);
}

/** Several names of one step are as good as one name a step. */
function subjectOf(name: Der): SubjectAttribute[] {
  const attributes: SubjectAttribute[] = [];
  for (const step of childrenOf(name)) {
    for (const attribute of childrenOf(expectTag(step, TAG.set))) {
      const [id, der] = childrenOf(expectTag(attribute, TAG.sequence));
      const type = objectIdOf(id);
      const value = der && textOf(der);
      if (value !== undefined && KEPT.includes(type)) attributes.push({ type, value });
    }
  }
  return attributes;
}

type Names = Pick<CertificateRequest, 'dnsNames' | 'emailAddresses' | 'ipAddresses' | 'uris'>;

function alternativeNames(attributes: Der | undefined): Names {
  const names = { dnsNames: [], emailAddresses: [], ipAddresses: [], uris: [] } as {
    [K in keyof Names]: string[];
  };
  for (const { tag, content } of generalNames(attributes)) {
    const list = LISTS[tag];
    if (list === 'ipAddresses') names.ipAddresses.push(formatIp(content));
    else if (list !== undefined) names[list].push(asciiOf(content));
  }
  return names;
}

function generalNames(attributes: Der | undefined): Der[] {
  if (attributes === undefined) return [];
  if (attributes.tag !== ATTRIBUTES) throw new Error('asn1: structure error: no attributes');
  const extensions = childrenOf(attributes).flatMap(attribute => {
    const [type, values] = childrenOf(expectTag(attribute, TAG.sequence));
    if (objectIdOf(type) !== EXTENSION_REQUEST) return [];
    return childrenOf(expectTag(values, TAG.set)).flatMap(list =>
      childrenOf(expectTag(list, TAG.sequence)),
    );
  });
  return extensions.flatMap(extension => {
    const [type, ...rest] = childrenOf(expectTag(extension, TAG.sequence));
    if (objectIdOf(type) !== SUBJECT_ALTERNATIVE_NAME) return [];
    const { content } = expectTag(rest.at(-1), TAG.octetString);
    return childrenOf(readDer(content, TAG.sequence));
  });
}

function formatIp(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join('.');
  if (bytes.length !== 16) {
    throw new Error(`x509: cannot parse IP address of length ${bytes.length}`);
  }
  const groups = Array.from(
    { length: 8 },
    (_, i) => (bytes[2 * i] ?? 0) * 256 + (bytes[2 * i + 1] ?? 0),
  );
  return groups.map(group => group.toString(16)).join(':');
}

interface Algorithm {
  readonly key: 'rsa' | 'ec' | 'ed25519';
  /** Null: the algorithm has its own. */
  readonly hash: string | null;
}

/** SHA-1 too: a request is no certificate, and upstream takes it. */
const ALGORITHMS: Readonly<Record<string, Algorithm>> = {
  '1.2.840.113549.1.1.5': { key: 'rsa', hash: 'sha1' },
  '1.2.840.113549.1.1.11': { key: 'rsa', hash: 'sha256' },
  '1.2.840.113549.1.1.12': { key: 'rsa', hash: 'sha384' },
  '1.2.840.113549.1.1.13': { key: 'rsa', hash: 'sha512' },
  '1.2.840.10045.4.1': { key: 'ec', hash: 'sha1' },
  '1.2.840.10045.4.3.2': { key: 'ec', hash: 'sha256' },
  '1.2.840.10045.4.3.3': { key: 'ec', hash: 'sha384' },
  '1.2.840.10045.4.3.4': { key: 'ec', hash: 'sha512' },
  '1.3.101.112': { key: 'ed25519', hash: null },
};

const FAILURES: Readonly<Record<Algorithm['key'], string>> = {
  rsa: 'crypto/rsa: verification error',
  ec: 'x509: ECDSA verification failure',
  ed25519: 'x509: Ed25519 verification failure',
};

const COMMON_NAME = '2.5.4.3';
const ORGANIZATION = '2.5.4.10';
/** Serial number, country, locality, province, street, unit and postal code are kept too. */
const KEPT: readonly string[] = [
  COMMON_NAME,
  ORGANIZATION,
  '2.5.4.5',
  '2.5.4.6',
  '2.5.4.7',
  '2.5.4.8',
  '2.5.4.9',
  '2.5.4.11',
  '2.5.4.17',
];

const ATTRIBUTES = 0xa0;
const EXTENSION_REQUEST = '1.2.840.113549.1.9.14';
const SUBJECT_ALTERNATIVE_NAME = '2.5.29.17';
/** By the tags of GeneralName; the other sorts are not kept. */
const LISTS: Readonly<Record<number, keyof Names>> = {
  129: 'emailAddresses',
  130: 'dnsNames',
  134: 'uris',
  135: 'ipAddresses',
};
