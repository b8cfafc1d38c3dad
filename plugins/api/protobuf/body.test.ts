import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ApiError } from 'kernetes/sdk';
import { decodeBody } from './body.ts';

/** A writer of its own, so that reader and writer cannot share a mistake. */
function varint(value: number | bigint): Buffer {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
  return Buffer.from([...bytes, Number(rest)]);
}

function int(field: number, value: number | bigint): Buffer {
  return Buffer.concat([varint(field * 8), varint(value)]);
}

function bytes(field: number, ...parts: (Buffer | string)[]): Buffer {
  const content = Buffer.concat(parts.map(part => Buffer.from(part)));
  return Buffer.concat([varint(field * 8 + 2), varint(content.length), content]);
}

function body(apiVersion: string, kind: string, ...fields: Buffer[]): Buffer {
  const typeMeta = bytes(1, bytes(1, apiVersion), bytes(2, kind));
  return Buffer.concat([Buffer.from('k8s\0'), typeMeta, bytes(2, ...fields), bytes(3), bytes(4)]);
}

const meta = (...fields: Buffer[]) => bytes(1, ...fields);
const spec = (...fields: Buffer[]) => bytes(2, ...fields);
const time = (seconds: number, nanoseconds = 0) =>
  Buffer.concat([int(1, seconds), int(2, nanoseconds)]);
const container = (...fields: Buffer[]) => spec(bytes(2, ...fields));

interface Case {
  readonly name: string;
  readonly apiVersion: string;
  readonly kind: string;
  readonly fields: readonly Buffer[];
  readonly wanted: object;
}

