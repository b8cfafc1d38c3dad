import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
} from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** What signatures are checked with. */
export interface VerificationKey {
  /** As kube-apiserver makes it: the hash of the public key. */
  readonly kid: string;
  /** The only one that is believed with this key, whatever a token says. */
  readonly algorithm: Algorithm;
  readonly publicKey: KeyObject;
}

export interface SigningKey extends VerificationKey {
  readonly privateKey: KeyObject;
}

export type Algorithm = 'RS256' | 'ES256' | 'ES384' | 'ES512';

export interface SigningKeyOptions {
  /** Empty: the cluster's own. */
  readonly signingKeyFile: string;
  /** Where that is kept. Empty: nowhere. */
  readonly keyFolder: string;
}

/** Reads the key, or makes one. Rejects with an error that names the file. */
export async function openSigningKey(options: SigningKeyOptions): Promise<SigningKey> {
  const { signingKeyFile, keyFolder } = options;
  if (signingKeyFile !== '') return toSigningKey(await readPem(signingKeyFile), signingKeyFile);
  if (keyFolder === '') return toSigningKey(newKey(), 'a new key');
  const path = join(keyFolder, 'sa.key');
  const kept = await readPem(path).catch(missing);
  if (kept !== undefined) return toSigningKey(kept, path);
  const pem = newKey();
  await mkdir(keyFolder, { recursive: true, mode: 0o700 });
  // Under another name first, so that a half-written key is never read.
  await writeFile(`${path}.new`, pem, { mode: 0o600 });
  await rename(`${path}.new`, path);
  return toSigningKey(pem, path);
}

/** A public key, or the public half of a private one. */
export async function readVerificationKey(file: string): Promise<VerificationKey> {
  const pem = await readPem(file);
  return toVerificationKey(
    parse(() => createPublicKey(pem), file),
    file,
  );
}

/** `file` is for texts. */
export function toSigningKey(pem: string, file: string): SigningKey {
  const privateKey = parse(() => createPrivateKey(pem), file);
  return { ...toVerificationKey(createPublicKey(privateKey), file), privateKey };
}

function toVerificationKey(publicKey: KeyObject, file: string): VerificationKey {
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = publicKey;
  const curve = details?.namedCurve ?? '';
  const algorithm = type === 'rsa' ? 'RS256' : type === 'ec' ? CURVES[curve] : undefined;
  if (algorithm === undefined) {
    throw new Error(
      `Cannot use the key of ${file}: it is ${type} ${curve}, want RSA, P-256, P-384 or P-521`,
    );
  }
  if ((details?.modulusLength ?? RSA_BITS_MIN) < RSA_BITS_MIN) {
    throw new Error(
      `Cannot use the key of ${file}: it has ${details?.modulusLength} bits, want ${RSA_BITS_MIN}`,
    );
  }
  const der = publicKey.export({ type: 'spki', format: 'der' });
  return { kid: createHash('sha256').update(der).digest('base64url'), algorithm, publicKey };
}

/** Elliptic-curve keys are made in a moment, RSA keys in a second perhaps. */
function newKey(): string {
  const { privateKey } = generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  return privateKey;
}

async function readPem(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    throw new Error(`Cannot read the key file ${file}: ${(cause as Error).message}`, { cause });
  }
}

function missing(error: Error): undefined {
  if ((error.cause as NodeJS.ErrnoException | undefined)?.code !== 'ENOENT') throw error;
}

function parse(read: () => KeyObject, file: string): KeyObject {
  try {
    return read();
  } catch (cause) {
    throw new Error(`Cannot use the key of ${file}: it is no PEM of such a key`, { cause });
  }
}

/** OpenSSL's names. */
const CURVES: Readonly<Record<string, Algorithm>> = {
  prime256v1: 'ES256',
  secp384r1: 'ES384',
  secp521r1: 'ES512',
};
/** Less has long been too little (RFC 7518 too demands it). */
const RSA_BITS_MIN = 2_048;
