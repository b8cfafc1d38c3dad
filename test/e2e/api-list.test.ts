import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { type Cluster, createCluster } from 'kernetes';
import { Namespace } from 'kernetes/sdk';
import { type FakeClock, fakeClock } from 'kernetes/sdk/testing';
import { type Fields, Http, jsonOf } from './http.ts';
import { apiOnly } from './profiles.ts';
import { wholeMinute } from './whole-minute.ts';

const CONFIG_MAPS = '/api/v1/namespaces/default/configmaps';

/** Lists over HTTPS. */
describe('lists over HTTPS', { timeout: 60_000 }, () => {
  let clock: FakeClock;
  let cluster: Cluster;
  let http: Http;
  const names = Array.from({ length: 25 }, (_, index) => `cm-${String(index).padStart(2, '0')}`);

  before(async () => {
    clock = fakeClock(wholeMinute());
    cluster = await createCluster({ profile: apiOnly(), clock });
    await cluster.objects.create(Namespace, { metadata: { name: 'default' } });
    http = Http.of(await cluster.kubeconfig());
    for (const name of names)
      await create(name, { parity: Number(name.slice(3)) % 2 ? 'odd' : 'even' });
  });
  after(() => cluster?.close());

  const create = (name: string, labels = {}) =>
    http.json('POST', CONFIG_MAPS, { metadata: { name, labels } });
  const list = (query = '') => http.json('GET', `${CONFIG_MAPS}?${query}`);

  /** All pages, `between` called after each. */
  const pages = async (query: string, between: (page: number) => Promise<unknown>) => {
    const found: Fields[] = [];
    let token = '';
    do {
      const page = await list(`${query}&continue=${encodeURIComponent(token)}`);
      found.push(page);
      token = page.metadata.continue ?? '';
      await between(found.length);
    } while (token !== '');
    return found;
  };

  it('all pages of a list show the state of the first', async () => {
    const { items: wanted = [], metadata } = await list();
    const found = await pages('limit=10', async page => {
      if (page === 1) {
        await http.json('DELETE', `${CONFIG_MAPS}/cm-15`);
        await create('cm-115');
        const patch = { data: { changed: 'yes' } };
        await http.json('PATCH', `${CONFIG_MAPS}/cm-20`, patch, 'application/merge-patch+json');
      }
    });
    assert.deepEqual(
      found.map(({ items }) => items?.length),
      [10, 10, 5],
    );
    assert.deepEqual(
      found.map(each => each.metadata.remainingItemCount),
      [15, 5, undefined],
    );
    assert.deepEqual(
      found.flatMap(({ items }) => items),
      wanted,
    );
    for (const each of found) assert.equal(each.metadata.resourceVersion, metadata.resourceVersion);
    const now = namesOf(await list());
    assert.ok(now.includes('cm-115') && !now.includes('cm-15'));
    await http.json('DELETE', `${CONFIG_MAPS}/cm-115`);
    await create('cm-15', { parity: 'odd' });
  });

  it('a selection is paged without telling how many are left', async () => {
    const found = await pages('limit=5&labelSelector=parity%3Deven', async () => undefined);
    assert.deepEqual(
      found.map(({ items }) => items?.length),
      [5, 5, 3],
    );
    for (const { metadata } of found) assert.equal(metadata.remainingItemCount, undefined);
    assert.deepEqual(
      found.flatMap(namesOf),
      names.filter((_, index) => index % 2 === 0),
    );
  });

  const selections = [
    { selector: 'labelSelector=parity', count: 25 },
    { selector: 'labelSelector=!parity', count: 0 },
    { selector: 'labelSelector=parity%20notin%20(odd)', count: 13 },
    { selector: 'labelSelector=parity!%3Dodd', count: 13 },
    { selector: 'labelSelector=parity%20in%20(odd%2Ceven)%2Cparity!%3Deven', count: 12 },
    { selector: 'fieldSelector=metadata.name%3Dcm-03', count: 1 },
    { selector: 'fieldSelector=metadata.name!%3Dcm-03%2Cmetadata.namespace%3Ddefault', count: 24 },
  ];
  for (const { selector, count } of selections) {
    it(`?${decodeURIComponent(selector)} selects ${count}`, async () => {
      assert.equal((await list(selector)).items?.length, count);
    });
  }

  it('resourceVersion 0 and one that is there are answered at once', async () => {
    const { metadata } = await list();
    for (const version of ['0', metadata.resourceVersion]) {
      const found = await list(`resourceVersion=${version}`);
      assert.equal(found.items?.length, 25);
      assert.equal(found.metadata.resourceVersion, metadata.resourceVersion);
    }
    const older = `resourceVersion=${metadata.resourceVersion}&resourceVersionMatch=NotOlderThan`;
    await create('newer');
    assert.equal((await list(older)).items?.length, 26);
    await http.json('DELETE', `${CONFIG_MAPS}/newer`);
  });

  it('resourceVersionMatch=Exact shows the state of then', async () => {
    const { metadata, items } = await list();
    await create('later');
    const exact = `resourceVersion=${metadata.resourceVersion}&resourceVersionMatch=Exact`;
    const then = await list(exact);
    assert.deepEqual(
      [then.items, then.metadata.resourceVersion],
      [items, metadata.resourceVersion],
    );
    const paged = await pages(`${exact}&limit=20`, async () => undefined).catch(error => error);
    assert.match(String(paged), /resourceVersionMatch is forbidden when continue is provided/);
    await http.json('DELETE', `${CONFIG_MAPS}/later`);
  });

  for (const path of [CONFIG_MAPS, `${CONFIG_MAPS}/cm-00`]) {
    it(`GET ${path} of a resourceVersion to come is a Timeout after three seconds`, async () => {
      const before = clock.pending;
      const asked = http.call('GET', `${path}?resourceVersion=1000000`);
      while (clock.pending === before) await new Promise(resolve => setImmediate(resolve));
      await clock.step(3_000);
      const reply = await asked;
      const { code, reason, details, message } = jsonOf(reply);
      assert.deepEqual([reply.code, code, reason], [504, 504, 'Timeout']);
      assert.match(message ?? '', /^Timeout: Too large resource version: 1000000, current: \d+$/);
      assert.equal(details?.retryAfterSeconds, 1);
      assert.deepEqual(details?.causes, [
        { reason: 'ResourceVersionTooLarge', message: 'Too large resource version' },
      ]);
    });
  }

  it('one that comes in time is waited for', async () => {
    const { metadata } = await list();
    const next = Number(metadata.resourceVersion) + 1;
    const before = clock.pending;
    const asked = list(`resourceVersion=${next}`);
    while (clock.pending === before) await new Promise(resolve => setImmediate(resolve));
    await create('in-time');
    assert.ok(namesOf(await asked).includes('in-time'));
    await http.json('DELETE', `${CONFIG_MAPS}/in-time`);
  });

  it('a limit at resourceVersion 0 is ignored, one at another makes it exact', async () => {
    const { metadata, items } = await list();
    await create('after');
    assert.equal((await list('resourceVersion=0&limit=3')).items?.length, 26);
    const page = await list(`resourceVersion=${metadata.resourceVersion}&limit=100`);
    assert.deepEqual(page.items, items);
    assert.equal(page.metadata.resourceVersion, metadata.resourceVersion);
    await http.json('DELETE', `${CONFIG_MAPS}/after`);
  });

  const whole = ['limit=-1', 'limit=0', 'limit=9223372036854775807', 'timeoutSeconds=1'];
  for (const query of whole) {
    it(`?${query} lists everything`, async () => {
      const { items, metadata } = await list(query);
      assert.equal(items?.length, 25);
      assert.deepEqual(Object.keys(metadata), ['resourceVersion']);
    });
  }

  it('pages have the shape that is accepted, with what a list says of itself', async () => {
    const accept = 'application/json;as=Table;g=meta.k8s.io;v=v1';
    const reply = await http.call('GET', `${CONFIG_MAPS}?limit=10`, { headers: { accept } });
    const { kind, rows, metadata } = jsonOf(reply);
    assert.deepEqual([kind, rows?.length, metadata.remainingItemCount], ['Table', 10, 15]);
    assert.ok(metadata.continue && metadata.resourceVersion);
  });

  it('nothing links to itself', async () => {
    const metadata = { name: 'linked', selfLink: '/nowhere' };
    const made = await http.json('POST', CONFIG_MAPS, { metadata });
    const text = JSON.stringify([made, await list(), await http.json('GET', '/api/v1/nodes')]);
    assert.ok(!text.includes('selfLink'));
    await http.json('DELETE', `${CONFIG_MAPS}/linked`);
  });

  it('a collection is deleted page by page', async () => {
    for (const name of ['gone-a', 'gone-b', 'gone-c']) await create(name, { gone: 'yes' });
    const query = 'labelSelector=gone&limit=2';
    const { metadata } = await http.json('DELETE', `${CONFIG_MAPS}?${query}`);
    assert.deepEqual(namesOf(await list('labelSelector=gone')), ['gone-c']);
    const token = encodeURIComponent(metadata.continue ?? '');
    await http.json('DELETE', `${CONFIG_MAPS}?${query}&continue=${token}`);
    assert.deepEqual(namesOf(await list('labelSelector=gone')), []);
  });

  it('only answers beyond 128 KiB are compressed, for who accepts gzip as such', async () => {
    const path = '/api/v1/namespaces/large/configmaps';
    await http.json('POST', '/api/v1/namespaces', { metadata: { name: 'large' } });
    const body = (name: string) => ({ metadata: { name }, data: { text: 'x'.repeat(100 * 1024) } });
    await http.json('POST', path, body('a'));
    const encoding = async (accepted: string, query = '') => {
      const headers = { 'accept-encoding': accepted };
      const reply = await http.call('GET', path + query, { headers });
      const plain = reply.headers['content-encoding'] ? gunzipSync(reply.body) : reply.body;
      assert.equal((JSON.parse(plain.toString()) as Fields).kind, 'ConfigMapList');
      return reply.headers['content-encoding'];
    };
    assert.equal(await encoding('gzip'), undefined);
    await http.json('POST', path, body('b'));
    assert.equal(await encoding('gzip', '?limit=1'), undefined);
    for (const [accepted, wanted] of Object.entries({
      gzip: 'gzip',
      'deflate, gzip, br': 'gzip',
      'gzip;q=0': undefined,
      'x-gzip': undefined,
      identity: undefined,
    })) {
      assert.equal(await encoding(accepted), wanted, accepted);
    }
  });

  const messages = [
    {
      path: `${CONFIG_MAPS}?fieldSelector=data.a%3Db`,
      says: '"data.a" is not a known field selector: only "metadata.name", "metadata.namespace"',
    },
    { path: '/api/v1/pods?fieldSelector=spec.no%3Db', says: 'field label not supported: spec.no' },
    {
      path: '/api/v1/pods?watch=1&fieldSelector=spec.no%3Db',
      says: 'field label not supported: spec.no',
    },
    {
      path: '/api/v1/watch/namespaces/default/configmaps/a?fieldSelector=metadata.name%3Db',
      says: "fieldSelector metadata.name doesn't match requested name",
    },
    { path: `${CONFIG_MAPS}?limit=`, says: 'strconv.ParseInt: parsing "": invalid syntax' },
    {
      path: `${CONFIG_MAPS}?watch=1&timeoutSeconds=1s`,
      says: 'strconv.ParseInt: parsing "1s": invalid syntax',
    },
    {
      path: `${CONFIG_MAPS}?continue=zzz`,
      says: "invalid continue token: continue key is not valid: invalid character 'Ï' looking for beginning of value",
    },
  ];
  for (const { path, says } of messages) {
    it(`GET ${path} is refused in upstream's words`, async () => {
      const reply = await http.call('GET', path);
      const { reason, message } = jsonOf(reply);
      assert.deepEqual([reply.code, reason, message], [400, 'BadRequest', says]);
    });
  }

  const refused = [
    { query: 'continue=nonsense', code: 400 },
    { query: 'limit=x', code: 400 },
    { query: 'labelSelector=a%20b', code: 400 },
    { query: 'fieldSelector=data.a%3Db', code: 400 },
  ];
  for (const { query, code } of refused) {
    it(`?${query} is ${code}`, async () => {
      assert.equal((await http.call('GET', `${CONFIG_MAPS}?${query}`)).code, code);
    });
  }
});

function namesOf({ items = [] }: Fields): string[] {
  return items.map(({ metadata }) => metadata.name ?? '');
}
