import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { ClientHttp2Session } from 'node:http2';
import { after, before, describe, it } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { systemClock } from '../../kernel/clock.ts';
import { openPki } from '../../kernel/pki.ts';
import { assertStatus, Http, jsonOf } from './http.ts';
import { startCluster } from './start-cluster.ts';

const { cluster, http } = await startCluster({ nodes: 0 });
after(() => cluster.close());

const CONFIG_MAPS = '/api/v1/namespaces/default/configmaps';

/** The server as a client sees it that speaks HTTP and knows the Kubernetes API. */
describe('the API over HTTPS', { timeout: 60_000 }, () => {
  before(async () => {
    const data = { text: 'x'.repeat(10_000) };
    const names = Array.from({ length: 300 }, (_, index) => `large-${index}`);
    await Promise.all(
      names.map(name => http.json('POST', CONFIG_MAPS, { metadata: { name }, data })),
    );
  });

  describe('HTTP/2', () => {
    it('answers many streams while a large list is unread', async () => {
      const session = http.session();
      const lists = Array.from({ length: 20 }, () => session.request({ ':path': CONFIG_MAPS }));
      await Promise.all(lists.map(list => once(list, 'response')));
      const answers = await Promise.all(
        Array.from({ length: 200 }, () => get(session, `${CONFIG_MAPS}/large-7`)),
      );
      for (const { code } of answers) assert.equal(code, 200);
      for (const list of lists) list.close();
      session.close();
    });

    it('writes, and watches beside', async () => {
      const session = http.session();
      const watch = session.request({
        ':path': `${CONFIG_MAPS}?watch=true&fieldSelector=metadata.name=z-h2`,
      });
      await once(watch, 'response');
      const headers = {
        ':path': CONFIG_MAPS,
        ':method': 'POST',
        'content-type': 'application/json',
      };
      const post = session.request(headers);
      post.end(JSON.stringify({ metadata: { name: 'z-h2' } }));
      const [answer] = await once(post, 'response');
      assert.equal(answer[':status'], 201);
      const [frame] = await once(watch.setEncoding('utf8'), 'data');
      assert.match(frame, /^\{"type":"ADDED","object":.*"name":"z-h2".*\}\n$/);
      session.destroy();
    });
  });

  describe('who asks', () => {
    const cases = [
      { path: '/version', code: 200 },
      { path: '/healthz', code: 200 },
      { path: '/livez', code: 200 },
      { path: '/readyz', code: 200 },
      { path: '/readyz/etcd', code: 403 },
      { path: '/', code: 403 },
      { path: '/api', code: 403 },
      { path: '/openapi/v2', code: 403 },
      { path: CONFIG_MAPS, code: 403 },
      { path: '/apis/nobody.dev/v1/things', code: 403 },
    ];
    for (const { path, code } of cases) {
      it(`anonymous GET ${path} is ${code}`, async () => {
        const reply = await http.anonymous().call('GET', path);
        assert.equal(reply.code, code);
        if (code === 403)
          assertStatus(reply, 403, 'Forbidden', /User "system:anonymous" cannot (get|list)/);
      });
    }

    it('a token that nobody knows is 401, also beside a certificate', async () => {
      const headers = { authorization: 'Bearer nonsense' };
      assertStatus(
        await http.anonymous().call('GET', '/version', { headers }),
        401,
        'Unauthorized',
      );
    });

    it('a certificate of another authority is 401', async () => {
      const { admin } = await openPki({ clock: systemClock(), hosts: [] });
      const { certificate, key } = admin;
      const tls = { ...http.tls, cert: Buffer.from(certificate), key: Buffer.from(key) };
      const other = new Http(http.server, tls);
      assertStatus(await other.call('GET', CONFIG_MAPS), 401, 'Unauthorized');
    });
  });

  describe('documents', () => {
    it('/version says which Kubernetes it is', async () => {
      const version = await http.json<Record<string, string>>('GET', '/version');
      assert.match(version.gitVersion ?? '', /^v1\.\d+\.\d+/);
      assert.equal(version.gitVersion?.startsWith(`v${version.major}.${version.minor}.`), true);
    });

    it('discovery tells versions, groups and resources', async () => {
      const core = await http.json<{ versions: string[] }>('GET', '/api');
      assert.deepEqual(core.versions, ['v1']);
      const { groups } = await http.json<{ groups: Group[] }>('GET', '/apis');
      const apps = groups.find(({ name }) => name === 'apps');
      assert.equal(apps?.preferredVersion.groupVersion, 'apps/v1');
      const { kind, groupVersion, resources } = await http.json<Resources>('GET', '/apis/apps/v1');
      assert.deepEqual([kind, groupVersion], ['APIResourceList', 'apps/v1']);
      const deployments = resources.find(({ name }) => name === 'deployments');
      assert.deepEqual(deployments?.shortNames, ['deploy']);
      assert.ok(resources.some(({ name }) => name === 'deployments/scale'));
      for (const path of ['/api/v2', '/apis/apps/v9', '/apis/nobody.dev']) {
        assert.equal((await http.call('GET', path)).code, 404, path);
      }
    });

    for (const version of ['v2', 'v2beta1']) {
      it(`discovery comes in one document of ${version}`, async () => {
        const accept = `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList,application/json`;
        const reply = await http.call('GET', '/apis', { headers: { accept } });
        assert.match(reply.headers['content-type'] ?? '', new RegExp(`v=${version};`));
        const { kind, apiVersion, items } = jsonOf<Aggregated>(reply);
        assert.deepEqual(
          [kind, apiVersion],
          ['APIGroupDiscoveryList', `apidiscovery.k8s.io/${version}`],
        );
        const apps = items.find(({ metadata }) => metadata.name === 'apps');
        const resources = apps?.versions[0]?.resources ?? [];
        const deployments = resources.find(({ resource }) => resource === 'deployments');
        assert.equal(deployments?.responseKind.kind, 'Deployment');
        assert.ok(deployments?.subresources?.some(({ subresource }) => subresource === 'scale'));
      });
    }
  });

  describe('forms of an answer', () => {
    it('large lists are compressed for who takes it, and only for them', async () => {
      const plain = await http.call('GET', CONFIG_MAPS);
      assert.equal(plain.headers['content-encoding'], undefined);
      const packed = await http.call('GET', CONFIG_MAPS, {
        headers: { 'accept-encoding': 'gzip' },
      });
      assert.equal(packed.headers['content-encoding'], 'gzip');
      assert.ok(packed.body.length < plain.body.length / 10);
      assert.deepEqual(gunzipSync(packed.body), plain.body);
      const headers = { 'accept-encoding': 'gzip' };
      const small = await http.call('GET', `${CONFIG_MAPS}/large-1`, { headers });
      assert.equal(small.headers['content-encoding'], undefined);
    });

    it('YAML goes in and out', async () => {
      const body = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: yaml}\ndata: {a: "1"}\n';
      const headers = { 'content-type': 'application/yaml', accept: 'application/yaml' };
      const reply = await http.call('POST', CONFIG_MAPS, { body, headers });
      assert.equal(reply.code, 201);
      assert.equal(reply.headers['content-type'], 'application/yaml');
      assert.match(reply.body.toString(), /^kind: ConfigMap\n/);
    });

    for (const version of ['v1', 'v1beta1']) {
      it(`a Table of meta.k8s.io/${version}`, async () => {
        const headers = { accept: `application/json;as=Table;g=meta.k8s.io;v=${version}` };
        const of = async (query: string) =>
          jsonOf(await http.call('GET', `${CONFIG_MAPS}?limit=2${query}`, { headers }));
        const table = await of('');
        assert.deepEqual([table.kind, table.apiVersion], ['Table', `meta.k8s.io/${version}`]);
        const columns = table.columnDefinitions?.map(({ name }) => name);
        assert.deepEqual(columns, ['Name', 'Data', 'Age']);
        assert.equal(table.rows?.length, 2);
        assert.ok(table.metadata.continue);
        const [row] = table.rows ?? [];
        assert.deepEqual(row?.cells.slice(0, 2), [row?.object?.metadata.name, 1]);
        assert.equal(row?.object?.kind, 'PartialObjectMetadata');
        const whole = (await of('&includeObject=Object')).rows?.at(-1)?.object;
        assert.equal(whole?.data?.text?.length, 10_000);
        assert.equal((await of('&includeObject=None')).rows?.[0]?.object, null);
        assert.equal(
          (await http.call('GET', `${CONFIG_MAPS}?includeObject=x`, { headers })).code,
          400,
        );
      });

      it(`metadata alone of meta.k8s.io/${version}`, async () => {
        const parameters = `g=meta.k8s.io;v=${version}`;
        const accept = `application/json;as=PartialObjectMetadataList;${parameters}`;
        const list = jsonOf(
          await http.call('GET', `${CONFIG_MAPS}?limit=2`, { headers: { accept } }),
        );
        assert.deepEqual(
          [list.kind, list.apiVersion],
          ['PartialObjectMetadataList', `meta.k8s.io/${version}`],
        );
        assert.equal(list.items?.length, 2);
        assert.ok(list.items?.every(item => item.metadata.uid && item.data === undefined));
        const headers = { accept: `application/json;as=PartialObjectMetadata;${parameters}` };
        const one = jsonOf(await http.call('GET', `${CONFIG_MAPS}/large-1`, { headers }));
        assert.deepEqual([one.kind, one.metadata.name], ['PartialObjectMetadata', 'large-1']);
        const watch = await http.watch(
          `${CONFIG_MAPS}?watch=1&fieldSelector=metadata.name=large-1`,
          headers,
        );
        const frame = await watch.next();
        assert.deepEqual([frame?.type, frame?.object.kind], ['ADDED', 'PartialObjectMetadata']);
        watch.close();
      });
    }

    it('what cannot be served is 406', async () => {
      const reply = await http.call('GET', CONFIG_MAPS, { headers: { accept: 'image/png' } });
      assertStatus(reply, 406, 'NotAcceptable');
    });
  });

  describe('what is refused', () => {
    it('a body of more than 3 MiB', async () => {
      const body = { metadata: { name: 'huge' }, data: { text: 'x'.repeat(3 * 1024 * 1024) } };
      assertStatus(await http.call('POST', CONFIG_MAPS, { body }), 413, 'RequestEntityTooLarge');
    });

    it('a body that is not JSON', async () => {
      const reply = await http.call('POST', CONFIG_MAPS, { body: '{"metadata":' });
      assertStatus(reply, 400, 'BadRequest', /couldn't get version\/kind; json parse error: /);
      assertStatus(await http.call('POST', CONFIG_MAPS), 400, 'BadRequest');
    });

    it('a type of body that nobody reads', async () => {
      const headers = { 'content-type': 'text/html' };
      const reply = await http.call('POST', CONFIG_MAPS, { body: '<p>', headers });
      assertStatus(reply, 415, 'UnsupportedMediaType');
      const patch = await http.call('PATCH', `${CONFIG_MAPS}/large-1`, { body: '{}' });
      assertStatus(patch, 415, 'UnsupportedMediaType');
    });

    const paths = [
      { method: 'GET', path: '/nothing', code: 404 },
      { method: 'GET', path: '/api/v1/nothings', code: 404 },
      { method: 'GET', path: '/apis/nobody.dev/v1/things', code: 404 },
      { method: 'GET', path: `${CONFIG_MAPS}/large-1/nothing`, code: 404 },
      { method: 'GET', path: `${CONFIG_MAPS}/nobody`, code: 404 },
      { method: 'POST', path: `${CONFIG_MAPS}/large-1`, code: 405 },
      { method: 'POST', path: '/api/v1/configmaps', code: 405 },
      { method: 'PUT', path: CONFIG_MAPS, code: 405 },
      { method: 'PROPFIND', path: CONFIG_MAPS, code: 405 },
    ];
    for (const { method, path, code } of paths) {
      it(`${method} ${path} is ${code}`, async () => {
        const body = method === 'GET' ? undefined : { metadata: { name: 'large-1' } };
        assert.equal((await http.call(method, path, { body })).code, code);
      });
    }
  });
});

/** A failure's Status, whole. */
async function get(session: ClientHttp2Session, path: string): Promise<{ code: unknown }> {
  const stream = session.request({ ':path': path });
  const [headers] = await once(stream, 'response');
  stream.resume();
  await once(stream, 'end');
  return { code: headers[':status'] };
}

interface Group {
  readonly name: string;
  readonly preferredVersion: { readonly groupVersion: string };
}

interface Resources {
  readonly kind: string;
  readonly groupVersion: string;
  readonly resources: readonly { readonly name: string; readonly shortNames?: string[] }[];
}

interface Aggregated {
  readonly kind: string;
  readonly apiVersion: string;
  readonly items: readonly {
    readonly metadata: { readonly name: string };
    readonly versions: readonly {
      readonly resources: readonly {
        readonly resource: string;
        readonly responseKind: { readonly kind: string };
        readonly subresources?: readonly { readonly subresource: string }[];
      }[];
    }[];
  }[];
}
