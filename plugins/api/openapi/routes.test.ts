import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { gunzipSync } from 'node:zlib';
import type { RouteResponse } from 'kernetes/sdk';
import { OpenApiDocuments } from './document.ts';
import { negotiate, V2_TYPES } from './negotiate.ts';
import { openApiRoutes } from './routes.ts';
import { CRON_TAB, KINDS } from './testdata/kinds.ts';

const documents = new OpenApiDocuments('v1.2.3');
documents.setKinds(KINDS);

function request(url: string, headers: Record<string, string> = {}, method = 'GET'): RouteResponse {
  const { pathname, searchParams } = new URL(url, 'http://localhost');
  const route = openApiRoutes(documents).find(({ path }) =>
    path.endsWith('/*') ? pathname.startsWith(path.slice(0, -1)) : path === pathname,
  );
  assert.ok(route, pathname);
  const user = { name: 'someone', groups: [] };
  const response = route.handle({ method, path: pathname, query: searchParams, headers, user });
  assert.ok(!(response instanceof Promise));
  return response;
}

const ASKED = {
  method: 'GET',
  query: new URLSearchParams(),
  user: { name: 'someone', groups: [] },
};

const KUBECTL = 'application/com.github.proto-openapi.spec.v2@v1.0+protobuf';

describe('negotiate()', () => {
  const cases = [
    { accept: undefined, format: 'json' },
    { accept: '', format: 'json' },
    { accept: '*/*', format: 'json' },
    { accept: 'application/*', format: 'json' },
    { accept: 'application/json, */*', format: 'json' },
    { accept: KUBECTL, format: 'protobuf' },
    { accept: V2_TYPES.protobuf[0], format: 'protobuf' },
    { accept: `application/json;q=0.5, ${KUBECTL}`, format: 'protobuf' },
    { accept: `${KUBECTL};q=0.1, application/json;q=0.9`, format: 'json' },
    { accept: 'text/html, application/json', format: 'json' },
    { accept: 'application/json;q=0', format: undefined },
    { accept: 'application/json;q=nonsense', format: undefined },
    { accept: 'text/html', format: undefined },
    { accept: 'applicat/*', format: undefined },
  ];
  for (const { accept, format } of cases) {
    it(`picks ${format} for ${accept}`, () => assert.equal(negotiate(accept, V2_TYPES), format));
  }
});

describe('openApiRoutes()', () => {
  it('compresses what is large, once, for who takes it', async () => {
    const large = { bytes: Buffer.alloc(200_000, 'x'), hash: 'A' };
    const small = { bytes: Buffer.alloc(1_000, 'x'), hash: 'B' };
    class Two extends OpenApiDocuments {
      override v2Json = () => large;
      override v3Root = () => small;
    }
    const routes = openApiRoutes(new Two('v1'));
    const ask = async (path: string, encoding: string, tag = '') => {
      const headers = { 'accept-encoding': encoding, 'if-none-match': tag };
      const route = routes.find(each => each.path === path);
      assert.ok(route);
      return route.handle({ ...ASKED, path, headers });
    };
    const answer = await ask('/openapi/v2', 'deflate, gzip;q=0.5');
    assert.deepEqual(gunzipSync(answer.body), large.bytes);
    assert.equal(answer.headers['Content-Encoding'], 'gzip');
    assert.equal(answer.headers.ETag, '"A"');
    assert.match(String(answer.headers.Vary), /Accept-Encoding/);
    assert.equal((await ask('/openapi/v2', 'gzip')).body, answer.body);
    assert.equal((await ask('/openapi/v2', 'gzip', '"A"')).code, 304);
    for (const [path, encoding] of [
      ['/openapi/v2', 'gzip;q=0'],
      ['/openapi/v2', ''],
      ['/openapi/v3', 'gzip'],
    ]) {
      const plain = await ask(path ?? '', encoding ?? '');
      assert.equal(plain.headers['Content-Encoding'], undefined);
      assert.equal(plain.body[0], 'x'.charCodeAt(0));
    }
  });

  it('serves v2 as JSON and as protobuf', () => {
    const json = request('/openapi/v2');
    assert.equal(json.headers['Content-Type'], 'application/json');
    assert.equal(JSON.parse(json.body.toString()).swagger, '2.0');
    const protobuf = request('/openapi/v2?timeout=32s', { accept: KUBECTL });
    assert.equal(protobuf.headers['Content-Type'], V2_TYPES.protobuf[0]);
    assert.equal((protobuf.body as Buffer)[0], 0x0a);
    assert.notEqual(protobuf.headers.ETag, json.headers.ETag);
  });

  it('answers 304 to who has it already', () => {
    for (const url of ['/openapi/v2', '/openapi/v3', '/openapi/v3/apis/apps/v1']) {
      const etag = String(request(url).headers.ETag);
      for (const tags of [etag, `W/${etag}`, `"other", ${etag}`, '*']) {
        const response = request(url, { 'if-none-match': tags });
        assert.deepEqual([response.code, response.body], [304, '']);
        assert.equal(response.headers.ETag, etag);
      }
      assert.equal(request(url, { 'if-none-match': '"other"' }).code, 200);
    }
  });

  it('lets a client keep what an address with a hash gave, and redirects an outdated one', () => {
    const { paths } = JSON.parse(request('/openapi/v3').body.toString());
    const url = paths['apis/apps/v1'].serverRelativeURL;
    assert.match(String(request(url).headers['Cache-Control']), /immutable/);
    assert.equal(request('/openapi/v3/apis/apps/v1').headers['Cache-Control'], undefined);
    const outdated = request('/openapi/v3/apis/apps/v1?hash=ABC');
    assert.deepEqual([outdated.code, outdated.headers.Location], [301, url]);
  });

  it('refuses other methods, formats and groups', () => {
    assert.equal(request('/openapi/v2', {}, 'POST').code, 405);
    assert.equal(request('/openapi/v2', { accept: 'text/html' }).code, 406);
    assert.equal(request('/openapi/v3', { accept: 'text/html' }).code, 406);
    assert.equal(request('/openapi/v3/apis/stable.example.com/v1').code, 404);
    assert.equal(request('/openapi/v3/apis/constructor').code, 404);
  });

  it('shows a kind as soon as it is served', () => {
    documents.setKinds([...KINDS, CRON_TAB]);
    assert.equal(request('/openapi/v3/apis/stable.example.com/v1').code, 200);
    documents.setKinds(KINDS);
    assert.equal(request('/openapi/v3/apis/stable.example.com/v1').code, 404);
  });
});
