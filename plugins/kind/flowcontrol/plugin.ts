import { definePlugin, kindPoint } from 'kernetes/sdk';
import { flowSchemas } from './flow-schema.ts';
import { priorityLevelConfigurations } from './priority-level.ts';

export default definePlugin({
  name: 'kind.flowcontrol',
  activate(ctx) {
    for (const kind of [flowSchemas, priorityLevelConfigurations]) {
      ctx.provide(kindPoint, kind, kind.resource);
    }
  },
});
