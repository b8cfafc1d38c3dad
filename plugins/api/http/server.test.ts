import assert from 'node:assert/strict';
import { KeyObject, webcrypto } from 'node:crypto';
import { once } from 'node:events';
import { connect as connectHttp2 } from 'node:http2';
import { connect } from 'node:net';
import { afterEach, before, beforeEach, describe, it } from 'node:test';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import type { Listening, ListenOptions } from 'kernetes/sdk';
import { type FakeClock, fakeClock, testDoor } from 'kernetes/sdk/testing';
import { InFlight } from './in-flight.ts';
import { RequestMetrics } from './request-metrics.ts';
import { write } from './send.ts';
import { listen, type ServerOptions } from './server.ts';

describe('listen()', { timeout: 20_000 }, () => {
  let clock: FakeClock;
  let where: ListenOptions;
  let listening: Listening;

  before(async () => {
    where = await listenOptions();
  });
  beforeEach(() => {
    clock = fakeClock();
  });
  afterEach(async () => {
    const closed = listening.close();
    await clock.step(0);
    await closed;
  });

  async function begin(bounds: Partial<ServerOptions>): Promise<void> {
    const inFlight = new InFlight({ maxRequestsInflight: 0, maxMutatingRequestsInflight: 0 });
    const quiet = () => undefined;
    const door = { ...testDoor({ kinds: [] }), authenticate: async () => NOBODY };
    listening = await listen(door, where, {
      clock,
      log: { debug: quiet, info: quiet, warn: quiet, error: quiet },
      handler: async ({ response }) => write(response, 200, 'text/plain', Buffer.from('ok')),
      inFlight,
      metrics: new RequestMetrics(inFlight),
      auditor: () => undefined,
      requestTimeoutMs: 60_000,
      closeTimeoutMs: 0,
      ...bounds,
    });
  }

  /** A client of HTTP/1.1, and all that it reads until its connection is closed. */
  async function client(): Promise<{ socket: TLSSocket; ended: Promise<string> }> {
    const { host, port } = listening;
    const socket = connectTls({
      host,
      port,
      rejectUnauthorized: false,
      ALPNProtocols: ['http/1.1'],
    });
    let read = '';
    socket.setEncoding('latin1').on('data', (text: string) => {
      read += text;
    });
    // How it is closed is the server's affair.
    socket.on('error', () => undefined);
    const ended = new Promise<string>(resolve => socket.once('close', () => resolve(read)));
    await once(socket, 'secureConnect');
    return { socket, ended };
  }

  it('cuts a connection that does not shake hands', async () => {
    await begin({ handshakeTimeoutMs: 20 });
    const socket = connect(listening.port, listening.host).resume();
    socket.on('error', () => undefined);
    await once(socket, 'close');
  });

  it('ends a connection of HTTP/2 that asks nothing', async () => {
    await begin({});
    const session = connectHttp2(`https://localhost:${listening.port}`, {
      rejectUnauthorized: false,
    });
    const closed = once(session, 'close');
    await once(session, 'remoteSettings');
    assert.equal(session.destroyed, false);
    await clock.step(180_000);
    await closed;
  });

  for (const [what, sent] of [
    ['asks nothing', ''],
    ['breaks off in its headers', 'GET /readyz HTTP/1.1\r\nhost: localhost\r\nx-slow: '],
  ] as const) {
    it(`ends a connection of HTTP/1.1 that ${what}`, async () => {
      await begin({ headersTimeoutMs: 20 });
      const { socket, ended } = await client();
      if (sent) socket.write(sent);
      assert.match(await ended, /^HTTP\/1\.1 408 Request Timeout\r\n/);
    });
  }

  it('ends a connection of HTTP/1.1 that asks nothing more', async () => {
    await begin({ idleTimeoutMs: 20 });
    const { socket, ended } = await client();
    socket.write('GET /readyz HTTP/1.1\r\nhost: localhost\r\n\r\n');
    const read = await ended;
    assert.match(read, /^HTTP\/1\.1 200 OK\r\n/);
    assert.match(read, /\r\nConnection: keep-alive\r\n/i);
  });
});

const NOBODY = { name: 'a', groups: [], expiresAt: Number.POSITIVE_INFINITY };

async function listenOptions() {
  await import('reflect-metadata');
  const x509 = await import('@peculiar/x509');
  x509.cryptoProvider.set(webcrypto);
  const signingAlgorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
  const keys = await webcrypto.subtle.generateKey(signingAlgorithm, true, ['sign', 'verify']);
  const made = await x509.X509CertificateGenerator.createSelfSigned({
    name: 'CN=localhost',
    signingAlgorithm,
    keys,
  });
  const certificate = made.toString('pem');
  const key = KeyObject.from(keys.privateKey).export({ type: 'pkcs8', format: 'pem' }).toString();
  return { host: '127.0.0.1', port: 0, certificate, key, clientCa: certificate };
}
