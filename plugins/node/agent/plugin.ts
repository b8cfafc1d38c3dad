import {
  clusterNetworkPoint,
  definePlugin,
  type PluginContext,
  podUsagePoint,
  type Runtime,
  runtimePoint,
} from 'kernetes/sdk';
import { type AgentConfig, CONFIG_SCHEMA } from './config.ts';
import { PodAgent } from './pod-agent.ts';

export default definePlugin<AgentConfig>({
  name: 'node.agent',
  leader: 'node-agents',
  standby: 'absent',
  config: CONFIG_SCHEMA,
  async activate(ctx) {
    const agent = new PodAgent(ctx, await configuredRuntime(ctx));
    await agent.start();
    ctx.provide(clusterNetworkPoint, agent.kubelets());
    const usage = agent.usage();
    if (usage) ctx.provide(podUsagePoint, usage);
  },
});

/** Waits for the plugin that contributes it, for as long as the activation may take. */
function configuredRuntime(ctx: PluginContext<AgentConfig>): Promise<Runtime> {
  const { runtime } = ctx.config;
  const runtimes = ctx.contributions(runtimePoint);
  return new Promise((resolve, reject) => {
    const late = ctx.clock.setTimeout(() => {
      const known = runtimes.list().map(({ name }) => name);
      ctx.log.warn('Waiting for the runtime', { runtime, known });
    }, LATE_MS);
    const look = () => {
      const found = runtimes.list().find(({ name }) => name === runtime);
      if (!found) return;
      late.cancel();
      void dispose();
      if (!found.remote) resolve(found.value);
      else {
        const advice = 'place both plugins in one worker group';
        reject(new Error(`Cannot use runtime "${runtime}": it is in another thread; ${advice}`));
      }
    };
    const dispose = runtimes.onChange(look);
    look();
  });
}

/** Plugins are activated within milliseconds of each other. */
const LATE_MS = 3_000;
