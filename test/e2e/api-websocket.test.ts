import assert from 'node:assert/strict';
import { on, once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { type Cluster, createCluster } from 'kernetes';
import { type FakeClock, fakeClock } from 'kernetes/sdk/testing';
import { WebSocket } from 'ws';
import { readProfile } from '../../kernel/loader/profile.ts';
import { type Frame, Http, jsonOf, type Tls } from './http.ts';
import { wholeMinute } from './whole-minute.ts';

const CONFIG_MAPS = '/api/v1/namespaces/default/configmaps';
const WATCH = `${CONFIG_MAPS}?watch=true`;

/** Watches whose client speaks WebSocket. */
describe('watches over WebSocket', { timeout: 60_000 }, () => {
  let clock: FakeClock;
  let cluster: Cluster;
  let http: Http;
  let folder: string;

  before(async () => {
    clock = fakeClock(wholeMinute());
    folder = mkdtempSync(join(tmpdir(), 'kernetes-websocket-'));
    const tokens = join(folder, 'tokens.csv');
    writeFileSync(tokens, `${TOKEN},watcher,1,system:masters\n`);
    cluster = await createCluster({ nodes: 0, clock, profile: withTokens(tokens) });
    http = Http.of(await cluster.kubeconfig());
  });
  after(async () => {
    await cluster?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const create = (name: string, data = {}) =>
    http.json('POST', CONFIG_MAPS, { metadata: { name }, data });
  const version = async () => (await http.json('GET', CONFIG_MAPS)).metadata.resourceVersion;

  it('brings each event as one text message', async () => {
    const since = await version();
    const socket = await Messages.open(http, `${WATCH}&resourceVersion=${since}`);
    for (const name of ['ws-a', 'ws-b']) await create(name, { text: 'a\nb' });
    await http.json('DELETE', `${CONFIG_MAPS}/ws-a`);
    assert.deepEqual(await socket.told(3), ['ADDED ws-a', 'ADDED ws-b', 'DELETED ws-a']);
    assert.equal(socket.webSocket.protocol, '');
    socket.webSocket.close();
  });

  it('begins with what there is, each in its own message, in the shape that is accepted', async () => {
    for (const name of ['there-a', 'there-b']) await create(name);
    const accept = 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1';
    const selected = 'fieldSelector=metadata.name%3Dthere-b';
    for (const query of ['', `&${selected}`]) {
      const socket = await Messages.open(http, `${WATCH}${query}`, { headers: { accept } });
      const { type, object } = await socket.next();
      assert.deepEqual([type, object.kind], ['ADDED', 'PartialObjectMetadata']);
      socket.webSocket.close();
    }
  });

  for (const protocols of [['binary.k8s.io'], ['base64.binary.k8s.io', 'binary.k8s.io']]) {
    it(`agrees to ${protocols[0]} of ${protocols.join(', ')}, and still sends text`, async () => {
      const since = await version();
      const path = `${WATCH}&resourceVersion=${since}`;
      const socket = await Messages.open(http, path, { protocols });
      await create(`for-${protocols.length}`);
      assert.deepEqual(await socket.told(1), [`ADDED for-${protocols.length}`]);
      assert.equal(socket.webSocket.protocol, protocols[0]);
      socket.webSocket.close();
    });
  }

  it('is told what is forgotten, or to come too late, by an event', async () => {
    const initial = 'sendInitialEvents=true&resourceVersionMatch=NotOlderThan';
    const opening = Messages.open(http, `${WATCH}&${initial}&resourceVersion=1000000`);
    let opened = false;
    const settle = () => {
      opened = true;
    };
    opening.then(settle, settle);
    while (!opened) {
      await clock.step(1_000);
      await new Promise(resolve => setImmediate(resolve));
    }
    const socket = await opening;
    const { type, object } = await socket.next();
    assert.deepEqual([type, object.code, object.reason], ['ERROR', 504, 'Timeout']);
    assert.equal(await socket.closed, 1000);
  });

  it('ends after timeoutSeconds with 1000', async () => {
    const socket = await Messages.open(http, `${WATCH}&resourceVersion=0&timeoutSeconds=5`);
    await clock.step(5_000);
    assert.equal(await socket.closed, 1000);
  });

  it('believes a token that comes as a subprotocol', async () => {
    const encoded = Buffer.from(TOKEN).toString('base64url');
    const protocol = `base64url.bearer.authorization.k8s.io.${encoded}`;
    const anonymous = http.anonymous();
    const protocols = [protocol, 'base64.binary.k8s.io'];
    const socket = await Messages.open(anonymous, WATCH, { protocols });
    assert.equal(socket.webSocket.protocol, 'base64.binary.k8s.io');
    socket.webSocket.close();
    const alone = await refusal(anonymous, WATCH, [protocol]);
    assert.equal(alone.statusCode, 401);
    const wrong = await refusal(anonymous, WATCH, [`${protocol.slice(0, -8)}AAAAAAAA`, 'x']);
    assert.equal(wrong.statusCode, 401);
  });

  const refused: readonly (readonly [path: string, code: number, reason: RegExp])[] = [
    [`${WATCH}&resourceVersionMatch=Exact`, 422, /Invalid/],
    [`${WATCH}&labelSelector=a%20b`, 400, /BadRequest/],
    ['/api/v1/namespaces/default/nothings?watch=1', 404, /NotFound/],
    [CONFIG_MAPS, 200, /ConfigMapList/],
    ['/version', 200, /gitVersion/],
  ];
  for (const [path, code, text] of refused) {
    it(`answers GET ${path} with ${code}`, async () => {
      const response = await refusal(http, path);
      assert.equal(response.statusCode, code);
      let body = '';
      for await (const chunk of response) body += String(chunk);
      assert.match(body, text);
    });
  }

  it('who may not watch is refused before the upgrade', async () => {
    const response = await refusal(http.anonymous(), WATCH);
    assert.equal(response.statusCode, 403);
  });

  it('a request for yet another protocol is answered as any', async () => {
    const headers = { connection: 'upgrade', upgrade: 'SPDY/3.1' };
    const reply = await http.call('GET', CONFIG_MAPS, { headers });
    assert.deepEqual([reply.code, jsonOf(reply).kind], [200, 'ConfigMapList']);
  });

  it('a client that sends too much is closed', async () => {
    const socket = await Messages.open(http, `${WATCH}&resourceVersion=0`);
    socket.webSocket.send('a few words are dropped');
    socket.webSocket.send('x'.repeat(10_000));
    assert.equal(await socket.closed, 1009);
  });

  it('who reads too slowly is cut off', async () => {
    const since = await version();
    const socket = await Messages.open(http, `${WATCH}&resourceVersion=${since}`);
    socket.webSocket.pause();
    const data = { text: 'x'.repeat(900_000) };
    for (let i = 0; i < 40; i++) await create(`slow-${i}`, data);
    socket.webSocket.resume();
    assert.equal(await socket.closed, 1008);
    assert.ok(socket.count > 0 && socket.count < 40, `It got ${socket.count}`);
  });

  it('ends with 1001 when the server stops', async () => {
    const path = `${WATCH}&fieldSelector=metadata.name%3Dnobody`;
    const socket = await Messages.open(http, path);
    await cluster.close();
    assert.equal(await socket.closed, 1001);
  });
});

interface OpenOptions {
  readonly headers?: Readonly<Record<string, string>>;
  readonly protocols?: readonly string[];
}

/** What comes over a WebSocket. */
class Messages {
  readonly webSocket: WebSocket;
  readonly closed: Promise<number>;
  /** How many came. */
  count = 0;
  readonly #messages: AsyncIterator<[data: Buffer, isBinary: boolean]>;

  private constructor(webSocket: WebSocket) {
    this.webSocket = webSocket;
    this.#messages = on(webSocket, 'message') as AsyncIterator<[Buffer, boolean]>;
    webSocket.on('message', () => void this.count++);
    this.closed = new Promise(resolve => webSocket.once('close', resolve));
  }

  /** Rejects when the server refuses. */
  static async open(http: Http, path: string, options: OpenOptions = {}): Promise<Messages> {
    const messages = new Messages(connect(http, path, options));
    await once(messages.webSocket, 'open');
    return messages;
  }

  async next(): Promise<Frame> {
    const { value } = await this.#messages.next();
    const [data, isBinary] = value as [Buffer, boolean];
    assert.equal(isBinary, false);
    return JSON.parse(data.toString()) as Frame;
  }

  async told(count: number): Promise<string[]> {
    const told: string[] = [];
    while (told.length < count) {
      const { type, object } = await this.next();
      told.push(`${type} ${object.metadata.name}`);
    }
    return told;
  }
}

function connect({ server, tls }: { server: URL; tls: Tls }, path: string, options: OpenOptions) {
  const { headers = {}, protocols = [] } = options;
  const url = new URL(path, server);
  url.protocol = 'wss:';
  return new WebSocket(url, [...protocols], { ...tls, headers });
}

/** The answer in place of an upgrade. */
async function refusal(http: Http, path: string, protocols: readonly string[] = []) {
  const webSocket = connect(http, path, { protocols });
  const [, response] = (await once(webSocket, 'unexpected-response')) as [unknown, IncomingMessage];
  return response;
}

/** The default profile with tokens that are believed. */
function withTokens(file: string) {
  const { plugins } = readProfile(join(import.meta.dirname, '../../plugins/profile.yaml'));
  return {
    plugins: plugins.map(each =>
      each.name === 'auth.token-file' ? { ...each, config: { file } } : each,
    ),
  };
}

const TOKEN = 'a-token-of-a-watcher';
