import assert from 'node:assert/strict';
import fc from 'fast-check';
import { type Backend, CompactedError, type Operation, type Transaction } from './backend.ts';
import { Collector, describeChange, list } from './backend-testing.ts';

/** A random history, in terms that do not depend on what is in the database. */
export interface Script {
  readonly batches: readonly (readonly Step[])[];
  /** Which of the script's revisions to compact, as a part of them. */
  readonly compacted: number;
}

interface Step {
  readonly compare: readonly { readonly name: string; readonly holds: boolean }[];
  /** Undefined: delete. */
  readonly operations: readonly { readonly name: string; readonly value: string | undefined }[];
}

type Row = [key: string, value: string | undefined, createRevision: number, modRevision: number];

/** What a backend is to be, as plainly as it can be said: every state is kept whole. */
class Model {
  readonly base: number;
  readonly states: Map<string, Row>[] = [new Map()];
  readonly changes: [number, ...Row[]][] = [];

  constructor(base: number) {
    this.base = base;
  }

  get revision(): number {
    return this.base + this.states.length - 1;
  }

  get newest(): Map<string, Row> {
    return this.states[this.states.length - 1] ?? new Map();
  }

  at(revision: number): Row[] {
    const rows = this.states[revision - this.base]?.values() ?? [];
    return [...rows].sort(([a], [b]) => (a < b ? -1 : 1));
  }

  apply({ compare, operations }: Transaction): unknown {
    const state = this.newest;
    if (!compare.every(({ key, modRevision }) => (state.get(key)?.[3] ?? 0) === modRevision)) {
      return compare.map(({ key }) => state.get(key));
    }
    const next = new Map(state);
    const rows = operations.flatMap(operation => this.#change(next, operation));
    if (rows.length > 0) {
      this.changes.push([this.revision + 1, ...rows]);
      this.states.push(next);
    }
    return this.revision;
  }

  #change(next: Map<string, Row>, operation: Operation): Row[] {
    const revision = this.revision + 1;
    if ('put' in operation) {
      const created = next.get(operation.put)?.[2] ?? revision;
      const value = Buffer.from(operation.value).toString();
      const row: Row = [operation.put, value, created, revision];
      next.set(operation.put, row);
      return [row];
    }
    return next.delete(operation.delete) ? [[operation.delete, undefined, 0, revision]] : [];
  }
}

export function scripts(): fc.Arbitrary<Script> {
  const name = fc.constantFrom('a', 'a/b', 'a0', 'b', 'c/d/e');
  const value = fc.option(fc.string({ maxLength: 6 }), { nil: undefined });
  const unique = { selector: (one: { name: string }) => one.name, maxLength: 4 };
  const step = fc.record({
    compare: fc.uniqueArray(fc.record({ name, holds: fc.boolean() }), { ...unique, maxLength: 2 }),
    operations: fc.uniqueArray(fc.record({ name, value }), unique),
  });
  const batches = fc.array(fc.array(step, { maxLength: 4 }), { maxLength: 8 });
  return fc.record({ batches, compacted: fc.double({ min: 0, max: 1, noNaN: true }) });
}

/** Plays the script and holds every answer, range and watch against the model. */
export async function checkAgainstModel(
  backend: Backend,
  prefix: string,
  script: Script,
): Promise<void> {
  const model = new Model(await backend.revision());
  const live = new Collector();
  const watch = backend.watch(prefix, model.base, live);
  for (const batch of script.batches) {
    const expected: unknown[] = [];
    const transactions = batch.map(step => {
      const transaction = resolve(step, prefix, model);
      expected.push(model.apply(transaction));
      return transaction;
    });
    const results = await backend.commit(transactions);
    const answers = results.map(result => {
      if (result.ok) return result.revision;
      return result.found.map(item => item && describeChange(item));
    });
    assert.deepEqual(answers, expected);
  }
  await live.until(model.revision);
  watch.close();
  assert.deepEqual(live.changes, model.changes);
  await checkHistory(backend, prefix, model, model.base);
  const compacted = model.base + Math.floor(script.compacted * (model.revision - model.base));
  if (compacted === model.base) return;
  await backend.compact(compacted);
  await assert.rejects(list(backend, prefix, compacted - 1), CompactedError);
  await checkHistory(backend, prefix, model, compacted);
}

function resolve({ compare, operations }: Step, prefix: string, model: Model): Transaction {
  return {
    compare: compare.map(({ name, holds }) => {
      const modRevision = model.newest.get(prefix + name)?.[3] ?? 0;
      return { key: prefix + name, modRevision: holds ? modRevision : modRevision + 1 };
    }),
    operations: operations.map(({ name, value }) => {
      const key = prefix + name;
      return value === undefined ? { delete: key } : { put: key, value: Buffer.from(value) };
    }),
  };
}

/** Every range and every watch from `oldest` on. */
async function checkHistory(
  backend: Backend,
  prefix: string,
  model: Model,
  oldest: number,
): Promise<void> {
  for (let revision = oldest; revision <= model.revision; revision++) {
    assert.deepEqual(await list(backend, prefix, revision), model.at(revision));
    const collector = new Collector();
    const watch = backend.watch(prefix, revision, collector);
    await collector.until(model.revision);
    watch.close();
    const expected = model.changes.filter(([changed]) => changed > revision);
    assert.deepEqual(collector.changes, expected);
  }
}
