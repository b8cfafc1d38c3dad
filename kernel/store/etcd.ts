import type { ServiceError } from '@grpc/grpc-js';
import type { Clock } from '../../sdk/clock.ts';
import { systemClock } from '../clock.ts';
import { Limits } from '../limits.ts';
import {
  type Backend,
  type CommitResult,
  CompactedError,
  FutureRevisionError,
  type KeyValue,
  type Operation,
  type RangeOptions,
  type RangeResult,
  type Transaction,
  type Watch,
  type WatchSink,
} from './backend.ts';
import { EtcdClient, type EtcdTls } from './etcd-client.ts';
import {
  COMPARE_MOD,
  type EtcdKeyValue,
  etcdMethods,
  type RangeResponse,
  type RequestOp,
  type TxnRequest,
  type TxnResponse,
} from './etcd-protocol.ts';
import { EtcdWatch } from './etcd-watch.ts';
import { checkTransactions } from './history.ts';

export interface EtcdOptions {
  /** `http://host:port` or `https://host:port`, one or more members of one cluster. */
  readonly endpoints: readonly string[];
  readonly tls?: EtcdTls;
  readonly clock?: Clock;
}

/** A database in an etcd cluster (v3), shared with whoever else uses it. Fails when unreachable. */
export async function openEtcd(options: EtcdOptions): Promise<Backend> {
  const { endpoints, clock = systemClock(), tls } = options;
  const backend = new EtcdBackend(new EtcdClient(endpoints, clock, tls), clock);
  try {
    await backend.revision();
    return backend;
  } catch (error) {
    await backend.close();
    throw error;
  }
}

class EtcdBackend implements Backend {
  readonly name = 'etcd';
  readonly #client: EtcdClient;
  readonly #clock: Clock;
  readonly #watches = new Set<EtcdWatch>();
  readonly #running = new Set<Promise<unknown>>();
  #closing: Promise<void> | undefined;

  constructor(client: EtcdClient, clock: Clock) {
    this.#client = client;
    this.#clock = clock;
  }

  /**
   * One request after the other, since etcd gives revisions in no certain order to requests that
   * run at the same time; different calls do run at the same time. When the connection is lost
   * meanwhile, nobody knows whether the transaction was done: it is not repeated.
   */
  async commit(transactions: readonly Transaction[]): Promise<CommitResult[]> {
    this.#checkOpen();
    checkTransactions(transactions);
    return this.#run('commit to', async () => {
      const results: CommitResult[] = [];
      for (const transaction of transactions) {
        const response = await this.#client.call(etcdMethods.txn, toRequest(transaction));
        results.push(toResult(response));
      }
      return results;
    });
  }

  async range(start: string, end: string, options: RangeOptions = {}): Promise<RangeResult> {
    this.#checkOpen();
    const wanted = options.revision ?? 0;
    if (start >= end)
      return { items: [], revision: wanted || (await this.revision()), more: false };
    return this.#run('read', () => this.#readPages(start, end, options), wanted);
  }

  async revision(): Promise<number> {
    this.#checkOpen();
    const request = { key: Buffer.from('/'), count_only: true };
    const response = await this.#run('read', () => this.#client.read(etcdMethods.range, request));
    return response.header.revision;
  }

  watch(prefix: string, after: number, sink: WatchSink): Watch {
    this.#checkOpen();
    const forget = (watch: EtcdWatch) => this.#watches.delete(watch);
    const watch = new EtcdWatch(this.#client, this.#clock, { prefix, after, sink }, forget);
    this.#watches.add(watch);
    return watch;
  }

  async compact(revision: number): Promise<void> {
    this.#checkOpen();
    await this.#run(
      'compact',
      () => this.#client.call(etcdMethods.compact, { revision }),
      revision,
    );
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    for (const watch of this.#watches) watch.close();
    await Promise.allSettled(this.#running);
    this.#client.close();
  }

  /** All pages at the revision of the first. */
  async #readPages(start: string, end: string, options: RangeOptions): Promise<RangeResult> {
    const limit = options.limit || Number.POSITIVE_INFINITY;
    const items: KeyValue[] = [];
    let revision = options.revision ?? 0;
    let key = start;
    for (;;) {
      const page = await this.#client.read(etcdMethods.range, {
        key: toBytes(key),
        range_end: toBytes(end),
        limit: Math.min(limit - items.length, Limits.etcdPageKeys),
        revision,
      });
      if (revision === 0) revision = page.header.revision;
      for (const kv of page.kvs) items.push(toKeyValue(kv));
      if (!page.more || items.length >= limit) return { items, revision, more: page.more };
      key = `${items[items.length - 1]?.key}\0`;
    }
  }

  async #run<Result>(what: string, action: () => Promise<Result>, wanted = 0): Promise<Result> {
    const running = action();
    this.#running.add(running);
    try {
      return await running;
    } catch (error) {
      throw await this.#explain(what, error, wanted);
    } finally {
      this.#running.delete(running);
    }
  }

  /** etcd does not say with its errors what the current and compacted revisions are. */
  async #explain(what: string, error: unknown, wanted: number): Promise<Error> {
    const { details = '' } = error as Partial<ServiceError>;
    if (details.includes('future revision')) {
      return new FutureRevisionError(wanted, await this.revision());
    }
    if (details.includes('has been compacted')) {
      return new CompactedError(wanted, await this.#client.compactedRevision(wanted));
    }
    return this.#client.describe(what, error);
  }

  #checkOpen(): void {
    if (this.#closing !== undefined) throw new Error('Cannot use the etcd backend: it is closed');
  }
}

function toRequest({ compare, operations }: Transaction): TxnRequest {
  return {
    compare: compare.map(({ key, modRevision }) => {
      return { target: COMPARE_MOD, key: toBytes(key), mod_revision: modRevision };
    }),
    success: operations.map(toOperation),
    failure: compare.map(({ key }) => ({ request_range: { key: toBytes(key) } })),
  };
}

function toOperation(operation: Operation): RequestOp {
  if ('put' in operation) {
    return { request_put: { key: toBytes(operation.put), value: operation.value } };
  }
  return { request_delete_range: { key: toBytes(operation.delete) } };
}

function toResult({ succeeded, header, responses }: TxnResponse): CommitResult {
  if (succeeded) return { ok: true, revision: header.revision };
  const found = responses.map(({ response_range }) => toFound(response_range));
  return { ok: false, found };
}

function toFound(response: RangeResponse | null): KeyValue | undefined {
  const kv = response?.kvs[0];
  return kv && toKeyValue(kv);
}

function toKeyValue(kv: EtcdKeyValue): KeyValue {
  return {
    key: kv.key.toString('latin1'),
    value: kv.value,
    createRevision: kv.create_revision,
    modRevision: kv.mod_revision,
  };
}

function toBytes(key: string): Buffer {
  return Buffer.from(key, 'latin1');
}
