import { type KindDefinition, type Schema, schemaFrom, schemaOf } from 'kernetes/sdk';

function builtIn(group: string, version: string, kind: string): Schema {
  const schema = schemaOf(group, version, kind);
  if (!schema) throw new Error(`There is no ${group}/${version} ${kind}`);
  return schema;
}

function kind(
  group: string,
  name: string,
  rest: Partial<KindDefinition> & Pick<KindDefinition, 'namespaced' | 'resource'>,
): KindDefinition {
  return {
    group,
    kind: name,
    singular: name.toLowerCase(),
    storage: { prefix: `registry/${rest.resource}`, version: 'v1' },
    strategy: {},
    ...rest,
    versions: rest.versions ?? [{ name: 'v1', schema: builtIn(group, 'v1', name) }],
  };
}

const scale = {
  name: 'scale',
  verbs: ['get', 'update', 'patch'],
  body: {
    group: 'autoscaling',
    version: 'v1',
    kind: 'Scale',
    schema: builtIn('autoscaling', 'v1', 'Scale'),
  },
} as const;

const binding = {
  name: 'binding',
  verbs: ['create'],
  body: { group: '', version: 'v1', kind: 'Binding', schema: builtIn('', 'v1', 'Binding') },
} as const;

/** The kinds of paths.json. */
export const KINDS: readonly KindDefinition[] = [
  kind('', 'Namespace', {
    resource: 'namespaces',
    namespaced: false,
    strategy: { status: true },
    verbs: ['create', 'delete', 'get', 'list', 'patch', 'update', 'watch'],
  }),
  kind('', 'Node', { resource: 'nodes', namespaced: false, strategy: { status: true } }),
  kind('', 'Pod', {
    resource: 'pods',
    namespaced: true,
    strategy: { status: true },
    subresources: [binding],
  }),
  kind('apps', 'Deployment', {
    resource: 'deployments',
    namespaced: true,
    strategy: { status: true },
    subresources: [scale],
  }),
  kind('apps', 'ControllerRevision', { resource: 'controllerrevisions', namespaced: true }),
  kind('authentication.k8s.io', 'TokenReview', {
    resource: 'tokenreviews',
    namespaced: false,
    verbs: ['create'],
  }),
  kind('rbac.authorization.k8s.io', 'ClusterRole', { resource: 'clusterroles', namespaced: false }),
];

/** A custom resource, with what Swagger 2.0 cannot say. */
export const CRON_TAB: KindDefinition = kind('stable.example.com', 'CronTab', {
  resource: 'crontabs',
  namespaced: true,
  versions: [
    {
      name: 'v1',
      schema: schemaFrom({
        type: 'object',
        properties: {
          metadata: { $ref: '#/definitions/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta' },
          spec: {
            type: 'object',
            required: ['cron'],
            properties: {
              cron: { type: 'string', ...{ pattern: '^x', minLength: 1, oneOf: [{}] } },
              port: { 'x-kubernetes-int-or-string': true },
              free: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
              gone: { type: 'string', nullable: true },
              nested: { type: 'array', items: { type: 'string', ...{ not: {} } } },
            },
          },
        },
      }),
    },
  ],
});
