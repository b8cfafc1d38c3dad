import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import type { ClientRequest, IncomingMessage } from 'node:http';
import { request } from 'node:https';
import { connect as connectTcp, type Socket } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { connect as connectTls } from 'node:tls';
import { type Cluster, createCluster } from 'kernetes';
import { until } from './eventually.ts';
import { Http, jsonOf } from './http.ts';
import { apiOnly } from './profiles.ts';

const CONFIG_MAPS = '/api/v1/namespaces/default/configmaps';
const AS_BOB = { 'impersonate-user': 'bob', 'impersonate-group': 'x' };

/** Two writes and one read at a time, each for three seconds at most. */
const LIMITS = { maxMutatingRequestsInflight: 2, maxRequestsInflight: 1, requestTimeoutSeconds: 3 };

const HALF_OPEN = 3_000;
const SLOW = 400;
/** Fewer than wait to be accepted, or the system would drop some. */
const BATCH = 100;
/** Both ends of all of them are in this process: 60 KB for a half-open one, 450 KB for a slow one. */
const SLOW_BYTES_MAX = 512 * 1024 * 1024;

const FILES_NEEDED = 2 * (HALF_OPEN + SLOW) + 500;
const files = execFileSync('sh', ['-c', 'ulimit -n'], { encoding: 'utf8' }).trim();
const skip =
  Number(files) < FILES_NEEDED && `ulimit -n is ${files}, and both ends need ${FILES_NEEDED}`;

