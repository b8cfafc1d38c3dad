import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EncodedObject } from '../sdk/door.ts';
import { jsonForInformer } from './informer-json.ts';

const HEAD = { kind: 'Pod', apiVersion: 'v1' };
const MANAGED = [{ manager: 'a "quoted" ]} one', fieldsV1: { 'k:{"name":"c"}': { '.': {} } } }];
const REST = { spec: { managedFields: [1], text: '"managedFields":[' }, status: {} };

const CASES: Readonly<Record<string, object>> = {
  'without managedFields': { name: 'a', labels: { a: '}' } },
  'with managedFields last': { name: 'a', managedFields: MANAGED },
  'with managedFields in the middle': { name: 'a', managedFields: MANAGED, uid: 'u' },
  'with managedFields first': { managedFields: MANAGED, name: 'a' },
  'with managedFields alone': { managedFields: MANAGED },
  'with an empty list of them': { name: 'a', managedFields: [] },
  'with a text that looks like them': {
    annotations: { applied: '{"metadata":{"managedFields":[{}]}}\\', managedFields: '[' },
    name: 'a',
  },
  'with nothing in it': {},
};

for (const [name, metadata] of Object.entries(CASES)) {
  test(`jsonForInformer() takes managedFields alone out of metadata ${name}`, () => {
    const { managedFields: _, ...kept } = metadata as { managedFields?: unknown };
    const object = encoded({ metadata, ...REST });
    assert.deepEqual(read(object, ['spec']), { ...HEAD, metadata: kept, ...REST });
    assert.deepEqual(read(object, []), { ...HEAD, metadata: kept });
    assert.deepEqual(read(object, undefined), { ...HEAD, metadata, ...REST });
  });
}

test('jsonForInformer() gives an object that has metadata alone', () => {
  const object = encoded({ metadata: { name: 'a', managedFields: MANAGED } });
  assert.deepEqual(read(object, ['spec']), { ...HEAD, metadata: { name: 'a' } });
  assert.deepEqual(read(object, []), { ...HEAD, metadata: { name: 'a' } });
});

function encoded(rest: object): EncodedObject {
  const head = Buffer.from(`${JSON.stringify(HEAD).slice(0, -1)},`);
  const tail = Buffer.from(JSON.stringify(rest).slice(1));
  return {
    head,
    tail,
    object: () => ({ ...HEAD, ...rest }) as ReturnType<EncodedObject['object']>,
  };
}

function read(object: EncodedObject, fields: readonly string[] | undefined): unknown {
  return JSON.parse(Buffer.concat(jsonForInformer(object, fields)).toString());
}
