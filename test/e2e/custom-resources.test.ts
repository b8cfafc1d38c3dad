import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type {
  CustomResourceDefinition,
  CustomResourceDefinitionCondition,
  JSONSchemaProps,
  ObjectMeta,
} from 'kernetes/sdk';
import { crdOf, versionOf } from './crds.ts';
import { eventually } from './eventually.ts';
import { jsonOf } from './http.ts';
import { withoutKubectl } from './kubectl.ts';
import { startCluster } from './start-cluster.ts';

const { cluster, http, kubectl } = await startCluster({ nodes: 0 });
after(() => cluster.close());

const DEFINITIONS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
const MERGE = 'application/merge-patch+json';
const STRATEGIC = 'application/strategic-merge-patch+json';

/** What these tests look at in answers; each has some of it. */
interface Answer {
  readonly apiVersion: string;
  readonly metadata: ObjectMeta;
  readonly spec: Readonly<Record<string, unknown>>;
  readonly status: {
    readonly conditions?: readonly CustomResourceDefinitionCondition[];
    readonly storedVersions?: readonly string[];
    readonly replicas?: number;
  };
  readonly items: readonly Answer[];
  readonly resources: readonly { readonly name: string }[];
  readonly columnDefinitions: readonly { readonly name: string }[];
  readonly rows: readonly { readonly cells: readonly unknown[] }[];
  readonly details: { readonly causes: readonly { reason: string; field: string }[] };
}

const SPEC: JSONSchemaProps = {
  type: 'object',
  description: 'What is wanted.',
  required: ['when'],
  'x-kubernetes-validations': [{ rule: 'self.when == oldSelf.when', message: 'when is immutable' }],
  properties: {
    when: { type: 'string', pattern: '^[0-9*]', maxLength: 20 },
    count: { type: 'integer', default: 3 },
    replicas: { type: 'integer', default: 1 },
    free: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
  },
};

type Version = CustomResourceDefinition['spec']['versions'][number];

function cronVersion(name: string, more: Partial<Version> = {}): Version {
  const status: JSONSchemaProps = {
    type: 'object',
    properties: { replicas: { type: 'integer' }, selector: { type: 'string' } },
  };
  return versionOf(name, { properties: { spec: SPEC, status }, ...more });
}

function definitionOf(plural: string, kind: string, versions: Version[]): CustomResourceDefinition {
  const names = { plural, kind, shortNames: [plural.slice(0, 2)] };
  return crdOf({ group: 'e2e.example', kind, plural, names, versions });
}

const CRONS = definitionOf('crons', 'Cron', [
  cronVersion('v1', {
    subresources: {
      status: {},
      scale: {
        specReplicasPath: '.spec.replicas',
        statusReplicasPath: '.status.replicas',
        labelSelectorPath: '.status.selector',
      },
    },
    selectableFields: [{ jsonPath: '.spec.when' }],
    additionalPrinterColumns: [{ name: 'When', type: 'string', jsonPath: '.spec.when' }],
  }),
  cronVersion('v1beta1'),
]);

