import { definePlugin, type PluginContext, type Runtime, runtimePoint } from 'kernetes/sdk';
import { type AgentConfig, CONFIG_SCHEMA } from './config.ts';
import { PodAgent } from './pod-agent.ts';

export default definePlugin<AgentConfig>({
  name: 'node.agent',
  config: CONFIG_SCHEMA,
  async activate(ctx) {
    await new PodAgent(ctx, await configuredRuntime(ctx)).start();
  },
});

/** Waits for the plugin that contributes it, for as long as the activation may take. */
function configuredRuntime(ctx: PluginContext<AgentConfig>): Promise<Runtime> {
  const runtimes = ctx.contributions(runtimePoint);
  return new Promise(resolve => {
    const look = () => {
      const found = runtimes.list().find(({ name }) => name === ctx.config.runtime);
      if (found) resolve(found.value);
      return found !== undefined;
    };
    if (look()) return;
    ctx.log.info('Waiting for the runtime', { runtime: ctx.config.runtime });
    const dispose = runtimes.onChange(() => {
      if (look()) void dispose();
    });
  });
}
