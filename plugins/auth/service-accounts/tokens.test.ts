import assert from 'node:assert/strict';
import { createHmac, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { describe, it } from 'node:test';
import { ApiError, Node, Pod, Secret, ServiceAccount } from 'kernetes/sdk';
import { fakeClock, TestKernel, testContext } from 'kernetes/sdk/testing';
import { legacyClaims, type TokenClaims } from './claims.ts';
import { signJwt } from './jwt.ts';
import { openSigningKey, type SigningKey, toSigningKey } from './signing-key.ts';
import { Tokens } from './tokens.ts';

const ISSUER = 'https://kubernetes.default.svc.cluster.local';
const SUB = 'system:serviceaccount:default:robot';
const SIGNATURE = 'invalid signature';
const CLAIMS = 'service account token claims could not be validated';
const KEY = await openSigningKey({ signingKeyFile: '', keyFolder: '' });
const OTHER = await openSigningKey({ signingKeyFile: '', keyFolder: '' });

/** A cluster with one account and things to bind to, and who looks at tokens there. */
function setUp(keys: readonly SigningKey[] = [KEY]) {
  const clock = fakeClock();
  const kernel = new TestKernel({ clock });
  const place = { namespace: 'default' };
  const [account] = kernel.add(ServiceAccount, { metadata: { name: 'robot', ...place } });
  const [pod] = kernel.add(Pod, { metadata: { name: 'web', ...place } });
  const [secret] = kernel.add(Secret, { metadata: { name: 'box', ...place } });
  const [node] = kernel.add(Node, { metadata: { name: 'n1' } });
  assert.ok(account && pod && secret && node);
  const { context } = testContext({ kernel, clock });
  const tokens = new Tokens({
    issuer: ISSUER,
    apiAudiences: [ISSUER],
    keys,
    clock,
    objects: context.objects,
  });
  const now = Math.floor(clock.now() / 1_000);
  const robot = { name: 'robot', uid: account.metadata.uid ?? '' };
  const claims = (change: object = {}, bound: object = {}): TokenClaims =>
    ({
      aud: [ISSUER],
      exp: now + 3_600,
      iat: now,
      iss: ISSUER,
      jti: 'j',
      'kubernetes.io': { namespace: 'default', serviceaccount: robot, ...bound },
      nbf: now,
      sub: SUB,
      ...change,
    }) as TokenClaims;
  const refs = {
    pod: { name: 'web', uid: pod.metadata.uid ?? '' },
    secret: { name: 'box', uid: secret.metadata.uid ?? '' },
    node: { name: 'n1', uid: node.metadata.uid ?? '' },
  };
  return { clock, kernel, tokens, claims, refs, now, account };
}

type Setup = ReturnType<typeof setUp>;

async function verdict({ tokens }: Setup, token: string, audiences?: readonly string[]) {
  try {
    const user = await tokens.authenticate(token, audiences);
    return user === undefined ? 'not ours' : user.name;
  } catch (error) {
    assert.ok(ApiError.is(error, 'Unauthorized'), String(error));
    assert.equal(error.message, 'Unauthorized', 'the client is told no more');
    return (error.cause as Error).message;
  }
}

/** A token made of parts, with a signature of somebody's choice. */
function compact(header: object, claims: object, sign: (signed: string) => string): string {
  const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url');
  const signed = `${encode(header)}.${encode(claims)}`;
  return `${signed}.${sign(signed)}`;
}

const hmac = (secret: string | Buffer) => (signed: string) =>
  createHmac('sha256', secret).update(signed).digest('base64url');
const pemOf = (key: KeyObject) => key.export({ type: 'spki', format: 'pem' });

describe('Tokens', () => {
  it('tells the account, its groups, and what the token is bound to', async () => {
    const setup = setUp();
    const { claims, refs } = setup;
    const user = await setup.tokens.authenticate(
      signJwt(claims({}, { pod: refs.pod, node: refs.node }), KEY),
    );
    assert.deepEqual(user, {
      name: SUB,
      uid: claims()['kubernetes.io'].serviceaccount.uid,
      groups: ['system:serviceaccounts', 'system:serviceaccounts:default', 'system:authenticated'],
      extra: {
        'authentication.kubernetes.io/credential-id': ['JTI=j'],
        'authentication.kubernetes.io/node-name': ['n1'],
        'authentication.kubernetes.io/node-uid': [refs.node.uid],
        'authentication.kubernetes.io/pod-name': ['web'],
        'authentication.kubernetes.io/pod-uid': [refs.pod.uid],
      },
      audiences: [ISSUER],
    });
  });

  const forged: { name: string; token: (setup: Setup) => string; says: string | RegExp }[] = [
    { name: 'nothing', token: () => '', says: 'not ours' },
    { name: 'two parts', token: ({ claims }) => cut(signJwt(claims(), KEY)), says: 'not ours' },
    { name: 'a part that is no JSON', token: () => 'e30.eA.e30', says: 'not ours' },
    {
      name: 'another issuer',
      token: ({ claims }) => signJwt(claims({ iss: 'https://else.where' }), KEY),
      says: 'not ours',
    },
    { name: 'another key', token: ({ claims }) => signJwt(claims(), OTHER), says: SIGNATURE },
    {
      name: 'another key under our kid',
      token: ({ claims }) => signJwt(claims(), { ...OTHER, kid: KEY.kid }),
      says: SIGNATURE,
    },
    {
      name: 'our key under a wrong kid',
      token: ({ claims }) => signJwt(claims(), { ...KEY, kid: OTHER.kid }),
      says: SIGNATURE,
    },
    {
      name: 'alg none',
      token: ({ claims }) => compact({ alg: 'none', kid: KEY.kid }, claims(), () => 'AA'),
      says: SIGNATURE,
    },
    {
      name: 'alg none without a signature',
      token: ({ claims }) => compact({ alg: 'none' }, claims(), () => ''),
      says: 'not ours',
    },
    {
      name: 'an HMAC by the public key',
      token: ({ claims }) =>
        compact({ alg: 'HS256', kid: KEY.kid }, claims(), hmac(pemOf(KEY.publicKey))),
      says: SIGNATURE,
    },
    {
      name: 'an HMAC that is said to be ours',
      token: ({ claims }) =>
        compact({ alg: 'ES256', kid: KEY.kid }, claims(), hmac(pemOf(KEY.publicKey))),
      says: SIGNATURE,
    },
    {
      name: 'a signature that says another algorithm',
      token: ({ claims }) => signJwt(claims(), KEY).replace(/^[^.]+/, headerOf({ alg: 'RS256' })),
      says: SIGNATURE,
    },
    {
      name: 'an extension that must be understood',
      token: ({ claims }) =>
        signJwt(claims(), KEY).replace(/^[^.]+/, headerOf({ alg: 'ES256', crit: ['x'] })),
      says: SIGNATURE,
    },
    {
      name: 'a key that the token brings itself',
      token: ({ claims }) =>
        compact(
          { alg: 'ES256', jwk: createPublicKey(pemOf(OTHER.publicKey)).export({ format: 'jwk' }) },
          claims(),
          signed => signJwt({}, OTHER).slice(signed.length ? -86 : 0),
        ),
      says: SIGNATURE,
    },
    {
      name: 'a truncated signature',
      token: ({ claims }) => signJwt(claims(), KEY).slice(0, -8),
      says: SIGNATURE,
    },
    {
      name: 'claims that were changed',
      token: ({ claims }) => {
        const [header, , signature] = signJwt(claims(), KEY).split('.');
        const changed = Buffer.from(JSON.stringify(claims({ jti: 'k' }))).toString('base64url');
        return `${header}.${changed}.${signature}`;
      },
      says: SIGNATURE,
    },
    {
      name: 'no end',
      token: ({ claims }) => signJwt(claims({ exp: undefined }), KEY),
      says: CLAIMS,
    },
    {
      name: 'a subject that is not the account',
      token: ({ claims }) => signJwt(claims({ sub: 'system:serviceaccount:default:boss' }), KEY),
      says: CLAIMS,
    },
    {
      name: 'no account',
      token: ({ claims }) => signJwt(claims({ 'kubernetes.io': {} }), KEY),
      says: CLAIMS,
    },
    {
      name: 'an account without uid',
      token: ({ claims }) => signJwt(claims({}, { serviceaccount: { name: 'robot' } }), KEY),
      says: CLAIMS,
    },
    {
      name: 'a binding that cannot be read',
      token: ({ claims }) => signJwt(claims({}, { pod: 'web' }), KEY),
      says: CLAIMS,
    },
    {
      name: 'a beginning that is to come',
      token: ({ claims, now }) => signJwt(claims({ nbf: now + 61 }), KEY),
      says: 'service account token is not valid yet',
    },
    {
      name: 'a making that is to come',
      token: ({ claims, now }) => signJwt(claims({ iat: now + 61 }), KEY),
      says: 'service account token is not valid yet',
    },
    {
      name: 'an end that was',
      token: ({ claims, now }) => signJwt(claims({ exp: now - 61 }), KEY),
      says: 'service account token has expired',
    },
    {
      name: 'another audience',
      token: ({ claims }) => signJwt(claims({ aud: ['vault'] }), KEY),
      says: `token audiences ["vault"] is invalid for the target audiences ["${ISSUER}"]`,
    },
    {
      name: 'no audience',
      token: ({ claims }) => signJwt(claims({ aud: [] }), KEY),
      says: /^token audiences \[\] is invalid/,
    },
    {
      name: 'an account that never was',
      token: ({ claims }) => {
        const serviceaccount = { name: 'ghost', uid: 'u' };
        const sub = 'system:serviceaccount:default:ghost';
        return signJwt(claims({ sub }, { serviceaccount }), KEY);
      },
      says: 'serviceaccounts "ghost" not found',
    },
    {
      name: 'the uid of another account',
      token: ({ claims }) =>
        signJwt(claims({}, { serviceaccount: { name: 'robot', uid: 'old' } }), KEY),
      says: /^service account UID \(.+\) does not match claim \(old\)$/,
    },
    {
      name: 'the uid of another pod',
      token: ({ claims }) => signJwt(claims({}, { pod: { name: 'web', uid: 'old' } }), KEY),
      says: /UID .* does not match the claim \(old\)$/,
    },
    {
      name: 'a node without uid',
      token: ({ claims }) => signJwt(claims({}, { node: { name: 'n1' } }), KEY),
      says: /UID .* does not match the claim \(\)$/,
    },
  ];
  for (const { name, token, says } of forged) {
    it(`refuses ${name}`, async () => {
      const setup = setUp();
      const given = token(setup);
      for (const time of ['first', 'second']) {
        const said = await verdict(setup, given);
        if (typeof says === 'string') assert.equal(said, says, time);
        else assert.match(said, says, time);
      }
    });
  }

  it('believes a minute to either side of its times', async () => {
    const setup = setUp();
    const { claims, now } = setup;
    for (const change of [{ nbf: now + 60 }, { exp: now - 60 }]) {
      assert.equal(await verdict(setup, signJwt(claims(change), KEY)), SUB);
    }
  });

  it('asks for the time again when the signature is known', async () => {
    const setup = setUp();
    const token = signJwt(setup.claims(), KEY);
    assert.equal(await verdict(setup, token), SUB);
    await setup.clock.step(3_660_000);
    assert.equal(await verdict(setup, token), SUB);
    await setup.clock.step(1_000);
    assert.equal(await verdict(setup, token), 'service account token has expired');
  });

  it('asks for the audience again when the signature is known', async () => {
    const setup = setUp();
    const token = signJwt(setup.claims({ aud: ['vault', 'a'] }), KEY);
    assert.equal(await verdict(setup, token, ['vault', 'other']), SUB);
    const user = await setup.tokens.authenticate(token, ['vault', 'other']);
    assert.deepEqual(user?.audiences, ['vault']);
    assert.match(await verdict(setup, token), /^token audiences \["vault" "a"\] is invalid/);
  });

  const gone: { kind: 'account' | 'pod' | 'secret' | 'node'; says: string }[] = [
    { kind: 'account', says: 'serviceaccounts "robot" not found' },
    { kind: 'pod', says: 'service account token has been invalidated' },
    { kind: 'secret', says: 'service account token has been invalidated' },
    { kind: 'node', says: 'service account token has been invalidated' },
  ];
  for (const { kind, says } of gone) {
    it(`refuses a token whose ${kind} is deleted, and after it was made again`, async () => {
      const setup = setUp();
      const { kernel, claims, refs } = setup;
      const bound = kind === 'account' ? {} : { [kind]: refs[kind] };
      const token = signJwt(claims({}, bound), KEY);
      assert.equal(await verdict(setup, token), SUB);
      const [type, key] = {
        account: [ServiceAccount, { namespace: 'default', name: 'robot' }] as const,
        pod: [Pod, { namespace: 'default', name: 'web' }] as const,
        secret: [Secret, { namespace: 'default', name: 'box' }] as const,
        node: [Node, { name: 'n1' }] as const,
      }[kind];
      await kernel.objects.delete<Pod>(type as typeof Pod, key);
      assert.equal(await verdict(setup, token), says);
      kernel.add<Pod>(type as typeof Pod, { metadata: { ...key } });
      assert.match(await verdict(setup, token), /UID .* does not match/);
    });
  }

  it('gives what is being deleted its grace, and a minute', async () => {
    const setup = setUp();
    const { clock, kernel, claims, refs } = setup;
    const token = signJwt(claims({}, { pod: refs.pod }), KEY);
    kernel.modify(Pod, 'default/web', ({ metadata }) => {
      metadata.finalizers = ['test/keep'];
      metadata.deletionTimestamp = new Date(clock.now() + 30_000).toISOString();
    });
    await clock.step(90_000);
    assert.equal(await verdict(setup, token), SUB);
    await clock.step(1_000);
    assert.equal(await verdict(setup, token), 'service account token has been invalidated');
  });

  it('does not ask after the node of a token that is bound to a pod', async () => {
    const setup = setUp();
    const { kernel, claims, refs } = setup;
    const token = signJwt(claims({}, { pod: refs.pod, node: refs.node }), KEY);
    await kernel.objects.delete(Node, { name: 'n1' });
    assert.equal(await verdict(setup, token), SUB);
  });

  it('passes on that it could not look', async () => {
    const setup = setUp();
    setup.kernel.fault = () => new ApiError({ message: 'x', reason: 'Timeout', code: 504 });
    const asked = setup.tokens.authenticate(signJwt(setup.claims(), KEY));
    await assert.rejects(asked, error => ApiError.is(error, 'Timeout'));
  });

  it('believes keys of before, of each algorithm, with and without a kid', async () => {
    const keys = [rsa(), curve('P-256'), curve('P-384'), curve('P-521')];
    const setup = setUp(keys);
    for (const key of keys) {
      const token = signJwt(setup.claims(), key);
      assert.equal(await verdict(setup, token), SUB, key.algorithm);
      const confused = compact(
        { alg: 'HS256', kid: key.kid },
        setup.claims(),
        hmac(pemOf(key.publicKey)),
      );
      assert.equal(await verdict(setup, confused), SIGNATURE, key.algorithm);
    }
  });
});

describe('Tokens of Secrets', () => {
  function keep(setup: Setup): string {
    const token = signJwt(legacyClaims(setup.account, 'box', SUB), KEY);
    setup.kernel.modify(Secret, 'default/box', secret => {
      secret.data = { token: Buffer.from(token).toString('base64') };
    });
    return token;
  }

  it('are good for the API server as long as the Secret holds them', async () => {
    const setup = setUp();
    const token = keep(setup);
    const user = await setup.tokens.authenticate(token);
    assert.deepEqual([user?.name, user?.extra, user?.audiences], [SUB, undefined, [ISSUER]]);
    assert.match(await verdict(setup, token, ['vault']), /is invalid for the target audiences/);
  });

  const ends: { name: string; end: (setup: Setup) => unknown; says: string | RegExp }[] = [
    {
      name: 'the Secret is deleted',
      end: ({ kernel }) => kernel.objects.delete(Secret, { namespace: 'default', name: 'box' }),
      says: 'Token has been invalidated',
    },
    {
      name: 'the Secret is being deleted',
      end: ({ kernel }) =>
        kernel.modify(Secret, 'default/box', ({ metadata }) => {
          metadata.finalizers = ['test/keep'];
          metadata.deletionTimestamp = '2100-01-01T00:00:00Z';
        }),
      says: 'Token has been invalidated',
    },
    {
      name: 'the Secret holds another',
      end: ({ kernel }) =>
        kernel.modify(Secret, 'default/box', secret => {
          secret.data = { token: btoa('other') };
        }),
      says: "Token does not match server's copy",
    },
    {
      name: 'the Secret holds none',
      end: ({ kernel }) =>
        kernel.modify(Secret, 'default/box', secret => {
          secret.data = {};
        }),
      says: "Token does not match server's copy",
    },
    {
      name: 'the account is another',
      end: async ({ kernel }) => {
        const metadata = { namespace: 'default', name: 'robot' };
        await kernel.objects.delete(ServiceAccount, metadata);
        kernel.add(ServiceAccount, { metadata: { ...metadata } });
      },
      says: /^service account UID .* does not match claim/,
    },
  ];
  for (const { name, end, says } of ends) {
    it(`are refused when ${name}`, async () => {
      const setup = setUp();
      const token = keep(setup);
      assert.equal(await verdict(setup, token), SUB);
      await end(setup);
      const said = await verdict(setup, token);
      if (typeof says === 'string') assert.equal(said, says);
      else assert.match(said, says);
    });
  }

  it('are refused where a claim is missing', async () => {
    const setup = setUp();
    const claims = legacyClaims(setup.account, 'box', SUB);
    for (const name of Object.keys(claims).filter(each => each !== 'iss')) {
      const token = signJwt({ ...claims, [name]: undefined }, KEY);
      assert.equal(await verdict(setup, token), CLAIMS, name);
    }
  });
});

function cut(token: string): string {
  return token.slice(0, token.lastIndexOf('.'));
}

function headerOf(header: object): string {
  return Buffer.from(JSON.stringify(header)).toString('base64url');
}

function rsa(): SigningKey {
  return keyFrom(generateKeyPairSync('rsa', { modulusLength: 2_048 }).privateKey);
}

function curve(namedCurve: string): SigningKey {
  return keyFrom(generateKeyPairSync('ec', { namedCurve }).privateKey);
}

function keyFrom(key: KeyObject): SigningKey {
  return toSigningKey(key.export({ type: 'pkcs8', format: 'pem' }).toString(), 'test');
}
