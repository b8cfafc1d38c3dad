import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { ApiError, type NetworkAnswer, type NetworkRequest } from 'kernetes/sdk';
import { fakeClock, fixedContributions } from 'kernetes/sdk/testing';
import { serveProxy } from './serve.ts';

const PREFIX = '/api/v1/namespaces/default/pods/web/proxy';
const LOCATION = { scheme: 'http', host: '10.244.0.7', port: 8080 } as const;

let server: Server;
let asked: NetworkRequest | undefined;
let answer: Partial<NetworkAnswer>;
let isRefused = false;

/** A client by real HTTP, and behind the proxy a network that answers what it is told to. */
before(async () => {
  const networks = fixedContributions([
    {
      find: () => (isRefused ? 'refused' : 'http') as 'refused' | 'http',
      request(request: NetworkRequest): NetworkAnswer {
        asked = request;
        return { status: 200, headers: {}, body: new Uint8Array(), ...answer };
      },
    },
  ]);
  server = createServer(async (request, response) => {
    const [path = '', query = ''] = (request.url ?? '').slice(PREFIX.length).split('?');
    const call = { verb: 'get', namespace: 'default', name: 'web', path, query } as const;
    try {
      await serveProxy(
        {
          request: { ...call, user: { name: 'a', groups: [] } },
          exchange: { request, response },
          location: LOCATION,
        },
        { clock: fakeClock(), networks },
      );
    } catch (error) {
      response.writeHead(error instanceof ApiError ? error.code : 500);
      response.end(error instanceof Error ? error.message : String(error));
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});
after(async () => {
  server.closeAllConnections();
  server.close();
  await once(server, 'close');
});

const host = () => `127.0.0.1:${(server.address() as AddressInfo).port}`;

function get(path: string, headers: Readonly<Record<string, string>> = {}): Promise<Response> {
  return fetch(`http://${host()}${PREFIX}${path}`, { redirect: 'manual', headers });
}

describe('serveProxy()', () => {
  it('tells the backend whom it answers, and of the address before the proxy', async () => {
    answer = {};
    const given = { 'x-forwarded-for': '192.0.2.1', authorization: 'Bearer x', 'x-own': '1' };
    await get('/a%2Fb?x=%20', given);
    const { ip, port, method, path, headers = {} } = asked ?? {};
    assert.deepEqual([ip, port, method, path], ['10.244.0.7', 8080, 'GET', '/a%2Fb?x=%20']);
    assert.equal(headers['x-forwarded-for'], '192.0.2.1, 127.0.0.1');
    assert.equal(headers['x-forwarded-uri'], `${PREFIX}/a%2Fb`);
    assert.deepEqual([headers['x-own'], headers.authorization], ['1', undefined]);
  });

  const locations: { title: string; given: () => string; wanted: string }[] = [
    { title: 'a path', given: () => '/login?x=/', wanted: `${PREFIX}/login?x=/` },
    { title: 'its address', given: () => 'http://10.244.0.7:8080/x', wanted: `${PREFIX}/x` },
    { title: 'the name it was called by', given: () => `//${host()}/x`, wanted: `${PREFIX}/x` },
    { title: 'a relative path', given: () => 'x', wanted: 'x' },
    { title: 'another host', given: () => 'https://a.example/x', wanted: 'https://a.example/x' },
  ];
  for (const { title, given, wanted } of locations) {
    it(`leads on to where a backend sends: ${title}`, async () => {
      answer = { status: 302, headers: { location: given() } };
      const reply = await get('/');
      assert.deepEqual([reply.status, reply.headers.get('location')], [302, wanted]);
    });
  }

  it('leads to the root of the backend what names no path', async () => {
    asked = undefined;
    const reply = await get('?x=1');
    assert.deepEqual([reply.status, reply.headers.get('location')], [301, `${PREFIX}/?x=1`]);
    assert.equal(asked, undefined);
  });

  it('changes the links of pages, and does not open them to other origins', async () => {
    const headers = { 'content-type': 'text/html', 'access-control-allow-origin': '*' };
    answer = { headers, body: Buffer.from('<a href="/x">') };
    const reply = await get('/page');
    assert.equal(await reply.text(), `<a href="${PREFIX}/x">`);
    assert.equal(reply.headers.get('access-control-allow-origin'), null);
  });

  it('says why a backend cannot be reached', async () => {
    isRefused = true;
    const reply = await get('/');
    isRefused = false;
    assert.equal(reply.status, 503);
    const why = 'dial tcp 10.244.0.7:8080: connect: connection refused';
    assert.equal(await reply.text(), `error trying to reach service: ${why}`);
  });
});
