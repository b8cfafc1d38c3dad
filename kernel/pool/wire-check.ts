import type { Status } from '../../sdk/api/types-meta-v1.ts';
import type { Fence, ObjectRequest, RequestOptions, WatchRequest } from '../../sdk/request.ts';
import { PoolLimits } from './limits.ts';
import type { SharedPart } from './shared-mailbox.ts';
import type {
  BrokeredResource,
  BrokerRequest,
  HostReport,
  PluginMessage,
  WireDefinition,
  WireError,
  WireMetric,
  WirePoint,
} from './wire.ts';

/**
 * Checks what comes from a plugin. Each message is built anew from the fields that it should have,
 * so nothing else gets through; bodies of requests are any JSON, and the door's to judge.
 */
export class BadMessage extends Error {
  override name = 'BadMessage';
}

/** Before anything of it is read. */
export function checkFrame(frame: unknown): ArrayBuffer {
  if (!(frame instanceof ArrayBuffer)) throw new BadMessage('Cannot read frame: it is no bytes');
  if (frame.byteLength > PoolLimits.frameBytesMax) {
    throw new BadMessage(
      `Cannot read frame: it has ${frame.byteLength} bytes, want at most ${PoolLimits.frameBytesMax}`,
    );
  }
  return frame;
}

/** Before it is parsed. */
export function checkHeader(header: Uint8Array): void {
  if (nestsDeeper(header, PoolLimits.frameDepthMax)) {
    throw new BadMessage(`Cannot read frame: it nests deeper than ${PoolLimits.frameDepthMax}`);
  }
}

/** `value` comes out of `JSON.parse`. Throws `BadMessage`. */
export function checkPluginMessage(value: unknown): PluginMessage {
  const fields = record(value, 'message');
  const type = fields.type;
  const check = typeof type === 'string' && Object.hasOwn(CHECKS, type) ? CHECKS[type] : undefined;
  if (!check) throw new BadMessage(`Cannot take message: its type ${show(type)} is unknown`);
  return check(fields);
}

export function checkHostReport(value: unknown): HostReport {
  const fields = record(value, 'report');
  switch (fields.type) {
    case 'ready':
      return { type: 'ready' };
    case 'pong':
      return { type: 'pong', id: integer(fields, 'id'), heapUsed: integer(fields, 'heapUsed') };
    case 'console':
      return {
        type: 'console',
        level: oneOf(fields, 'level', ['debug', 'info', 'warn', 'error']),
        message: text(fields, 'message', PoolLimits.logLengthMax),
      };
    default:
      throw new BadMessage(`Cannot take report: its type ${show(fields.type)} is unknown`);
  }
}

function definition(value: unknown): WireDefinition {
  const fields = record(value, 'definition');
  return {
    name: text(fields, 'name'),
    ...(fields.config !== undefined && { config: record(fields.config, 'config') }),
    ...(fields.leader !== undefined && {
      leader: fields.leader === true ? true : text(fields, 'leader'),
    }),
  };
}

export function checkBrokerRequest(value: unknown): BrokerRequest {
  const fields = record(value, 'message');
  const id = integer(fields, 'id');
  switch (fields.type) {
    case 'open':
      return { type: 'open', id, resource: brokeredResource(fields.resource) };
    case 'data':
      return { type: 'data', id, bytes: integer(fields, 'bytes') };
    case 'read':
      return { type: 'read', id, size: integer(fields, 'size') };
    case 'end':
    case 'destroy':
      return { type: fields.type, id };
    default:
      throw new BadMessage(`Cannot take message: its type ${show(fields.type)} is unknown`);
  }
}

/** Whether `bytes`, JSON, nests deeper than `max`: asked before it is parsed. */
export function nestsDeeper(bytes: Uint8Array, max: number): boolean {
  let depth = 0;
  let quoted = false;
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i];
    if (byte === QUOTE) quoted = !quoted;
    else if (quoted) {
      if (byte === BACKSLASH) i++;
    } else if (byte === BRACE_OPEN || byte === BRACKET_OPEN) {
      if (++depth > max) return true;
    } else if (byte === BRACE_CLOSE || byte === BRACKET_CLOSE) depth--;
  }
  return false;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const BRACE_OPEN = 0x7b;
