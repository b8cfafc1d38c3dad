import { X509Certificate } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { hostname } from 'node:os';
import { join } from 'node:path';
import type { Clock } from '../sdk/clock.ts';

/** A certificate and its private key, PEM. */
export interface KeyPair {
  readonly certificate: string;
  readonly key: string;
}

/** The keys that a cluster's server and its administrator need. */
export interface Pki {
  readonly ca: KeyPair;
  readonly server: KeyPair;
  readonly admin: KeyPair;
  /** Of its own, so that nobody else can say in whose name he asks. */
  readonly frontProxyCa: KeyPair;
  readonly frontProxyClient: KeyPair;
}

export interface PkiOptions {
  /** Where the keys are kept between runs; absent: they live as long as the process. */
  readonly folder?: string;
  /** Addresses and names, beside the usual ones, that clients may reach the server by. */
  readonly hosts: readonly string[];
  readonly clock: Clock;
}

/**
 * The cluster's keys: those that are kept, as far as they still serve, and new ones for the rest.
 * What the certificate authority signed before stays valid as long as it lives.
 */
export async function openPki(options: PkiOptions): Promise<Pki> {
  const { folder } = options;
  const kept = folder === undefined ? {} : await readPairs(folder);
  const hosts = [...new Set([...USUAL_HOSTS, hostname(), ...options.hosts])];
  const now = options.clock.now();
  const usable = usablePairs(kept, hosts, now);
  if (isWhole(usable)) return usable;
  // Loaded when it is needed: from the second start on there is nothing to sign.
  const { issuePki } = await import('./pki-issuer.ts');
  const pki = await issuePki({ hosts, now, ...usable });
  if (folder !== undefined) await writePairs(folder, pki);
  return pki;
}

type Name = keyof Pki;

/** Those that last for a while, of authorities that do, and the server's for all its names. */
function usablePairs(kept: Partial<Pki>, hosts: readonly string[], now: number): Partial<Pki> {
  const usable: Partial<Record<Name, KeyPair>> = {};
  for (const name of NAMES) {
    const pair = kept[name];
    const signer = SIGNERS[name];
    const ca = signer && usable[signer];
    if (!pair || !outlives(pair, now, signer ? RENEW_MS : RENEW_CA_MS)) continue;
    if (signer && !(ca && isOf(pair, ca))) continue;
    if (name !== 'server' || hosts.every(host => covers(pair, host))) usable[name] = pair;
  }
  return usable;
}

function isWhole(pairs: Partial<Pki>): pairs is Pki {
  return NAMES.every(name => pairs[name] !== undefined);
}

async function readPairs(folder: string): Promise<Partial<Pki>> {
  const pairs: Partial<Record<Name, KeyPair>> = {};
  for (const name of NAMES) {
    try {
      const [certificate, key] = await Promise.all(
        pathsOf(folder, name).map(path => readFile(path, 'utf8')),
      );
      if (certificate && key) pairs[name] = { certificate, key };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }
  return pairs;
}

/** Under another name first, so that a half-written key is never read. */
async function writePairs(folder: string, pki: Pki): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  for (const name of NAMES) {
    const [certificatePath = '', keyPath = ''] = pathsOf(folder, name);
    for (const [path, text] of [
      [keyPath, pki[name].key],
      [certificatePath, pki[name].certificate],
    ] as const) {
      await writeFile(`${path}.new`, text, { mode: 0o600 });
      await rename(`${path}.new`, path);
    }
  }
}

function pathsOf(folder: string, name: Name): string[] {
  const file = FILES[name];
  return [join(folder, `${file}.crt`), join(folder, `${file}.key`)];
}

/** Readable, matching its key, and valid from now for so long. */
function outlives({ certificate, key }: KeyPair, now: number, ms: number): boolean {
  try {
    const { validFrom, validTo } = new X509Certificate(certificate);
    return (
      key.includes('PRIVATE KEY') && Date.parse(validFrom) <= now && Date.parse(validTo) > now + ms
    );
  } catch {
    return false;
  }
}

function isOf(pair: KeyPair, ca: KeyPair): boolean {
  return new X509Certificate(pair.certificate).verify(
    new X509Certificate(ca.certificate).publicKey,
  );
}

function covers({ certificate }: KeyPair, host: string): boolean {
  const x509 = new X509Certificate(certificate);
  return (isIP(host) ? x509.checkIP(host) : x509.checkHost(host)) !== undefined;
}

/** Authorities before what they sign. */
const NAMES = ['ca', 'server', 'admin', 'frontProxyCa', 'frontProxyClient'] as const;

const SIGNERS: Readonly<Partial<Record<Name, Name>>> = {
  server: 'ca',
  admin: 'ca',
  frontProxyClient: 'frontProxyCa',
};

/** As kubeadm calls them. */
const FILES: Readonly<Record<Name, string>> = {
  ca: 'ca',
  server: 'apiserver',
  admin: 'admin',
  frontProxyCa: 'front-proxy-ca',
  frontProxyClient: 'front-proxy-client',
};

/** How clients on the machine and in pods know the server. */
const USUAL_HOSTS = [
  '127.0.0.1',
  '::1',
  'localhost',
  'kubernetes',
  'kubernetes.default',
  'kubernetes.default.svc',
  'kubernetes.default.svc.cluster.local',
];

const DAY_MS = 24 * 60 * 60 * 1_000;
/** A server may well run for a month without a restart. */
const RENEW_MS = 30 * DAY_MS;
/** A CA must outlive what it signs. */
const RENEW_CA_MS = 400 * DAY_MS;
