import {
  ApiError,
  type DisruptionReason,
  deleteRequest,
  disruptionTarget,
  isPodFinished,
  keyOf,
  Node,
  type ObjectKey,
  Pod,
  patchRequest,
  type ReconcileContext,
  type ReconcileResult,
  toTime,
} from 'kernetes/sdk';

export interface Config {
  /** Pods that ran to their end, above which the oldest are deleted. 0: never. */
  readonly terminatedPodThreshold: number;
}

/** Stands for all pods that ran to their end: no node has such a name. */
export const FINISHED = ' finished';

type Context = ReconcileContext<Node, Config>;

/** Deletes the pods that nobody else can, or does, end. */
export class PodCollector {
  readonly #config: Config;
  /** When a node was first missed. */
  readonly #missedAt = new Map<string, number>();
  #countedAt = Number.NEGATIVE_INFINITY;

  constructor(config: Config) {
    this.#config = config;
  }

  async reconcile({ name }: ObjectKey, context: Context): Promise<ReconcileResult> {
    if (name === FINISHED) return this.#collectFinished(context);
    const { object: node, clock, informer } = context;
    const pods = informer(Pod).byIndex('node', name);
    if (node || pods.length === 0) {
      this.#missedAt.delete(name);
      if (node && isOutOfService(node)) await deletePods(pods.filter(isTerminating), context);
      return undefined;
    }
    if (name === '') {
      await deletePods(pods, context);
      return undefined;
    }
    const missedAt = this.#missedAt.get(name) ?? clock.now();
    this.#missedAt.set(name, missedAt);
    const wait = missedAt + QUARANTINE_MS - clock.now();
    if (wait > 0) return { requeueAfter: wait };
    if (!(await exists(name, context))) await deletePods(pods, context, NODE_GONE);
    return undefined;
  }

  /** Not at every pod that ends: counting takes a look at all of them. */
  async #collectFinished(context: Context): Promise<ReconcileResult> {
    const { clock, informer } = context;
    const { terminatedPodThreshold: threshold } = this.#config;
    if (threshold <= 0) return undefined;
    const wait = this.#countedAt + COUNT_INTERVAL_MS - clock.now();
    if (wait > 0) return { requeueAfter: wait };
    this.#countedAt = clock.now();
    const pods = informer(Pod).byIndex('finished', FINISHED);
    if (pods.length <= threshold) return undefined;
    await deletePods(pods.sort(byEvictionAndAge).slice(0, pods.length - threshold), context);
    return undefined;
  }
}

/** Somebody says that the node does not come back, and it does not look as if it did. */
export function isOutOfService({ spec, status }: Node): boolean {
  if (!spec?.taints?.some(({ key }) => key === 'node.kubernetes.io/out-of-service')) return false;
  return status?.conditions?.find(({ type }) => type === 'Ready')?.status !== 'True';
}

export function isTerminating({ metadata }: Pod): boolean {
  return metadata.deletionTimestamp !== undefined;
}

/** The copy of the nodes may be behind; a pod is not deleted on its word alone. */
async function exists(name: string, { objects }: Context): Promise<boolean> {
  try {
    await objects.get(Node, { name });
    return true;
  } catch (error) {
    if (ApiError.is(error, 'NotFound')) return false;
    throw error;
  }
}

/**
 * Nobody is left to tell that they ended, so we do, before they go. One that cannot be told of stays
 * until it can: whoever made it would else believe that it ran to its end.
 */
async function deletePods(
  pods: readonly Pod[],
  { objects, clock }: Context,
  why?: DisruptionReason,
): Promise<void> {
  const now = toTime(clock.now());
  const failed = pods.filter(pod => !isPodFinished(pod));
  const marks = failed.map(({ metadata }) => {
    const change = { phase: 'Failed', ...(why && { conditions: [disruptionTarget(why, now)] }) };
    const patch = { metadata: { uid: metadata.uid }, status: change };
    const type = 'application/strategic-merge-patch+json';
    return patchRequest(Pod, keyIn(metadata), patch, { subresource: 'status', type });
  });
  const marked = await objects.batch(marks);
  const unmarked = new Set(failed.filter((_, i) => !marked[i]?.ok));
  const deletes = pods
    .filter(pod => !unmarked.has(pod))
    .map(({ metadata }) => {
      const preconditions = { uid: metadata.uid ?? '' };
      return deleteRequest(Pod, keyIn(metadata), { gracePeriodSeconds: 0, preconditions });
    });
  for (const result of [...marked, ...(await objects.batch(deletes))]) {
    // Gone, and perhaps another of that name there.
    if (!result.ok && !['NotFound', 'Conflict'].includes(result.error.reason)) throw result.error;
  }
}

function keyIn({ namespace = '', name = '' }: Pod['metadata']): ObjectKey {
  return { namespace, name };
}

/** Evicted ones first, then the oldest, as upstream. */
function byEvictionAndAge(a: Pod, b: Pod): number {
  const evicted = Number(b.status?.reason === 'Evicted') - Number(a.status?.reason === 'Evicted');
  if (evicted !== 0) return evicted;
  const [one, other] = [a, b].map(
    pod => `${pod.metadata.creationTimestamp ?? ''} ${keyOf(pod)}`,
  ) as [string, string];
  return one < other ? -1 : 1;
}

const NODE_GONE = { reason: 'DeletionByPodGC', message: 'PodGC: node no longer exists' };
/** Upstream's: a node that is replaced by one of its name keeps its pods. */
const QUARANTINE_MS = 40_000;
const COUNT_INTERVAL_MS = 20_000;