const BRACE_CLOSE = 0x7d;
const BRACKET_OPEN = 0x5b;
const BRACKET_CLOSE = 0x5d;

type Fields = Readonly<Record<string, unknown>>;

const CHECKS: Readonly<Record<string, (fields: Fields) => PluginMessage>> = {
  request: fields => ({
    type: 'request',
    id: integer(fields, 'id'),
    requests: list(fields, 'requests', PoolLimits.requestsPerMessageMax).map(objectRequest),
  }),
  watch: fields => ({
    type: 'watch',
    id: integer(fields, 'id'),
    request: watchRequest(fields.request),
  }),
  unwatch: fields => ({ type: 'unwatch', id: integer(fields, 'id') }),
  ack: fields => ({ type: 'ack', id: integer(fields, 'id'), size: integer(fields, 'size') }),
  provide: fields => ({
    type: 'provide',
    id: integer(fields, 'id'),
    point: wirePoint(fields.point),
    name: text(fields, 'name'),
    methods: texts(fields, 'methods'),
    bytes: integer(fields, 'bytes'),
  }),
  unprovide: fields => ({ type: 'unprovide', id: integer(fields, 'id') }),
  subscribe: fields => ({
    type: 'subscribe',
    id: integer(fields, 'id'),
    point: wirePoint(fields.point),
  }),
  unsubscribe: fields => ({ type: 'unsubscribe', id: integer(fields, 'id') }),
  call: fields => ({
    type: 'call',
    id: integer(fields, 'id'),
    ref: integer(fields, 'ref'),
    method: text(fields, 'method'),
    bytes: integer(fields, 'bytes'),
    ...(fields.shared !== undefined && { shared: sharedPart(fields.shared) }),
  }),
  return: fields => ({
    type: 'return',
    id: integer(fields, 'id'),
    bytes: integer(fields, 'bytes'),
    ...(fields.length !== undefined && { length: integer(fields, 'length') }),
  }),
  throw: fields => ({
    type: 'throw',
    id: integer(fields, 'id'),
    error: wireError(fields.error),
  }),
  log: fields => ({
    type: 'log',
    level: oneOf(fields, 'level', ['debug', 'info', 'warn', 'error']),
    message: text(fields, 'message', PoolLimits.logLengthMax),
    fields: record(fields.fields, 'fields'),
  }),
  metrics: fields => ({
    type: 'metrics',
    metrics: list(fields, 'metrics', PoolLimits.metricsHeldMax).map(wireMetric),
  }),
  done: fields => ({
    type: 'done',
    ...(fields.error !== undefined && { error: wireError(fields.error) }),
    ...(fields.definition !== undefined && { definition: definition(fields.definition) }),
  }),
};

function objectRequest(value: unknown): ObjectRequest {
  const fields = record(value, 'request');
  return {
    verb: oneOf(fields, 'verb', [
      'get',
      'list',
      'create',
      'update',
      'patch',
      'delete',
      'deletecollection',
    ]),
    group: text(fields, 'group'),
    version: text(fields, 'version'),
    resource: text(fields, 'resource'),
    ...optionalText(fields, 'subresource'),
    ...optionalText(fields, 'namespace'),
    ...optionalText(fields, 'name'),
    ...(fields.body !== undefined && { body: fields.body }),
    ...(fields.patchType !== undefined && {
      patchType: oneOf(fields, 'patchType', [
        'application/json-patch+json',
        'application/merge-patch+json',
        'application/strategic-merge-patch+json',
        'application/apply-patch+yaml',
      ]),
    }),
    ...(fields.options !== undefined && { options: requestOptions(fields.options) }),
    ...(fields.fence !== undefined && { fence: fence(fields.fence) }),
  };
}

function fence(value: unknown): Fence {
  const fields = record(value, 'fence');
  return {
    group: text(fields, 'group'),
    version: text(fields, 'version'),
    resource: text(fields, 'resource'),
    ...optionalText(fields, 'namespace'),
    name: text(fields, 'name'),
    uid: text(fields, 'uid'),
    resourceVersion: text(fields, 'resourceVersion'),
    fields: scalarMap(fields.fields, 'fields'),
  };
}

