import 'reflect-metadata';
import { createPrivateKey, webcrypto } from 'node:crypto';
import { isIP } from 'node:net';
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  cryptoProvider,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  type Extension,
  KeyUsageFlags,
  KeyUsagesExtension,
  Name,
  PublicKey,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509';
import type { CertificateTemplate } from '../sdk/certificates/certificates.ts';
import { FRONT_PROXY_NAME } from '../sdk/front-proxy.ts';
import type { KeyPair, Pki } from './pki.ts';

/** With what is kept of the pairs; what is absent is made. */
export interface IssueOptions extends Partial<Pki> {
  /** Every name and address that the server's certificate is for. */
  readonly hosts: readonly string[];
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/** Signs what a cluster lacks, with elliptic-curve keys. */
export async function issuePki({ hosts, now, ...kept }: IssueOptions): Promise<Pki> {
  cryptoProvider.set(webcrypto);
  const [authority, proxies] = await Promise.all([
    openAuthority(AUTHORITY, now, kept.ca),
    openAuthority(FRONT_PROXY_AUTHORITY, now, kept.frontProxyCa),
  ]);
  const [server, admin, frontProxyClient] = await Promise.all([
    kept.server ?? issue(authority, now, serverOf(hosts)),
    kept.admin ?? issue(authority, now, ADMIN),
    kept.frontProxyClient ?? issue(proxies, now, FRONT_PROXY_CLIENT),
  ]);
  return { ca: authority.pair, server, admin, frontProxyCa: proxies.pair, frontProxyClient };
}

function serverOf(hosts: readonly string[]): Leaf {
  const names = hosts.map(value => ({ type: isIP(value) ? 'ip' : 'dns', value }) as const);
  return {
    subject: 'CN=kube-apiserver',
    usage: ExtendedKeyUsage.serverAuth,
    extensions: [new SubjectAlternativeNameExtension(names)],
  };
}

/** Signs what somebody else's key is in; see `CertificateAuthority`. */
export type Sign = (template: CertificateTemplate) => Promise<string>;

export async function openSigner(ca: KeyPair): Promise<Sign> {
  cryptoProvider.set(webcrypto);
  const keys = await readKeys(ca);
  const { subjectName, notAfter } = new X509Certificate(ca.certificate);
  const identifier = await AuthorityKeyIdentifierExtension.create(keys.publicKey);
  return async template => {
    if (template.notBefore >= notAfter.getTime()) {
      throw new Error(`the signer has expired: NotAfter=${notAfter.toISOString()}`);
    }
    const certificate = await X509CertificateGenerator.create({
      serialNumber: serialNumber(),
      issuer: subjectName,
      // As objects: of a text, one that begins with "#" would be read as encoded.
      subject: new Name(
        template.subject.map(({ type, value }) => ({ [type]: [{ utf8String: value }] })),
      ),
      notBefore: new Date(template.notBefore),
      notAfter: new Date(Math.min(template.notAfter, notAfter.getTime())),
      signingAlgorithm: SIGNATURE,
      publicKey: new PublicKey(template.publicKey),
      signingKey: keys.privateKey,
      extensions: [...extensionsOf(template), identifier],
    });
    return certificate.toString('pem');
  };
}

function extensionsOf(template: CertificateTemplate): Extension[] {
  const { subject, names, keyUsage, extendedKeyUsage } = template;
  const extensions: Extension[] = [new BasicConstraintsExtension(false, undefined, true)];
  if (keyUsage !== 0) extensions.push(new KeyUsagesExtension(keyUsage, true));
  if (extendedKeyUsage.length > 0) {
    extensions.push(new ExtendedKeyUsageExtension([...extendedKeyUsage]));
  }
  if (names.length > 0) {
    extensions.push(new SubjectAlternativeNameExtension([...names], subject.length === 0));
  }
  return extensions;
}

interface Authority {
  readonly name: string;
  readonly pair: KeyPair;
  readonly keys: CryptoKeyPair;
}

interface Leaf {
  readonly subject: string;
  readonly usage: ExtendedKeyUsage;
  readonly extensions: readonly Extension[];
}

async function openAuthority(name: string, now: number, kept?: KeyPair): Promise<Authority> {
  return kept ? { name, pair: kept, keys: await readKeys(kept) } : newAuthority(name, now);
}

async function newAuthority(name: string, now: number): Promise<Authority> {
  const keys = await generateKeys();
  const certificate = await X509CertificateGenerator.createSelfSigned({
    serialNumber: serialNumber(),
    name,
    notBefore: new Date(now - CLOCK_SKEW_MS),
    notAfter: new Date(now + CA_LIFE_MS),
    signingAlgorithm: SIGNATURE,
    keys,
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  const pair = { certificate: certificate.toString('pem'), key: await toPem(keys.privateKey) };
  return { name, pair, keys };
}

async function readKeys(pair: KeyPair): Promise<CryptoKeyPair> {
  const der = createPrivateKey(pair.key).export({ type: 'pkcs8', format: 'der' });
  const { subtle } = webcrypto;
  const privateKey = await subtle.importKey('pkcs8', der, KEYS, true, ['sign']);
  const { kty, crv, x, y } = await subtle.exportKey('jwk', privateKey);
  const open = Object.fromEntries(Object.entries({ kty, crv, x, y }).filter(([, value]) => value));
  const publicKey = await subtle.importKey('jwk', open, KEYS, true, ['verify']);
  return { privateKey, publicKey };
}

async function issue(authority: Authority, now: number, leaf: Leaf): Promise<KeyPair> {
  const keys = await generateKeys();
  const certificate = await X509CertificateGenerator.create({
    serialNumber: serialNumber(),
    issuer: authority.name,
    subject: leaf.subject,
    notBefore: new Date(now - CLOCK_SKEW_MS),
    notAfter: new Date(now + LEAF_LIFE_MS),
    signingAlgorithm: SIGNATURE,
    publicKey: keys.publicKey,
    signingKey: authority.keys.privateKey,
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new ExtendedKeyUsageExtension([leaf.usage]),
      await AuthorityKeyIdentifierExtension.create(authority.keys.publicKey),
      ...leaf.extensions,
    ],
  });
  return { certificate: certificate.toString('pem'), key: await toPem(keys.privateKey) };
}

function generateKeys(): Promise<CryptoKeyPair> {
  return webcrypto.subtle.generateKey(KEYS, true, ['sign', 'verify']);
}

async function toPem(key: webcrypto.CryptoKey): Promise<string> {
  const der = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', key));
  return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
    .export({ type: 'pkcs8', format: 'pem' })
    .toString();
}

/** 20 bytes at most, positive and not zero (RFC 5280). */
function serialNumber(): string {
  const bytes = webcrypto.getRandomValues(new Uint8Array(16));
  return `01${Buffer.from(bytes).toString('hex')}`;
}

type CryptoKeyPair = webcrypto.CryptoKeyPair;

const AUTHORITY = 'CN=kubernetes';
const FRONT_PROXY_AUTHORITY = 'CN=front-proxy-ca';
const FRONT_PROXY_CLIENT: Leaf = {
  subject: `CN=${FRONT_PROXY_NAME}`,
  usage: ExtendedKeyUsage.clientAuth,
  extensions: [],
};
const ADMIN: Leaf = {
  subject: 'CN=kubernetes-admin,O=system:masters',
  usage: ExtendedKeyUsage.clientAuth,
  extensions: [],
};

const KEYS = { name: 'ECDSA', namedCurve: 'P-256' };
const SIGNATURE = { name: 'ECDSA', hash: 'SHA-256' };

const DAY_MS = 24 * 60 * 60 * 1_000;
/** As kubeadm's. */
const CA_LIFE_MS = 3_650 * DAY_MS;
const LEAF_LIFE_MS = 365 * DAY_MS;
/** A client whose clock is a little behind is served too. */
const CLOCK_SKEW_MS = 5 * 60 * 1_000;
