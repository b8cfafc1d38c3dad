import assert from 'node:assert/strict';
import { KeyObject, webcrypto } from 'node:crypto';
import { once } from 'node:events';
import { connect as connectHttp2 } from 'node:http2';
import { connect } from 'node:net';
import { after, before, describe, it } from 'node:test';
import type { Listening } from 'kernetes/sdk';
import { fakeClock, testDoor } from 'kernetes/sdk/testing';
import { InFlight } from './in-flight.ts';
import { RequestMetrics } from './request-metrics.ts';
import { listen } from './server.ts';

describe('listen()', { timeout: 20_000 }, () => {
  const clock = fakeClock();
  let listening: Listening;

  before(async () => {
    const inFlight = new InFlight({ maxRequestsInflight: 0, maxMutatingRequestsInflight: 0 });
    const quiet = () => undefined;
    const log = { debug: quiet, info: quiet, warn: quiet, error: quiet };
    listening = await listen(testDoor({ kinds: [] }), await listenOptions(), {
      clock,
      log,
      handler: async () => undefined,
      inFlight,
      metrics: new RequestMetrics(inFlight),
      auditor: () => undefined,
      requestTimeoutMs: 60_000,
      closeTimeoutMs: 0,
      handshakeTimeoutMs: 20,
    });
  });
  after(async () => {
    const closed = listening.close();
    await clock.step(0);
    await closed;
  });

  it('cuts a connection that does not shake hands', async () => {
    const socket = connect(listening.port, listening.host).resume();
    socket.on('error', () => undefined);
    await once(socket, 'close');
  });

  it('ends a connection of HTTP/2 that asks nothing', async () => {
    const session = connectHttp2(`https://localhost:${listening.port}`, {
      rejectUnauthorized: false,
    });
    session.on('error', () => undefined);
    const closed = once(session, 'close');
    await once(session, 'remoteSettings');
    assert.equal(session.destroyed, false);
    await clock.step(180_000);
    await closed;
  });
});

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
