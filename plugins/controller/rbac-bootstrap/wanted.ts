import {
  ClusterRole,
  ClusterRoleBinding,
  type Kind,
  type KubeObject,
  Role,
  RoleBinding,
} from 'kernetes/sdk';
import { CONTROLLER_ROLES } from './controller-policy.ts';
import { CLUSTER_ROLE_BINDINGS, CLUSTER_ROLES, ROLE_BINDINGS, ROLES } from './policy.ts';
import {
  CONTROLLER_PREFIX,
  controllerBinding,
  readClusterRoleBindings,
  readClusterRoles,
  readRoleBindings,
  readRoles,
} from './policy-text.ts';

/** What every cluster has, roles before what binds them. */
export function wantedObjects(): readonly WantedKind[] {
  const controllers = readClusterRoles(CONTROLLER_ROLES, CONTROLLER_PREFIX);
  const bindings = readClusterRoleBindings(CLUSTER_ROLE_BINDINGS);
  return [
    { kind: ClusterRole, objects: [...readClusterRoles(CLUSTER_ROLES), ...controllers] },
    { kind: Role, objects: readRoles(ROLES) },
    { kind: ClusterRoleBinding, objects: [...bindings, ...controllers.map(controllerBinding)] },
    { kind: RoleBinding, objects: readRoleBindings(ROLE_BINDINGS) },
  ];
}

export interface WantedKind {
  readonly kind: Kind<KubeObject>;
  readonly objects: readonly (Role | ClusterRole | RoleBinding | ClusterRoleBinding)[];
}
