import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Schema, schemaById, schemaFrom, schemaOf } from './schema.ts';

function at(schema: Schema | undefined, path: string): Schema {
  let node = schema;
  for (const step of path.split('.').filter(Boolean)) {
    if (step === '[]') node = node?.items;
    else if (step === '{}') node = node?.additionalProperties;
    else node = node?.properties.get(step);
  }
  assert.ok(node, `there is no ${path}`);
  return node;
}

function reachable(schema: Schema, seen = new Set<Schema>()): Set<Schema> {
  if (seen.has(schema)) return seen;
  seen.add(schema);
  const children = [...schema.properties.values(), schema.items, schema.additionalProperties];
  for (const child of children) if (child) reachable(child, seen);
  return seen;
}

describe('schemaOf()', () => {
  const types = [
    ['apps', 'v1', 'Deployment', '', 'object'],
    ['apps', 'v1', 'Deployment', 'spec.replicas', 'integer'],
    ['apps', 'v1', 'Deployment', 'spec.template.spec.containers', 'array'],
    ['apps', 'v1', 'Deployment', 'spec.strategy.rollingUpdate.maxSurge', 'int-or-string'],
    ['apps', 'v1', 'Deployment', 'metadata.labels', 'map'],
    ['apps', 'v1', 'Deployment', 'metadata.creationTimestamp', 'time'],
    ['apps', 'v1', 'Deployment', 'metadata.managedFields.[].fieldsV1', 'raw'],
    ['apps', 'v1', 'ControllerRevision', 'data', 'raw'],
    ['', 'v1', 'Pod', 'spec.containers.[].resources.limits.{}', 'quantity'],
    ['', 'v1', 'Secret', 'data.{}', 'bytes'],
    ['coordination.k8s.io', 'v1', 'Lease', 'spec.renewTime', 'micro-time'],
    ['apiregistration.k8s.io', 'v1', 'APIService', 'spec.caBundle', 'bytes'],
    ['batch', 'v1beta1', 'CronJob', 'spec.suspend', 'boolean'],
    ['extensions', 'v1beta1', 'Ingress', 'spec.backend.servicePort', 'int-or-string'],
    ['policy', 'v1', 'DeleteOptions', 'gracePeriodSeconds', 'integer'],
  ] as const;
  for (const [group, version, kind, path, type] of types) {
    it(`says that ${kind} ${path || 'itself'} is ${type}`, () => {
      assert.equal(at(schemaOf(group, version, kind), path).type, type);
    });
  }

  it('knows no kind of another group or version, and no name of the prototype', () => {
    assert.equal(schemaOf('', 'v1', 'Deployment'), undefined);
    assert.equal(schemaOf('apps', 'v1beta1', 'Deployment'), undefined);
    assert.equal(schemaById('constructor'), undefined);
    assert.equal(schemaOf('apps', 'v1', 'Deployment')?.properties.get('constructor'), undefined);
  });

  it('gives merge keys and list types', () => {
    const pod = schemaOf('', 'v1', 'Pod');
    const containers = at(pod, 'spec.containers');
    assert.equal(containers.listType, 'map');
    assert.deepEqual(containers.listMapKeys, ['name']);
    assert.deepEqual(containers.patchStrategy, ['merge']);
    assert.equal(containers.patchMergeKey, 'name');
    assert.deepEqual(at(pod, 'spec.volumes').patchStrategy, ['merge', 'retainKeys']);
    const ports = at(pod, 'spec.containers.[].ports');
    assert.deepEqual(ports.listMapKeys, ['containerPort', 'protocol']);
    assert.equal(at(ports, '[].protocol').default, 'TCP');
    assert.equal(at(pod, 'spec.containers.[].args').listType, 'atomic');
    assert.equal(at(pod, 'metadata.finalizers').listType, 'set');
    assert.equal(at(pod, 'spec.nodeSelector').mapType, 'atomic');
    assert.equal(at(pod, 'metadata.labels').mapType, 'granular');
  });

  it('overlays what stands beside a reference without changing the definition', () => {
    const strategy = at(schemaOf('apps', 'v1', 'Deployment'), 'spec.strategy');
    const shared = schemaById('io.k8s.api.apps.v1.DeploymentStrategy');
    assert.deepEqual(strategy.patchStrategy, ['retainKeys']);
    assert.deepEqual(shared?.patchStrategy, []);
    assert.equal(strategy.properties, shared?.properties);
    const claim = at(schemaOf('', 'v1', 'PersistentVolume'), 'spec.claimRef');
    assert.equal(claim.mapType, 'granular');
    assert.equal(schemaById('io.k8s.api.core.v1.ObjectReference')?.mapType, 'atomic');
  });

  it('shares nodes, so that recursive types end', () => {
    const path = 'spec.versions.[].schema.openAPIV3Schema';
    const props = at(schemaOf('apiextensions.k8s.io', 'v1', 'CustomResourceDefinition'), path);
    assert.equal(at(props, 'not'), props);
    assert.equal(at(props, 'allOf.[]'), props);
    assert.equal(at(props, 'properties.{}'), props);
    assert.equal(at(props, 'default').type, 'raw');
    assert.ok(reachable(props).size < 100);
  });
});

