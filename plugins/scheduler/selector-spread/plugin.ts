import { definePlugin, provideSchedulerPlugin, SpreadSelectors, verdict } from 'kernetes/sdk';
import { SelectorSpread, type SpreadState } from './selector-spread.ts';

type Config = Record<string, never>;

export default definePlugin<Config>({
  name: 'SelectorSpread',
  config: { type: 'object', additionalProperties: false },
  activate(ctx) {
    const selectors = new SpreadSelectors(ctx);
    provideSchedulerPlugin<Config, SpreadState>(ctx, () => {
      let spread = new SelectorSpread(selectors);
      return {
        name: 'SelectorSpread',
        config: { type: 'object', additionalProperties: false },
        readsPods: true,
        track() {
          spread = new SelectorSpread(selectors);
          return spread.counts;
        },
        preScore(context) {
          const pods = spread.podsWith(context.pod);
          if (!pods) return verdict.skip;
          context.state = { pods, feasible: context.feasible };
          return undefined;
        },
        score: ({ node, state }) => state?.pods.on(node.index) ?? 0,
        normalize(scores, { state }) {
          if (state) spread.normalize(scores, state);
        },
      };
    });
  },
});
