import assert from 'node:assert/strict';
import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { describe, it } from 'node:test';
import { fakeClock } from 'kernetes/sdk/testing';
import type { Handler } from './handler.ts';
import { InFlight } from './in-flight.ts';
import { RequestMetrics } from './request-metrics.ts';
import { write } from './send.ts';
import { createService } from './serve.ts';
import type { Upgrade } from './websocket.ts';

const USER = { name: 'a', groups: [] };
const GET = '/apis/metrics.k8s.io/v1beta1/nodes/n';
const EXEC = '/api/v1/namespaces/x/pods/y/exec';

/** A request for another protocol, on a connection that stays open until it is destroyed. */
function upgradeOf(url: string): Upgrade {
  const socket = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() });
  const request = new IncomingMessage(new Socket());
  Object.assign(request, { url, method: 'GET', headers: { upgrade: 'own' } });
  const response = new ServerResponse(request);
  response.assignSocket(socket as Socket);
  return { request, response, socket, head: Buffer.alloc(0) };
}

function service(handler: Handler) {
  const clock = fakeClock();
  const inFlight = new InFlight({ maxRequestsInflight: 1, maxMutatingRequestsInflight: 1 });
  const metrics = new RequestMetrics(inFlight);
  const quiet = () => undefined;
  const { serve, ended } = createService({
    clock,
    log: { debug: quiet, info: quiet, warn: quiet, error: quiet },
    identify: async () => ({ user: USER, requester: USER }),
    handler,
    inFlight,
    metrics,
    requestTimeoutMs: 60_000,
    auditor: () => undefined,
  });
  const serveUpgrade = (upgrade: Upgrade) => serve(upgrade.request, upgrade.response, upgrade);
  return { clock, inFlight, metrics, serveUpgrade, ended };
}

const detach: Handler = async ({ upgrade }) => {
  upgrade?.response.detachSocket(upgrade.socket as Socket);
};

describe('createService()', { timeout: 10_000 }, () => {
  it('keeps no place in flight and no deadline for who goes on with another protocol', async () => {
    const { clock, inFlight, metrics, serveUpgrade, ended } = service(async (call, caller) => {
      assert.equal(inFlight.readOnly, 1);
      await detach(call, caller);
    });
    const upgrade = upgradeOf(GET);
    await serveUpgrade(upgrade);
    assert.deepEqual([inFlight.readOnly, clock.pending], [0, 0]);
    assert.doesNotMatch(metrics.text(), /request_total\{/);
    upgrade.socket.destroy();
    await ended();
    assert.equal(inFlight.readOnly, 0);
    assert.match(metrics.text(), /request_total\{code="0",.*verb="GET".*\} 1\n/);
  });

  it('counts a connection as long-running until it is closed', async () => {
    const { metrics, serveUpgrade, ended } = service(detach);
    const upgrade = upgradeOf(EXEC);
    await serveUpgrade(upgrade);
    assert.match(metrics.text(), /longrunning_requests\{.*\} 1\n/);
    upgrade.socket.destroy();
    await ended();
    assert.match(metrics.text(), /longrunning_requests\{.*\} 0\n/);
  });

  it('is done with who got an answer instead, whether he closes the connection or not', async () => {
    const { clock, inFlight, metrics, serveUpgrade, ended } = service(async ({ response }) => {
      write(response, 200, 'text/plain', Buffer.from('ok'));
    });
    const upgrade = upgradeOf(GET);
    await serveUpgrade(upgrade);
    await ended();
    assert.deepEqual([inFlight.readOnly, clock.pending], [0, 0]);
    assert.match(metrics.text(), /request_total\{code="200",.*\} 1\n/);
    upgrade.socket.destroy();
  });

  it('closes the connection when something fails after the change of protocol', async () => {
    const { serveUpgrade, ended } = service(async (call, caller) => {
      await detach(call, caller);
      throw new Error('broken');
    });
    const upgrade = upgradeOf(EXEC);
    await serveUpgrade(upgrade);
    await ended();
    assert.equal(upgrade.socket.destroyed, true);
  });
});
