import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import type { Duplex } from 'node:stream';
import { after, before, describe, it } from 'node:test';
import { type Cluster, createCluster } from 'kernetes';
import {
  admissionPoint,
  connectorPoint,
  definePlugin,
  forbidden,
  remoteVersionPoint,
} from 'kernetes/sdk';
import { Http, jsonOf } from './http.ts';

/** Tells what it was asked, and repeats what it gets by another protocol. */
const echo = definePlugin({
  name: 'echo',
  activate(ctx) {
    ctx.provide(connectorPoint, {
      group: '',
      resource: 'pods',
      subresource: 'echo',
      verbs: ['get', 'create'],
      kind: 'PodEchoOptions',
      async connect({ user, verb, namespace, name, path, query }, { request, response, upgrade }) {
        if (upgrade === undefined) {
          const chunks: Buffer[] = [];
          for await (const chunk of request) chunks.push(chunk as Buffer);
          const body = Buffer.concat(chunks).toString();
          const told = { user: user.name, verb, namespace, name, path, query, body };
          response.setHeader('content-type', 'application/json');
          (response as unknown as Duplex).end(JSON.stringify(told));
          return;
        }
        upgrade.socket.write(SWITCHING);
        upgrade.socket.pipe(upgrade.socket);
      },
    });
    ctx.provide(admissionPoint, {
      rules: [{ operations: ['CONNECT'], groups: [''], resources: ['pods/echo'] }],
      validate({ name, object }) {
        if (name !== 'locked') return;
        assert.equal(object?.kind, 'PodEchoOptions');
        throw forbidden({ group: '', resource: 'pods' }, name, 'it is locked');
      },
    });
    ctx.provide(remoteVersionPoint, {
      group: 'far.example',
      version: 'v1',
      async connect(user, { request, response }) {
        (response as unknown as Duplex).end(`${user.name} ${request.method} ${request.url}`);
      },
    });
  },
});

describe('connections', { timeout: 60_000 }, () => {
  let cluster: Cluster;
  let http: Http;

  before(async () => {
    cluster = await createCluster({ nodes: 0, plugins: [echo] });
    http = Http.of(await cluster.kubeconfig());
  });
  after(() => cluster?.close());

  const POD = '/api/v1/namespaces/default/pods/http:web:80/echo';

  it('get what follows the subresource as it was encoded, and any body', async () => {
    const path = '/a%2Fb//c/?x=1&y=%20';
    const reply = await http.call('POST', POD + path, { body: 'plain' });
    assert.equal(reply.code, 200);
    assert.deepEqual(jsonOf(reply), {
      user: 'kubernetes-admin',
      verb: 'create',
      namespace: 'default',
      name: 'http:web:80',
      path: '/a%2Fb//c/',
      query: 'x=1&y=%20',
      body: 'plain',
    });
    const whole = await http.json<{ path: string }>('GET', `https://x${POD}/a?b=c`);
    assert.equal(whole.path, '/a');
    const bare = await http.json<{ path: string; verb: string }>('GET', POD);
    assert.deepEqual([bare.path, bare.verb], ['', 'get']);
  });

  it('go on with another protocol', async () => {
    const { hostname: host, port } = http.server;
    const headers = { connection: 'Upgrade', upgrade: 'echo' };
    const sent = request({ host, port, path: POD, agent: false, headers, ...http.tls });
    sent.end();
    const [, socket] = (await once(sent, 'upgrade')) as [IncomingMessage, Duplex];
    socket.write('there and back');
    const [back] = (await once(socket, 'data')) as [Buffer];
    assert.equal(back.toString(), 'there and back');
    socket.destroy();
  });

  it('are refused to who may not, by admission, and with other methods', async () => {
    const anonymous = await http.anonymous().call('GET', POD);
    assert.equal(anonymous.code, 403);
    const locked = await http.call('GET', '/api/v1/namespaces/default/pods/locked/echo');
    assert.equal(locked.code, 403);
    assert.match(jsonOf(locked).message ?? '', /it is locked/);
    assert.equal((await http.call('DELETE', POD)).code, 405);
    assert.equal((await http.call('GET', POD.replace('v1', 'v1/watch'))).code, 404);
  });

  it('to the versions of other servers are authorized, then handed over', async () => {
    const path = '/apis/far.example/v1/namespaces/x/things/y?watch=1';
    const reply = await http.call('GET', path);
    assert.equal(reply.body.toString(), `kubernetes-admin GET ${path}`);
    assert.equal((await http.anonymous().call('GET', path)).code, 403);
  });
});

describe('--emulate', { timeout: 60_000 }, () => {
  it('serves the versions of the release, and tells it', async () => {
    await using cluster = await createCluster({ nodes: 0, emulate: '1.20' });
    const http = Http.of(await cluster.kubeconfig());
    const { minor } = await http.json<{ minor: string }>('GET', '/version');
    assert.equal(minor, '20');
    const groups = await http.json<{ groups: { name: string; versions: { version: string }[] }[] }>(
      'GET',
      '/apis',
    );
    const policy = groups.groups.find(({ name }) => name === 'policy');
    assert.deepEqual(
      policy?.versions.map(({ version }) => version),
      ['v1beta1'],
    );
    assert.equal((await http.call('GET', '/apis/policy/v1/poddisruptionbudgets')).code, 404);
    assert.equal((await http.call('GET', '/apis/batch/v1/cronjobs')).code, 404);
    assert.equal((await http.call('GET', '/apis/batch/v1beta1/cronjobs')).code, 200);
    const old = await http.call('GET', '/apis/networking.k8s.io/v1beta1/ingresses');
    assert.equal(old.code, 200);
    assert.match(
      String(old.headers.warning),
      /^299 - "networking\.k8s\.io\/v1beta1 Ingress is deprecated in v1\.19/,
    );
  });

  it('refuses what is no release', async () => {
    await assert.rejects(createCluster({ nodes: 0, emulate: '1.7' }), /want a release from 1\.20/);
  });
});

const SWITCHING = [
  'HTTP/1.1 101 Switching Protocols',
  'Connection: Upgrade',
  'Upgrade: echo',
  '\r\n',
].join('\r\n');
