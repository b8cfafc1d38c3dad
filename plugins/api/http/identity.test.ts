import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ApiError, type Credentials, type Door, type User } from 'kernetes/sdk';
import { fakeClock } from 'kernetes/sdk/testing';
import { identifier } from './identity.ts';
import type { Request } from './server.ts';

const HOUR_MS = 3_600_000;

/** A server that knows who has a certificate or the token `good`, and counts how often it looks. */
function setUp() {
  const clock = fakeClock();
  const seen: Credentials[] = [];
  const authenticate = (credentials: Credentials): User => {
    seen.push(credentials);
    const { authorization, certificate } = credentials;
    if (certificate !== undefined) return { name: certificate.commonName, groups: [] };
    if (authorization === 'Bearer good') return { name: 'token', groups: [] };
    throw new ApiError({ message: 'Unauthorized', reason: 'Unauthorized', code: 401 });
  };
  const door = { authenticate, authorize: () => undefined } as unknown as Door;
  const identify = identifier(door, clock);
  const validTo = new Date(clock.now() + HOUR_MS).toUTCString();
  const connection = (authorized: boolean) => ({
    authorized,
    getPeerCertificate: () => ({
      subject: { CN: 'alice', O: ['a', 'b'] },
      fingerprint256: 'AB:CD',
      valid_to: validTo,
    }),
  });
  const ask = async (socket: object, headers: Readonly<Record<string, string>> = {}) => {
    const rawHeaders = Object.entries(headers).flat();
    const request = { socket, headers: { ...headers }, rawHeaders } as unknown as Request;
    const { user, requester } = await identify(request);
    return user === requester ? user.name : `${requester.name} as ${user.name}`;
  };
  return { clock, seen, connection, ask };
}

describe('identifier()', () => {
  it('looks at a certificate once a connection, until it is over', async () => {
    const { clock, seen, connection, ask } = setUp();
    const socket = connection(true);
    assert.equal(await ask(socket), 'alice');
    assert.equal(await ask(socket, { 'impersonate-user': 'bob' }), 'alice as bob');
    assert.equal(await ask(socket), 'alice', 'who was impersonated is not kept');
    assert.deepEqual(seen, [
      { certificate: { commonName: 'alice', organizations: ['a', 'b'], fingerprint: 'abcd' } },
    ]);
    await clock.step(HOUR_MS);
    await assert.rejects(ask(socket), error => ApiError.is(error, 'Unauthorized'));
  });

  it('does not believe a certificate that was good when its session began', async () => {
    const { clock, seen, connection, ask } = setUp();
    await clock.step(HOUR_MS);
    await assert.rejects(ask(connection(true)), error => ApiError.is(error, 'Unauthorized'));
    assert.deepEqual(seen, []);
    assert.equal(await ask(connection(true), { authorization: 'Bearer good' }), 'token');
  });

  it('looks at a token for each request', async () => {
    const { seen, connection, ask } = setUp();
    const socket = connection(false);
    assert.equal(await ask(socket, { authorization: 'Bearer good' }), 'token');
    await assert.rejects(ask(socket, { authorization: 'Bearer bad' }));
    assert.equal(seen.length, 2);
  });

  it('does not even ask about a certificate that is not to be believed', async () => {
    const { seen, connection, ask } = setUp();
    await assert.rejects(ask(connection(false)), error => ApiError.is(error, 'Unauthorized'));
    assert.deepEqual(seen, []);
  });

  it('takes the token of a WebSocket', async () => {
    const { connection, ask } = setUp();
    const token = `base64url.bearer.authorization.k8s.io.${btoa('good').replaceAll('=', '')}`;
    const headers = { 'sec-websocket-protocol': `${token}, v4.channel.k8s.io` };
    assert.equal(await ask(connection(false), headers), 'token');
  });
});
