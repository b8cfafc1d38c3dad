import { definePlugin, provideSchedulerPlugin, verdict } from 'kernetes/sdk';
import { AttachLimits } from './attach-limits.ts';
import { type Attachable, countsAgainstLimits } from './attachable.ts';

export default definePlugin({
  name: 'NodeVolumeLimits',
  leader: 'kube-scheduler',
  config: { type: 'object', additionalProperties: false },
  activate(ctx) {
    const limits = new AttachLimits(ctx);
    provideSchedulerPlugin<unknown, readonly Attachable[]>(ctx, {
      name: 'NodeVolumeLimits',
      requeueOn: [
        { on: 'PodDelete', fits: ({ other }) => other === undefined || countsAgainstLimits(other) },
      ],
      watch: wake => limits.onChange(wake),
      preFilter(context) {
        if (!countsAgainstLimits(context.pod)) return verdict.skip;
        const wanted = limits.wantedBy(context.pod);
        if ('code' in wanted) return wanted;
        if (wanted.length === 0) return verdict.skip;
        context.state = wanted;
        return undefined;
      },
      filter: ({ node, state }) => state && limits.refusalOf(node, state),
    });
  },
});
