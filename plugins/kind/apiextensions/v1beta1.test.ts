import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type CustomResourceDefinition, type KubeObject, SchemaEngines } from 'kernetes/sdk';
import { createdAs, updatedAs } from 'kernetes/sdk/testing';
import { customResourceDefinitions } from './custom-resource-definition.ts';
import { fromV1beta1, type OldDefinition, toV1beta1 } from './v1beta1.ts';
import { schemasOf } from './versions.ts';

const SCHEMA = { openAPIV3Schema: { type: 'object', properties: { a: { type: 'string' } } } };
const LOOSE = { openAPIV3Schema: { properties: { a: { type: 'string' }, b: {} } } };

function old(spec: Partial<OldDefinition['spec']> = {}): OldDefinition {
  return {
    apiVersion: 'apiextensions.k8s.io/v1beta1',
    metadata: { name: 'foos.example.com' },
    spec: {
      group: 'example.com',
      scope: 'Namespaced',
      names: { plural: 'foos', kind: 'Foo' },
      version: 'v1',
      ...spec,
    },
  };
}

async function made(definition: object, version = 'v1beta1') {
  const engines = new SchemaEngines();
  await engines.load(schemasOf(definition as CustomResourceDefinition));
  const kind = customResourceDefinitions(engines);
  const { object, errors } = createdAs(kind, version, definition as KubeObject);
  return { kind, object: object as OldDefinition, errors: errors.map(({ field }) => field) };
}

test('v1beta1 needs neither scope nor schema, and keeps unknown fields', async () => {
  const { scope: _, ...spec } = old().spec;
  const { object, errors } = await made({ ...old(), spec });
  assert.deepEqual(errors, []);
  assert.equal(object.spec.scope, 'Namespaced');
  assert.equal(object.spec.preserveUnknownFields, true);
  assert.deepEqual(object.spec.versions, [{ name: 'v1', served: true, storage: true }]);
  assert.deepEqual(object.status?.storedVersions, ['v1']);
});

const versions = [
  { name: 'v1', served: true, storage: true },
  { name: 'v2', served: true, storage: false },
];

test('what stands at the top in v1beta1 is every version’s in v1', () => {
  const column = { name: 'A', type: 'string', JSONPath: '.a' };
  const given = old({
    versions,
    preserveUnknownFields: false,
    validation: SCHEMA,
    subresources: { status: {} },
    additionalPrinterColumns: [column],
    conversion: {
      strategy: 'Webhook',
      webhookClientConfig: { url: 'https://x' },
      conversionReviewVersions: ['v1'],
    },
  });
  const { spec } = fromV1beta1(structuredClone(given));
  const jsonPath = '.a';
  const same = {
    schema: SCHEMA,
    subresources: { status: {} },
    additionalPrinterColumns: [{ name: 'A', type: 'string', jsonPath }],
  };
  assert.deepEqual(
    spec.versions,
    versions.map(each => ({ ...each, ...same })),
  );
  assert.deepEqual(spec.conversion?.webhook?.clientConfig, { url: 'https://x' });
  assert.deepEqual(toV1beta1(fromV1beta1(structuredClone(given))).spec, given.spec);
});

test('what versions have of their own stays with them', () => {
  const [first, second] = versions.map((each, i) => ({ ...each, schema: [SCHEMA, LOOSE][i] }));
  const given = old({ preserveUnknownFields: true, versions: [first, second] as never });
  assert.deepEqual(toV1beta1(fromV1beta1(structuredClone(given))).spec, given.spec);
});

test('a condition tells of a schema that is not structural', async () => {
  const { object, errors, kind } = await made(old({ validation: LOOSE }));
  assert.deepEqual(errors, []);
  const [condition] = object.status?.conditions ?? [];
  assert.equal(condition?.type, 'NonStructuralSchema');
  assert.equal(
    condition?.message,
    '[spec.validation.openAPIV3Schema.properties[b].type: Required value: must not be empty for ' +
      'specified object fields, spec.validation.openAPIV3Schema.type: Required value: must not ' +
      'be empty at the root]',
  );
  const mended = { ...object, spec: { ...object.spec, validation: SCHEMA } };
  const updated = updatedAs(kind, 'v1beta1', { body: mended as KubeObject, old: object });
  assert.deepEqual((updated.object as OldDefinition).status?.conditions, []);
});

const refusals: [string, Partial<OldDefinition['spec']>, string[]][] = [
  [
    'a schema that is not structural where fields are pruned',
    { preserveUnknownFields: false, validation: LOOSE },
    ['spec.validation.openAPIV3Schema.properties[b].type', 'spec.validation.openAPIV3Schema.type'],
  ],
  [
    'no schema where fields are pruned',
    { preserveUnknownFields: false },
    ['spec.versions[0].schema.openAPIV3Schema'],
  ],
  [
    'schemas at both places',
    { validation: SCHEMA, versions: [{ ...versions[0], schema: SCHEMA }] as never },
    ['spec.versions'],
  ],
  ['another first version', { version: 'v0', versions }, ['spec.version']],
];
for (const [what, spec, wanted] of refusals) {
  test(`v1beta1 validation refuses ${what}`, async () => {
    assert.deepEqual((await made(old(spec))).errors, wanted);
  });
}

test('v1 lets a definition keep unknown fields only if it did', async () => {
  const { object } = await made(old());
  const stored = { ...fromV1beta1(object), apiVersion: 'apiextensions.k8s.io/v1' } as KubeObject;
  const { errors, kind } = await made(stored, 'v1');
  assert.deepEqual(errors, ['spec.preserveUnknownFields']);
  assert.deepEqual(updatedAs(kind, 'v1', { body: stored, old: stored }).errors, []);
});