describe('a server with more to do than it should', { timeout: 120_000 }, () => {
  let cluster: Cluster;
  let http: Http;

  before(async () => {
    const plugins = apiOnly().plugins.map(plugin =>
      plugin.name === 'api.http' ? { ...plugin, config: { ...LIMITS, release: 0 } } : plugin,
    );
    cluster = await createCluster({ nodes: 0, profile: { plugins } });
    http = Http.of(await cluster.kubeconfig());
    await http.json('POST', '/api/v1/namespaces', { metadata: { name: 'default' } });
  });
  after(() => cluster?.close());

  /** A write whose body does not come. */
  function begin(headers: Readonly<Record<string, string>>): ClientRequest {
    const { hostname: host, port } = http.server;
    const sent = request({
      host,
      port,
      path: CONFIG_MAPS,
      method: 'POST',
      agent: false,
      headers: { 'content-type': 'application/json', 'content-length': 100, ...headers },
      ...http.tls,
    });
    sent.write('{');
    return sent;
  }

  /** Resolves when so many writes are in flight, as the server counts them. */
  function inFlight(count: number): Promise<void> {
    const line = `apiserver_current_inflight_requests{request_kind="mutating"} ${count}\n`;
    return until(async () => (await http.call('GET', '/metrics')).body.toString().includes(line));
  }

  it('refuses a write more than it works on, but for administrators', async () => {
    const slow = [begin(AS_BOB), begin(AS_BOB)];
    const answers = slow.map(each => once(each, 'response') as Promise<[IncomingMessage]>);
    await inFlight(2);
    const refused = await http.call('POST', CONFIG_MAPS, { body: {}, headers: AS_BOB });
    assert.equal(refused.code, 429);
    assert.equal(refused.headers['retry-after'], '1');
    const { message, reason, details } = jsonOf(refused);
    assert.deepEqual(
      [message, reason, details],
      ['Too many requests, please try again later.', 'TooManyRequests', { retryAfterSeconds: 1 }],
    );
    const body = { metadata: { name: 'urgent' } };
    assert.equal((await http.call('POST', CONFIG_MAPS, { body })).code, 201);
    // A health check is not counted; bob is not let in, but heard.
    assert.equal((await http.call('GET', '/livez', { headers: AS_BOB })).code, 403);
    // Their time is up after three seconds, and their places are free.
    for (const [response] of await Promise.all(answers)) assert.equal(response.statusCode, 504);
    await inFlight(0);
    const again = await http.call('POST', CONFIG_MAPS, { body: {}, headers: AS_BOB });
    assert.equal(again.code, 403);
  });

  it('does not count watches', async () => {
    const watches = await Promise.all(
      Array.from({ length: 5 }, () => http.watch(`${CONFIG_MAPS}?watch=true`)),
    );
    assert.deepEqual(
      watches.map(({ code }) => code),
      [200, 200, 200, 200, 200],
    );
    for (const watch of watches) watch.close();
  });

  it('ends a request whose body does not come in its time', async () => {
    const started = performance.now();
    const sent = begin({});
    const [response] = (await once(sent, 'response')) as [IncomingMessage];
    const chunks: Buffer[] = [];
    for await (const chunk of response) chunks.push(chunk as Buffer);
    assert.equal(response.statusCode, 504);
    assert.ok(performance.now() - started < 10_000);
    const { reason, message } = JSON.parse(Buffer.concat(chunks).toString());
    assert.deepEqual(
      [reason, message],
      ['Timeout', 'Timeout: request did not complete within the allotted timeout'],
    );
    // Who goes on sending is cut off.
    sent.on('error', () => undefined);
    await once(sent, 'close');
  });

  it('serves others beside thousands of slow and half-open connections', { skip }, async () => {
    const { hostname: host, port } = http.server;
    const where = { host, port: Number(port) };
    const before = process.memoryUsage.rss();
    const open: Socket[] = [];
    const connect = async (count: number, one: () => Socket, event: string, text = '') => {
      const sockets = Array.from({ length: count }, one);
      open.push(...sockets);
      for (const socket of sockets) socket.on('error', () => undefined).pause();
      await Promise.all(sockets.map(each => once(each, event)));
      for (const socket of sockets) if (text) socket.write(text);
    };
    const tls = () => connectTls({ ...where, ...http.tls });
    const half = `POST ${CONFIG_MAPS} HTTP/1.1\r\nHost: x\r\nContent-`;
    const unread = `GET /openapi/v2 HTTP/1.1\r\nHost: x\r\n\r\n`;
    try {
      for (let n = 0; n < SLOW / BATCH; n++) {
        await connect(BATCH, tls, 'secureConnect', n % 2 === 0 ? half : unread);
      }
      for (let n = 0; n < HALF_OPEN / BATCH; n++) {
        await connect(BATCH, () => connectTcp(where), 'connect');
      }
      assert.equal((await http.call('GET', '/readyz')).code, 200);
      await http.json('POST', CONFIG_MAPS, { metadata: { name: 'beside-slow' } });
      // Most of them are still there, however slow this is: the server cuts them off after a while.
      const ends = process
        .getActiveResourcesInfo()
        .filter(name => /^(TCPSocket|TLS)Wrap$/.test(name));
      assert.ok(ends.length > 1.5 * open.length, `${ends.length} ends of ${open.length}`);
      const bytes = process.memoryUsage.rss() - before;
      assert.ok(bytes < SLOW_BYTES_MAX, `${bytes} bytes`);
    } finally {
      for (const socket of open) socket.destroy();
    }
  });

  it('serves others beside a client that resets every stream at once', async () => {
    const session = http.session();
    session.on('error', () => undefined);
    for (let n = 0; n < 2_000 && !session.destroyed; n++) {
      const stream = session.request({ ':path': CONFIG_MAPS });
      stream.on('error', () => undefined);
      stream.close();
    }
    assert.equal((await http.call('GET', '/readyz')).code, 200);
    session.destroy();
    const { body } = await http.call('GET', '/metrics');
    assert.match(body.toString(), /inflight_requests\{request_kind="readOnly"\} 1\n/);
  });

  for (const { name, frame } of [
    { name: 'SETTINGS', frame: frameOf(4, 0) },
    { name: 'PING', frame: frameOf(6, 8) },
  ]) {
    it(`serves others beside a client that floods it with ${name} and reads nothing`, async () => {
      const { hostname: host, port } = http.server;
      const where = { host, port: Number(port), ALPNProtocols: ['h2'], ...http.tls };
      const socket = connectTls(where).pause();
      socket.on('error', () => undefined);
      await once(socket, 'secureConnect');
      socket.write(Buffer.concat([PREFACE, frameOf(4, 0), ...Array(50_000).fill(frame)]));
      for (let n = 0; n < 3; n++) assert.equal((await http.call('GET', '/readyz')).code, 200);
      socket.destroy();
    });
  }

  it('holds little of a large list that is not read', async () => {
    const data = { text: 'x'.repeat(1_000_000) };
    for (let n = 0; n < 20; n++) {
      await http.json('POST', CONFIG_MAPS, { metadata: { name: `large-${n}` }, data });
    }
    const readers = await Promise.all(
      Array.from({ length: 20 }, () => http.open('GET', CONFIG_MAPS)),
    );
    const bytes = process.memoryUsage().arrayBuffers;
    // 20 lists of 20 MB each would be 400 MB; both ends are in this process.
    assert.ok(bytes < 200 * 1024 * 1024, `${bytes} bytes`);
    for (const reader of readers) reader.destroy();
  });
});

/** A frame of HTTP/2 for the whole connection: of a type, with so many zeros. */
function frameOf(type: number, length: number): Buffer {
  const frame = Buffer.alloc(9 + length);
  frame.writeUIntBE(length, 0, 3);
  frame[3] = type;
  return frame;
}

const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
