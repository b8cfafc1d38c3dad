import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  type Attributes,
  type Authorizer,
  authorizerPoint,
  ClusterRole,
  ClusterRoleBinding,
  type Decision,
  type PolicyRule,
  Role,
  RoleBinding,
  type RoleRef,
  type Subject,
} from 'kernetes/sdk';
import { activate, TestKernel, testContext } from 'kernetes/sdk/testing';
import plugin from './plugin.ts';

const GROUP = 'rbac.authorization.k8s.io';
const ALL: PolicyRule[] = [
  { verbs: ['*'], apiGroups: ['*'], resources: ['*'] },
  { verbs: ['*'], nonResourceURLs: ['*'] },
];

const users = {
  nobody: { name: '', groups: [] },
  bob: { name: 'bob', groups: ['devs', 'system:authenticated'] },
  account: {
    name: 'system:serviceaccount:x:bot',
    groups: ['system:serviceaccounts', 'system:serviceaccounts:x', 'system:authenticated'],
  },
  node: { name: 'system:node:n1', groups: ['system:nodes'] },
  plugin: { name: 'system:plugin:some', groups: ['system:plugins'] },
};

/** Requests that an all-powerful role, bound in the right way, would allow. */
const requests: Attributes[] = Object.values(users).flatMap(user => [
  { user, verb: 'get', path: '/metrics' },
  ...['get', 'list', 'create', 'delete', 'impersonate'].map(verb => ({
    ...{ user, verb, group: '', version: 'v1', resource: 'secrets', subresource: '' },
    ...{ namespace: 'x', name: 'a' },
  })),
  { ...at(user, 'x'), subresource: 'status' },
  at(user, ''),
]);

function at(user: Attributes['user'], namespace: string) {
  const what = { verb: 'get', group: 'apps', version: 'v1', resource: 'deployments' };
  return { user, ...what, subresource: '', namespace, name: '' };
}

const everybody: Subject[] = [
  ...Object.values(users).flatMap(({ name, groups }) => [
    ...(name ? [{ kind: 'User', apiGroup: GROUP, name }] : []),
    ...groups.map(group => ({ kind: 'Group', apiGroup: GROUP, name: group })),
  ]),
  { kind: 'ServiceAccount', name: 'bot', namespace: 'x' },
];
const role = (kind: string, name: string): RoleRef => ({ apiGroup: GROUP, kind, name });

interface Given {
  readonly clusterRoles?: readonly ClusterRole[];
  readonly roles?: readonly Role[];
  readonly clusterBindings?: readonly Partial<ClusterRoleBinding>[];
  readonly bindings?: readonly (Partial<RoleBinding> & { readonly at?: string })[];
}

const all: ClusterRole = { metadata: { name: 'all' }, rules: ALL };
const bound = { roleRef: role('ClusterRole', 'all'), subjects: everybody };
const broken = (rules: unknown): Given => ({
  clusterRoles: [{ metadata: { name: 'all' }, rules: rules as PolicyRule[] }],
  clusterBindings: [bound],
});
const boundTo = (...subjects: Subject[]): Given => ({
  clusterRoles: [all],
  clusterBindings: [{ ...bound, subjects }],
});

