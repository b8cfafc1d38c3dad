import {
  builtInSchema,
  type ClusterRole,
  column,
  defineKind,
  type FieldError,
  type FieldPath,
  fieldPath,
  invalidValue,
  type KindVersion,
  type KubeObject,
  NAME_COLUMN,
  olderVersion,
  type PolicyRule,
  pathSegmentErrors,
  type Role,
  required,
  type TableColumn,
} from 'kernetes/sdk';

const GROUP = 'rbac.authorization.k8s.io';
const COLUMNS: readonly TableColumn[] = [NAME_COLUMN, column('Created At', 0, 'date')];

export const roles = defineKind<Role>({
  group: GROUP,
  kind: 'Role',
  resource: 'roles',
  singular: 'role',
  namespaced: true,
  storage: { prefix: 'registry/roles', version: 'v1' },
  versions: withV1beta1<Role>('Role', {
    name: 'v1',
    schema: builtInSchema(GROUP, 'v1', 'Role'),
    columns: COLUMNS,
    row: roleRow,
  }),
  strategy: {
    createOnUpdate: true,
    validateName: validatePathName,
    validate: ({ rules = [] }) => validateRules(rules, { namespaced: true }),
  },
});

export const clusterRoles = defineKind<ClusterRole>({
  group: GROUP,
  kind: 'ClusterRole',
  resource: 'clusterroles',
  singular: 'clusterrole',
  namespaced: false,
  storage: { prefix: 'registry/clusterroles', version: 'v1' },
  versions: withV1beta1<ClusterRole>('ClusterRole', {
    name: 'v1',
    schema: builtInSchema(GROUP, 'v1', 'ClusterRole'),
    columns: COLUMNS,
    row: roleRow,
  }),
  strategy: {
    createOnUpdate: true,
    validateName: validatePathName,
    validate: ({ rules = [], aggregationRule }) => [
      ...validateRules(rules, { namespaced: false }),
      ...(aggregationRule && !aggregationRule.clusterRoleSelectors?.length
        ? [
            required(
              AGGREGATION,
              'at least one clusterRoleSelector required if aggregationRule is non-nil',
            ),
          ]
        : []),
    ],
  },
});

/** The two differ in nothing but their names. */
export function withV1beta1<T extends KubeObject>(
  kind: string,
  v1: KindVersion<T>,
): KindVersion<T>[] {
  const older = { group: GROUP, kind, name: 'v1beta1', deprecated: 17, until: 21 };
  return [v1, olderVersion(v1, older)];
}

/** Names with colons, such as `system:node`, are allowed: anything that can stand in a path. */
export function validatePathName(name: string): string | undefined {
  return pathSegmentErrors(name)?.join('; ');
}

function roleRow({ metadata }: Role | ClusterRole) {
  return [metadata.name ?? '', metadata.creationTimestamp ?? ''];
}

function validateRules(
  rules: readonly PolicyRule[],
  scope: { readonly namespaced: boolean },
): FieldError[] {
  return rules.flatMap((rule, i) => validateRule(rule, fieldPath('rules').index(i), scope));
}

function validateRule(
  rule: PolicyRule,
  path: FieldPath,
  { namespaced }: { readonly namespaced: boolean },
): FieldError[] {
  const { verbs, apiGroups, resources, nonResourceURLs, resourceNames } = rule;
  const errors: FieldError[] = [];
  if (!verbs?.length)
    errors.push(required(path.child('verbs'), 'verbs must contain at least one value'));
  if (nonResourceURLs?.length) {
    const urls = path.child('nonResourceURLs');
    if (namespaced) {
      const why = 'namespaced rules cannot apply to non-resource URLs';
      return [...errors, invalidValue(urls, nonResourceURLs, why)];
    }
    if (apiGroups?.length || resources?.length || resourceNames?.length) {
      const why = 'rules cannot apply to both regular resources and non-resource URLs';
      errors.push(invalidValue(urls, nonResourceURLs, why));
    }
    return errors;
  }
  if (!apiGroups?.length) {
    const why = 'resource rules must supply at least one api group';
    errors.push(required(path.child('apiGroups'), why));
  }
  if (!resources?.length) {
    const why = 'resource rules must supply at least one resource';
    errors.push(required(path.child('resources'), why));
  }
  return errors;
}

const AGGREGATION = fieldPath('aggregationRule', 'clusterRoleSelectors');
