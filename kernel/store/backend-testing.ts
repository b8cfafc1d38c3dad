import assert from 'node:assert/strict';
import { type Backend, type Change, type Operation, prefixEnd, type WatchSink } from './backend.ts';

/** A sink that keeps what it is told and can be waited for. */
export class Collector implements WatchSink {
  /** Every call with changes: its revision, then key, value, create and mod revision of each. */
  readonly changes: [number, ...(readonly unknown[])[]][] = [];
  calls = 0;
  ended: Error | undefined;
  readonly end: Promise<Error>;
  #delivered = 0;
  #settleEnd: (reason: Error) => void = () => {};
  #waiting: { revision: number; resolve: () => void }[] = [];

  constructor() {
    this.end = new Promise(resolve => {
      this.#settleEnd = resolve;
    });
  }

  onChanges(revision: number, changes: readonly Change[]): void {
    this.calls++;
    assert.ok(revision >= this.#delivered, `${revision} after ${this.#delivered}`);
    if (changes.length > 0) this.changes.push([revision, ...changes.map(describeChange)]);
    this.#delivered = revision;
    for (const { resolve } of this.#waiting.filter(one => one.revision <= revision)) resolve();
    this.#waiting = this.#waiting.filter(one => one.revision > revision);
  }

  onEnd(reason: Error): void {
    assert.equal(this.ended, undefined);
    this.ended = reason;
    this.#settleEnd(reason);
  }

  /** Resolves when everything up to `revision` has been delivered. */
  until(revision: number): Promise<void> {
    if (this.#delivered >= revision) return Promise.resolve();
    return new Promise(resolve => this.#waiting.push({ revision, resolve }));
  }
}

export async function commitOne(
  backend: Backend,
  operations: readonly Operation[],
): Promise<number> {
  const [result] = await backend.commit([{ compare: [], operations }]);
  assert.ok(result?.ok);
  return result.revision;
}

export function put(key: string, value: string): Operation {
  return { put: key, value: Buffer.from(value) };
}

/** Key, value, create and mod revision of every key. */
export async function list(backend: Backend, prefix: string, revision = 0): Promise<unknown[][]> {
  const { items } = await backend.range(prefix, prefixEnd(prefix), { revision });
  return items.map(describeChange);
}

export function describeChange(change: Change): unknown[] {
  return [change.key, text(change.value), change.createRevision, change.modRevision];
}

export function text(value: Uint8Array | undefined): string | undefined {
  return value === undefined ? undefined : Buffer.from(value).toString();
}
