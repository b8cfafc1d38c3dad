import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type Cluster, createCluster } from 'kernetes';
import { type FakeClock, fakeClock } from 'kernetes/sdk/testing';
import { crdOf, establish, versionOf } from './crds.ts';
import { type Fields, Http, Watch } from './http.ts';
import { wholeMinute } from './whole-minute.ts';

const CONFIG_MAPS = '/api/v1/namespaces/default/configmaps';
const WATCH = `${CONFIG_MAPS}?watch=true`;

/** Watches over HTTPS, in a cluster whose time stands still until a test lets it go on. */
describe('watches over HTTPS', { timeout: 60_000 }, () => {
  let clock: FakeClock;
  let cluster: Cluster;
  let http: Http;

  before(async () => {
    clock = fakeClock(wholeMinute());
    cluster = await createCluster({ nodes: 0, clock });
    http = Http.of(await cluster.kubeconfig());
  });
  after(() => cluster?.close());

  const create = (name: string, labels = {}, data = {}) =>
    http.json('POST', CONFIG_MAPS, { metadata: { name, labels }, data });
  const change = (name: string, patch: object) =>
    http.json('PATCH', `${CONFIG_MAPS}/${name}`, patch, 'application/merge-patch+json');
  const remove = (name: string) => http.json('DELETE', `${CONFIG_MAPS}/${name}`);

  it('tells what there is, then every change in order', async () => {
    await create('first-a');
    const watch = await http.watch(WATCH);
    const there = (await http.json('GET', CONFIG_MAPS)).items ?? [];
    const initial = await watch.told(there.length);
    assert.deepEqual(
      initial,
      there.map(({ metadata }) => `ADDED ${metadata.name}`),
    );
    for (const name of ['first-b', 'first-c']) await create(name);
    await change('first-b', { data: { a: 'b' } });
    await remove('first-a');
    assert.deepEqual(await watch.told(4), [
      'ADDED first-b',
      'ADDED first-c',
      'MODIFIED first-b',
      'DELETED first-a',
    ]);
    watch.close();
  });

  it('begins after a resourceVersion', async () => {
    const { metadata } = await create('since-a');
    await create('since-b');
    await remove('since-a');
    const watch = await http.watch(`${WATCH}&resourceVersion=${metadata.resourceVersion}`);
    assert.deepEqual(await watch.told(2), ['ADDED since-b', 'DELETED since-a']);
    watch.close();
  });

  it('DELETED has the last state at the resourceVersion of the deletion', async () => {
    const made = await create('last', {}, { a: 'b' });
    const watch = await http.watch(`${WATCH}&resourceVersion=${made.metadata.resourceVersion}`);
    await remove('last');
    const frame = await watch.next();
    assert.equal(frame?.type, 'DELETED');
    const { metadata, data } = frame?.object ?? assert.fail();
    assert.deepEqual([metadata.uid, data], [made.metadata.uid, { a: 'b' }]);
    assert.ok(Number(metadata.resourceVersion) > Number(made.metadata.resourceVersion));
    watch.close();
  });

  it('an object that enters a selection is ADDED, one that leaves it is DELETED', async () => {
    const selectors = [
      'labelSelector=tier%3Dfront',
      'labelSelector=tier%20in%20(front%2Cedge)%2Ctier',
      'fieldSelector=metadata.name%3Dselected&labelSelector=tier%3Dfront',
    ];
    const { metadata } = await http.json('GET', CONFIG_MAPS);
    const watches: Watch[] = [];
    for (const selector of selectors) {
      const version = `resourceVersion=${metadata.resourceVersion}`;
      watches.push(await http.watch(`${WATCH}&${selector}&${version}`));
    }
    await create('other', { tier: 'back' });
    await create('selected', { tier: 'back' });
    await change('selected', { metadata: { labels: { tier: 'front' } } });
    await change('selected', { data: { a: 'b' } });
    await change('selected', { metadata: { labels: { tier: null } }, data: { a: 'c' } });
    const { metadata: gone } = await http.json('GET', `${CONFIG_MAPS}/selected`);
    for (const watch of watches) {
      assert.deepEqual(await watch.told(2), ['ADDED selected', 'MODIFIED selected']);
      const { type, object } = (await watch.next()) ?? assert.fail();
      const { labels, resourceVersion } = object.metadata;
      assert.deepEqual([type, labels, object.data], ['DELETED', { tier: 'front' }, { a: 'b' }]);
      assert.equal(resourceVersion, gone.resourceVersion);
      watch.close();
    }
  });

  it('selections of custom resources too, in each version', async () => {
    const versions = [versionOf('v1'), versionOf('v2')];
    await establish(cluster, crdOf({ group: 'watched.example', kind: 'Gadget', versions }));
    const path = (version: string) => `/apis/watched.example/${version}/namespaces/default/gadgets`;
    const watches: [string, Watch][] = [];
    for (const version of ['v1', 'v2']) {
      const query = 'watch=1&labelSelector=tier%3Dfront&resourceVersion=0';
      watches.push([version, await http.watch(`${path(version)}?${query}`)]);
    }
    const apiVersion = 'watched.example/v1';
    await http.json('POST', path('v1'), { apiVersion, kind: 'Gadget', metadata: { name: 'g' } });
    for (const tier of ['front', 'back']) {
      const patch = { metadata: { labels: { tier } } };
      await http.json('PATCH', `${path('v2')}/g`, patch, 'application/merge-patch+json');
    }
    for (const [version, watch] of watches) {
      for (const wanted of ['ADDED', 'DELETED']) {
        const { type, object } = (await watch.next()) ?? assert.fail();
        assert.deepEqual(
          [type, object.apiVersion, object.metadata.labels],
          [wanted, `watched.example/${version}`, { tier: 'front' }],
        );
      }
      watch.close();
    }
  });

  it('a field of the specification selects too', async () => {
    const pods = '/api/v1/namespaces/default/pods';
    const watch = await http.watch(`${pods}?watch=true&fieldSelector=spec.nodeName%3Dn1`);
    const spec = { containers: [{ name: 'main', image: 'nginx' }] };
    for (const name of ['on-n2', 'on-n1']) {
      await http.json('POST', pods, { metadata: { name }, spec });
      const binding = { metadata: { name }, target: { kind: 'Node', name: name.slice(3) } };
      await http.json('POST', `${pods}/${name}/binding`, binding);
    }
    assert.deepEqual(await watch.told(1), ['ADDED on-n1']);
    watch.close();
  });

  for (const path of [
    `${WATCH}&fieldSelector=metadata.name%3Done`,
    '/api/v1/configmaps?watch=1&fieldSelector=metadata.namespace%3Ddefault%2Cmetadata.name%3Done',
    '/api/v1/watch/namespaces/default/configmaps/one',
    '/api/v1/watch/namespaces/default/configmaps?fieldSelector=metadata.name%3D%3Done',
  ]) {
    it(`GET ${path} watches one object`, async () => {
      const watch = await http.watch(path);
      await create('one-not');
      await create('one');
      await remove('one-not');
      await remove('one');
      assert.deepEqual(await watch.told(2), ['ADDED one', 'DELETED one']);
      watch.close();
    });
  }

  it('a watch of all namespaces sees each', async () => {
    await http.json('POST', '/api/v1/namespaces', { metadata: { name: 'elsewhere' } });
    const { metadata } = await http.json('GET', '/api/v1/configmaps');
    const watch = await http.watch(
      `/api/v1/configmaps?watch=1&resourceVersion=${metadata.resourceVersion}`,
    );
    const body = { metadata: { name: 'there' } };
    await http.json('POST', '/api/v1/namespaces/elsewhere/configmaps', body);
    await create('here');
    assert.deepEqual(await watch.told(2), ['ADDED there', 'ADDED here']);
    watch.close();
  });

  it('sendInitialEvents ends what there is with a bookmark', async () => {
    await create('initial');
    const query = 'sendInitialEvents=true&resourceVersionMatch=NotOlderThan';
    const watch = await http.watch(
      `${WATCH}&allowWatchBookmarks=true&${query}&fieldSelector=metadata.name%3Dinitial`,
    );
    assert.deepEqual(await watch.told(1), ['ADDED initial']);
    const { type, object } = (await watch.next()) ?? assert.fail();
    assert.deepEqual([type, object.kind], ['BOOKMARK', 'ConfigMap']);
    assert.deepEqual(object.metadata.annotations, { 'k8s.io/initial-events-end': 'true' });
    const since = object.metadata.resourceVersion;
    const { metadata } = await http.json('GET', CONFIG_MAPS);
    assert.equal(since, metadata.resourceVersion);
    watch.close();
  });

  for (const { as, kinds } of [
    { as: 'Table', kinds: ['Table', 'Table'] },
    { as: 'PartialObjectMetadata', kinds: ['PartialObjectMetadata', 'PartialObjectMetadata'] },
  ]) {
    it(`a streaming list as ${as} ends with a bookmark of that shape`, async () => {
      await create(`streamed-${as.toLowerCase()}`, { streamed: as });
      const query = 'sendInitialEvents=true&resourceVersionMatch=NotOlderThan';
      const watch = await http.watch(
        `${WATCH}&allowWatchBookmarks=true&${query}&labelSelector=streamed%3D${as}`,
        { accept: `application/json;as=${as};g=meta.k8s.io;v=v1` },
      );
      const frames = [await watch.next(), await watch.next()];
      assert.deepEqual(
        frames.map(each => each?.type),
        ['ADDED', 'BOOKMARK'],
      );
      assert.deepEqual(
        frames.map(each => each?.object.kind),
        kinds,
      );
      const last = frames[1]?.object ?? assert.fail();
      const marked = last.rows?.[0]?.object ?? last;
      assert.deepEqual(marked.metadata.annotations, { 'k8s.io/initial-events-end': 'true' });
      assert.ok(Number(last.metadata.resourceVersion) > 0);
      watch.close();
    });
  }

  it('sendInitialEvents=false tells nothing of what there is', async () => {
    await create('before-false');
    const query = 'sendInitialEvents=false&resourceVersionMatch=NotOlderThan';
    for (const version of ['', '&resourceVersion=0']) {
      const watch = await http.watch(`${WATCH}&${query}${version}`);
      const name = `after-false${version.length}`;
      await create(name);
      assert.deepEqual(await watch.told(1), [`ADDED ${name}`]);
      watch.close();
    }
  });

  it('a resourceVersion to come is waited for in silence', async () => {
    const { metadata } = await create('to-come-a');
    const watch = await http.watch(
      `${WATCH}&resourceVersion=${Number(metadata.resourceVersion) + 1}`,
    );
    await create('to-come-b');
    await create('to-come-c');
    assert.deepEqual(await watch.told(1), ['ADDED to-come-c']);
    watch.close();
  });

  it('watch=true at an object is a get of it', async () => {
    await create('got');
    const { kind, metadata } = await http.json('GET', `${CONFIG_MAPS}/got?watch=true`);
    assert.deepEqual([kind, metadata.name], ['ConfigMap', 'got']);
  });

  for (const [query, wanted] of Object.entries({
    'watch=FALSE': 'ConfigMapList',
    'watch=0&watch=1': 'ConfigMapList',
    'watch&timeoutSeconds=-1': undefined,
  })) {
    it(`?${query} is ${wanted ? 'a list' : 'a watch that is over'}`, async () => {
      const opened = http.open('GET', `${CONFIG_MAPS}?resourceVersion=0&${query}`);
      if (wanted === undefined) {
        const watch = new Watch(await opened);
        await clock.step(0);
        while ((await watch.next()) !== undefined);
        return;
      }
      let body = '';
      for await (const chunk of await opened) body += String(chunk);
      assert.equal((JSON.parse(body) as Fields).kind, wanted);
    });
  }

  it('refuses options that do not fit together', async () => {
    const query = 'watch=true&sendInitialEvents=true';
    const { code, body } = await http.call('GET', `${CONFIG_MAPS}?${query}`);
    const { reason, message } = JSON.parse(body.toString()) as Fields;
    assert.deepEqual([code, reason], [422, 'Invalid']);
    assert.match(
      message ?? '',
      /^ListOptions\.meta\.k8s\.io "" is invalid: resourceVersionMatch: /,
    );
  });

  it('bookmarks come to who allows them, once a minute, and move on', async () => {
    const { metadata } = await http.json('GET', CONFIG_MAPS);
    const query = `resourceVersion=${metadata.resourceVersion}&fieldSelector=metadata.name%3Dnone`;
    const quiet = await http.watch(`${WATCH}&${query}`);
    const marked = await http.watch(`${WATCH}&${query}&allowWatchBookmarks=true`);
    const { metadata: made } = await create('bookmarked');
    await clock.step(60_000);
    const { type, object } = (await marked.next()) ?? assert.fail();
    assert.deepEqual([type, object.kind, object.apiVersion], ['BOOKMARK', 'ConfigMap', 'v1']);
    assert.ok(Number(object.metadata.resourceVersion) >= Number(made.resourceVersion));
    await create('none');
    assert.deepEqual(await quiet.told(1), ['ADDED none']);
    for (const watch of [quiet, marked]) watch.close();
  });

  it('a bookmark comes two seconds before the end', async () => {
    const { metadata } = await http.json('GET', CONFIG_MAPS);
    const query = `resourceVersion=${metadata.resourceVersion}&timeoutSeconds=20`;
    const watch = await http.watch(`${WATCH}&${query}&allowWatchBookmarks=true`);
    await clock.step(18_000);
    assert.equal((await watch.next())?.type, 'BOOKMARK');
    await clock.step(2_000);
    assert.equal(await watch.next(), undefined);
  });

  it('ends after half an hour to an hour when no timeout is asked for', async () => {
    const watch = await http.watch(`${WATCH}&fieldSelector=metadata.name%3Dlong`);
    await clock.step(1_799_000);
    await create('long');
    assert.deepEqual(await watch.told(1), ['ADDED long']);
    await clock.step(1_801_000);
    assert.equal(await watch.next(), undefined);
  });

  it('ends after timeoutSeconds', async () => {
    const watch = await http.watch(
      `${WATCH}&timeoutSeconds=30&fieldSelector=metadata.name%3Dtimed`,
    );
    await clock.step(29_000);
    await create('timed');
    assert.deepEqual(await watch.told(1), ['ADDED timed']);
    await clock.step(1_000);
    assert.equal(await watch.next(), undefined);
  });

  it('who reads too slowly is cut off; who reads gets everything', async () => {
    const { metadata } = await http.json('GET', CONFIG_MAPS);
    const path = `${WATCH}&resourceVersion=${metadata.resourceVersion}`;
    const slow = await http.watch(path);
    const fast = await http.watch(path);
    const data = { text: 'x'.repeat(900_000) };
    const names = Array.from({ length: 40 }, (_, index) => `slow-${index}`);
    for (const name of names) {
      await create(name, {}, data);
      assert.deepEqual(await fast.told(1), [`ADDED ${name}`]);
    }
    let got = 0;
    while ((await slow.next()) !== undefined) got++;
    assert.ok(got > 0 && got < names.length, `The slow one got ${got} of ${names.length}`);
    fast.close();
  });

  it('ends when the server stops', async () => {
    const watch = await http.watch(`${WATCH}&fieldSelector=metadata.name%3Dnobody`);
    await cluster.close();
    assert.equal(await watch.next(), undefined);
  });
});
