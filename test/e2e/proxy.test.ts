import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { request } from 'node:https';
import type { Duplex } from 'node:stream';
import { after, before, describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import { Deployment, Service } from 'kernetes/sdk';
import { WebSocket, WebSocketServer } from 'ws';
import { systemClock } from '../../kernel/clock.ts';
import { openPki } from '../../kernel/pki.ts';
import { until } from './eventually.ts';
import { jsonOf } from './http.ts';
import { withoutKubectl } from './kubectl.ts';
import { MACHINE, ProxiedServer, podOnMachine, textOf } from './proxied-server.ts';
import { startCluster } from './start-cluster.ts';

const { cluster, kubeconfig, http } = await startCluster({ nodes: 1 });
after(() => cluster.close());

const NAMESPACE = '/api/v1/namespaces/default';
const noAddress = MACHINE === undefined && 'this machine has no address but its loopback one';

describe('proxies', { timeout: 120_000 }, () => {
  before(async () => {
    await cluster.apply(WEB);
    await cluster.until({ kind: Deployment, name: 'web' }, ({ status }) => {
      return status?.availableReplicas === 1;
    });
    await untilServed(`${NAMESPACE}/services/web/proxy/`);
  });

  /** Endpoints follow their pods, and services their endpoints. */
  const untilServed = (path: string) =>
    until(async () => (await http.call('GET', path)).code === 200);

  it('reach simulated pods, and say why not', async () => {
    const page = await http.call('GET', `${NAMESPACE}/services/web/proxy/`);
    assert.match(page.body.toString(), /^Simulated answer of container nginx /);
    const pod = /pod default\/(\S+)/.exec(page.body.toString())?.[1];
    for (const [path, code, message] of [
      ['services/web:80/proxy/', 200, undefined],
      ['services/web:81/proxy/', 503, 'no service port 81 found for service "web"'],
      ['services/web:http/proxy/', 503, 'no endpoints available for service "web:http"'],
      ['services/none/proxy/', 404, 'services "none" not found'],
      ['services/a:b:c:d/proxy/', 400, 'invalid service request "a:b:c:d"'],
      ['pods/none/proxy/', 404, 'pods "none" not found'],
      [`pods/${pod}/proxy/`, 200, undefined],
      [`pods/ftp:${pod}:80/proxy/`, 400, `invalid pod request "ftp:${pod}:80"`],
      [
        `pods/${pod}:81/proxy/`,
        503,
        /^error trying to .* 10\.\S+:81: connect: connection refused$/,
      ],
    ] as const) {
      const reply = await http.call('GET', `${NAMESPACE}/${path}`);
      assert.equal(reply.code, code, `${path}: ${reply.body}`);
      if (typeof message === 'string') assert.equal(jsonOf(reply).message, message);
      else if (message) assert.match(jsonOf(reply).message ?? '', message);
    }
  });

  it('lead to the root of what is proxied, below which links work', async () => {
    const reply = await http.call('GET', `${NAMESPACE}/services/web/proxy?x=1`);
    assert.equal(reply.code, 301);
    assert.equal(reply.headers.location, `${NAMESPACE}/services/web/proxy/?x=1`);
  });

  it('are listed as subresources, and refused to who may not', async () => {
    const { resources } = await http.json<{ resources: { name: string; kind: string }[] }>(
      'GET',
      '/api/v1',
    );
    const proxies = resources.filter(({ name }) => name.endsWith('/proxy'));
    assert.deepEqual(
      proxies.map(({ name, kind }) => `${name} ${kind}`),
      [
        'nodes/proxy NodeProxyOptions',
        'pods/proxy PodProxyOptions',
        'services/proxy ServiceProxyOptions',
      ],
    );
    const reply = await http.anonymous().call('GET', `${NAMESPACE}/services/web/proxy/`);
    assert.equal(reply.code, 403);
  });

  it('reach the kubelets of nodes, and nothing else of theirs', async () => {
    const healthz = await http.call('GET', '/api/v1/nodes/node-1/proxy/healthz');
    assert.deepEqual([healthz.code, healthz.body.toString()], [200, 'ok']);
    const { items } = await http.json<{ items: { metadata: { namespace?: string } }[] }>(
      'GET',
      '/api/v1/nodes/node-1:10250/proxy/pods',
    );
    assert.equal(items.length, 1);
    const other = await http.call('GET', '/api/v1/nodes/node-1:9100/proxy/metrics');
    assert.match(jsonOf(other).message ?? '', /:9100: connect: connection refused$/);
    assert.equal((await http.call('GET', '/api/v1/nodes/none/proxy/')).code, 404);
  });

  it('work by kubectl proxy', { skip: withoutKubectl() }, async () => {
    const env = { ...process.env, KUBECONFIG: kubeconfig };
    const proxy: ChildProcess = spawn('kubectl', ['proxy', '--port=0'], { env });
    try {
      const [line] = (await once(proxy.stdout as NonNullable<typeof proxy.stdout>, 'data')) as [
        Buffer,
      ];
      const address = /127\.0\.0\.1:\d+/.exec(line.toString())?.[0];
      const page = await fetch(`http://${address}${NAMESPACE}/services/web/proxy`);
      assert.match(await page.text(), /^Simulated answer of container nginx /);
    } finally {
      proxy.kill();
      await once(proxy, 'exit');
    }
  });

  describe('of real servers', { skip: noAddress }, () => {
    const seen: IncomingMessage[] = [];
    let backend: ProxiedServer;
    let secure: ProxiedServer;
    let sockets: WebSocketServer;
    let closed: Promise<unknown> | undefined;
    const at = (path: string) => `${NAMESPACE}/services/real:http/proxy${path}`;

    const answers: Record<string, (from: IncomingMessage, to: ServerResponse) => void> = {
      async '/echo'(from, to) {
        to.setHeader('access-control-allow-origin', '*');
        to.setHeader('set-cookie', ['a=1', 'b=2']);
        to.end(await textOf(from));
      },
      '/move'(_from, to) {
        to.writeHead(302, { location: '/login?x=/' }).end();
      },
      '/page'(_from, to) {
        to.setHeader('content-type', 'text/html; charset=utf-8');
        to.setHeader('content-encoding', 'gzip');
        to.end(gzipSync('<a href="/x">x</a><script>"<a href=\'/y\'>"</script><img src=z>'));
      },
      '/endless'(_from, to) {
        closed = once(to, 'close');
        to.write('one ');
      },
      '/break'(_from, to) {
        to.destroy();
      },
    };

    before(async () => {
      const handle = (from: IncomingMessage, to: ServerResponse) => {
        seen.push(from);
        const path = from.url?.split('?')[0] ?? '';
        const answer = answers[path] ?? (() => to.end(`${from.method} ${from.url}`));
        answer(from, to);
      };
      backend = await ProxiedServer.listen(handle);
      const { server } = await openPki({ clock: systemClock(), hosts: [] });
      secure = await ProxiedServer.listen(handle, server);
      sockets = new WebSocketServer({ server: backend.server, path: '/ws' });
      sockets.on('connection', socket => socket.on('message', data => socket.send(`got ${data}`)));
      const ports = [
        { name: 'http', containerPort: backend.port },
        { name: 'https', containerPort: secure.port },
      ];
      await podOnMachine(cluster, 'real', ports);
      await cluster.objects.create(Service, {
        metadata: { name: 'real', namespace: 'default' },
        spec: {
          selector: { app: 'real' },
          ports: [
            { name: 'http', port: 80, targetPort: 'http' },
            { name: 'https', port: 443, targetPort: 'https' },
          ],
        },
      } as Service);
      await untilServed(at('/'));
      seen.length = 0;
    });
    after(async () => {
      sockets?.close();
      await backend?.close();
      await secure?.close();
    });

    it('pass on what was sent, without credentials', async () => {
      const path = at('/a%2Fb//?x=1&y=%20');
      const headers = { authorization: 'Bearer x', 'x-own': '1', 'x-remote-user': 'root' };
      const reply = await http.call('DELETE', path, { headers });
      assert.equal(reply.body.toString(), 'DELETE /a%2Fb//?x=1&y=%20');
      const sent = seen.at(-1)?.headers ?? {};
      assert.equal(sent['x-own'], '1');
      assert.equal(sent['x-forwarded-uri'], at('/a%2Fb//'));
      assert.match(String(sent['x-forwarded-for']), /127\.0\.0\.1/);
      assert.deepEqual([sent.authorization, sent['x-remote-user']], [undefined, undefined]);
    });

    it('pass on bodies of any length, and what came for the client', async () => {
      const reply = await http.call('POST', at('/echo'), { body: 'a body' });
      assert.equal(reply.body.toString(), 'a body');
      assert.deepEqual(reply.headers['set-cookie'], ['a=1', 'b=2']);
      assert.equal(reply.headers['access-control-allow-origin'], undefined);
      const { hostname: host, port } = http.server;
      const options = { host, port, path: at('/echo'), method: 'GET', agent: false, ...http.tls };
      const sent = request({ ...options, headers: { 'transfer-encoding': 'chunked' } });
      sent.write('GET /smuggled HTTP/1.1\r\n\r\n');
      sent.end();
      const [answer] = (await once(sent, 'response')) as [IncomingMessage];
      assert.equal(await textOf(answer), 'GET /smuggled HTTP/1.1\r\n\r\n');
    });

    it('change addresses to those below the proxy', async () => {
      const moved = await http.call('GET', at('/move'));
      assert.deepEqual([moved.code, moved.headers.location], [302, at('/login?x=/')]);
      const page = await http.call('GET', at('/page'), { headers: { 'accept-encoding': 'gzip' } });
      const link = `<a href="${at('/x')}">x</a>`;
      assert.equal(page.body.toString(), `${link}<script>"<a href='/y'>"</script><img src=z>`);
    });

    it('stream, and end when the client does', async () => {
      const answer = await http.open('GET', at('/endless'));
      const [first] = (await once(answer, 'data')) as [Buffer];
      assert.equal(first.toString(), 'one ');
      answer.destroy();
      await closed;
    });

    it('tell of servers that break off', async () => {
      const broken = await http.call('GET', at('/break'));
      assert.equal(broken.code, 503);
      assert.equal(jsonOf(broken).message, 'error trying to reach service: EOF');
    });

    it('go by TLS, of pods by their port and of nodes by theirs', async () => {
      for (const path of [
        `${NAMESPACE}/services/https:real:https/proxy/secure`,
        `${NAMESPACE}/pods/https:real:${secure.port}/proxy/secure`,
        `/api/v1/nodes/https:machine:${secure.port}/proxy/secure`,
      ]) {
        const reply = await http.call('GET', path);
        assert.equal(reply.body.toString(), 'GET /secure', path);
      }
      const plain = await http.call('GET', `${NAMESPACE}/services/https:real:http/proxy/`);
      assert.equal(
        jsonOf(plain).message,
        'error trying to reach service: http: server gave HTTP response to HTTPS client',
      );
    });

    it('serve clients of HTTP/2', async () => {
      const session = http.session();
      const stream = session.request({ ':method': 'POST', ':path': at('/echo') });
      stream.end('by HTTP/2');
      const chunks: Buffer[] = [];
      for await (const chunk of stream) chunks.push(chunk as Buffer);
      assert.equal(Buffer.concat(chunks).toString(), 'by HTTP/2');
      assert.equal(seen.at(-1)?.headers.host, http.server.host);
      session.close();
    });

    it('carry WebSockets, and answers of who does not', async () => {
      const url = `wss://${http.server.host}${at('/ws')}`;
      const socket = new WebSocket(url, { ...http.tls });
      await once(socket, 'open');
      socket.send('hello');
      const [message] = (await once(socket, 'message')) as [Buffer];
      assert.equal(message.toString(), 'got hello');
      socket.close();
      await once(socket, 'close');

      const { hostname: host, port } = http.server;
      const headers = { connection: 'Upgrade', upgrade: 'spdy/3.1' };
      const path = at('/other');
      const sent = request({ host, port, path, headers, agent: false, ...http.tls });
      sent.end();
      const [answer] = (await once(sent, 'response')) as [IncomingMessage & Duplex];
      assert.equal(answer.statusCode, 400);
    });

    it('do not go to endpoints that are no pods', async () => {
      await cluster.apply(MANUAL.replaceAll('ADDRESS', MACHINE ?? ''));
      const reply = await http.call('GET', `${NAMESPACE}/services/manual/proxy/`);
      assert.equal(jsonOf(reply).message, 'no endpoints available for service "manual"');
    });
  });
});

const WEB = `
apiVersion: apps/v1
kind: Deployment
metadata: { name: web }
spec:
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec: { containers: [{ name: nginx, image: 'nginx:1.25' }] }
---
apiVersion: v1
kind: Service
metadata: { name: web }
spec: { selector: { app: web }, ports: [{ port: 80 }] }
`;

const MANUAL = `
apiVersion: v1
kind: Service
metadata: { name: manual }
spec: { ports: [{ port: 80 }] }
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: manual-1, labels: { kubernetes.io/service-name: manual } }
addressType: IPv4
ports: [{ name: '', port: 80 }]
endpoints: [{ addresses: [ADDRESS] }]
`;
