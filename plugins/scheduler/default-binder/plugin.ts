import { definePlugin, provideSchedulerPlugin } from 'kernetes/sdk';
import { bindAll } from './binding.ts';

export default definePlugin<Record<string, never>>({
  name: 'DefaultBinder',
  leader: 'kube-scheduler',
  config: { type: 'object', additionalProperties: false },
  activate(ctx) {
    provideSchedulerPlugin(ctx, {
      name: 'DefaultBinder',
      bind: bindings => bindAll(ctx.objects, bindings),
    });
  },
});
