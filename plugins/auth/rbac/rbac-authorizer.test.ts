import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  type Authorizer,
  authorizerPoint,
  ClusterRole,
  ClusterRoleBinding,
  RoleBinding,
  type Subject,
  type User,
} from 'kernetes/sdk';
import { activate, TestKernel } from 'kernetes/sdk/testing';
import plugin from './plugin.ts';

const GROUP = 'rbac.authorization.k8s.io';
const ref = (name: string) => ({ apiGroup: GROUP, kind: 'ClusterRole', name });
const user = (name: string): Subject => ({ kind: 'User', apiGroup: GROUP, name });
const group = (name: string): Subject => ({ kind: 'Group', apiGroup: GROUP, name });

async function open(): Promise<Authorizer> {
  const kernel = new TestKernel();
  const rules = [
    { verbs: ['get'], apiGroups: [''], resources: ['pods'], resourceNames: ['a'] },
    { verbs: ['get'], nonResourceURLs: ['/x'] },
  ];
  kernel.add(ClusterRole, { metadata: { name: 'pods' }, rules });
  const account = { kind: 'ServiceAccount', name: 'bot', namespace: 'y' };
  kernel.add(
    ClusterRoleBinding,
    { metadata: { name: 'all' }, roleRef: ref('pods'), subjects: [user('bob'), group('devs')] },
    { metadata: { name: 'lost' }, roleRef: ref('gone'), subjects: [user('eve'), user('eva')] },
  );
  kernel.add(
    RoleBinding,
    { metadata: { name: 'in', namespace: 'x' }, roleRef: ref('pods'), subjects: [account] },
    { metadata: { name: 'a', namespace: 'x' }, roleRef: ref('away'), subjects: [user('eva')] },
  );
  const { context } = await activate(plugin, { kernel });
  const [found] = context.contributions(authorizerPoint).list();
  assert.ok(found);
  return found.value;
}

const pods = ({ name, groups }: User) => ({
  ...{ user: { name, groups }, verb: 'get', group: '', version: 'v1', resource: 'pods' },
  ...{ subresource: '', namespace: 'x', name: 'a' },
});

describe('auth.rbac says', () => {
  const missing = (name: string) => `clusterrole.${GROUP} "${name}" not found`;
  const cases: readonly [string, User, string][] = [
    [
      'which binding allowed a user',
      { name: 'bob', groups: [] },
      'RBAC: allowed by ClusterRoleBinding "all" of ClusterRole "pods" to User "bob"',
    ],
    [
      'which allowed a group',
      { name: 'x', groups: ['others', 'devs'] },
      'RBAC: allowed by ClusterRoleBinding "all" of ClusterRole "pods" to Group "devs"',
    ],
    [
      'which allowed a service account',
      { name: 'system:serviceaccount:y:bot', groups: [] },
      'RBAC: allowed by RoleBinding "in/x" of ClusterRole "pods" to ServiceAccount "bot/y"',
    ],
    ['which role is missing', { name: 'eve', groups: [] }, `RBAC: ${missing('gone')}`],
    [
      'which roles are missing',
      { name: 'eva', groups: [] },
      `RBAC: [${missing('gone')}, ${missing('away')}]`,
    ],
  ];
  for (const [title, who, reason] of cases) {
    it(title, async () => {
      const decision = await (await open()).authorize(pods(who));
      assert.equal(typeof decision === 'object' && decision.reason, reason);
    });
  }

  it('what somebody may do in a namespace, and that it is not all', async () => {
    const authorizer = await open();
    assert.deepEqual(authorizer.rules?.({ name: 'bob', groups: [] }, 'x'), {
      resources: [{ verbs: ['get'], apiGroups: [''], resources: ['pods'], resourceNames: ['a'] }],
      paths: [{ verbs: ['get'], nonResourceURLs: ['/x'] }],
      incomplete: false,
    });
    const none = { resources: [], paths: [], incomplete: true };
    assert.deepEqual(authorizer.rules?.({ name: 'eve', groups: [] }, 'x'), none);
  });
});