describe('custom resources', { timeout: 120_000 }, () => {
  before(async () => {
    await define(CRONS);
  });

  const path = (plural = 'crons', version = 'v1') =>
    `/apis/e2e.example/${version}/namespaces/default/${plural}`;

  const condition = (definition: Answer, type: string) =>
    definition.status?.conditions?.find(each => each.type === type);

  async function define(definition: CustomResourceDefinition): Promise<void> {
    await http.json<Answer>('POST', DEFINITIONS, definition);
    await untilCondition(definition.metadata.name ?? '', 'Established', 'True');
  }

  const untilCondition = (name: string, type: string, status: string) =>
    eventually(async () => {
      const found = await http.json<Answer>('GET', `${DEFINITIONS}/${name}`);
      return condition(found, type)?.status === status ? found : undefined;
    });

  const create = (name: string, spec: object, more = {}) =>
    http.json<Answer>('POST', path(), { metadata: { name }, spec, ...more });

  it('are there once their definition is established, with defaults and without the unknown', async () => {
    const made = await create('one', { when: '1', nope: 1, free: { any: [1] }, count: null });
    assert.deepEqual(made.spec, { when: '1', free: { any: [1] }, count: 3, replicas: 1 });
    assert.equal(made.metadata.generation, 1);
    const beta = await http.json<Answer>('GET', `${path('crons', 'v1beta1')}/one`);
    assert.equal(beta.apiVersion, 'e2e.example/v1beta1');
    assert.deepEqual(beta.spec, made.spec);
  });

  it('are refused with causes', async () => {
    const spec = { when: 'nope', count: 'x' };
    const reply = await http.call('POST', path(), { body: { metadata: { name: 'Bad' }, spec } });
    assert.equal(reply.code, 422);
    const { details } = jsonOf<Answer>(reply);
    assert.deepEqual(
      details.causes.map(cause => [cause.reason, cause.field]),
      [
        ['FieldValueInvalid', 'metadata.name'],
        ['FieldValueInvalid', 'spec.when'],
        ['FieldValueTypeInvalid', 'spec.count'],
        ['FieldValueInvalid', '<nil>'],
      ],
    );
    const strict = await http.call('POST', `${path()}?fieldValidation=Strict`, {
      body: { metadata: { name: 'x' }, spec: { when: '1', nope: 1 } },
    });
    assert.equal(strict.code, 400);
    assert.match(String(strict.body), /unknown field \\"spec\.nope\\"/);
    const labels = { body: { metadata: { name: 'x', labels: { a: 1 } }, spec: { when: '1' } } };
    assert.equal((await http.call('POST', path(), labels)).code, 400);
  });

  it('keep spec and status apart, count generations and scale', async () => {
    const made = await create('apart', { when: '1' }, { status: { replicas: 7 } });
    assert.equal(made.status, undefined);
    const one = `${path()}/apart`;
    const body = { spec: { count: 9 }, status: { replicas: 2, selector: 'a=b' } };
    const told = await http.json<Answer>('PATCH', `${one}/status`, body, MERGE);
    assert.deepEqual([told.spec.count, told.status.replicas, told.metadata.generation], [3, 2, 1]);
    const changed = await http.json<Answer>('PATCH', one, body, MERGE);
    assert.deepEqual([changed.spec.count, changed.metadata.generation], [9, 2]);
    const scale = await http.json<Answer>(
      'PATCH',
      `${one}/scale`,
      { spec: { replicas: 5 } },
      MERGE,
    );
    assert.deepEqual(scale.spec, { replicas: 5 });
    assert.deepEqual(scale.status, { replicas: 2, selector: 'a=b' });
    assert.equal((await http.json<Answer>('GET', one)).spec.replicas, 5);
    const labelled = await http.json<Answer>(
      'PATCH',
      one,
      { metadata: { labels: { a: 'b' } } },
      MERGE,
    );
    assert.equal(labelled.metadata.generation, 3);
    const beta = `${path('crons', 'v1beta1')}/apart/status`;
    assert.equal(
      (await http.call('PATCH', beta, { body: {}, headers: { 'content-type': MERGE } })).code,
      404,
    );
  });

  it('refuse what a rule says, strategic patches, and updates without a resourceVersion', async () => {
    const { metadata, ...rest } = await create('ruled', { when: '1' });
    const one = `${path()}/ruled`;
    const patch = (type: string, spec: object) =>
      http.call('PATCH', one, { body: { spec }, headers: { 'content-type': type } });
    const moved = await patch(MERGE, { when: '2' });
    assert.equal(moved.code, 422);
    assert.match(String(moved.body), /when is immutable/);
    assert.equal((await patch(STRATEGIC, { count: 1 })).code, 415);
    const { resourceVersion: _, ...bare } = metadata;
    const body = { ...rest, metadata: bare };
    assert.equal((await http.call('PUT', one, { body })).code, 422);
  });

  it('are found by fields, in tables and by their managers', async () => {
    await create('found', { when: '7' });
    const list = await http.json<Answer>('GET', `${path()}?fieldSelector=spec.when%3D7`);
    assert.deepEqual(
      list.items.map(item => item.metadata.name),
      ['found'],
    );
    const accept = 'application/json;as=Table;v=v1;g=meta.k8s.io';
    const table = jsonOf<Answer>(
      await http.call('GET', `${path()}/found`, { headers: { accept } }),
    );
    assert.deepEqual(
      table.columnDefinitions.map(column => column.name),
      ['Name', 'When'],
    );
    assert.deepEqual(table.rows[0]?.cells, ['found', '7']);
    const apply = (manager: string, spec: object) =>
      http.call('PATCH', `${path()}/owned?fieldManager=${manager}`, {
        body: { apiVersion: 'e2e.example/v1', kind: 'Cron', metadata: { name: 'owned' }, spec },
        headers: { 'content-type': 'application/apply-patch+yaml' },
      });
    assert.equal((await apply('a', { when: '1', count: 1 })).code, 201);
    assert.equal((await apply('b', { when: '1', count: 2 })).code, 409);
  });

  it('that were stored under an earlier schema are brought up to date when they are read', async () => {
    const versions = [cronVersion('v1')];
    await define(definitionOf('olds', 'Old', versions));
    await http.json<Answer>('POST', path('olds'), {
      metadata: { name: 'old' },
      spec: { when: '1' },
    });
    const { when, free } = SPEC.properties ?? {};
    const properties = { when, added: { type: 'string', default: 'new' }, free } as Record<
      string,
      JSONSchemaProps
    >;
    const schema = {
      openAPIV3Schema: { type: 'object', properties: { spec: { type: 'object', properties } } },
    };
    await http.json<Answer>(
      'PATCH',
      `${DEFINITIONS}/olds.e2e.example`,
      { spec: { versions: [{ ...versions[0], schema }] } },
      MERGE,
    );
    const read = await eventually(async () => {
      const { spec } = await http.json<Answer>('GET', `${path('olds')}/old`);
      return spec.added === undefined ? undefined : spec;
    });
    assert.deepEqual(read, { when: '1', added: 'new' });
  });

  it('are served in another storage version without a break, and others keep their watches', async () => {
    await define(definitionOf('moves', 'Move', [cronVersion('v1'), cronVersion('v2')]));
    await http.json<Answer>('POST', path('moves'), {
      metadata: { name: 'a' },
      spec: { when: '1' },
    });
    const watch = await http.open('GET', `${path()}?watch=true`);
    let ended = false;
    watch.on('end', () => {
      ended = true;
    });
    watch.resume();
    const moved = [cronVersion('v1', { storage: false }), cronVersion('v2', { storage: true })];
    const name = `${DEFINITIONS}/moves.e2e.example`;
    const { status } = await http.json<Answer>('PATCH', name, { spec: { versions: moved } }, MERGE);
    assert.deepEqual(status.storedVersions, ['v1', 'v2']);
    for (let i = 0; i < 10; i++) {
      const { items } = await http.json<Answer>('GET', path('moves', 'v2'));
      assert.deepEqual(
        items.map(item => item.metadata.name),
        ['a'],
      );
    }
    const patch = { metadata: { labels: { a: 'b' } } };
    const kept = await http.json<Answer>('PATCH', `${path('moves', 'v1')}/a`, patch, MERGE);
    assert.equal(kept.apiVersion, 'e2e.example/v1');
    assert.equal(ended, false);
    watch.destroy();
  });

  it('wait for names that another has', async () => {
    const other = definitionOf('others', 'Cron', [cronVersion('v1')]);
    await http.json<Answer>('POST', DEFINITIONS, other);
    const refused = await untilCondition('others.e2e.example', 'NamesAccepted', 'False');
    assert.equal(condition(refused, 'NamesAccepted')?.reason, 'ListKindConflict');
    assert.equal(condition(refused, 'Established')?.status, 'False');
    assert.equal((await http.call('GET', path('others'))).code, 404);
    await http.json<Answer>('DELETE', `${DEFINITIONS}/others.e2e.example`);
  });

  it('go before their definition does, and leave discovery and OpenAPI', async () => {
    await define(definitionOf('gones', 'Gone', [cronVersion('v1')]));
    const finalizers = ['e2e.example/held'];
    await http.json<Answer>('POST', path('gones'), {
      metadata: { name: 'a', finalizers },
      spec: { when: '1' },
    });
    const etag = (await http.call('GET', '/openapi/v2')).headers.etag;
    await http.json<Answer>('DELETE', `${DEFINITIONS}/gones.e2e.example`);
    await untilCondition('gones.e2e.example', 'Terminating', 'True');
    const refused = await eventually(async () => {
      const reply = await http.call('POST', path('gones'), {
        body: { metadata: { name: 'b' }, spec: { when: '1' } },
      });
      return reply.code === 405 ? reply : undefined;
    });
    assert.equal(refused.code, 405);
    await http.json<Answer>(
      'PATCH',
      `${path('gones')}/a`,
      { metadata: { finalizers: null } },
      MERGE,
    );
    await eventually(async () => {
      const { code } = await http.call('GET', `${DEFINITIONS}/gones.e2e.example`);
      return code === 404 ? true : undefined;
    });
    await eventually(async () => {
      const { code } = await http.call('GET', path('gones'));
      return code === 404 ? true : undefined;
    });
    const { resources } = await http.json<Answer>('GET', '/apis/e2e.example/v1');
    assert.equal(
      resources.some(resource => resource.name === 'gones'),
      false,
    );
    assert.notEqual((await http.call('GET', '/openapi/v2')).headers.etag, etag);
  });

  it('are known to kubectl', { skip: withoutKubectl() }, async () => {
    assert.match(await kubectl.run('explain crons.spec'), /What is wanted\.[\s\S]*when\s+<string>/);
    assert.match(await kubectl.run('api-resources --api-group=e2e.example'), /crons\s+cr\s/);
    assert.match(await kubectl.run('scale cron/one --replicas=4'), /scaled/);
    assert.match(await kubectl.run('get cr'), /NAME\s+WHEN[\s\S]*one\s+1/);
  });
});

/** Each is a request, so this many are seconds. */
