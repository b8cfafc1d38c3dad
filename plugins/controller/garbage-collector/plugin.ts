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
  leader: 'kube-controller-manager',
  activate(ctx) {
    const { objects, events, log } = ctx;
    const contributions = ctx.contributions(servedKindPoint);
    const kinds = () => contributions.list().map(({ value }) => value);
    const graph = new OwnerGraph();
    const collector = new Collector({ graph, objects, kinds, events, log });
    const enqueue = (tasks: readonly Task[]) => {
      for (const { action, uid } of tasks) queue.add(`${action} ${uid}`);
    };
    const queue = runQueue(ctx, {
      work: key => collector.work(parseTask(key)),
      concurrency: 20,
      replay: () => enqueue(graph.tasks()),
    });
    const watched = new Map<string, Informer<KubeObject>>();
    const follow = () => {
      followKinds(ctx, kinds(), { graph, enqueue, watched });
      enqueue(graph.unpark());
    };
    follow();
    contributions.onChange(follow);
    // Before all is known nearly everything would seem to have lost its owner.
    const synced = Promise.all([...watched.values()].map(informer => informer.synced));
    void synced.then(() => queue.start());
    // A kind that cannot be listed must not keep all others waiting: owners are asked for anyway.
    ctx.clock.setTimeout(() => queue.start(), SYNC_TIMEOUT_MS).unref();
  },
});

interface Following {
  readonly graph: OwnerGraph;
  readonly enqueue: (tasks: readonly Task[]) => void;
  readonly watched: Map<string, Informer<KubeObject>>;
}

/** Watches what is served now, and no longer what is not. */
function followKinds(ctx: PluginContext, kinds: readonly ServedKind[], following: Following): void {
  const { graph, enqueue, watched } = following;
  const wanted = new Map(kinds.filter(isCollectable).map(kind => [idOf(kind), kind]));
  for (const [id, informer] of watched) {
    if (wanted.has(id)) continue;
    watched.delete(id);
    const known = informer.list();
    informer.close();
    for (const { metadata } of known) enqueue(graph.forget(metadata.uid ?? ''));
  }
  for (const [id, kind] of wanted) {
    if (!watched.has(id)) watched.set(id, followKind(ctx, kind, following));
  }
}

function followKind(
  ctx: PluginContext,
  kind: ServedKind,
  { graph, enqueue }: Following,
): Informer<KubeObject> {
  const informer = ctx.informer<KubeObject>(kind, { fields: [] });
  const set = (object: KubeObject) => enqueue(graph.set(kind, object));
  informer.on({
    added: set,
    updated: set,
    deleted: ({ metadata }) => enqueue(graph.delete(metadata.uid ?? '')),
  });
  return informer;
}

function isCollectable({ verbs, expires }: ServedKind): boolean {
  return !expires && verbs.includes('watch') && verbs.includes('delete');
}

function idOf({ group, version, resource }: ServedKind): string {
  return `${group}/${version}/${resource}`;
}

function parseTask(key: string): Task {
  const [action, uid = ''] = key.split(' ');
  return { action: action as Task['action'], uid };
}

/** Upstream's. */
const SYNC_TIMEOUT_MS = 30_000;
