import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { Limits } from '../limits.ts';
import {
  type Backend,
  CompactedError,
  FutureRevisionError,
  prefixEnd,
  type Transaction,
} from './backend.ts';
import { checkAgainstModel, scripts } from './backend-model.ts';
import { Collector, commitOne, list, put, text } from './backend-testing.ts';

export interface ConformanceFixture {
  readonly backend: Backend;
  /** Keys of this test alone; the database may have others, and revisions already. */
  readonly prefix: string;
  /** Closes the backend and opens the same database again. */
  reopen?(): Promise<Backend>;
  dispose(): Promise<void>;
}

export interface ConformanceOptions {
  /** Random histories to try. */
  readonly histories?: number;
}

type Check = (fixture: ConformanceFixture) => Promise<void>;

/** Registers the tests that every backend passes. */
export function backendConformance(
  name: string,
  open: () => Promise<ConformanceFixture>,
  { histories = 100 }: ConformanceOptions = {},
): void {
  const check = (title: string, body: Check) => it(title, () => use(open, body));
  describe(`backend ${name}`, () => {
    check('numbers transactions', numbersTransactions);
    check('refuses what does not compare, and says what is there', refusesComparisons);
    check('commits a batch in order, each transaction by itself', commitsBatches);
    check('makes no revision of nothing', ignoresNothing);
    check('keeps concurrent writers apart', serializesWriters);
    check('keeps values byte by byte', keepsBytes);
    check('refuses transactions out of bounds', refusesExcess);
    check('ranges over keys in order, with limit', rangesInOrder);
    check('ranges at every revision', rangesAtRevisions);
    check('watches from a revision, then on', watchesFromRevision);
    check('tells a watch of revisions that are not its own', reportsProgress);
    check('waits for a revision that is still to come', watchesFromFuture);
    check('is silent after a watch is closed', silencesClosedWatch);
    check('lets a sink write and watch', allowsReentry);
    check('ends the watch of a sink that throws, and no other', survivesThrowingSink);
    check('compacts', compacts);
    check('closes', closes);
    check('is the same after it is opened again', reopens);
    it('does as the model does', () => use(open, fixture => followsModel(fixture, histories)));
  });
}

async function use(open: () => Promise<ConformanceFixture>, body: Check): Promise<void> {
  const fixture = await open();
  try {
    await body(fixture);
  } finally {
    await fixture.dispose();
  }
}

async function numbersTransactions({ backend, prefix }: ConformanceFixture): Promise<void> {
  const base = await backend.revision();
  assert.ok(base >= 1);
  assert.equal(await commitOne(backend, [put(`${prefix}a`, '1')]), base + 1);
  assert.equal(
    await commitOne(backend, [put(`${prefix}a`, '2'), put(`${prefix}b`, '1')]),
    base + 2,
  );
  assert.deepEqual(await list(backend, prefix), [
    [`${prefix}a`, '2', base + 1, base + 2],
    [`${prefix}b`, '1', base + 2, base + 2],
  ]);
  assert.equal(await commitOne(backend, [{ delete: `${prefix}a` }]), base + 3);
  assert.equal(await commitOne(backend, [put(`${prefix}a`, '3')]), base + 4);
  assert.deepEqual((await list(backend, prefix))[0], [`${prefix}a`, '3', base + 4, base + 4]);
  assert.equal(await backend.revision(), base + 4);
}

async function refusesComparisons({ backend, prefix }: ConformanceFixture): Promise<void> {
  const [a, b] = [`${prefix}a`, `${prefix}b`];
  const first = await commitOne(backend, [put(a, '1')]);
  const compare = [
    { key: a, modRevision: first + 7 },
    { key: b, modRevision: 0 },
  ];
  const [result] = await backend.commit([{ compare, operations: [put(b, '1')] }]);
  assert.ok(result !== undefined && !result.ok);
  assert.equal(result.found.length, 2);
  const [found, missing] = result.found;
  assert.deepEqual([found?.key, text(found?.value)], [a, '1']);
  assert.deepEqual([found?.createRevision, found?.modRevision], [first, first]);
  assert.equal(missing, undefined);
  assert.equal(await backend.revision(), first);
  const update = { compare: [{ key: a, modRevision: first }], operations: [put(a, '2')] };
  const outcomes = await backend.commit([update, update]);
  assert.deepEqual(
    outcomes.map(outcome => outcome.ok),
    [true, false],
  );
}

