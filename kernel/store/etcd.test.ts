import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Backend } from './backend.ts';
import { backendConformance } from './backend-conformance.ts';
import { Collector, commitOne, list, put } from './backend-testing.ts';
import { openEtcd } from './etcd.ts';
import { type EtcdServer, hasEtcd, startEtcd } from './etcd-testing.ts';

describe('etcd', { skip: hasEtcd() ? false : 'there is no etcd program here' }, () => {
  let server: EtcdServer;
  let fixtures = 0;

  const open = () => openEtcd({ endpoints: [server.endpoint] });
  const conformanceFixture = async () => {
    const prefix = `/test/${++fixtures}/`;
    let backend = await open();
    return {
      backend,
      prefix,
      reopen: async () => {
        await backend.close();
        backend = await open();
        return backend;
      },
      dispose: () => backend.close(),
    };
  };

  before(async () => {
    server = await startEtcd();
  });
  after(() => server.dispose());

  backendConformance('etcd', conformanceFixture, { histories: 10 });

  it('shows two backends the same changes in the same order', async () => {
    const backends = await Promise.all([open(), open()]);
    const [first, second] = backends;
    const base = await first.revision();
    const collectors = backends.map(backend => {
      const collector = new Collector();
      backend.watch('/shared/', base, collector);
      return collector;
    });
    const write = async (backend: Backend, name: string) => {
      for (let i = 0; i < 50; i++)
        await commitOne(backend, [put(`/shared/${i % 7}`, `${name}${i}`)]);
    };
    await Promise.all([write(first, 'a'), write(second, 'b')]);
    await Promise.all(collectors.map(collector => collector.until(base + 100)));
    assert.equal(collectors[0]?.changes.length, 100);
    assert.deepEqual(collectors[0]?.changes, collectors[1]?.changes);
    assert.deepEqual(await list(first, '/shared/'), await list(second, '/shared/'));
    await Promise.all(backends.map(backend => backend.close()));
  });

  it('reads more keys than one answer of etcd holds', async () => {
    const backend = await open();
    const name = (index: number) => `/many/${String(index).padStart(5, '0')}`;
    for (let start = 0; start < 2_500; start += 125) {
      const keys = Array.from({ length: 125 }, (_, index) => put(name(start + index), ''));
      await commitOne(backend, keys);
    }
    const { items, more } = await backend.range('/many/', '/many0');
    assert.deepEqual(
      items.map(item => item.key),
      Array.from({ length: 2_500 }, (_, index) => name(index)),
    );
    assert.equal(more, false);
    const page = await backend.range('/many/', '/many0', { limit: 1_500 });
    assert.deepEqual([page.items.length, page.more], [1_500, true]);
    await backend.close();
  });

  it('goes on watching without loss or repetition when etcd was away', async () => {
    const backend = await open();
    const base = await backend.revision();
    const collector = new Collector();
    backend.watch('/away/', base, collector);
    await collector.until(await commitOne(backend, [put('/away/a', '1')]));
    await server.stop();
    await assert.rejects(commitOne(backend, [put('/away/a', 'lost')]), /Cannot commit to etcd at /);
    await server.start();
    const other = await open();
    await commitOne(other, [put('/away/a', '2')]);
    await commitOne(other, [{ delete: '/away/a' }]);
    await collector.until(base + 3);
    assert.deepEqual(
      collector.changes.map(([revision]) => revision - base),
      [1, 2, 3],
    );
    assert.equal(collector.ended, undefined);
    assert.equal(await backend.revision(), base + 3);
    await Promise.all([backend.close(), other.close()]);
  });

  it('uses the member that answers', async () => {
    const backend = await openEtcd({ endpoints: ['http://127.0.0.1:9', server.endpoint] });
    const last = await commitOne(backend, [put('/member', '1')]);
    assert.equal(await backend.revision(), last);
    await backend.close();
  });

  it('says which etcd it cannot reach', async () => {
    const opening = openEtcd({ endpoints: ['http://127.0.0.1:9'] });
    await assert.rejects(opening, /^Error: Cannot read etcd at http:\/\/127\.0\.0\.1:9: /);
  });
});
