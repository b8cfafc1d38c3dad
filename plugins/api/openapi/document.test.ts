import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { OpenApiDocuments } from './document.ts';
import { CRON_TAB, KINDS } from './testdata/kinds.ts';

interface V2Operation {
  operationId: string;
  parameters: { name: string; in: string; schema?: { $ref: string } }[];
  'x-kubernetes-action': string;
  'x-kubernetes-group-version-kind': { group: string; version: string; kind: string };
}
interface Node {
  [key: string]: unknown;
  properties: Record<string, Node>;
}
interface Document {
  paths: Record<string, Record<string, V2Operation>>;
  definitions: Record<string, Node>;
  components: { schemas: Record<string, Node> };
}

const METHODS = ['get', 'put', 'post', 'delete', 'patch'];

function parse(document: { bytes: Buffer } | undefined): Document {
  assert.ok(document);
  return JSON.parse(document.bytes.toString());
}

function documentsOf(kinds = KINDS): OpenApiDocuments {
  const documents = new OpenApiDocuments('v1.2.3');
  documents.setKinds(kinds);
  return documents;
}

/** path -> gvk and actions, as in testdata/paths.json */
function summary(paths: Document['paths']): Record<string, unknown> {
  const entries = Object.entries(paths).map(([path, item]) => {
    const operations = METHODS.flatMap(method => (item[method] ? [[method, item[method]]] : []));
    const typed = operations as [string, V2Operation][];
    const { group, version, kind } = typed[0]?.[1]['x-kubernetes-group-version-kind'] ?? {};
    const verbs = Object.fromEntries(typed.map(([m, o]) => [m, o['x-kubernetes-action']]));
    return [path, { gvk: [group, version, kind], verbs }];
  });
  return Object.fromEntries(entries);
}

/** Every `$ref` in a document must lead to something in it. */
function assertRefsResolve(root: unknown, has: (id: string) => boolean, prefix: string): number {
  let count = 0;
  JSON.stringify(root, (key, value) => {
    if (key === '$ref' && typeof value === 'string') {
      assert.ok(value.startsWith(prefix) && has(value.slice(prefix.length)), value);
      count++;
    }
    return value;
  });
  return count;
}

const recorded = JSON.parse(readFileSync(new URL('testdata/paths.json', import.meta.url), 'utf8'));

