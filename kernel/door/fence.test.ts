import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { authorizerPoint } from '../../sdk/auth.ts';
import type { Fence, ObjectRequest } from '../../sdk/request.ts';
import { ApiError } from '../../sdk/status.ts';
import type { Backend, Transaction } from '../store/backend.ts';
import { openEtcd } from '../store/etcd.ts';
import { hasEtcd, startEtcd } from '../store/etcd-testing.ts';
import { openLmdb } from '../store/lmdb.ts';
import { memoryBackend } from '../store/memory.ts';
import { openDoor, type Widget, widget } from './door-testing.ts';

const FENCE_PLACE = { group: 'test', version: 'v1', resource: 'widgets', namespace: 'x' };

/** A door, an object to write to, and a fence that holds while its size is 1. */
async function setUp(database = memoryBackend()) {
  const backend = hooked(database);
  const door = await openDoor({}, backend);
  await door.request({ verb: 'create', body: widget('target', 1) });
  const made = await door.request({ verb: 'create', body: widget('fence', 1) });
  const fence: Fence = {
    ...FENCE_PLACE,
    name: 'fence',
    uid: made.metadata.uid ?? '',
    resourceVersion: made.metadata.resourceVersion ?? '',
    fields: { 'spec.size': 1 },
  };
  const patchFence = (body: object) => door.request({ verb: 'patch', name: 'fence', body });
  return { ...door, backend, fence, patchFence };
}

/** Does something right before the next commit reaches the database. */
function hooked(backend: Backend) {
  let before: (() => Promise<unknown>) | undefined;
  let commits = 0;
  return {
    name: backend.name,
    range: backend.range.bind(backend),
    revision: backend.revision.bind(backend),
    watch: backend.watch.bind(backend),
    compact: backend.compact.bind(backend),
    close: backend.close.bind(backend),
    async commit(transactions: readonly Transaction[]) {
      const action = before;
      before = undefined;
      await action?.();
      commits++;
      return backend.commit(transactions);
    },
    beforeNextCommit(action: () => Promise<unknown>) {
      before = action;
    },
    get commits() {
      return commits;
    },
  };
}

type Write = Pick<ObjectRequest, 'verb'> & Partial<ObjectRequest>;

const WRITES: readonly (Write & { readonly title: string })[] = [
  { title: 'a create', verb: 'create', body: widget('new') },
  { title: 'an update', verb: 'update', name: 'target', body: widget('target', 2) },
  { title: 'a patch', verb: 'patch', name: 'target', body: { spec: { size: 2 } } },
  {
    title: "a status' patch",
    verb: 'patch',
    name: 'target',
    subresource: 'status',
    body: { status: { phase: 'done' } },
  },
  { title: 'a delete', verb: 'delete', name: 'target' },
  {
    title: 'a delete of a collection',
    verb: 'deletecollection',
    options: { fieldSelector: 'metadata.name=target' },
  },
];

describe('a fenced write', () => {
  for (const { title, ...write } of WRITES) {
    it(`${title} is done, in one commit, while the fence holds`, async () => {
      const { request, fence, backend } = await setUp();
      const before = backend.commits;
      await request({ ...write, fence });
      assert.equal(backend.commits, before + 1);
    });

    it(`${title} is done when the fence was changed, but says the same`, async () => {
      const { request, fence, patchFence } = await setUp();
      await patchFence({ status: { phase: 'ignored' }, metadata: { labels: { renewed: '1' } } });
      await request({ ...write, fence });
    });

    it(`${title} is done when the fence is renewed right before the commit`, async () => {
      const { request, fence, backend, patchFence } = await setUp();
      backend.beforeNextCommit(() => patchFence({ metadata: { labels: { renewed: '1' } } }));
      await request({ ...write, fence });
    });

    it(`${title} is refused when the fence says something else right before the commit`, async () => {
      const { request, fence, backend, patchFence, objects } = await setUp();
      backend.beforeNextCommit(() => patchFence({ spec: { size: 2 } }));
      await assert.rejects(request({ ...write, fence }), isRefusal(/another spec.size than 1$/));
      assert.equal(objects.revision, Number(fence.resourceVersion) + 1);
    });
  }

  const refused = [
    {
      title: 'that says something else',
      change: { verb: 'patch', name: 'fence', body: { spec: { size: 2 } } },
      why: /which has another spec.size than 1$/,
    },
    { title: 'that is gone', change: { verb: 'delete', name: 'fence' }, why: /which is gone$/ },
  ] as const;
  for (const { title, change, why } of refused) {
    it(`is refused by a fence ${title}`, async () => {
      const { request, fence } = await setUp();
      await request(change);
      const write = request({ verb: 'create', body: widget('new'), fence });
      await assert.rejects(write, isRefusal(why));
    });
  }

  it('is refused by another object of the same name that says the same', async () => {
    const { request, fence } = await setUp();
    await request({ verb: 'delete', name: 'fence' });
    await request({ verb: 'create', body: widget('fence', 1) });
    const write = request({ verb: 'create', body: widget('new'), fence });
    await assert.rejects(write, isRefusal(/which is another one$/));
  });

  it('loses a race for its object as any write does, and tries again', async () => {
    const { request, fence, backend } = await setUp();
    backend.beforeNextCommit(() =>
      request({ verb: 'patch', name: 'target', body: { metadata: { labels: { a: 'b' } } } }),
    );
    const body = { spec: { size: 3 } };
    const made = (await request({ verb: 'patch', name: 'target', body, fence })) as Widget;
    assert.deepEqual([made.metadata.labels, made.spec], [{ a: 'b' }, { size: 3 }]);
  });

  it('that changes nothing is answered without a commit', async () => {
    const { request, fence, backend } = await setUp();
    const before = backend.commits;
    await request({ verb: 'patch', name: 'target', body: { spec: { size: 1 } }, fence });
    assert.equal(backend.commits, before);
  });

  it('is refused to who may not get the fence', async () => {
    const { door, provide, fence } = await setUp();
    provide(
      authorizerPoint,
      { authorize: a => (a.verb === 'create' ? 'allow' : 'no-opinion') },
      'b',
    );
    const bob = { name: 'bob', groups: [] };
    const write = { ...FENCE_PLACE, verb: 'create' as const, body: widget('new') };
    const fenced = door.request(bob, { ...write, fence });
    await assert.rejects(fenced, (error: unknown) => ApiError.is(error, 'Forbidden'));
    await door.request(bob, write);
  });
});

