import type { MethodDefinition, ServiceDefinition } from '@grpc/grpc-js';
import { fromJSON } from '@grpc/proto-loader';

/**
 * The part of etcd's gRPC protocol (v3) that a backend needs: the numbers are the protocol's.
 * The package etcd3 is not used, because its watcher may lose events when it connects again, it
 * sends transactions a second time when it cannot know whether the first one was done, and it
 * closes the connections of all requests when one of them fails.
 */
const etcdserverpb = {
  KV: service({ Range: 'Range', Txn: 'Txn', Compact: 'Compaction' }),
  Watch: service({ Watch: 'Watch' }, true),
  ResponseHeader: message({ revision: ['int64', 3] }),
  KeyValue: message({
    key: ['bytes', 1],
    create_revision: ['int64', 2],
    mod_revision: ['int64', 3],
    value: ['bytes', 5],
  }),
  RangeRequest: message({
    key: ['bytes', 1],
    range_end: ['bytes', 2],
    limit: ['int64', 3],
    revision: ['int64', 4],
    count_only: ['bool', 9],
  }),
  RangeResponse: message({
    header: ['ResponseHeader', 1],
    kvs: ['KeyValue', 2, 'repeated'],
    more: ['bool', 3],
  }),
  PutRequest: message({ key: ['bytes', 1], value: ['bytes', 2] }),
  DeleteRangeRequest: message({ key: ['bytes', 1] }),
  RequestOp: message({
    request_range: ['RangeRequest', 1],
    request_put: ['PutRequest', 2],
    request_delete_range: ['DeleteRangeRequest', 3],
  }),
  ResponseOp: message({ response_range: ['RangeResponse', 1] }),
  Compare: message({
    result: ['int32', 1],
    target: ['int32', 2],
    key: ['bytes', 3],
    mod_revision: ['int64', 6],
  }),
  TxnRequest: message({
    compare: ['Compare', 1, 'repeated'],
    success: ['RequestOp', 2, 'repeated'],
    failure: ['RequestOp', 3, 'repeated'],
  }),
  TxnResponse: message({
    header: ['ResponseHeader', 1],
    succeeded: ['bool', 2],
    responses: ['ResponseOp', 3, 'repeated'],
  }),
  CompactionRequest: message({ revision: ['int64', 1] }),
  CompactionResponse: message({ header: ['ResponseHeader', 1] }),
  WatchCreateRequest: message({
    key: ['bytes', 1],
    range_end: ['bytes', 2],
    start_revision: ['int64', 3],
  }),
  WatchRequest: message({ create_request: ['WatchCreateRequest', 1] }),
  Event: message({ type: ['int32', 1], kv: ['KeyValue', 2] }),
  WatchResponse: message({
    header: ['ResponseHeader', 1],
    created: ['bool', 3],
    canceled: ['bool', 4],
    compact_revision: ['int64', 5],
    cancel_reason: ['string', 6],
    events: ['Event', 11, 'repeated'],
  }),
};

/** As a start it means the first key, as an end: after the last one. */
export const ALL_KEYS = Buffer.from([0]);
/** `Compare.target`: the modification revision. `Compare.result` 0, the default, is equality. */
export const COMPARE_MOD = 2;
/** `Event.type`; 0 is a put. */
export const EVENT_DELETE = 1;

export interface EtcdKeyValue {
  readonly key: Buffer;
  readonly create_revision: number;
  readonly mod_revision: number;
  readonly value: Buffer;
}

interface Header {
  readonly header: { readonly revision: number };
}

export interface RangeRequest {
  readonly key: Buffer;
  readonly range_end?: Buffer;
  readonly limit?: number;
  readonly revision?: number;
  readonly count_only?: boolean;
}

export interface RangeResponse extends Header {
  readonly kvs: readonly EtcdKeyValue[];
  readonly more: boolean;
}

export interface RequestOp {
  readonly request_range?: RangeRequest;
  readonly request_put?: { readonly key: Buffer; readonly value: Uint8Array };
  readonly request_delete_range?: { readonly key: Buffer };
}

export interface TxnRequest {
  readonly compare: readonly {
    readonly target: number;
    readonly key: Buffer;
    readonly mod_revision: number;
  }[];
  readonly success: readonly RequestOp[];
  readonly failure: readonly RequestOp[];
}

export interface TxnResponse extends Header {
  readonly succeeded: boolean;
  readonly responses: readonly { readonly response_range: RangeResponse | null }[];
}

export interface WatchRequest {
  readonly create_request: {
    readonly key: Buffer;
    readonly range_end: Buffer;
    readonly start_revision: number;
  };
}

export interface WatchResponse extends Header {
  readonly created: boolean;
  readonly canceled: boolean;
  readonly compact_revision: number;
  readonly cancel_reason: string;
  readonly events: readonly { readonly type: number; readonly kv: EtcdKeyValue }[];
}

const packages = fromJSON(
  { nested: { etcdserverpb: { nested: etcdserverpb } } },
  { keepCase: true, longs: Number, defaults: true },
);

export const etcdMethods = {
  range: method<RangeRequest, RangeResponse>('KV', 'Range'),
  txn: method<TxnRequest, TxnResponse>('KV', 'Txn'),
  compact: method<{ readonly revision: number }, Header>('KV', 'Compact'),
  watch: method<WatchRequest, WatchResponse>('Watch', 'Watch'),
};

function method<Request, Response>(name: string, call: string) {
  const definition = packages[`etcdserverpb.${name}`] as ServiceDefinition;
  return definition[call] as MethodDefinition<Request, Response>;
}

type Field = readonly [type: string, id: number, rule?: 'repeated'];

function message(fields: Record<string, Field>) {
  const entries = Object.entries(fields).map(([name, [type, id, rule]]) => {
    return [name, rule === undefined ? { type, id } : { type, id, rule }];
  });
  return { fields: Object.fromEntries(entries) };
}

function service(calls: Record<string, string>, stream = false) {
  const entries = Object.entries(calls).map(([name, type]) => {
    const types = { requestType: `${type}Request`, responseType: `${type}Response` };
    return [name, stream ? { ...types, requestStream: true, responseStream: true } : types];
  });
  return { methods: Object.fromEntries(entries) };
}
