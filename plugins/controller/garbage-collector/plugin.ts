import {
  definePlugin,
  type Informer,
  type KubeObject,
  type PluginContext,
  runQueue,
  type ServedKind,
  servedKindPoint,
} from 'kernetes/sdk';
import { Collector } from './collector.ts';
import { OwnerGraph, type Task } from './graph.ts';

export default definePlugin({
  name: 'controller.garbage-collector',
  activate(ctx) {
    const contributions = ctx.contributions(servedKindPoint);
    const kinds = () => contributions.list().map(({ value }) => value);
    const graph = new OwnerGraph();
    const queue = runQueue(ctx, {
      work: async key => {
        await collector.work(parseTask(key));
        return undefined;
      },
      concurrency: 20,
    });
    const enqueue = (task: Task) => queue.add(`${task.action} ${task.uid}`);
    const collector = new Collector({ graph, objects: ctx.objects, kinds, enqueue, log: ctx.log });
    const watched = new Map<string, Informer<KubeObject>>();
    const follow = () => {
      for (const kind of kinds()) followKind(ctx, kind, { graph, enqueue, watched });
    };
    follow();
    contributions.onChange(follow);
    // Before all is known nearly everything would seem to have lost its owner.
    void Promise.all([...watched.values()].map(({ synced }) => synced)).then(() => queue.start());
  },
});

interface Following {
  readonly graph: OwnerGraph;
  readonly enqueue: (task: Task) => void;
  readonly watched: Map<string, Informer<KubeObject>>;
}

function followKind(
  ctx: PluginContext,
  kind: ServedKind,
  { graph, enqueue, watched }: Following,
): void {
  const id = `${kind.group}/${kind.resource}`;
  const isCollectable = kind.verbs.includes('watch') && kind.verbs.includes('delete');
  if (watched.has(id) || kind.expires || !isCollectable) return;
  const informer = ctx.informer<KubeObject>(kind, { fields: [] });
  watched.set(id, informer);
  const set = (object: KubeObject) => graph.set(kind, object).forEach(enqueue);
  informer.on({
    added: set,
    updated: set,
    deleted: ({ metadata }) => graph.delete(metadata.uid ?? '').forEach(enqueue),
  });
}

function parseTask(key: string): Task {
  const [action, uid = ''] = key.split(' ');
  return { action: action as Task['action'], uid };
}
