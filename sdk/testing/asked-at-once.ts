import type { NodeContext, SchedulerPlugin } from '../scheduler.ts';
import { NodeColumns } from '../scheduler-columns.ts';
import type { NodeInfo } from '../scheduler-info.ts';

/** The plugin, with answers per node taken from what it says about all of `nodes` in one call. */
export function askedAtOnce(plugin: SchedulerPlugin, nodes: readonly NodeInfo[]): SchedulerPlugin {
  const { filter, filterNodes, refusals = [], score, scoreNodes } = plugin;
  const columns = new NodeColumns();
  for (const each of nodes) columns.write(each);
  const ask = (context: NodeContext) => ({
    ...context,
    count: nodes.length,
    indices: Int32Array.from(nodes, ({ index }) => index),
    columns,
    nodeAt: (index: number) => nodes.find(each => each.index === index) as NodeInfo,
    verdicts: new Uint8Array(nodes.length),
    scores: new Float64Array(nodes.length).fill(Number.NaN),
  });
  return {
    ...plugin,
    ...(filter && {
      filter(context) {
        const asked = ask(context);
        if (!filterNodes?.call(plugin, asked)) return filter.call(plugin, context);
        const said = asked.verdicts[nodes.indexOf(context.node)] as number;
        const most = refusals.length;
        if (said > most) throw new Error(`filterNodes says ${said}, refusals has ${most}`);
        return refusals[said - 1];
      },
    }),
    ...(score && {
      score(context) {
        const asked = ask(context);
        if (!scoreNodes?.call(plugin, asked)) return score.call(plugin, context);
        return asked.scores[nodes.indexOf(context.node)] as number;
      },
    }),
  };
}
