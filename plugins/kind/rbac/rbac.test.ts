import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ClusterRole, ClusterRoleBinding, Role, RoleBinding } from 'kernetes/sdk';
import { clusterRoleBindings, roleBindings } from './binding.ts';
import { clusterRoles, roles } from './role.ts';

const GROUP = 'rbac.authorization.k8s.io';
const fieldsOf = (errors: readonly { reason: string; field: string }[] = []) =>
  errors.map(({ reason, field }) => `${reason} ${field}`);

describe('Role', () => {
  const cases: { title: string; rules: Role['rules']; errors: string[] }[] = [
    {
      title: 'a complete rule',
      rules: [{ verbs: ['get'], apiGroups: [''], resources: ['pods'] }],
      errors: [],
    },
    {
      title: 'a rule without verbs, groups and resources',
      rules: [{ verbs: [] }],
      errors: [
        'FieldValueRequired rules[0].verbs',
        'FieldValueRequired rules[0].apiGroups',
        'FieldValueRequired rules[0].resources',
      ],
    },
    {
      title: 'URLs in a namespace',
      rules: [{ verbs: ['get'], nonResourceURLs: ['/healthz'] }],
      errors: ['FieldValueInvalid rules[0].nonResourceURLs'],
    },
  ];
  for (const { title, rules = [], errors } of cases) {
    it(`validate() finds ${errors.length} errors in ${title}`, () => {
      const role: Role = { metadata: { name: 'r' }, rules };
      assert.deepEqual(fieldsOf(roles.strategy.validate?.(role)), errors);
    });
  }

  it('names may have colons but no slashes', () => {
    assert.equal(roles.strategy.validateName?.('system:node', false), undefined);
    assert.match(roles.strategy.validateName?.('a/b', false) ?? '', /may not contain '\/'/);
  });
});

describe('ClusterRole', () => {
  it('validate() allows URLs, but not beside resources', () => {
    const rules = [{ verbs: ['get'], nonResourceURLs: ['/x'] }];
    const role: ClusterRole = { metadata: { name: 'r' }, rules };
    assert.deepEqual(clusterRoles.strategy.validate?.(role), []);
    const mixed: ClusterRole = {
      ...role,
      rules: [{ ...rules[0], verbs: ['get'], resources: ['pods'] }],
    };
    const errors = fieldsOf(clusterRoles.strategy.validate?.(mixed));
    assert.deepEqual(errors, ['FieldValueInvalid rules[0].nonResourceURLs']);
  });
});

describe('bindings', () => {
  const binding: RoleBinding = {
    metadata: { name: 'b', namespace: 'x' },
    roleRef: { apiGroup: '', kind: 'Role', name: 'r' },
    subjects: [
      { kind: 'User', name: 'u' },
      { kind: 'ServiceAccount', name: 'sa', namespace: 'x' },
    ],
  };

  it('defaults fill in the API group where it is not the core', () => {
    const object = structuredClone(binding);
    roleBindings.versions[0]?.defaults?.(object);
    assert.equal(object.roleRef.apiGroup, GROUP);
    assert.deepEqual(
      object.subjects?.map(({ apiGroup }) => apiGroup),
      [GROUP, undefined],
    );
    assert.deepEqual(roleBindings.strategy.validate?.(object), []);
  });

  it('a ClusterRoleBinding binds ClusterRoles only', () => {
    const object: ClusterRoleBinding = {
      ...binding,
      roleRef: { apiGroup: GROUP, kind: 'Role', name: 'r' },
      subjects: [],
    };
    const errors = fieldsOf(clusterRoleBindings.strategy.validate?.(object));
    assert.deepEqual(errors, ['FieldValueNotSupported roleRef.kind']);
  });

  it('the role of a binding cannot be changed', () => {
    const changed: RoleBinding = { ...binding, roleRef: { ...binding.roleRef, name: 'other' } };
    const errors = fieldsOf(roleBindings.strategy.validateUpdate?.(changed, binding));
    assert.deepEqual(errors, ['FieldValueInvalid roleRef']);
  });

  it('rows name role and subjects', () => {
    const row = roleBindings.versions[0]?.row?.(binding, 0);
    assert.deepEqual(row, ['b', 'Role/r', '<unknown>', 'u', '', 'x/sa']);
  });
});
