import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { openSigningKey, readVerificationKey } from './signing-key.ts';

const FOLDER = await mkdtemp(join(tmpdir(), 'keys-'));
after(() => rm(FOLDER, { recursive: true }));

describe('openSigningKey()', () => {
  it('makes a key of its own each time where none is kept', async () => {
    const options = { signingKeyFile: '', keyFolder: '' };
    const [one, other] = [await openSigningKey(options), await openSigningKey(options)];
    assert.notEqual(one.kid, other.kid);
  });

  it('keeps its key for nobody else to read, and finds it again', async () => {
    const options = { signingKeyFile: '', keyFolder: join(FOLDER, 'pki') };
    const one = await openSigningKey(options);
    assert.equal((await stat(join(FOLDER, 'pki/sa.key'))).mode & 0o777, 0o600);
    assert.deepEqual(await readdir(join(FOLDER, 'pki')), ['sa.key']);
    assert.equal((await openSigningKey(options)).kid, one.kid);
  });

  const pem = { type: 'pkcs8', format: 'pem' } as const;
  const files: { name: string; text: string; says: RegExp }[] = [
    {
      name: 'no key',
      text: 'hello',
      says: /Cannot use the key of \S+: it is no PEM of such a key/,
    },
    {
      name: 'a key that cannot sign so',
      text: generateKeyPairSync('ed25519').privateKey.export(pem).toString(),
      says: /it is ed25519 , want RSA, P-256, P-384 or P-521/,
    },
    {
      name: 'an unusual curve',
      text: generateKeyPairSync('ec', { namedCurve: 'secp256k1' })
        .privateKey.export(pem)
        .toString(),
      says: /it is ec secp256k1, want/,
    },
    {
      name: 'a short RSA key',
      text: generateKeyPairSync('rsa', { modulusLength: 1_024 }).privateKey.export(pem).toString(),
      says: /it has 1024 bits, want 2048/,
    },
  ];
  for (const { name, text, says } of files) {
    it(`refuses ${name}`, async () => {
      const signingKeyFile = join(FOLDER, 'own.key');
      await writeFile(signingKeyFile, text);
      await assert.rejects(openSigningKey({ signingKeyFile, keyFolder: '' }), says);
    });
  }

  it('names a file that is not there', async () => {
    const signingKeyFile = join(FOLDER, 'none');
    const says = /Cannot read the key file \S+none: ENOENT/;
    await assert.rejects(openSigningKey({ signingKeyFile, keyFolder: '' }), says);
    await assert.rejects(readVerificationKey(signingKeyFile), says);
  });

  it('has the same id as the public half', async () => {
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-384' });
    const [signingKeyFile, file] = [join(FOLDER, 'a.key'), join(FOLDER, 'a.pub')];
    await writeFile(signingKeyFile, privateKey.export(pem));
    await writeFile(file, publicKey.export({ type: 'spki', format: 'pem' }));
    const key = await openSigningKey({ signingKeyFile, keyFolder: '' });
    const verification = await readVerificationKey(file);
    assert.deepEqual([verification.kid, verification.algorithm], [key.kid, 'ES384']);
  });
});
