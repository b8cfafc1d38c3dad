import { definePlugin, fieldManagerPoint } from 'kernetes/sdk';
import { updateManagedFields } from './field-manager.ts';

export default definePlugin({
  name: 'api.field-manager',
  activate(ctx) {
    ctx.provide(fieldManagerPoint, { update: updateManagedFields });
  },
});
