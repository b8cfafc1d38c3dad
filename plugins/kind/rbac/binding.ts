import { isDeepStrictEqual } from 'node:util';
import {
  AGE_COLUMN,
  ageCell,
  builtInSchema,
  type ClusterRoleBinding,
  column,
  defineKind,
  dns1123SubdomainErrors,
  type FieldError,
  type FieldPath,
  fieldPath,
  invalidValue,
  NAME_COLUMN,
  notSupported,
  pathSegmentErrors,
  type RoleBinding,
  required,
  type Subject,
  type TableCell,
  type TableColumn,
} from 'kernetes/sdk';
import { validatePathName, withV1beta1 } from './role.ts';

const GROUP = 'rbac.authorization.k8s.io';
const COLUMNS: readonly TableColumn[] = [
  NAME_COLUMN,
  column('Role'),
  AGE_COLUMN,
  column('Users', 1),
  column('Groups', 1),
  column('ServiceAccounts', 1),
];

export const roleBindings = defineKind<RoleBinding>({
  group: GROUP,
  kind: 'RoleBinding',
  resource: 'rolebindings',
  singular: 'rolebinding',
  namespaced: true,
  storage: { prefix: 'registry/rolebindings', version: 'v1' },
  versions: withV1beta1<RoleBinding>('RoleBinding', {
    name: 'v1',
    schema: builtInSchema(GROUP, 'v1', 'RoleBinding'),
    defaults: defaultBinding,
    columns: COLUMNS,
    row: bindingRow,
  }),
  strategy: {
    createOnUpdate: true,
    validateName: validatePathName,
    validate: binding => validateBinding(binding, ['Role', 'ClusterRole']),
    validateUpdate: validateBindingUpdate,
  },
});

export const clusterRoleBindings = defineKind<ClusterRoleBinding>({
  group: GROUP,
  kind: 'ClusterRoleBinding',
  resource: 'clusterrolebindings',
  singular: 'clusterrolebinding',
  namespaced: false,
  storage: { prefix: 'registry/clusterrolebindings', version: 'v1' },
  versions: withV1beta1<ClusterRoleBinding>('ClusterRoleBinding', {
    name: 'v1',
    schema: builtInSchema(GROUP, 'v1', 'ClusterRoleBinding'),
    defaults: defaultBinding,
    columns: COLUMNS,
    row: bindingRow,
  }),
  strategy: {
    createOnUpdate: true,
    validateName: validatePathName,
    validate: binding => validateBinding(binding, ['ClusterRole']),
    validateUpdate: validateBindingUpdate,
  },
});

type Binding = RoleBinding | ClusterRoleBinding;

function defaultBinding({ roleRef, subjects }: Binding): void {
  if (roleRef) roleRef.apiGroup ||= GROUP;
  for (const subject of subjects ?? []) {
    if (subject.kind === 'User' || subject.kind === 'Group') subject.apiGroup ||= GROUP;
  }
}

function bindingRow(binding: Binding, now: number): TableCell[] {
  const { metadata, roleRef, subjects = [] } = binding;
  const names = (kind: string) => subjects.filter(each => each.kind === kind);
  return [
    metadata.name ?? '',
    `${roleRef?.kind}/${roleRef?.name}`,
    ageCell(binding, now),
    join(names('User').map(({ name }) => name)),
    join(names('Group').map(({ name }) => name)),
    join(names('ServiceAccount').map(({ namespace, name }) => `${namespace ?? ''}/${name}`)),
  ];
}

function join(names: readonly string[]): string {
  return names.join(', ');
}

function validateBinding({ roleRef, subjects = [] }: Binding, roleKinds: string[]): FieldError[] {
  const path = fieldPath('roleRef');
  const { apiGroup = '', kind = '', name = '' } = roleRef ?? {};
  const errors: FieldError[] = [];
  if (apiGroup !== GROUP) errors.push(notSupported(path.child('apiGroup'), apiGroup, [GROUP]));
  if (!roleKinds.includes(kind)) errors.push(notSupported(path.child('kind'), kind, roleKinds));
  if (name === '') {
    errors.push(required(path.child('name'), ''));
  } else {
    const wrong = pathSegmentErrors(name) ?? [];
    errors.push(...wrong.map(why => invalidValue(path.child('name'), name, why)));
  }
  const each = fieldPath('subjects');
  return [...errors, ...subjects.flatMap((subject, i) => validateSubject(subject, each.index(i)))];
}

function validateSubject(subject: Subject, path: FieldPath): FieldError[] {
  const { kind, name, namespace, apiGroup = '' } = subject;
  const errors: FieldError[] = name ? [] : [required(path.child('name'), '')];
  if (kind === 'ServiceAccount') {
    const wrong = name ? (dns1123SubdomainErrors(name) ?? []) : [];
    errors.push(...wrong.map(why => invalidValue(path.child('name'), name, why)));
    if (apiGroup) errors.push(notSupported(path.child('apiGroup'), apiGroup, ['']));
    if (!namespace) errors.push(required(path.child('namespace'), ''));
    return errors;
  }
  if (kind !== 'User' && kind !== 'Group') {
    return [...errors, notSupported(path.child('kind'), kind, ['ServiceAccount', 'User', 'Group'])];
  }
  if (apiGroup !== GROUP) errors.push(notSupported(path.child('apiGroup'), apiGroup, [GROUP]));
  return errors;
}

function validateBindingUpdate({ roleRef }: Binding, old: Binding): FieldError[] {
  if (isDeepStrictEqual(roleRef, old.roleRef)) return [];
  return [invalidValue(fieldPath('roleRef'), roleRef, 'cannot change roleRef')];
}
