import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type KindDefinition,
  type KindVersion,
  type KubeObject,
  type Schema,
  type Shape,
  schemaOf,
} from 'kernetes/sdk';
import { partialObjectMetadata } from './partial-object-metadata.ts';
import { table } from './table.ts';

const NOW = Date.UTC(2024, 0, 1, 0, 5, 3);
const OBJECT: KubeObject & { data: object } = {
  kind: 'ConfigMap',
  apiVersion: 'v1',
  metadata: { name: 'a', resourceVersion: '7', creationTimestamp: '2024-01-01T00:00:00Z' },
  data: { x: 'y', z: '' },
};
const BARE: KindVersion = { name: 'v1', schema: schemaOf('', 'v1', 'ConfigMap') as Schema };
const WITH_COLUMNS: KindVersion = {
  ...BARE,
  columns: [
    { name: 'Name', type: 'string', format: 'name', priority: 0, description: 'd' },
    { name: 'Data', type: 'integer', priority: 1 },
  ],
  row: object => [object.metadata.name ?? '', Object.keys((object as typeof OBJECT).data).length],
};
const KIND: KindDefinition = {
  group: '',
  kind: 'ConfigMap',
  resource: 'configmaps',
  singular: 'configmap',
  namespaced: true,
  storage: { prefix: 'registry/configmaps', version: 'v1' },
  versions: [BARE],
  strategy: {},
};

function context(version: KindVersion, shape: Partial<Shape> = {}) {
  return { kind: KIND, version, shape: { name: 'Table' as const, ...shape }, now: NOW };
}

test('a list as a Table has the columns and cells of the kind', () => {
  const meta = { resourceVersion: '9', continue: 'c' };
  assert.deepEqual(table.list([OBJECT], meta, context(WITH_COLUMNS)), {
    kind: 'Table',
    apiVersion: 'meta.k8s.io/v1',
    metadata: meta,
    columnDefinitions: [
      { name: 'Name', type: 'string', format: 'name', description: 'd', priority: 0 },
      { name: 'Data', type: 'integer', format: '', description: '', priority: 1 },
    ],
    rows: [
      {
        cells: ['a', 2],
        object: {
          kind: 'PartialObjectMetadata',
          apiVersion: 'meta.k8s.io/v1',
          metadata: OBJECT.metadata,
        },
      },
    ],
  });
});

test('a kind without columns shows name and age', () => {
  const made = table.list([OBJECT, { metadata: {} }], {}, context(BARE)) as TableResult;
  assert.deepEqual(
    made.columnDefinitions?.map(column => column.name),
    ['Name', 'Age'],
  );
  assert.deepEqual(
    made.rows.map(row => row.cells),
    [
      ['a', '5m3s'],
      ['', '<unknown>'],
    ],
  );
});

interface TableResult {
  readonly apiVersion: string;
  readonly metadata: object;
  readonly columnDefinitions: { name: string }[] | null;
  readonly rows: { cells: unknown[]; object: unknown }[];
}

test('includeObject decides what stands beside the cells', () => {
  const objectOf = (includeObject: 'None' | 'Object') =>
    (table.list([OBJECT], {}, context(BARE, { includeObject })) as TableResult).rows[0]?.object;
  assert.equal(objectOf('None'), null);
  assert.equal(objectOf('Object'), OBJECT);
});

test('in a watch only the first Table has headers, each the version of its object', () => {
  const shape = { apiVersion: 'meta.k8s.io/v1beta1' };
  const first = table.one(OBJECT, context(BARE, shape), true) as TableResult;
  const second = table.one(OBJECT, context(BARE, shape), false) as TableResult;
  assert.equal(first.columnDefinitions?.length, 2);
  assert.equal(second.columnDefinitions, null);
  assert.deepEqual(second.metadata, { resourceVersion: '7' });
  assert.equal(second.apiVersion, 'meta.k8s.io/v1beta1');
  assert.deepEqual(second.rows[0]?.object, {
    kind: 'PartialObjectMetadata',
    apiVersion: 'meta.k8s.io/v1beta1',
    metadata: OBJECT.metadata,
  });
});

test('PartialObjectMetadata keeps metadata alone, in lists too', () => {
  const partial = {
    kind: 'PartialObjectMetadata',
    apiVersion: 'meta.k8s.io/v1',
    metadata: OBJECT.metadata,
  };
  assert.deepEqual(partialObjectMetadata.one(OBJECT, context(BARE), true), partial);
  assert.deepEqual(partialObjectMetadata.list([OBJECT], { resourceVersion: '9' }, context(BARE)), {
    kind: 'PartialObjectMetadataList',
    apiVersion: 'meta.k8s.io/v1',
    metadata: { resourceVersion: '9' },
    items: [partial],
  });
});
