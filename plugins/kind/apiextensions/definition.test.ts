import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type CustomResourceDefinition,
  type CustomResourceDefinitionVersion,
  type JSONSchemaProps,
  type KubeObject,
  SchemaEngines,
} from 'kernetes/sdk';
import { createdAs, updatedAs } from 'kernetes/sdk/testing';
import { recorded } from '../../../test/testdata/recorded.ts';
import { customResourceDefinitions } from './custom-resource-definition.ts';
import { schemasOf } from './versions.ts';

type Definition = CustomResourceDefinition;

function definition(schema: JSONSchemaProps, more: Partial<Definition['spec']> = {}): Definition {
  const version = { name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: schema } };
  return {
    metadata: { name: 'foos.example.com' },
    spec: {
      group: 'example.com',
      scope: 'Namespaced',
      names: { plural: 'foos', kind: 'Foo' },
      versions: [version],
      ...more,
    },
  };
}

async function errorsOf(given: Definition): Promise<string[]> {
  const engines = new SchemaEngines();
  await engines.load(schemasOf(given));
  const { errors } = createdAs(customResourceDefinitions(engines), 'v1', given as KubeObject);
  return errors.map(({ field, message }) => `${field}: ${message}`);
}

const fields = (properties: Record<string, JSONSchemaProps>): JSONSchemaProps => ({
  type: 'object',
  properties,
});
const ROOT = 'spec.validation.openAPIV3Schema';

test('a definition gets the defaults that a real server gives', () => {
  const { request, response } = recorded('defaults/crd.json');
  const kind = customResourceDefinitions(new SchemaEngines());
  const { object, errors } = createdAs(kind, 'v1', request.body);
  const { spec, status } = object as Definition;
  assert.deepEqual(errors, []);
  assert.deepEqual({ spec, status }, { spec: response.body.spec, status: response.body.status });
});

const SCHEMAS: { name: string; schema: JSONSchemaProps; wanted: string[] }[] = [
  {
    name: 'a field without a type',
    schema: fields({ a: {} }),
    wanted: [
      `${ROOT}.properties[a].type: Required value: must not be empty for specified object fields`,
    ],
  },
  {
    name: 'a list without items',
    schema: fields({ a: { type: 'array' } }),
    wanted: [`${ROOT}.properties[a].items: Required value: must be specified`],
  },
  {
    name: 'a type inside a junctor',
    schema: { type: 'object', anyOf: [{ type: 'object' }] },
    wanted: [`${ROOT}.anyOf[0].type: Forbidden: must be empty to be structural`],
  },
  {
    name: 'a field that only a junctor has',
    schema: { type: 'object', allOf: [{ required: ['x'], properties: { x: { minimum: 1 } } }] },
    wanted: [
      `${ROOT}.properties[x]: Required value: because it is defined in ${ROOT}.allOf[0].properties[x]`,
    ],
  },
  {
    name: 'a default of another type',
    schema: fields({ a: { type: 'integer', default: 'x' } }),
    wanted: [
      `${ROOT}.properties[a].default: Invalid value: "string":  in body must be of type integer: "string"`,
    ],
  },
  {
    name: 'a default with a field that would be dropped',
    schema: fields({ a: { ...fields({}), default: { b: 1 } } }),
    wanted: [`${ROOT}.properties[a].default: Invalid value: {"b":1}: must not have unknown fields`],
  },
  {
    name: 'a pattern that RE2 does not know',
    schema: fields({ a: { type: 'string', pattern: '(?=x)' } }),
    wanted: [
      `${ROOT}.properties[a].pattern: Invalid value: "(?=x)": must be a valid regular expression, but isn't: error parsing regexp: invalid or unsupported Perl syntax: \`(?=\``,
    ],
  },
  {
    name: 'keywords that are not supported',
    schema: fields({ a: { type: 'string', id: 'x', uniqueItems: true } }),
    wanted: [
      `${ROOT}.properties[a].id: Forbidden: id is not supported`,
      `${ROOT}.properties[a].uniqueItems: Forbidden: uniqueItems cannot be set to true since the runtime complexity becomes quadratic`,
    ],
  },
  {
    name: 'a map whose keys may be absent',
    schema: fields({
      a: {
        type: 'array',
        'x-kubernetes-list-type': 'map',
        'x-kubernetes-list-map-keys': ['k'],
        items: fields({ k: { type: 'string' } }),
      },
    }),
    wanted: [
      `${ROOT}.properties[a].items.properties[k].default: Required value: this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property`,
    ],
  },
  {
    name: 'metadata that is more than names',
    schema: fields({ metadata: fields({ labels: { type: 'object' } }) }),
    wanted: [
      `${ROOT}.properties[metadata]: Forbidden: must not specify anything other than name and generateName, but metadata is implicitly specified`,
    ],
  },
  {
    name: 'a rule that does not compile',
    schema: fields({ a: { type: 'string', 'x-kubernetes-validations': [{ rule: 'self + 1' }] } }),
    wanted: [],
  },
  {
    name: 'nothing in what upstream takes',
    schema: fields({
      metadata: fields({ name: { type: 'string', maxLength: 10 } }),
      a: { 'x-kubernetes-int-or-string': true, anyOf: [{ type: 'integer' }, { type: 'string' }] },
      b: { 'x-kubernetes-preserve-unknown-fields': true },
      c: { type: 'object', additionalProperties: true },
    }),
    wanted: [],
  },
];
for (const { name, schema, wanted } of SCHEMAS) {
  test(`a schema is looked through for ${name}`, async () => {
    const errors = await errorsOf(definition(schema));
    if (name.startsWith('a rule'))
      assert.match(errors[0] ?? '', /rule: Invalid value: .*: compilation failed: /);
    else assert.deepEqual(errors, wanted);
  });
}

