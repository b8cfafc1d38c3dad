import {
  Client,
  type ClientDuplexStream,
  credentials,
  Metadata,
  type MethodDefinition,
  type ServiceError,
  status,
} from '@grpc/grpc-js';
import { type Clock, delay } from '../../sdk/clock.ts';
import { Limits } from '../limits.ts';
import { ALL_KEYS, etcdMethods, type WatchRequest, type WatchResponse } from './etcd-protocol.ts';

export interface EtcdTls {
  /** PEM: whom to trust; the system's authorities when absent. */
  readonly ca?: Buffer;
  /** PEM: the client's own certificate and its key. */
  readonly cert?: Buffer;
  readonly key?: Buffer;
}

const CHANNEL_OPTIONS = {
  // Pages of a range are bounded by their number of keys, not by their size.
  'grpc.max_receive_message_length': -1,
  'grpc.max_send_message_length': -1,
  // A peer that vanished without a word is noticed.
  'grpc.keepalive_time_ms': Limits.etcdKeepaliveMs,
  'grpc.keepalive_timeout_ms': Limits.etcdKeepaliveMs / 2,
  'grpc.initial_reconnect_backoff_ms': Limits.etcdBackoffMs,
  'grpc.max_reconnect_backoff_ms': Limits.etcdBackoffMaxMs,
};

/** Connections to the members of one etcd cluster, one of them in use at a time. */
export class EtcdClient {
  readonly #endpoints: readonly string[];
  readonly #clients: readonly Client[];
  readonly #clock: Clock;
  #current = 0;

  constructor(endpoints: readonly string[], clock: Clock, tls: EtcdTls = {}) {
    if (endpoints.length === 0) throw new Error('Cannot open etcd: no endpoint was given');
    this.#endpoints = endpoints;
    this.#clock = clock;
    this.#clients = endpoints.map(endpoint => {
      const secure = endpoint.startsWith('https://');
      const address = endpoint.replace(/^https?:\/\//, '');
      const { ca = null, key = null, cert = null } = tls;
      const channel = secure ? credentials.createSsl(ca, key, cert) : credentials.createInsecure();
      return new Client(address, channel, CHANNEL_OPTIONS);
    });
  }

  /** One attempt: for what must not be done twice. */
  async call<Request, Response>(
    method: MethodDefinition<Request, Response>,
    request: Request,
  ): Promise<Response> {
    const member = this.#current;
    try {
      return await this.#send(member, method, request);
    } catch (error) {
      if (isTransient(error)) this.#leave(member);
      throw error;
    }
  }

  /** Several attempts, at one member after the other: for what only reads. */
  async read<Request, Response>(
    method: MethodDefinition<Request, Response>,
    request: Request,
  ): Promise<Response> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.call(method, request);
      } catch (error) {
        if (!isTransient(error) || attempt >= Limits.etcdReadAttempts) throw error;
        await delay(this.#clock, Limits.etcdBackoffMs * 2 ** (attempt - 1));
      }
    }
  }

  watch(): ClientDuplexStream<WatchRequest, WatchResponse> {
    const { path, requestSerialize, responseDeserialize } = etcdMethods.watch;
    const member = this.#current;
    const stream = this.#client(member).makeBidiStreamRequest(
      path,
      requestSerialize,
      responseDeserialize,
    );
    stream.on('error', () => this.#leave(member));
    return stream;
  }

  /** The compacted revision, at least `least`: etcd tells it only to a watch that is too late. */
  compactedRevision(least: number): Promise<number> {
    const { path, requestSerialize, responseDeserialize } = etcdMethods.watch;
    const client = this.#client(this.#current);
    const options = { deadline: this.#clock.now() + Limits.etcdRequestMs };
    const stream = client.makeBidiStreamRequest(
      path,
      requestSerialize,
      responseDeserialize,
      options,
    );
    const start_revision = Math.max(1, least - 1);
    stream.write({ create_request: { key: ALL_KEYS, range_end: ALL_KEYS, start_revision } });
    return new Promise(resolve => {
      stream.on('error', () => resolve(least));
      stream.on('data', (response: WatchResponse) => {
        if (response.created && !response.canceled) return;
        resolve(Math.max(least, response.compact_revision));
        stream.cancel();
      });
    });
  }

  /** What an operation failed with, in words. */
  describe(what: string, error: unknown): Error {
    const reason = (error as Partial<ServiceError>).details || (error as Error).message;
    const where = this.#endpoints.join(', ');
    return new Error(`Cannot ${what} etcd at ${where}: ${reason}`, { cause: error });
  }

  close(): void {
    for (const client of this.#clients) client.close();
  }

  #send<Request, Response>(
    member: number,
    { path, requestSerialize, responseDeserialize }: MethodDefinition<Request, Response>,
    request: Request,
  ): Promise<Response> {
    const deadline = this.#clock.now() + Limits.etcdRequestMs;
    return new Promise((resolve, reject) => {
      this.#client(member).makeUnaryRequest(
        path,
        requestSerialize,
        responseDeserialize,
        request,
        new Metadata(),
        { deadline },
        (error, response) => {
          if (response === undefined) reject(error);
          else resolve(response);
        },
      );
    });
  }

  #client(member: number): Client {
    return this.#clients[member] as Client;
  }

  #leave(member: number): void {
    if (this.#current === member) this.#current = (member + 1) % this.#clients.length;
  }
}

/** Whether the same request may be answered a moment later, or by another member. */
export function isTransient(error: unknown): boolean {
  const { code } = error as Partial<ServiceError>;
  return code === status.UNAVAILABLE || code === status.DEADLINE_EXCEEDED;
}