async function commitsBatches({ backend, prefix }: ConformanceFixture): Promise<void> {
  const base = await backend.revision();
  const create = (key: string): Transaction => {
    return { compare: [{ key, modRevision: 0 }], operations: [put(key, 'x')] };
  };
  const keys = ['a', 'a', 'b', 'c', 'b'].map(name => prefix + name);
  const results = await backend.commit(keys.map(create));
  assert.deepEqual(
    results.map(result => (result.ok ? result.revision - base : 'refused')),
    [1, 'refused', 2, 3, 'refused'],
  );
  assert.deepEqual(await backend.commit([]), []);
}

async function ignoresNothing({ backend, prefix }: ConformanceFixture): Promise<void> {
  const base = await backend.revision();
  assert.equal(await commitOne(backend, []), base);
  assert.equal(await commitOne(backend, [{ delete: `${prefix}none` }]), base);
  assert.equal(await backend.revision(), base);
  assert.equal(
    await commitOne(backend, [{ delete: `${prefix}none` }, put(`${prefix}a`, '')]),
    base + 1,
  );
  assert.equal((await list(backend, prefix, base + 1)).length, 1);
}

async function serializesWriters({ backend, prefix }: ConformanceFixture): Promise<void> {
  const key = `${prefix}counter`;
  const increment = async () => {
    for (;;) {
      const [item] = (await backend.range(key, `${key}\0`)).items;
      const compare = [{ key, modRevision: item?.modRevision ?? 0 }];
      const operations = [put(key, String(Number(text(item?.value) ?? 0) + 1))];
      const [result] = await backend.commit([{ compare, operations }]);
      if (result?.ok) return;
    }
  };
  await Promise.all(Array.from({ length: 16 }, increment));
  assert.equal((await list(backend, prefix))[0]?.[1], '16');
}

async function keepsBytes({ backend, prefix }: ConformanceFixture): Promise<void> {
  const large = Buffer.alloc(1_000_000, 'kernetes\0\xff', 'latin1');
  const every = Uint8Array.from({ length: 256 }, (_, index) => index);
  const values = [every, new Uint8Array(0), large, large.subarray(1, 9_000), every.subarray(7)];
  for (const [index, value] of values.entries()) {
    await commitOne(backend, [{ put: `${prefix}${index}`, value }]);
  }
  const { items } = await backend.range(prefix, prefixEnd(prefix));
  assert.equal(items.length, values.length);
  for (const [index, value] of values.entries()) {
    assert.equal(Buffer.compare(items[index]?.value ?? Buffer.from('none'), value), 0);
  }
}

async function refusesExcess({ backend, prefix }: ConformanceFixture): Promise<void> {
  const many = (length: number) =>
    Array.from({ length }, (_, index) => put(`${prefix}${index}`, ''));
  const base = await backend.revision();
  await assert.rejects(commitOne(backend, many(Limits.transactionOperationsMax + 1)), RangeError);
  const long = prefix.padEnd(Limits.keyLengthMax, 'k');
  await assert.rejects(
    commitOne(backend, [put(`${prefix}a`, ''), put(`${long}k`, '')]),
    RangeError,
  );
  assert.equal(await commitOne(backend, many(Limits.transactionOperationsMax)), base + 1);
  assert.equal(await commitOne(backend, [put(long, '')]), base + 2);
  assert.equal((await list(backend, prefix)).length, Limits.transactionOperationsMax + 1);
}

async function rangesInOrder({ backend, prefix }: ConformanceFixture): Promise<void> {
  const names = ['b/2', 'a', 'b/10', 'b', 'c', 'b0', 'b/1', 'b-x', '~', 'B'];
  for (const name of names) await commitOne(backend, [put(prefix + name, name)]);
  const inside = async (start: string, end: string) =>
    (await backend.range(prefix + start, prefix + end)).items.map(item => text(item.value));
  assert.deepEqual(await inside('', '\x7f'), [...names].sort());
  assert.deepEqual(await inside('b/', 'b0'), ['b/1', 'b/10', 'b/2']);
  assert.deepEqual(await inside('b', 'b\0'), ['b']);
  assert.deepEqual(await inside('c', 'c'), []);
  const page = await backend.range(prefix, prefixEnd(prefix), { limit: 3 });
  assert.deepEqual([page.items.length, page.more], [3, true]);
  const all = await backend.range(prefix, prefixEnd(prefix), { limit: names.length });
  assert.deepEqual([all.items.length, all.more], [names.length, false]);
  assert.equal(all.revision, await backend.revision());
}

