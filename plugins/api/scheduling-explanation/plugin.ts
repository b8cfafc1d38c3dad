import {
  definePlugin,
  kindPoint,
  type PodExplanation,
  schedulingExplainerPoint,
} from 'kernetes/sdk';
import { podExplanations } from './pod-explanations.ts';

export default definePlugin({
  name: 'api.scheduling-explanation',
  activate(ctx) {
    const explainers = ctx.contributions(schedulingExplainerPoint);
    const kind = podExplanations({
      async explain(pod) {
        for (const { value } of explainers.list()) {
          const explanation = await value.explain(pod);
          if (explanation) return explanation;
        }
        return undefined;
      },
      async list(namespace) {
        const lists: (readonly PodExplanation[])[] = [];
        for (const { value } of explainers.list()) lists.push(await value.list(namespace));
        return lists.flat();
      },
    });
    ctx.provide(kindPoint, kind, `${kind.resource}.${kind.group}`);
  },
});
