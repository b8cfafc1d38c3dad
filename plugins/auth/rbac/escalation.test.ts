import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  type AdmissionRequest,
  admissionPoint,
  authorizerPoint,
  ClusterRole,
  ClusterRoleBinding,
  type Door,
  doorPoint,
  type KubeObject,
  type PolicyRule,
  Role,
  type RoleBinding,
} from 'kernetes/sdk';
import { activate, admissionRequest, TestKernel, testContext } from 'kernetes/sdk/testing';
import plugin from './plugin.ts';

const GROUP = 'rbac.authorization.k8s.io';
const BOB = { name: 'bob', groups: ['devs', 'system:authenticated'] };
const rule = (verbs: string, resource: string): PolicyRule => ({
  apiGroups: [resource.includes('role') ? GROUP : ''],
  resources: [resource],
  verbs: verbs.split(','),
});
const full: PolicyRule[] = [
  { apiGroups: ['*'], resources: ['*'], verbs: ['*'] },
  { nonResourceURLs: ['*'], verbs: ['*'] },
];

/** Bob holds these rules in all namespaces, by way of the group of his. */
async function holding(...rules: PolicyRule[]) {
  const kernel = new TestKernel();
  const subjects = [{ kind: 'Group', apiGroup: GROUP, name: 'devs' }];
  const roleRef = { apiGroup: GROUP, kind: 'ClusterRole', name: 'held' };
  kernel.add(ClusterRole, { metadata: { name: 'held' }, rules });
  kernel.add(ClusterRole, { metadata: { name: 'strong' }, rules: [rule('get,list', 'secrets')] });
  kernel.add(Role, { metadata: { name: 'weak', namespace: 'x' }, rules: [rule('get', 'pods')] });
  kernel.add(ClusterRoleBinding, { metadata: { name: 'held' }, roleRef, subjects });
  const { context } = await activate(plugin, { kernel });
  const authorizer = context.contributions(authorizerPoint).list()[0]?.value;
  const door: Partial<Door> = {
    async review(attributes) {
      const decision = await authorizer?.authorize(attributes);
      const allowed = typeof decision === 'object' && decision.verdict === 'allow';
      return { allowed, denied: false, reason: '' };
    },
  };
  testContext({ kernel, name: 'kernel' }).context.provide(doorPoint, door as Door);
  return async (object: KubeObject, given: Partial<AdmissionRequest> = {}) => {
    const request = admissionRequest(object, { user: BOB, group: GROUP, ...given });
    for (const { value } of context.contributions(admissionPoint).list()) {
      await value.validate?.(request);
    }
  };
}

const role = (...rules: PolicyRule[]): Role => ({ metadata: { name: 'r', namespace: 'x' }, rules });
const binding = (kind: string, name: string): RoleBinding => ({
  metadata: { name: 'b', namespace: 'x' },
  roleRef: { apiGroup: GROUP, kind, name },
});
const ROLES = { resource: 'roles' };
const CLUSTER_ROLES = { resource: 'clusterroles' };
const BINDINGS = { resource: 'rolebindings' };
const because = (start: string, ...rules: string[]) =>
  `${start} is forbidden: user "bob" (groups=["devs" "system:authenticated"]) is attempting to ` +
  `grant RBAC permissions not currently held:\n${rules.join('\n')}`;

describe('writers of roles', () => {
  it('may give what they hold', async () => {
    const write = await holding(rule('get,list,watch', 'pods'));
    await write(role(rule('list,get', 'pods')), ROLES);
  });

  it('are told what they do not hold, each resource once', async () => {
    const write = await holding(rule('get', 'pods'));
    const wanted = role(rule('watch,get,list', 'pods'), rule('get', 'secrets'));
    await assert.rejects(write(wanted, ROLES), {
      message: because(
        `roles.${GROUP} "r"`,
        '{APIGroups:[""], Resources:["pods"], Verbs:["watch" "list"]}',
        '{APIGroups:[""], Resources:["secrets"], Verbs:["get"]}',
      ),
    });
  });

  it('may give anything when they may escalate roles, but not by a name on create', async () => {
    await (await holding(rule('escalate', 'roles')))(role(...full), ROLES);
    const named = { ...rule('escalate', 'roles'), resourceNames: ['r'] };
    const write = await holding(named);
    await assert.rejects(write(role(rule('get', 'pods')), ROLES), /not currently held/);
    const oldObject = role();
    await write(role(rule('get', 'pods')), { ...ROLES, oldObject });
  });

  it('may do all as superusers', async () => {
    const write = await holding();
    const user = { name: 'root', groups: ['system:masters'] };
    await write(role(...full), { ...ROLES, user });
  });

  it('hold everything when they aggregate', async () => {
    const selecting: ClusterRole = {
      metadata: { name: 'r' },
      aggregationRule: { clusterRoleSelectors: [{ matchLabels: { a: 'b' } }] },
    };
    const write = await holding(rule('*', 'pods'));
    const message =
      `clusterroles.${GROUP} "r" is forbidden: must have cluster-admin privileges to use the ` +
      'aggregationRule';
    await assert.rejects(write(selecting, CLUSTER_ROLES), { message });
    const oldObject = selecting;
    const plain = { metadata: { name: 'r' } };
    await assert.rejects(write(plain, { ...CLUSTER_ROLES, oldObject }), { message });
    await (await holding(...full))(selecting, CLUSTER_ROLES);
  });

  it('may change who owns a role that they do not hold', async () => {
    const write = await holding();
    const oldObject = role(rule('get', 'secrets'));
    const owned = { ...oldObject.metadata, finalizers: ['a/b'], resourceVersion: '2' };
    await write({ ...oldObject, metadata: owned }, { ...ROLES, oldObject });
    const labelled = { ...oldObject.metadata, labels: { a: 'b' } };
    const relabel = write({ ...oldObject, metadata: labelled }, { ...ROLES, oldObject });
    await assert.rejects(relabel, /not currently held/);
  });
});

describe('writers of bindings', () => {
  it('may bind roles that they hold', async () => {
    await (await holding(rule('get', 'pods')))(binding('Role', 'weak'), BINDINGS);
  });

  it('may not bind others', async () => {
    const write = await holding(rule('get', 'pods'));
    await assert.rejects(write(binding('ClusterRole', 'strong'), BINDINGS), {
      message: because(
        `rolebindings.${GROUP} "b"`,
        '{APIGroups:[""], Resources:["secrets"], Verbs:["get" "list"]}',
      ),
    });
  });

  it('may bind what they are allowed to by name', async () => {
    const named = { ...rule('bind', 'clusterroles'), resourceNames: ['strong'] };
    const write = await holding(named);
    await write(binding('ClusterRole', 'strong'), BINDINGS);
    await assert.rejects(write(binding('Role', 'weak'), BINDINGS), /not currently held/);
  });

  it('may not bind what does not exist', async () => {
    const write = await holding(...full.slice(1));
    await assert.rejects(write(binding('ClusterRole', 'none'), BINDINGS), {
      message: `clusterroles.${GROUP} "none" not found`,
    });
  });

  it('are refused when nobody can be asked', async () => {
    const { context } = await activate(plugin, { kernel: new TestKernel() });
    const request = admissionRequest(role(), { user: BOB, group: GROUP, ...ROLES });
    const check = context.contributions(admissionPoint).list()[0]?.value;
    await assert.rejects(async () => check?.validate?.(request), /Nobody can say/);
  });
});
