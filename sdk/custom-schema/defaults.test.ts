import assert from 'node:assert/strict';
import { test } from 'node:test';
import { prune } from './conform.ts';
import { compileDefaults } from './defaults.ts';
import { duplicatesIn } from './list-types.ts';
import type { JSONSchemaProps } from './properties.ts';

const PORT: JSONSchemaProps = {
  type: 'object',
  properties: { name: { type: 'string' }, port: { type: 'integer', default: 80 } },
};
const SCHEMA: JSONSchemaProps = {
  type: 'object',
  properties: {
    a: { type: 'string', default: 'x' },
    n: { type: 'string', nullable: true, default: 'x' },
    deep: { type: 'object', default: {}, properties: { b: { type: 'integer', default: 1 } } },
    ports: {
      type: 'array',
      items: PORT,
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['port'],
    },
    byName: { type: 'object', additionalProperties: PORT },
    free: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
  },
};

test('compileDefaults() fills in what is absent, in lists and maps too', () => {
  const object = { n: null, ports: [{}], byName: { q: { port: 1 }, r: {} } };
  compileDefaults(SCHEMA)?.(object);
  assert.deepEqual(object, {
    n: null,
    ports: [{ port: 80 }],
    byName: { q: { port: 1 }, r: { port: 80 } },
    a: 'x',
    deep: { b: 1 },
  });
  assert.equal(compileDefaults({ type: 'object', properties: { a: {} } }), undefined);
});

test('compileDefaults() replaces a null that may not be', () => {
  const object = { a: null };
  compileDefaults(SCHEMA)?.(object);
  assert.equal(object.a, 'x');
});

test('prune() drops what the schema lacks, and tells', () => {
  const object = {
    kind: 'K',
    metadata: { name: 'x' },
    a: null,
    n: null,
    nope: 1,
    ports: [{ nope: 1 }],
    free: { any: { thing: 1 } },
  };
  assert.equal(prune(object, SCHEMA, { isRoot: true, dryRun: true }), true);
  assert.equal(object.nope, 1);
  assert.equal(prune(object, SCHEMA, { isRoot: true, dryRun: false }), true);
  const kept = { kind: 'K', metadata: { name: 'x' }, n: null, ports: [{}], free: object.free };
  assert.deepEqual(object, kept);
  assert.equal(prune(object, SCHEMA, { isRoot: true, dryRun: false }), false);
});

test('duplicatesIn() takes defaults for keys that are absent', () => {
  const errors = duplicatesIn({ ports: [{ port: 80 }, { name: 'b' }, { port: 1 }] }, SCHEMA);
  assert.deepEqual(errors, [
    { reason: 'FieldValueDuplicate', field: 'ports[1]', message: 'Duplicate value: {"port":80}' },
  ]);
});

test('duplicatesIn() takes objects for the same whatever the order of their members', () => {
  const list = [{ a: 1, b: { c: 2, d: 3 } }, { b: { d: 3, c: 2 }, a: 1 }, { a: 1 }, 'a', ['a']];
  const errors = duplicatesIn(list, { items: {}, 'x-kubernetes-list-type': 'set' });
  assert.deepEqual(
    errors.map(({ field }) => field),
    ['[1]'],
  );
});
