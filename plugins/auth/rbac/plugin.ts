import {
  admissionPoint,
  authorizerPoint,
  ClusterRole,
  ClusterRoleBinding,
  definePlugin,
  openDoor,
  type PluginContext,
  Role,
  RoleBinding,
  type RoleRef,
} from 'kernetes/sdk';
import { escalationCheck } from './escalation.ts';
import { RbacAuthorizer } from './rbac-authorizer.ts';

export default definePlugin({
  name: 'auth.rbac',
  async activate(ctx) {
    const objects = {
      roles: ctx.informer(Role, { fields: ['rules'] }),
      // As the controller that aggregates them has them: one copy in a thread.
      clusterRoles: ctx.informer(ClusterRole, { fields: ['aggregationRule', 'rules'] }),
      roleBindings: ctx.informer(RoleBinding, { fields: ['roleRef', 'subjects'] }),
      clusterRoleBindings: ctx.informer(ClusterRoleBinding, { fields: ['roleRef', 'subjects'] }),
    };
    const authorizer = new RbacAuthorizer(objects);
    const door = openDoor(ctx, 'Nobody can say who may write roles');
    ctx.provide(authorizerPoint, authorizer);
    ctx.provide(
      admissionPoint,
      escalationCheck({
        held: (user, namespace) => authorizer.held(user, namespace),
        isAllowed: async attributes => (await door().review(attributes)).allowed,
        rulesOf: (role, namespace) => rulesOf(ctx, role, namespace),
      }),
    );
    await Promise.all(Object.values(objects).map(({ synced }) => synced));
  },
});

/** Not from the informers: a role may be bound as soon as it was answered that it is there. */
async function rulesOf({ objects }: PluginContext, { kind, name }: RoleRef, namespace: string) {
  const role =
    kind === 'Role'
      ? await objects.get(Role, { namespace, name })
      : await objects.get(ClusterRole, { name });
  return role.rules ?? [];
}