const CASES: readonly Case[] = [
  {
    name: 'strings, maps, and times; what is empty on the wire is absent',
    apiVersion: 'v1',
    kind: 'Namespace',
    fields: [
      meta(
        bytes(1, 'böse'),
        ...[2, 3, 4, 5, 6].map(field => bytes(field, '')),
        int(7, 0),
        bytes(8),
        bytes(9, time(1_600_000_000, 5)),
        bytes(11, bytes(1, '__proto__'), bytes(2, 'x')),
        bytes(11, bytes(2, 'no key')),
        bytes(11, bytes(1, 'no value')),
      ),
      spec(),
    ],
    wanted: {
      metadata: {
        name: 'böse',
        creationTimestamp: null,
        deletionTimestamp: '2020-09-13T12:26:40Z',
        labels: JSON.parse('{"__proto__":"x","":"no key","no value":""}'),
      },
      spec: {},
    },
  },
  {
    name: 'a zero that the client chose stays, one that the encoder adds goes',
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    fields: [spec(int(1, 0), int(5, 0), int(6, 0), int(7, 0))],
    wanted: { spec: { replicas: 0, revisionHistoryLimit: 0 } },
  },
  {
    name: 'a required field stays though it is zero',
    apiVersion: 'scheduling.k8s.io/v1',
    kind: 'PriorityClass',
    fields: [int(2, 0), int(3, 0), bytes(4, '')],
    wanted: { value: 0 },
  },
  {
    name: 'negative and large integers',
    apiVersion: 'v1',
    kind: 'Pod',
    fields: [
      spec(
        int(4, 2n ** 53n),
        int(5, -1),
        int(25, -2_000_000_000),
        bytes(14, int(2, -(2n ** 63n)), int(3, 0), int(4, 2n ** 40n + 5n), int(4, 0)),
      ),
    ],
    wanted: {
      spec: {
        terminationGracePeriodSeconds: 2 ** 53,
        activeDeadlineSeconds: -1,
        priority: -2_000_000_000,
        securityContext: {
          runAsUser: -(2 ** 63),
          runAsNonRoot: false,
          supplementalGroups: [2 ** 40 + 5, 0],
        },
      },
    },
  },
  {
    name: 'packed integers',
    apiVersion: 'v1',
    kind: 'Pod',
    fields: [spec(bytes(14, bytes(4, varint(1), varint(300)), int(4, 2)))],
    wanted: { spec: { securityContext: { supplementalGroups: [1, 300, 2] } } },
  },
  {
    name: 'embedded messages, quantities, and numbers that may be strings',
    apiVersion: 'v1',
    kind: 'Pod',
    fields: [
      container(
        bytes(1, 'a'),
        bytes(2, ''),
        bytes(8, bytes(1, bytes(1, 'cpu'), bytes(2, bytes(1, '500m')))),
        bytes(
          10,
          bytes(1, bytes(2, bytes(1, '/'), bytes(2, int(1, 1), int(2, 0), bytes(3, 'web')))),
        ),
        bytes(11, bytes(1, bytes(3, bytes(1, int(1, 0), int(2, 8080), bytes(3, '')))), int(2, 0)),
        bytes(
          7,
          bytes(1, 'K'),
          bytes(2, ''),
          bytes(3, bytes(4, bytes(1, bytes(1, 's')), bytes(2, 'k'))),
        ),
        bytes(
          7,
          bytes(1, 'R'),
          bytes(3, bytes(2, bytes(1, ''), bytes(2, 'limits.cpu'), bytes(3, bytes(1, '0')))),
        ),
      ),
      spec(bytes(1, bytes(1, 'v'), bytes(2, bytes(2, bytes(1, ''), bytes(2))))),
    ],
    wanted: {
      spec: {
        containers: [
          {
            name: 'a',
            resources: { limits: { cpu: '500m' } },
            livenessProbe: { httpGet: { path: '/', port: 'web' } },
            readinessProbe: { tcpSocket: { port: 8080 } },
            env: [
              { name: 'K', valueFrom: { secretKeyRef: { name: 's', key: 'k' } } },
              {
                name: 'R',
                valueFrom: { resourceFieldRef: { resource: 'limits.cpu', divisor: '0' } },
              },
            ],
          },
        ],
        volumes: [{ name: 'v', emptyDir: { sizeLimit: '0' } }],
      },
    },
  },
  {
    name: 'bytes as base64',
    apiVersion: 'v1',
    kind: 'Secret',
    fields: [
      bytes(2, bytes(1, 'k'), bytes(2, Buffer.of(0, 255, 254))),
      bytes(2, bytes(1, 'empty')),
      bytes(3, ''),
      int(5, 0),
    ],
    wanted: { data: { k: 'AP/+', empty: '' }, immutable: false },
  },
  {
    name: 'microseconds',
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    fields: [spec(bytes(3, time(-1, 1_002_999)), bytes(4, time(0)))],
    wanted: {
      spec: {
        acquireTime: '1969-12-31T23:59:59.001002Z',
        renewTime: '1970-01-01T00:00:00.000000Z',
      },
    },
  },
  {
    name: 'JSON within',
    apiVersion: 'apps/v1',
    kind: 'ControllerRevision',
    fields: [
      meta(bytes(17, bytes(7, bytes(1, '{"f:data":{}}')))),
      bytes(2, bytes(1, '{"spec":[1,null]}')),
      int(3, 0),
    ],
    wanted: {
      metadata: { managedFields: [{ fieldsV1: { 'f:data': {} } }] },
      data: { spec: [1, null] },
      revision: 0,
    },
  },
  {
    name: 'lists that are values of maps',
    apiVersion: 'authorization.k8s.io/v1',
    kind: 'SubjectAccessReview',
    fields: [spec(bytes(5, bytes(1, 'scopes'), bytes(2, bytes(1, 'a'), bytes(1, 'b'))))],
    wanted: { spec: { extra: { scopes: ['a', 'b'] } } },
  },
  {
    name: 'what comes twice: messages are merged, of scalars the last counts',
    apiVersion: 'v1',
    kind: 'Pod',
    fields: [
      meta(bytes(1, 'a'), bytes(3, 'x')),
      meta(bytes(1, 'b'), bytes(3, '')),
      container(bytes(1, 'one')),
      container(bytes(1, 'two')),
    ],
    wanted: { metadata: { name: 'b' }, spec: { containers: [{ name: 'one' }, { name: 'two' }] } },
  },
  {
    name: 'unknown fields of every wire type are skipped',
    apiVersion: 'v1',
    kind: 'Namespace',
    fields: [
      int(1_000, -1),
      Buffer.concat([varint(1_001 * 8 + 1), Buffer.alloc(8, 1)]),
      bytes(1_002, 'anything'),
      Buffer.concat([varint(1_003 * 8 + 5), Buffer.alloc(4, 1)]),
      meta(bytes(1, 'a')),
    ],
    wanted: { metadata: { name: 'a' } },
  },
  {
    name: 'options of a group',
    apiVersion: 'apps/v1',
    kind: 'DeleteOptions',
    fields: [int(1, 0), bytes(4, 'Foreground'), bytes(5, 'All')],
    wanted: { gracePeriodSeconds: 0, propagationPolicy: 'Foreground', dryRun: ['All'] },
  },
];

describe('decodeBody() gives', () => {
  for (const { name, apiVersion, kind, fields, wanted } of CASES) {
    it(name, () => {
      const object = decodeBody(body(apiVersion, kind, ...fields));
      assert.deepEqual(object, { kind, apiVersion, ...wanted });
    });
  }

  it('the same from a part of a larger buffer', () => {
    const bytesOfBody = body('v1', 'Namespace', meta(bytes(1, 'a')));
    const larger = Buffer.concat([Buffer.from('before'), bytesOfBody, Buffer.from('after')]);
    const part = new Uint8Array(larger.buffer, larger.byteOffset + 6, bytesOfBody.length);
    assert.deepEqual(decodeBody(part), decodeBody(bytesOfBody));
  });
});