async function rangesAtRevisions({ backend, prefix }: ConformanceFixture): Promise<void> {
  const first = await commitOne(backend, [put(`${prefix}a`, '1'), put(`${prefix}b`, '1')]);
  await commitOne(backend, [put(`${prefix}a`, '2')]);
  await commitOne(backend, [{ delete: `${prefix}a` }]);
  await commitOne(backend, [put(`${prefix}a`, '4')]);
  const [a, b] = [`${prefix}a`, `${prefix}b`];
  assert.deepEqual(await list(backend, prefix, first), [
    [a, '1', first, first],
    [b, '1', first, first],
  ]);
  assert.deepEqual((await list(backend, prefix, first + 1))[0], [a, '2', first, first + 1]);
  assert.deepEqual(await list(backend, prefix, first + 2), [[b, '1', first, first]]);
  assert.deepEqual((await list(backend, prefix, first + 3))[0], [a, '4', first + 3, first + 3]);
  const old = await backend.range(prefix, prefixEnd(prefix), { revision: first });
  assert.equal(old.revision, first);
  await assert.rejects(list(backend, prefix, first + 4), FutureRevisionError);
}

async function watchesFromRevision({ backend, prefix }: ConformanceFixture): Promise<void> {
  const base = await backend.revision();
  await commitOne(backend, [put(`${prefix}a`, '1'), put(`${prefix}b`, '1')]);
  await commitOne(backend, [put(`other${prefix}`, '1')]);
  await commitOne(backend, [{ delete: `${prefix}a` }, put(`other${prefix}`, '2')]);
  const [all, late] = [new Collector(), new Collector()];
  const watches = [backend.watch(prefix, base, all), backend.watch(prefix, base + 1, late)];
  const last = await commitOne(backend, [put(`${prefix}b`, '4')]);
  await Promise.all([all.until(last), late.until(last)]);
  const expected = [
    [base + 1, [`${prefix}a`, '1', base + 1, base + 1], [`${prefix}b`, '1', base + 1, base + 1]],
    [base + 3, [`${prefix}a`, undefined, 0, base + 3]],
    [base + 4, [`${prefix}b`, '4', base + 1, base + 4]],
  ];
  assert.deepEqual(all.changes, expected);
  assert.deepEqual(late.changes, expected.slice(1));
  for (const watch of watches) watch.close();
}

async function reportsProgress({ backend, prefix }: ConformanceFixture): Promise<void> {
  const collector = new Collector();
  const watch = backend.watch(prefix, await backend.revision(), collector);
  await collector.until(await backend.revision());
  await commitOne(backend, [put(`other${prefix}`, '1')]);
  await collector.until(await backend.revision());
  assert.deepEqual(collector.changes, []);
  watch.close();
}

async function watchesFromFuture({ backend, prefix }: ConformanceFixture): Promise<void> {
  const collector = new Collector();
  const base = await backend.revision();
  const watch = backend.watch(prefix, base + 1, collector);
  await commitOne(backend, [put(`${prefix}a`, '1')]);
  await commitOne(backend, [put(`${prefix}a`, '2')]);
  await collector.until(base + 2);
  assert.deepEqual(collector.changes, [[base + 2, [`${prefix}a`, '2', base + 1, base + 2]]]);
  watch.close();
}

async function silencesClosedWatch({ backend, prefix }: ConformanceFixture): Promise<void> {
  const base = await backend.revision();
  const [unheard, once, open] = [new Collector(), new Collector(), new Collector()];
  backend.watch(prefix, base, unheard).close();
  const watch = backend.watch(prefix, base, {
    onChanges: (revision, changes) => {
      once.onChanges(revision, changes);
      if (changes.length > 0) watch.close();
    },
    onEnd: reason => once.onEnd(reason),
  });
  const other = backend.watch(prefix, base, open);
  await commitOne(backend, [put(`${prefix}a`, '1')]);
  await once.until(base + 1);
  watch.close();
  await commitOne(backend, [put(`${prefix}a`, '2')]);
  await open.until(base + 2);
  assert.deepEqual([unheard.calls, unheard.ended], [0, undefined]);
  assert.deepEqual([once.changes.length, once.ended], [1, undefined]);
  other.close();
}

async function allowsReentry({ backend, prefix }: ConformanceFixture): Promise<void> {
  const base = await backend.revision();
  const [outer, inner] = [new Collector(), new Collector()];
  const writes: Promise<number>[] = [];
  const watch = backend.watch(prefix, base, {
    onChanges: (revision, changes) => {
      if (changes.length > 0 && writes.length === 0) backend.watch(prefix, base, inner);
      if (changes.length > 0 && writes.length < 3) {
        writes.push(commitOne(backend, [put(`${prefix}b`, String(revision))]));
      }
      outer.onChanges(revision, changes);
    },
    onEnd: reason => outer.onEnd(reason),
  });
  await commitOne(backend, [put(`${prefix}a`, '1')]);
  await Promise.all([outer.until(base + 4), inner.until(base + 4)]);
  assert.deepEqual(
    outer.changes.map(([revision]) => revision),
    [base + 1, base + 2, base + 3, base + 4],
  );
  assert.deepEqual(inner.changes, outer.changes);
  assert.deepEqual(await Promise.all(writes), [base + 2, base + 3, base + 4]);
  watch.close();
}