describe('OpenApiDocuments', () => {
  it('gives v2 the paths, methods, actions and kinds that upstream has', () => {
    assert.deepEqual(summary(parse(documentsOf().v2Json()).paths), recorded);
  });

  it('gives v3 the same, divided by group and version', () => {
    const documents = documentsOf();
    const groups = ['api/v1', 'apis/apps/v1', 'apis/authentication.k8s.io/v1'];
    groups.push('apis/rbac.authorization.k8s.io/v1');
    const paths = groups.map(group => parse(documents.v3(group)).paths);
    assert.deepEqual(summary(Object.assign({}, ...paths)), recorded);
    assert.deepEqual(Object.keys(parse(documents.v3Root()).paths), groups);
    assert.equal(documents.v3('apis/batch/v1'), undefined);
  });

  it('holds no reference to something that it lacks', () => {
    const documents = documentsOf([...KINDS, CRON_TAB]);
    const v2 = parse(documents.v2Json());
    const inV2 = (id: string) => id in v2.definitions;
    assert.ok(assertRefsResolve(v2, inV2, '#/definitions/') > 400);
    const v3 = parse(documents.v3('apis/apps/v1'));
    const inV3 = (id: string) => id in v3.components.schemas;
    assert.ok(assertRefsResolve(v3, inV3, '#/components/schemas/') > 200);
  });

  it('gives every operation an id of its own, named as upstream does', () => {
    const { paths } = parse(documentsOf().v2Json());
    const ids = Object.values(paths).flatMap(item =>
      METHODS.flatMap(m => item[m]?.operationId ?? []),
    );
    assert.equal(new Set(ids).size, ids.length);
    const expected = [
      'listAppsV1DeploymentForAllNamespaces',
      'listAppsV1NamespacedDeployment',
      'deleteCoreV1CollectionNamespacedPod',
      'readCoreV1NodeStatus',
      'patchAppsV1NamespacedDeploymentScale',
      'replaceRbacAuthorizationV1ClusterRole',
      'createCoreV1NamespacedPodBinding',
      'createAuthenticationV1TokenReview',
    ];
    for (const id of expected) assert.ok(ids.includes(id), id);
  });

  it('offers dryRun and fieldValidation on every create, update and patch', () => {
    const documents = documentsOf();
    for (const { paths } of [parse(documents.v2Json()), parse(documents.v3('apis/apps/v1'))]) {
      for (const item of Object.values(paths)) {
        for (const method of ['post', 'put', 'patch']) {
          const names = item[method]?.parameters.map(parameter => parameter.name);
          if (!names) continue;
          assert.ok(names.includes('dryRun') && names.includes('fieldValidation'));
          assert.equal(names.includes('force'), method === 'patch');
        }
      }
    }
  });

  it('keeps merge keys, and puts them around references in v3', () => {
    const documents = documentsOf();
    const id = 'io.k8s.api.apps.v1.DeploymentSpec';
    const v2 = parse(documents.v2Json()).definitions[id]?.properties.strategy;
    const v3 = parse(documents.v3('apis/apps/v1')).components.schemas[id]?.properties.strategy;
    const strategy = 'io.k8s.api.apps.v1.DeploymentStrategy';
    const extension = { 'x-kubernetes-patch-strategy': 'retainKeys' };
    assert.deepEqual(v2, { $ref: `#/definitions/${strategy}`, ...extension });
    assert.deepEqual(v3, { allOf: [{ $ref: `#/components/schemas/${strategy}` }], ...extension });
  });

  it('tells v3 clients that quantities and ports may be numbers', () => {
    const { schemas } = parse(documentsOf().v3('api/v1')).components;
    assert.deepEqual(schemas['io.k8s.apimachinery.pkg.api.resource.Quantity'], {
      oneOf: [{ type: 'string' }, { type: 'number' }],
    });
  });

  it('describes a custom resource fully in v3 and as far as it can in v2', () => {
    const documents = documentsOf([...KINDS, CRON_TAB]);
    const id = 'com.example.stable.v1.CronTab';
    const v2 = parse(documents.v2Json()).definitions;
    assert.deepEqual(v2[id]?.properties.spec, {
      type: 'object',
      required: ['cron'],
      properties: {
        cron: { type: 'string', pattern: '^x', minLength: 1 },
        port: { 'x-kubernetes-int-or-string': true },
        free: { 'x-kubernetes-preserve-unknown-fields': true },
        gone: {},
        nested: { type: 'array', items: { type: 'string' } },
      },
    });
    assert.deepEqual(v2[id]?.['x-kubernetes-group-version-kind'], [
      { group: 'stable.example.com', kind: 'CronTab', version: 'v1' },
    ]);
    assert.deepEqual(v2[`${id}List`]?.properties.items, {
      type: 'array',
      items: { $ref: `#/definitions/${id}` },
    });
    const v3 = parse(documents.v3('apis/stable.example.com/v1')).components.schemas;
    assert.equal(v3[id]?.properties.spec?.properties.gone?.nullable, true);
  });

  it('builds only the changed parts anew, and hashes by content', () => {
    const documents = documentsOf();
    const before = documents.v3('apis/apps/v1');
    const root = documents.v3Root();
    const v2 = documents.v2Protobuf();
    documents.setKinds([...KINDS, CRON_TAB]);
    assert.equal(documents.v3('apis/apps/v1'), before);
    assert.notEqual(documents.v3Root().hash, root.hash);
    assert.notEqual(documents.v2Protobuf().hash, v2.hash);
    documents.setKinds(KINDS);
    assert.equal(documents.v3('apis/stable.example.com/v1'), undefined);
    assert.equal(documents.v3Root().hash, root.hash);
    assert.equal(documents.v2Protobuf().hash, v2.hash);
    assert.equal(documentsOf().v3Root().hash, root.hash);
  });
});
