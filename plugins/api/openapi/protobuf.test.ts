import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { OpenApiDocuments } from './document.ts';
import { encodeV2Document } from './protobuf.ts';
import { ProtobufWriter } from './protobuf-writer.ts';
import { CRON_TAB, KINDS } from './testdata/kinds.ts';

type Value = bigint | number | Buffer;
/** Field number -> values in order. Knows the wire format only, nothing of the writer. */
type Fields = Map<number, Value[]>;

function read(bytes: Buffer): Fields {
  const fields: Fields = new Map();
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes[at++];
      assert.ok(byte !== undefined, 'the message ends inside a number');
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  };
  while (at < bytes.length) {
    const key = Number(varint());
    const values = fields.get(key >> 3) ?? [];
    fields.set(key >> 3, values);
    if ((key & 7) === 0) values.push(varint());
    else if ((key & 7) === 1) {
      values.push(bytes.readDoubleLE(at));
      at += 8;
    } else {
      assert.equal(key & 7, 2);
      const size = Number(varint());
      assert.ok(at + size <= bytes.length, 'a field is longer than its message');
      values.push(bytes.subarray(at, at + size));
      at += size;
    }
  }
  return fields;
}

/** Follows field numbers through nested messages. */
function dig(fields: Fields, ...path: number[]): Fields {
  return path.reduce(
    (node, field) => read((node.get(field)?.[0] ?? Buffer.alloc(0)) as Buffer),
    fields,
  );
}

function text(fields: Fields, field: number): string {
  return String(fields.get(field)?.[0] ?? '');
}

/** The value (field 2) of the `Named…` entry with a name (field 1). */
function entry(fields: Fields, field: number, name: string): Fields {
  const found = (fields.get(field) ?? []).map(bytes => read(bytes as Buffer));
  const match = found.find(candidate => text(candidate, 1) === name);
  assert.ok(match, `there is no ${name}`);
  return dig(match, 2);
}

function extension(fields: Fields, field: number, name: string): unknown {
  return JSON.parse(text(entry(fields, field, name), 2));
}

const documents = new OpenApiDocuments('v1.2.3');
documents.setKinds([...KINDS, CRON_TAB]);
const document = read(documents.v2Protobuf().bytes);
const definition = (id: string) => entry(dig(document, 9), 1, id);
const property = (schema: Fields, name: string) => entry(dig(schema, 25), 1, name);

describe('encodeV2Document()', () => {
  it('writes what the document is', () => {
    assert.equal(text(document, 1), '2.0');
    assert.equal(text(dig(document, 2), 1), 'Kubernetes');
    assert.equal(text(dig(document, 2), 2), 'v1.2.3');
    assert.equal(text(dig(entry(dig(document, 13), 1, 'BearerToken'), 2), 2), 'authorization');
  });

  it('writes as many paths and definitions as the JSON document has', () => {
    const json = JSON.parse(documents.v2Json().bytes.toString());
    assert.equal(dig(document, 8).get(2)?.length, Object.keys(json.paths).length);
    assert.equal(dig(document, 9).get(1)?.length, Object.keys(json.definitions).length);
  });

  it('writes definitions with types, references, items and merge keys', () => {
    const pod = definition('io.k8s.api.core.v1.Pod');
    assert.equal(text(dig(pod, 22), 1), 'object');
    assert.equal(text(property(pod, 'spec'), 1), '#/definitions/io.k8s.api.core.v1.PodSpec');
    assert.deepEqual(extension(pod, 31, 'x-kubernetes-group-version-kind'), [
      { group: '', kind: 'Pod', version: 'v1' },
    ]);
    const spec = definition('io.k8s.api.core.v1.PodSpec');
    assert.deepEqual(spec.get(19)?.map(String), ['containers']);
    const containers = property(spec, 'containers');
    assert.equal(text(dig(containers, 22), 1), 'array');
    assert.equal(text(dig(containers, 23, 1), 1), '#/definitions/io.k8s.api.core.v1.Container');
    assert.equal(extension(containers, 31, 'x-kubernetes-patch-merge-key'), 'name');
    assert.deepEqual(extension(containers, 31, 'x-kubernetes-list-map-keys'), ['name']);
    assert.equal(text(property(spec, 'activeDeadlineSeconds'), 2), 'int64');
    const labels = property(
      definition('io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta'),
      'labels',
    );
    assert.equal(text(dig(labels, 21, 1, 22), 1), 'string');
  });

  it('writes the parameters by which kubectl judges the server', () => {
    const path = entry(
      dig(document, 8),
      2,
      '/apis/apps/v1/namespaces/{namespace}/deployments/{name}',
    );
    const patch = dig(path, 8);
    assert.deepEqual(extension(patch, 13, 'x-kubernetes-group-version-kind'), {
      group: 'apps',
      kind: 'Deployment',
      version: 'v1',
    });
    const query = (patch.get(8) ?? []).map(item => dig(read(item as Buffer), 1, 2, 3));
    const names = query.map(parameter => text(parameter, 4));
    for (const name of ['dryRun', 'fieldValidation', 'force'])
      assert.ok(names.includes(name), name);
    const body = dig(read(patch.get(8)?.[0] as Buffer), 1, 1);
    assert.equal(text(body, 2), 'body');
    assert.equal(body.get(4)?.[0], 1n);
    const own = (path.get(9) ?? []).map(item => dig(read(item as Buffer), 1, 2, 4));
    assert.deepEqual(
      own.map(parameter => text(parameter, 4)),
      ['namespace', 'name'],
    );
    const answer = dig(entry(dig(patch, 9), 1, '200'), 1);
    assert.equal(text(answer, 1), 'OK');
    assert.equal(text(dig(answer, 2, 1), 1), '#/definitions/io.k8s.api.apps.v1.Deployment');
  });

  it('refuses a key that the message has no field for', () => {
    assert.throws(() => encodeV2Document({ swagger: '2.0', nope: 1 }), /"nope"/);
    const cookie = { get: { parameters: [{ in: 'cookie', name: 'a' }] } };
    assert.throws(() => encodeV2Document({ paths: { '/a': cookie } }), /"cookie"/);
  });
});

describe('ProtobufWriter', () => {
  it('writes numbers of every size', () => {
    const writer = new ProtobufWriter();
    const numbers = [0, 1, 127, 128, 300, 2 ** 31, 2 ** 40, Number.MAX_SAFE_INTEGER];
    for (const value of [...numbers, -1, -300]) writer.integer(1, value);
    writer.double(2, 0.5);
    writer.bool(16, true);
    const fields = read(writer.finish());
    const values = fields.get(1)?.map(value => BigInt.asIntN(64, value as bigint));
    assert.deepEqual(values, [...numbers, -1, -300].map(BigInt));
    assert.deepEqual(fields.get(2), [0.5]);
    assert.deepEqual(fields.get(16), [1n]);
  });

  it('nests messages around each size of a length, beyond its first buffer', () => {
    for (const size of [0, 1, 127, 128, 16_383, 16_384, 200_000]) {
      const value = 'ä'.repeat(size);
      const writer = new ProtobufWriter();
      writer.message(1, () => writer.message(2, () => writer.string(3, value)));
      writer.string(4, 'after');
      const fields = read(writer.finish());
      assert.equal(text(dig(fields, 1, 2), 3), value);
      assert.equal(text(fields, 4), 'after');
    }
  });
});
