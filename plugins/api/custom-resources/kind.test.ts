import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  type CustomResourceDefinition,
  inVersion,
  type JSONSchemaProps,
  type KindDefinition,
  type KubeObject,
  type Scale,
  SchemaEngines,
  type StrategyContext,
} from 'kernetes/sdk';
import { rowOf, versionOf } from 'kernetes/sdk/testing';
import { kindOf } from './kind.ts';

type Version = CustomResourceDefinition['spec']['versions'][number];

const SPEC: JSONSchemaProps = {
  type: 'object',
  properties: {
    n: { type: 'integer', default: 1 },
    when: { type: 'string', pattern: '^x' },
    list: {
      type: 'array',
      'x-kubernetes-list-type': 'set',
      items: { type: 'string' },
    },
    embedded: {
      type: 'object',
      'x-kubernetes-embedded-resource': true,
      'x-kubernetes-preserve-unknown-fields': true,
    },
  },
};

async function kindWith(version: Partial<Version>, ...others: Version[]): Promise<KindDefinition> {
  const engines = new SchemaEngines();
  const openAPIV3Schema: JSONSchemaProps = { type: 'object', properties: { spec: SPEC } };
  await engines.load([openAPIV3Schema]);
  const names = { plural: 'foos', kind: 'Foo', singular: 'foo', listKind: 'FooList' };
  const v1 = { name: 'v1', served: true, storage: true, schema: { openAPIV3Schema }, ...version };
  return kindOf(
    {
      metadata: { name: 'foos.a.example' },
      spec: { group: 'a.example', scope: 'Namespaced', names, versions: [v1, ...others] },
      status: { acceptedNames: names },
    },
    engines,
  );
}

const object = (spec: object, more = {}) =>
  ({ metadata: { name: 'a' }, spec, ...more }) as KubeObject;

test('what is stored is brought up to date, and shared where it is so already', async () => {
  const { storage } = await kindWith({});
  const current = object({ n: 5 });
  assert.equal(storage.refresh?.(current), current);
  const old = object({ gone: 1, when: null });
  assert.deepEqual(storage.refresh?.(old), object({ n: 1 }));
  assert.deepEqual(old, object({ gone: 1, when: null }));
});

test('versions come best first, each with its own subresources', async () => {
  const schema = { openAPIV3Schema: { type: 'object' } };
  const kind = await kindWith(
    { subresources: { status: {} } },
    { name: 'v1alpha1', served: true, storage: false, schema },
    { name: 'v2', served: true, storage: false, schema },
    { name: 'v3', served: false, storage: false, schema },
  );
  assert.deepEqual(
    kind.versions.map(({ name }) => name),
    ['v2', 'v1', 'v1alpha1'],
  );
  const statuses = kind.versions.map(version => inVersion(kind, version).strategy.status);
  assert.deepEqual(statuses, [undefined, true, undefined]);
  assert.deepEqual(kind.storage.earlier, ['v1alpha1', 'v2', 'v3']);
});

test('cells are of the type that their column says', async () => {
  const column = (name: string, type: string, jsonPath: string) => ({ name, type, jsonPath });
  const kind = await kindWith({
    additionalPrinterColumns: [
      column('Int', 'integer', '.spec.n'),
      column('Text', 'string', '.spec.n'),
      column('List', 'string', '.spec.list'),
      column('Bool', 'boolean', '.spec.n'),
      column('Since', 'date', '.spec.at'),
      column('Bad', 'date', '.spec.n2'),
      column('None', 'string', '.spec.none'),
    ],
  });
  const spec = { n: 3.5, list: ['a'], at: '1970-01-01T00:00:00Z', n2: 'x' };
  assert.deepEqual(rowOf(kind, 'v1', { object: object(spec), now: 5_000 }), {
    Name: 'a',
    Int: 3,
    Text: '3.5',
    List: '["a"]',
    Bool: null,
    Since: '5s',
    Bad: '<invalid>',
    None: null,
  });
});

test('columns that cannot be read leave the usual ones', async () => {
  const column = { name: 'A', type: 'string', jsonPath: '.a[' };
  const kind = await kindWith({ additionalPrinterColumns: [column] });
  assert.equal(versionOf(kind, 'v1').columns, undefined);
});

test('a scale reads and writes by its paths', async () => {
  const scale = { specReplicasPath: '.spec.deep.n', statusReplicasPath: '.status.n' };
  const kind = await kindWith({ subresources: { scale } });
  const [version] = kind.versions;
  assert.ok(version);
  const [sub] = inVersion(kind, version).subresources ?? [];
  const one = object({ deep: { n: 2 } }, { status: { n: 1 } });
  const view = sub?.get?.(one) as Scale | undefined;
  assert.deepEqual([view?.spec, view?.status], [{ replicas: 2 }, { replicas: 1 }]);
  const empty = object({});
  const context = {} as StrategyContext;
  sub?.apply?.(empty, { metadata: {}, spec: { replicas: 7 } } as KubeObject, context);
  assert.deepEqual(empty, object({ deep: { n: 7 } }));
  assert.throws(() => sub?.get?.(object({})), /does not exist/);
  const wrong = { metadata: {}, spec: { replicas: -1 } } as KubeObject;
  assert.throws(() => sub?.apply?.(empty, wrong, context), /must be greater than or equal to 0/);
});

test('objects inside must say what they are', async () => {
  const kind = await kindWith({});
  const validate = kind.versions[0]?.own?.strategy.validateCreate;
  const found = validate?.(object({ embedded: { kind: 'A b' } }));
  assert.deepEqual(
    found?.map(({ field }) => field),
    ['spec.embedded.apiVersion', 'spec.embedded.kind'],
  );
  assert.deepEqual(validate?.(object({ embedded: { apiVersion: 'v1', kind: 'Pod' } })), []);
});

test('no body makes a kind throw', async () => {
  const kind = await kindWith({ selectableFields: [{ jsonPath: '.spec.when' }] });
  const strategy = kind.versions[0]?.own?.strategy;
  const names = fc.constantFrom('n', 'when', 'list', 'embedded', '__proto__', 'kind', 'metadata');
  const body = fc.oneof(fc.dictionary(names, fc.jsonValue()), fc.jsonValue());
  fc.assert(
    fc.property(body, body, (spec, before) => {
      const [now, old] = [object(spec as object), object(before as object)];
      kind.versions[0]?.defaults?.(now);
      kind.storage.refresh?.(now);
      strategy?.validateCreate?.(now);
      strategy?.validateUpdate?.(now, old);
      kind.versions[0]?.own?.selectableFields?.['spec.when']?.(now);
    }),
  );
});

test('a status that names another resource does not make it its own', async () => {
  const engines = new SchemaEngines();
  const names = { plural: 'foos', kind: 'Foo' };
  const kind = kindOf(
    {
      metadata: { name: 'foos.rbac.authorization.k8s.io' },
      spec: { group: 'rbac.authorization.k8s.io', scope: 'Cluster', names, versions: [] },
      status: { acceptedNames: { plural: 'clusterroles', kind: 'Foo' } },
    },
    engines,
  );
  assert.equal(kind.resource, 'foos');
  assert.equal(kind.storage.prefix, 'registry/rbac.authorization.k8s.io/foos');
});
