import { type ClientDuplexStream, type ServiceError, status } from '@grpc/grpc-js';
import type { Clock, Timer } from '../../sdk/clock.ts';
import { Limits } from '../limits.ts';
import { type Change, CompactedError, type Watch, type WatchSink } from './backend.ts';
import type { EtcdClient } from './etcd-client.ts';
import { ALL_KEYS, EVENT_DELETE, type WatchRequest, type WatchResponse } from './etcd-protocol.ts';

/** Errors that another attempt would meet too. */
const FINAL = new Set([
  status.UNAUTHENTICATED,
  status.PERMISSION_DENIED,
  status.UNIMPLEMENTED,
  status.INVALID_ARGUMENT,
]);

type Stream = ClientDuplexStream<WatchRequest, WatchResponse>;

/**
 * A watch that outlives connections. It asks for all keys and selects here: so it sees every
 * revision there is, and knows at each that nothing before it is missing. etcd's own progress
 * answers do not say that: before 3.4.25 and 3.5.8 they may overtake events.
 */
export class EtcdWatch implements Watch {
  readonly #client: EtcdClient;
  readonly #clock: Clock;
  readonly #prefix: string;
  readonly #sink: WatchSink;
  readonly #onClose: (watch: EtcdWatch) => void;
  #delivered: number;
  #stream: Stream | undefined;
  #retry: Timer | undefined;
  #failures = 0;
  #closed = false;

  constructor(
    client: EtcdClient,
    clock: Clock,
    subscription: { prefix: string; after: number; sink: WatchSink },
    onClose: (watch: EtcdWatch) => void,
  ) {
    this.#client = client;
    this.#clock = clock;
    this.#prefix = subscription.prefix;
    this.#delivered = subscription.after;
    this.#sink = subscription.sink;
    this.#onClose = onClose;
    this.#connect();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#retry?.cancel();
    this.#stream?.cancel();
    this.#onClose(this);
  }

  #connect(): void {
    const stream = this.#client.watch();
    this.#stream = stream;
    stream.on('data', (response: WatchResponse) => this.#receive(response, stream));
    stream.on('error', (error: ServiceError) => this.#reconnect(stream, error));
    stream.on('end', () => this.#reconnect(stream));
    // From the last revision that was delivered, not the one after it: etcd refuses a start only
    // below the compacted revision, and would leave out deletions at it.
    const start_revision = Math.max(1, this.#delivered);
    stream.write({ create_request: { key: ALL_KEYS, range_end: ALL_KEYS, start_revision } });
  }

  #receive(response: WatchResponse, stream: Stream): void {
    if (this.#closed || stream !== this.#stream) return;
    this.#failures = 0;
    if (response.canceled) {
      this.#end(this.#cancellation(response));
      return;
    }
    try {
      if (response.created && response.header.revision === this.#delivered) {
        this.#sink.onChanges(this.#delivered, []);
      }
      this.#deliver(response);
    } catch (error) {
      this.#end(error instanceof Error ? error : new Error(String(error)));
    }
  }

  #deliver({ events }: WatchResponse): void {
    let revision = 0;
    let changes: Change[] = [];
    for (const { type, kv } of events) {
      if (kv.mod_revision !== revision) this.#hand(revision, changes);
      if (kv.mod_revision !== revision) changes = [];
      revision = kv.mod_revision;
      const key = kv.key.toString('latin1');
      if (!key.startsWith(this.#prefix)) continue;
      const value = type === EVENT_DELETE ? undefined : kv.value;
      changes.push({ key, value, createRevision: kv.create_revision, modRevision: revision });
    }
    this.#hand(revision, changes);
  }

  #hand(revision: number, changes: readonly Change[]): void {
    if (this.#closed || revision <= this.#delivered) return;
    this.#delivered = revision;
    this.#sink.onChanges(revision, changes);
  }

  #cancellation({ compact_revision, cancel_reason }: WatchResponse): Error {
    if (compact_revision > 0) return new CompactedError(this.#delivered, compact_revision);
    return this.#client.describe('watch', new Error(cancel_reason || 'the watch was cancelled'));
  }

  #reconnect(stream: Stream, error?: ServiceError): void {
    if (this.#closed || stream !== this.#stream) return;
    this.#stream = undefined;
    if (error !== undefined && FINAL.has(error.code)) {
      this.#end(this.#client.describe('watch', error));
      return;
    }
    const pause = Math.min(Limits.etcdBackoffMs * 2 ** this.#failures, Limits.etcdBackoffMaxMs);
    this.#failures++;
    this.#retry = this.#clock.setTimeout(() => this.#connect(), pause);
  }

  #end(reason: Error): void {
    this.close();
    this.#sink.onEnd(reason);
  }
}
