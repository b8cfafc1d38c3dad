import { definePlugin, kindPoint } from 'kernetes/sdk';
import { clusterRoleBindings, roleBindings } from './binding.ts';
import { clusterRoles, roles } from './role.ts';

export default definePlugin({
  name: 'kind.rbac',
  activate(ctx) {
    for (const kind of [clusterRoles, clusterRoleBindings, roles, roleBindings]) {
      ctx.provide(kindPoint, kind, kind.resource);
    }
  },
});
