import {
  ConfigMap,
  createSchedulerContribution,
  type Disposer,
  definePlugin,
  schedulerPoint,
} from 'kernetes/sdk';

/** A score that comes, changes and goes as a ConfigMap names the node that it likes. */
export default definePlugin({
  name: 'swapped-score',
  activate(ctx) {
    let remove: Disposer | undefined;
    const use = ({ metadata, data }: ConfigMap) => {
      if (metadata.name !== 'liked') return;
      void remove?.();
      remove = data?.node ? provide(data.node) : undefined;
    };
    const provide = (liked: string) => {
      const plugin = {
        name: 'Swapped',
        score: ({ node }: { node: { name: string } }) => (node.name === liked ? 100 : 0),
      };
      return ctx.provide(schedulerPoint, createSchedulerContribution(plugin, {}), plugin.name);
    };
    ctx.informer(ConfigMap).on({ added: use, updated: use });
  },
});