const OK = fields({});
const version = (name: string, more: Partial<CustomResourceDefinitionVersion> = {}) => ({
  name,
  served: true,
  storage: name === 'v1',
  schema: { openAPIV3Schema: OK },
  ...more,
});
const SPECS: { name: string; spec: Partial<Definition['spec']>; wanted: string[] }[] = [
  {
    name: 'another name',
    spec: { names: { plural: 'bars', kind: 'Bar' } },
    wanted: ['metadata.name'],
  },
  { name: 'a group without a dot', spec: { group: 'x' }, wanted: ['metadata.name', 'spec.group'] },
  { name: 'an unknown scope', spec: { scope: 'All' }, wanted: ['spec.scope'] },
  {
    name: 'two storage versions',
    spec: { versions: [version('v1'), version('v2', { storage: true })] },
    wanted: ['spec.versions'],
  },
  {
    name: 'a version twice',
    spec: { versions: [version('v1'), version('v1', { storage: false })] },
    wanted: ['spec.versions'],
  },
  {
    name: 'no schema',
    spec: { versions: [{ name: 'v1', served: true, storage: true }] },
    wanted: ['spec.versions[0].schema.openAPIV3Schema'],
  },
  {
    name: 'a kind that is its list',
    spec: { names: { plural: 'foos', kind: 'Foo', listKind: 'Foo' } },
    wanted: ['spec.names.listKind'],
  },
  {
    name: 'a webhook without a client',
    spec: { conversion: { strategy: 'Webhook' } },
    wanted: ['spec.conversion.webhookClientConfig', 'spec.conversion.conversionReviewVersions'],
  },
  {
    name: 'columns',
    spec: {
      versions: [
        version('v1', { additionalPrinterColumns: [{ name: '', type: 'x', jsonPath: 'a' }] }),
      ],
    },
    wanted: ['name', 'type', 'JSONPath'].map(each => `spec.additionalPrinterColumns[0].${each}`),
  },
  {
    name: 'paths of scale',
    spec: {
      versions: [
        version('v1', {
          subresources: { scale: { specReplicasPath: '.status.x', statusReplicasPath: '' } },
        }),
      ],
    },
    wanted: [
      'spec.subresources.scale.specReplicasPath',
      'spec.subresources.scale.statusReplicasPath',
    ],
  },
  {
    name: 'selectable fields',
    spec: { versions: [version('v1', { selectableFields: [{ jsonPath: '.spec.nope' }] })] },
    wanted: ['spec.selectableFields[0].jsonPath'],
  },
  {
    name: 'a warning of what is not deprecated',
    spec: { versions: [version('v1', { deprecationWarning: 'x' })] },
    wanted: ['spec.versions[0].deprecationWarning'],
  },
];
for (const { name, spec, wanted } of SPECS) {
  test(`a definition is refused for ${name}`, async () => {
    const errors = await errorsOf(definition(OK, spec));
    assert.deepEqual(
      errors.map(error => error.slice(0, error.indexOf(': '))),
      wanted,
    );
  });
}

test('a group of Kubernetes needs an approval', async () => {
  const given = definition(OK, { group: 'x.k8s.io' });
  given.metadata.name = 'foos.x.k8s.io';
  assert.match((await errorsOf(given))[0] ?? '', /^metadata\.annotations\[api-approved/);
  given.metadata.annotations = { 'api-approved.kubernetes.io': 'unapproved, a test' };
  assert.deepEqual(await errorsOf(given), []);
});

test('what is stored stays readable, and names stay', () => {
  const kind = customResourceDefinitions(new SchemaEngines());
  const two = [version('v1'), version('v2')];
  const { object } = createdAs(kind, 'v1', definition(OK, { versions: two }) as KubeObject);
  const old = object as Definition;
  old.status = {
    ...old.status,
    conditions: [{ type: 'Established', status: 'True' }],
  };
  const body = structuredClone(old);
  body.spec.versions = [version('v2', { storage: true })];
  body.spec.scope = 'Cluster';
  body.spec.names.plural = 'bars';
  const update = updatedAs(kind, 'v1', { body: body as KubeObject, old: old as KubeObject });
  assert.deepEqual((update.object as Definition).status?.storedVersions, ['v1', 'v2']);
  const found = update.errors.map(({ field }) => field);
  assert.deepEqual(found, [
    'metadata.name',
    'status.storedVersions[0]',
    'spec.scope',
    'spec.names.plural',
  ]);
});