function requestOptions(value: unknown): RequestOptions {
  const fields = record(value, 'options');
  return {
    ...optionalBoolean(fields, 'dryRun'),
    ...optionalText(fields, 'fieldManager'),
    ...(fields.fieldValidation !== undefined && {
      fieldValidation: oneOf(fields, 'fieldValidation', ['Ignore', 'Warn', 'Strict']),
    }),
    ...optionalBoolean(fields, 'force'),
    ...optionalText(fields, 'labelSelector', PoolLimits.logLengthMax),
    ...optionalText(fields, 'fieldSelector', PoolLimits.logLengthMax),
    ...optionalText(fields, 'metricLabelSelector', PoolLimits.logLengthMax),
    ...optionalText(fields, 'resourceVersion'),
    ...(fields.resourceVersionMatch !== undefined && {
      resourceVersionMatch: oneOf(fields, 'resourceVersionMatch', ['Exact', 'NotOlderThan']),
    }),
    ...(fields.limit !== undefined && { limit: integer(fields, 'limit') }),
    ...optionalText(fields, 'continue', PoolLimits.logLengthMax),
  };
}

function watchRequest(value: unknown): WatchRequest {
  const fields = record(value, 'request');
  return {
    group: text(fields, 'group'),
    version: text(fields, 'version'),
    resource: text(fields, 'resource'),
    ...optionalText(fields, 'namespace'),
    ...optionalText(fields, 'name'),
    ...optionalText(fields, 'labelSelector', PoolLimits.logLengthMax),
    ...optionalText(fields, 'fieldSelector', PoolLimits.logLengthMax),
    ...(fields.fields !== undefined && { fields: texts(fields, 'fields') }),
    ...optionalText(fields, 'resourceVersion'),
  };
}

function wirePoint(value: unknown): WirePoint {
  const fields = record(value, 'point');
  return {
    name: text(fields, 'name'),
    combine: oneOf(fields, 'combine', [
      'unique',
      'first-claim',
      'pipeline',
      'all-must-pass',
      'weighted-sum',
      'independent',
    ]),
    methods: texts(fields, 'methods'),
  };
}

function wireMetric(value: unknown): WireMetric {
  const fields = record(value, 'metric');
  const values = list(fields, 'values', PoolLimits.metricsHeldMax);
  return { record: metricRecord(fields.record), values: values.map(number) };
}

function sharedPart(value: unknown): SharedPart {
  const fields = record(value, 'shared');
  return {
    slot: integer(fields, 'slot'),
    sequence: integer(fields, 'sequence'),
    length: integer(fields, 'length'),
  };
}

function metricRecord(value: unknown): WireMetric['record'] {
  const fields = record(value, 'record');
  return {
    type: oneOf(fields, 'type', ['counter', 'gauge', 'histogram']),
    name: text(fields, 'name'),
    help: text(fields, 'help'),
    ...(fields.buckets !== undefined && {
      buckets: list(fields, 'buckets', PoolLimits.textLengthMax).map(bucket => number(bucket)),
    }),
    labels: stringMap(fields.labels, 'labels'),
  };
}

function brokeredResource(value: unknown): BrokeredResource {
  const fields = record(value, 'resource');
  switch (fields.type) {
    case 'fetch':
      return {
        type: 'fetch',
        url: text(fields, 'url', PoolLimits.logLengthMax),
        method: text(fields, 'method'),
        headers: list(fields, 'headers', PoolLimits.textLengthMax).map(header),
      };
    case 'connect':
      return { type: 'connect', host: text(fields, 'host'), port: integer(fields, 'port') };
    case 'run':
      return {
        type: 'run',
        program: text(fields, 'program'),
        args: texts(fields, 'args', PoolLimits.logLengthMax),
        ...optionalText(fields, 'cwd'),
        env: stringMap(fields.env, 'env'),
      };
    default:
      throw new BadMessage(`Cannot take message: resource ${show(fields.type)} is unknown`);
  }
}

