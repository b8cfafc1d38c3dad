import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { negotiate } from './accept.ts';

const TABLE = { name: 'Table', apiVersion: 'meta.k8s.io/v1' };

const cases = [
  { accept: undefined, shape: { name: 'object' } },
  { accept: '*/*', shape: { name: 'object' } },
  { accept: 'application/vnd.kubernetes.protobuf,application/json', shape: { name: 'object' } },
  {
    // kubectl get
    accept:
      'application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json',
    shape: TABLE,
  },
  {
    accept: 'application/json;as=Table;v=v9;g=meta.k8s.io,application/json',
    shape: { name: 'object' },
  },
  {
    accept: 'application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io',
    shape: { name: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1' },
  },
  { accept: 'application/json;stream=watch', shape: { name: 'object' } },
];

describe('negotiate()', () => {
  for (const { accept, shape } of cases) {
    it(`takes ${accept ?? 'no header'} as a ${shape.name}`, () => {
      assert.deepEqual(negotiate(accept), { shape, mediaType: 'application/json' });
    });
  }

  it('serves YAML where it is asked for', () => {
    assert.equal(negotiate('application/yaml').mediaType, 'application/yaml');
  });

  it('refuses what it cannot serve as NotAcceptable', () => {
    for (const accept of ['text/html', 'constructor', '__proto__']) {
      assert.throws(() => negotiate(accept), { code: 406 });
    }
  });
});
