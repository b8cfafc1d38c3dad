import { definePlugin, fieldManagerPoint } from 'kernetes/sdk';
import { applyConfig } from './apply.ts';
import { updateManagedFields } from './field-manager.ts';

export default definePlugin({
  name: 'api.field-manager',
  activate(ctx) {
    ctx.provide(fieldManagerPoint, { update: updateManagedFields, apply: applyConfig });
  },
});