function header(value: unknown): readonly [string, string] {
  if (!Array.isArray(value) || typeof value[0] !== 'string' || typeof value[1] !== 'string') {
    throw new BadMessage('Cannot take message: a header is not a pair of strings');
  }
  return [value[0], value[1]];
}

function wireError(value: unknown): WireError {
  const fields = record(value, 'error');
  return {
    name: text(fields, 'name'),
    message: text(fields, 'message', PoolLimits.logLengthMax),
    ...optionalText(fields, 'stack', PoolLimits.logLengthMax),
    ...optionalText(fields, 'code'),
    ...(fields.status !== undefined && { status: status(fields.status) }),
  };
}

function status(value: unknown): Status {
  const fields = record(value, 'status');
  return {
    ...optionalText(fields, 'message', PoolLimits.logLengthMax),
    ...optionalText(fields, 'reason'),
    ...(fields.code !== undefined && { code: integer(fields, 'code') }),
    ...(fields.details !== undefined && { details: record(fields.details, 'details') }),
  };
}

function record(value: unknown, name: string): Fields {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Fields;
  throw new BadMessage(`Cannot take message: ${name} is ${show(value)}, want an object`);
}

function text(fields: Fields, name: string, lengthMax: number = PoolLimits.textLengthMax): string {
  return textValue(fields[name], name, lengthMax);
}

function textValue(value: unknown, name: string, lengthMax: number): string {
  if (typeof value === 'string' && value.length <= lengthMax) return value;
  throw new BadMessage(
    `Cannot take message: ${name} is ${show(value)}, want a string of at most ${lengthMax}`,
  );
}

function optionalText<K extends string>(
  fields: Fields,
  name: K,
  lengthMax?: number,
): { [key in K]?: string } {
  if (fields[name] === undefined) return {};
  return { [name]: text(fields, name, lengthMax) } as { [key in K]: string };
}

function optionalBoolean<K extends string>(fields: Fields, name: K): { [key in K]?: boolean } {
  const value = fields[name];
  if (value === undefined) return {};
  if (typeof value === 'boolean') return { [name]: value } as { [key in K]: boolean };
  throw new BadMessage(`Cannot take message: ${name} is ${show(value)}, want a boolean`);
}

function texts(fields: Fields, name: string, lengthMax: number = PoolLimits.textLengthMax) {
  const values = list(fields, name, PoolLimits.textLengthMax);
  return values.map(value => textValue(value, name, lengthMax));
}

function stringMap(value: unknown, name: string): Readonly<Record<string, string>> {
  const fields = record(value, name);
  for (const key in fields) textValue(fields[key], name, PoolLimits.logLengthMax);
  return fields as Readonly<Record<string, string>>;
}

function scalarMap(value: unknown, name: string): Readonly<Record<string, string | number>> {
  const fields = record(value, name);
  for (const key in fields) {
    if (typeof fields[key] !== 'number') textValue(fields[key], name, PoolLimits.textLengthMax);
  }
  return fields as Readonly<Record<string, string | number>>;
}

function list(fields: Fields, name: string, lengthMax: number): readonly unknown[] {
  const value = fields[name];
  if (Array.isArray(value) && value.length <= lengthMax) return value;
  throw new BadMessage(
    `Cannot take message: ${name} is ${show(value)}, want a list of at most ${lengthMax}`,
  );
}

function integer(fields: Fields, name: string): number {
  const value = fields[name];
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
  throw new BadMessage(`Cannot take message: ${name} is ${show(value)}, want a whole number`);
}

function number(value: unknown): number {
  if (typeof value === 'number') return value;
  throw new BadMessage(`Cannot take message: a value is ${show(value)}, want a number`);
}

function oneOf<T extends string>(fields: Fields, name: string, values: readonly T[]): T {
  const value = fields[name];
  if (values.includes(value as T)) return value as T;
  throw new BadMessage(
    `Cannot take message: ${name} is ${show(value)}, want one of ${values.join(', ')}`,
  );
}

/** A value in an error: its kind and, if short, itself. */
function show(value: unknown): string {
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value === 'object') return value === null ? 'null' : 'an object';
  if (typeof value === 'string')
    return value.length > 60 ? `a string of ${value.length}` : `"${value}"`;
  return String(value);
}