const cases: Readonly<Record<string, Given>> = {
  'no roles and no bindings': {},
  'roles that nobody is bound to': { clusterRoles: [all] },
  'a binding to a role that does not exist': { clusterBindings: [bound] },
  'a binding without subjects': {
    clusterRoles: [all],
    clusterBindings: [{ roleRef: bound.roleRef }],
  },
  'a role without rules': broken(undefined),
  'a role whose rules are empty': broken([{}]),
  'rules without verbs': broken([{ verbs: [], apiGroups: ['*'], resources: ['*'] }]),
  'rules without API groups': broken([{ verbs: ['*'], apiGroups: [], resources: ['*'] }]),
  'rules that lack their API groups': broken([{ verbs: ['*'], resources: ['*'] }]),
  'rules without resources': broken([{ verbs: ['*'], apiGroups: ['*'], resources: [] }]),
  'rules of another group': broken([{ verbs: ['*'], apiGroups: ['x'], resources: ['*'] }]),
  'rules of other names': broken([
    { verbs: ['*'], apiGroups: ['*'], resources: ['*'], resourceNames: ['b'] },
  ]),
  'rules of a wildcard that is none': broken([
    { verbs: ['*'], apiGroups: ['*'], resources: ['secret*', 'deployments/*'] },
  ]),
  'rules of another path': broken([{ verbs: ['*'], nonResourceURLs: ['/metric', '/metrics/*'] }]),
  'a reference to a role of another API group': {
    clusterRoles: [all],
    clusterBindings: [{ ...bound, roleRef: { apiGroup: '', kind: 'ClusterRole', name: 'all' } }],
  },
  'a reference to a kind that is no role': {
    clusterRoles: [all],
    clusterBindings: [{ ...bound, roleRef: role('Secret', 'all') }],
  },
  'a cluster binding to a role of a namespace': {
    roles: [{ metadata: { name: 'all', namespace: 'x' }, rules: ALL }],
    clusterBindings: [{ ...bound, roleRef: role('Role', 'all') }],
  },
  'a role in another namespace than its binding': {
    roles: [{ metadata: { name: 'all', namespace: 'y' }, rules: ALL }],
    bindings: [{ ...bound, roleRef: role('Role', 'all'), at: 'x' }],
  },
  'a binding in another namespace': {
    clusterRoles: [all],
    roles: [{ metadata: { name: 'all', namespace: 'y' }, rules: ALL }],
    bindings: [
      { ...bound, at: 'y' },
      { ...bound, roleRef: role('Role', 'all'), at: 'y' },
    ],
  },
  'subjects of the wrong API group': boundTo(
    ...everybody.map(each => ({ ...each, apiGroup: each.apiGroup ? '' : GROUP })),
  ),
  'subjects of an unknown kind': boundTo(...everybody.map(each => ({ ...each, kind: 'Robot' }))),
  'users in the place of groups': boundTo(
    ...everybody
      .filter(({ kind }) => kind !== 'ServiceAccount')
      .map(each => ({ ...each, kind: each.kind === 'User' ? 'Group' : 'User' })),
  ),
  'subjects without a name': boundTo(
    { kind: 'User', apiGroup: GROUP, name: '' },
    { kind: 'Group', apiGroup: GROUP, name: '' },
    { kind: 'ServiceAccount', name: '', namespace: 'x' },
  ),
  'a wildcard as a name': boundTo(
    { kind: 'User', apiGroup: GROUP, name: '*' },
    { kind: 'Group', apiGroup: GROUP, name: '*' },
  ),
  'a service account without a namespace': boundTo({ kind: 'ServiceAccount', name: 'bot' }),
  'a service account of another namespace': boundTo(
    { kind: 'ServiceAccount', name: 'bot', namespace: 'y' },
    { kind: 'ServiceAccount', name: 'x:bot', namespace: '' },
  ),
};

function kernelWith(given: Given): TestKernel {
  const kernel = new TestKernel();
  const metadata = (i: number, namespace?: string) => {
    return { name: `b${i}`, ...(namespace && { namespace }) };
  };
  kernel.add(ClusterRole, ...(given.clusterRoles ?? []));
  kernel.add(Role, ...(given.roles ?? []));
  for (const [i, binding] of (given.clusterBindings ?? []).entries()) {
    kernel.add(ClusterRoleBinding, { ...binding, metadata: metadata(i) } as ClusterRoleBinding);
  }
  for (const [i, { at, ...binding }] of (given.bindings ?? []).entries()) {
    kernel.add(RoleBinding, { ...binding, metadata: metadata(i, at) } as RoleBinding);
  }
  return kernel;
}

const verdictOf = (decision: Decision) =>
  typeof decision === 'object' ? decision.verdict : decision;

function allowedBy(authorizer: Authorizer): Attributes[] {
  return requests.filter(each => verdictOf(authorizer.authorize(each) as Decision) === 'allow');
}

async function open(kernel: TestKernel) {
  const { context, dispose, clock } = await activate(plugin, { kernel });
  const [found] = context.contributions(authorizerPoint).list();
  assert.ok(found);
  return { authorizer: found.value, dispose, clock };
}

describe('auth.rbac allows nothing', () => {
  for (const [title, given] of Object.entries(cases)) {
    it(`with ${title}`, async () => {
      const { authorizer, dispose } = await open(kernelWith(given));
      assert.deepEqual(allowedBy(authorizer), []);
      await dispose();
    });
  }

  it('before it has seen all roles and bindings', async () => {
    const kernel = kernelWith({ clusterRoles: [all], clusterBindings: [bound] });
    const { context, dispose } = testContext({ kernel, name: plugin.name });
    const done = plugin.activate(context);
    const [found] = context.contributions(authorizerPoint).list();
    assert.ok(found);
    assert.deepEqual(allowedBy(found.value), []);
    await done;
    assert.notDeepEqual(allowedBy(found.value), []);
    await dispose();
  });

  it('once the role, the binding or the subject is taken away', async () => {
    const given = { clusterRoles: [all], clusterBindings: [bound] };
    const takings = [
      (kernel: TestKernel) => kernel.objects.delete(ClusterRole, { name: 'all' }),
      (kernel: TestKernel) => kernel.objects.delete(ClusterRoleBinding, { name: 'b0' }),
      (kernel: TestKernel) =>
        kernel.objects.patch(ClusterRoleBinding, { name: 'b0' }, { subjects: null }),
      (kernel: TestKernel) => kernel.objects.patch(ClusterRole, { name: 'all' }, { rules: [] }),
    ];
    for (const take of takings) {
      const kernel = kernelWith(given);
      const { authorizer, clock, dispose } = await open(kernel);
      assert.notDeepEqual(allowedBy(authorizer), []);
      await take(kernel);
      await clock.step(0);
      assert.deepEqual(allowedBy(authorizer), []);
      await dispose();
    }
  });
});