describe('schemaById()', () => {
  it('follows every reference of every kind', () => {
    const kinds = ['Pod', 'Node', 'Service', 'PersistentVolume', 'Event'];
    for (const kind of kinds) {
      const schema = schemaOf('', 'v1', kind);
      assert.ok(schema && reachable(schema).size > 30, kind);
      for (const node of reachable(schema)) {
        for (const key of node.listMapKeys) assert.ok(node.items?.properties.has(key), key);
      }
    }
  });
});

describe('schemaFrom()', () => {
  const metadata = '#/definitions/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta';

  it('reads a custom resource that refers to ObjectMeta', () => {
    const schema = schemaFrom({
      type: 'object',
      properties: {
        metadata: { $ref: metadata },
        port: { 'x-kubernetes-int-or-string': true },
        free: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
        gone: { type: 'string', nullable: true },
        when: { type: 'string', format: 'date-time' },
        pod: { type: 'object', 'x-kubernetes-embedded-resource': true },
        anything: {},
        flags: { type: 'object', additionalProperties: { type: 'boolean' } },
        open: { type: 'object', additionalProperties: true },
      },
    });
    assert.equal(at(schema, 'metadata'), schemaById(metadata.slice('#/definitions/'.length)));
    assert.equal(at(schema, 'port').type, 'int-or-string');
    assert.ok(at(schema, 'free').preserveUnknown && !schema.preserveUnknown);
    assert.ok(at(schema, 'gone').nullable && !at(schema, 'when').nullable);
    assert.equal(at(schema, 'when').type, 'string');
    assert.ok(at(schema, 'pod').embeddedResource);
    assert.equal(at(schema, 'anything').type, 'raw');
    assert.equal(at(schema, 'flags.{}').type, 'boolean');
    assert.equal(at(schema, 'open.{}').type, 'raw');
  });

  it('refuses a reference to nothing and an unknown type', () => {
    assert.throws(() => schemaFrom({ $ref: '#/definitions/nope' }), /Cannot resolve .*nope/);
    assert.throws(() => schemaFrom({ type: 'tuple' }), /type is "tuple"/);
  });
});

describe('schemaOf() of a pre-release version', () => {
  it('merges lists as the stable one does', () => {
    const beta = schemaOf(
      'admissionregistration.k8s.io',
      'v1beta1',
      'MutatingWebhookConfiguration',
    );
    const webhooks = beta?.properties.get('webhooks');
    assert.equal(webhooks?.listType, 'map');
    assert.deepEqual(webhooks?.listMapKeys, ['name']);
    assert.equal(webhooks?.items?.id, 'io.k8s.api.admissionregistration.v1beta1.MutatingWebhook');
  });
});