type Turn =
  | { readonly type: 'take' | 'renew'; readonly who: number }
  | { readonly type: 'write'; readonly who: number; readonly racing: readonly Turn[] };

/** Who takes or renews the fence, in between or right before a write of somebody's is committed. */
const turns = fc.letrec<{ turn: Turn; fence: Turn }>(tie => ({
  fence: fc.record({
    type: fc.constantFrom('take' as const, 'renew' as const),
    who: fc.nat({ max: 2 }),
  }),
  turn: fc.oneof(
    tie('fence'),
    fc.record({
      type: fc.constant('write' as const),
      who: fc.nat({ max: 2 }),
      racing: fc.array(tie('fence'), { maxLength: 3 }),
    }),
  ),
})).turn;

it('every fenced write that is done was done while its fence held, and no other is refused', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(turns, { maxLength: 20 }), async history => {
      const { request, fence, backend } = await setUp();
      const held: { revision: number; who: number }[] = [];
      const last = () => held.at(-1) ?? { revision: Number(fence.resourceVersion), who: 1 };
      const known = new Map<number, string>([[1, fence.resourceVersion]]);
      let touches = 0;
      const play = async (turn: Turn): Promise<void> => {
        if (turn.type === 'write') return write(turn.who, turn.racing);
        const who = turn.type === 'take' ? turn.who : last().who;
        const labels = { touched: String(touches++) };
        const body = { metadata: { labels }, spec: { size: who } };
        const { metadata } = await request({ verb: 'patch', name: 'fence', body });
        held.push({ revision: Number(metadata.resourceVersion), who });
        known.set(who, metadata.resourceVersion ?? '');
      };
      const write = async (who: number, racing: readonly Turn[]) => {
        const resourceVersion = known.get(who);
        if (resourceVersion === undefined) return;
        backend.beforeNextCommit(async () => {
          for (const turn of racing) await play(turn);
        });
        const own = { ...fence, resourceVersion, fields: { 'spec.size': who } };
        const made = await request({
          verb: 'create',
          body: { metadata: { generateName: 'w-' } },
          fence: own,
        }).catch(() => undefined);
        // Refused before any commit: then nobody raced it.
        backend.beforeNextCommit(async () => undefined);
        assert.equal(made !== undefined, last().who === who);
      };
      for (const turn of history) await play(turn);
    }),
    { numRuns: 200 },
  );
});

/** An opener of each database, and what it takes to be rid of it. */
const DATABASES: readonly {
  readonly name: string;
  readonly skip: string | false;
  open(): Promise<{ backend: Backend; dispose(): Promise<void> }>;
}[] = [
  {
    name: 'lmdb',
    skip: false,
    async open() {
      const path = await mkdtemp(join(tmpdir(), 'kernetes-fence-'));
      const backend = await openLmdb({ path });
      return { backend, dispose: () => rm(path, { recursive: true }) };
    },
  },
  {
    name: 'etcd',
    skip: hasEtcd() ? false : 'there is no etcd',
    async open() {
      const server = await startEtcd();
      const backend = await openEtcd({ endpoints: [server.endpoint] });
      return { backend, dispose: () => server.dispose() };
    },
  },
];

for (const { name, skip, open } of DATABASES) {
  it(`fenced writes are done and refused in ${name} as in memory`, { skip }, async () => {
    const database = await open();
    const { request, fence, backend, patchFence, objects } = await setUp(database.backend);
    try {
      backend.beforeNextCommit(() => patchFence({ metadata: { labels: { renewed: '1' } } }));
      await request({ verb: 'create', body: widget('renewed'), fence });
      backend.beforeNextCommit(() => patchFence({ spec: { size: 2 } }));
      const taken = request({ verb: 'create', body: widget('taken'), fence });
      await assert.rejects(taken, isRefusal(/another spec.size than 1$/));
      const left = request({ verb: 'get', name: 'taken' });
      await assert.rejects(left, (error: unknown) => ApiError.is(error, 'NotFound'));
    } finally {
      await objects.close();
      await database.dispose();
    }
  });
}

function isRefusal(why: RegExp) {
  return (error: unknown) => {
    assert.ok(ApiError.is(error, 'Conflict'), String(error));
    assert.match(error.message, /the write is fenced by widgets.test "x\/fence", which /);
    assert.match(error.message, why);
    return true;
  };
}