async function survivesThrowingSink({ backend, prefix }: ConformanceFixture): Promise<void> {
  const base = await backend.revision();
  const [broken, sound] = [new Collector(), new Collector()];
  backend.watch(prefix, base, {
    onChanges: (_, changes) => {
      if (changes.length > 0) throw new Error('the sink is broken');
    },
    onEnd: reason => broken.onEnd(reason),
  });
  const watch = backend.watch(prefix, base, sound);
  await commitOne(backend, [put(`${prefix}a`, '1')]);
  await sound.until(await commitOne(backend, [put(`${prefix}a`, '2')]));
  assert.match((await broken.end).message, /the sink is broken/);
  assert.equal(sound.changes.length, 2);
  watch.close();
}

async function compacts({ backend, prefix }: ConformanceFixture): Promise<void> {
  const base = await backend.revision();
  const live = new Collector();
  const watch = backend.watch(prefix, base, live);
  for (const value of ['1', '2', '3']) await commitOne(backend, [put(`${prefix}a`, value)]);
  await commitOne(backend, [{ delete: `${prefix}a` }, put(`${prefix}b`, '1')]);
  await live.until(base + 4);
  const before = await list(backend, prefix, base + 3);
  await backend.compact(base + 3);
  await assert.rejects(list(backend, prefix, base + 2), CompactedError);
  assert.deepEqual(await list(backend, prefix, base + 3), before);
  await assert.rejects(backend.compact(base + 2), CompactedError);
  await assert.rejects(backend.compact(base + 9), FutureRevisionError);
  const [below, at] = [new Collector(), new Collector()];
  backend.watch(prefix, base + 2, below);
  const second = backend.watch(prefix, base + 3, at);
  const reason = await below.end;
  assert.ok(reason instanceof CompactedError);
  assert.equal(reason.compactedRevision, base + 3);
  await backend.compact(base + 4);
  assert.equal((await list(backend, prefix)).length, 1);
  const last = await commitOne(backend, [put(`${prefix}a`, 'again')]);
  await live.until(last);
  assert.deepEqual(live.changes.at(-1), [last, [`${prefix}a`, 'again', last, last]]);
  assert.equal(live.ended, undefined);
  watch.close();
  second.close();
}

async function closes({ backend, prefix }: ConformanceFixture): Promise<void> {
  const collector = new Collector();
  backend.watch(prefix, await backend.revision(), collector);
  const running = commitOne(backend, [put(`${prefix}a`, '1')]);
  await Promise.all([backend.close(), backend.close()]);
  assert.ok((await running) > 0);
  await assert.rejects(backend.revision(), /closed/);
  await assert.rejects(commitOne(backend, [put(`${prefix}a`, '2')]), /closed/);
  await assert.rejects(list(backend, prefix), /closed/);
  assert.equal(collector.ended, undefined);
}

async function reopens({ backend, prefix, reopen }: ConformanceFixture): Promise<void> {
  if (reopen === undefined) return;
  const base = await commitOne(backend, [put(`${prefix}a`, '1'), put(`${prefix}b`, '1')]);
  await commitOne(backend, [put(`${prefix}a`, '2')]);
  await backend.compact(base);
  await commitOne(backend, [{ delete: `${prefix}b` }]);
  const before = [await list(backend, prefix), await list(backend, prefix, base)];
  const again = await reopen();
  assert.equal(await again.revision(), base + 2);
  assert.deepEqual([await list(again, prefix), await list(again, prefix, base)], before);
  await assert.rejects(list(again, prefix, base - 1), CompactedError);
  const collector = new Collector();
  again.watch(prefix, base, collector);
  await collector.until(await commitOne(again, [put(`${prefix}b`, '3')]));
  assert.deepEqual(
    collector.changes.map(([revision]) => revision),
    [base + 1, base + 2, base + 3],
  );
}

async function followsModel({ backend, prefix }: ConformanceFixture, runs: number): Promise<void> {
  let run = 0;
  await fc.assert(
    fc.asyncProperty(scripts(), async script => {
      run++;
      await checkAgainstModel(backend, `${prefix}${run}/`, script);
    }),
    { numRuns: runs },
  );
}