const REFUSALS: readonly { name: string; bytes: Buffer; code: number; message: RegExp }[] = [
  { name: 'no magic', bytes: Buffer.from('{"kind":"Pod"}'), code: 400, message: /no prefix "k8s/ },
  { name: 'half the magic', bytes: Buffer.from('k8'), code: 400, message: /no prefix/ },
  { name: 'no envelope', bytes: Buffer.from('k8s\0'), code: 400, message: /'Kind' is missing/ },
  { name: 'no apiVersion', bytes: body('', 'Pod'), code: 400, message: /'apiVersion' is missing/ },
  {
    name: 'a compressed message',
    bytes: Buffer.concat([body('v1', 'Pod'), bytes(3, 'gzip')]),
    code: 400,
    message: /contentEncoding is "gzip"/,
  },
  { name: 'an unknown kind', bytes: body('v1', 'Nope'), code: 415, message: /application\/json/ },
  {
    name: 'a kind without a protobuf form',
    bytes: body('apiextensions.k8s.io/v1', 'CustomResourceDefinition'),
    code: 415,
    message: /application\/json/,
  },
  {
    name: 'an envelope cut off',
    bytes: body('v1', 'Pod').subarray(0, -5),
    code: 400,
    message: /of the envelope: unexpected end/,
  },
  {
    name: 'a field whose length exceeds its message',
    bytes: body('v1', 'Pod', Buffer.of(10, 5, 10, 1)),
    code: 400,
    message: /of v1 Pod: unexpected end/,
  },
  {
    name: 'a nested length that exceeds the message though not the body',
    bytes: body('v1', 'Pod', bytes(1, Buffer.of(10, 3)), Buffer.alloc(40)),
    code: 400,
    message: /unexpected end/,
  },
  {
    name: 'a varint cut off',
    bytes: body('v1', 'Pod', spec(Buffer.of(32, 128))),
    code: 400,
    message: /unexpected end/,
  },
  {
    name: 'a varint of eleven bytes',
    bytes: body('v1', 'Pod', spec(Buffer.of(32, ...Array(10).fill(128), 1))),
    code: 400,
    message: /varint exceeds 64 bits/,
  },
  {
    name: 'a varint of 65 bits',
    bytes: body('v1', 'Pod', spec(Buffer.of(32, ...Array(9).fill(255), 2))),
    code: 400,
    message: /varint exceeds 64 bits/,
  },
  {
    name: 'a length of 32 bits',
    bytes: body('v1', 'Pod', Buffer.concat([Buffer.of(10), varint(2 ** 31)])),
    code: 400,
    message: /exceeds 31 bits/,
  },
  {
    name: 'field number 0',
    bytes: body('v1', 'Pod', Buffer.of(2, 0)),
    code: 400,
    message: /field number is 0/,
  },
  {
    name: 'a group',
    bytes: body('v1', 'Pod', varint(1_000 * 8 + 3), varint(1_000 * 8 + 4)),
    code: 400,
    message: /field 1000 has wire type 3/,
  },
  {
    name: 'a number where a message is',
    bytes: body('v1', 'Pod', int(1, 1)),
    code: 400,
    message: /field 1 has wire type 0, want 2/,
  },
  {
    name: 'a string where a number is',
    bytes: body('v1', 'Pod', spec(bytes(4, 'x'))),
    code: 400,
    message: /field 4 has wire type 2, want 0/,
  },
  {
    name: 'a time past the year 9999',
    bytes: body('v1', 'Pod', meta(bytes(8, time(253_402_300_800)))),
    code: 400,
    message: /years 0 to 9999/,
  },
  {
    name: 'too many nanoseconds',
    bytes: body('coordination.k8s.io/v1', 'Lease', spec(bytes(3, time(0, 1e9)))),
    code: 400,
    message: /less than a second/,
  },
  {
    name: 'bad JSON within',
    bytes: body('apps/v1', 'ControllerRevision', bytes(2, bytes(1, '{'))),
    code: 400,
    message: /json parse error/,
  },
];

describe('decodeBody() refuses', () => {
  for (const { name, bytes: given, code, message } of REFUSALS) {
    it(name, () => {
      assert.throws(
        () => decodeBody(given),
        error => ApiError.is(error) && error.code === code && message.test(error.message),
      );
    });
  }

  it('every cut of a body, or reads it as another: never another error', () => {
    for (const { apiVersion, kind, fields } of CASES) {
      const whole = body(apiVersion, kind, ...fields);
      for (let size = 0; size < whole.length; size++) {
        try {
          decodeBody(whole.subarray(0, size));
        } catch (error) {
          assert.ok(ApiError.is(error, 'BadRequest'), String(error));
        }
      }
    }
  });
});
