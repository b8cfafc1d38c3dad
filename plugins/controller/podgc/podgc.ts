import {
  ApiError,
  deleteRequest,
  Node,
  type ObjectKey,
  Pod,
  type ReconcileContext,
  type ReconcileResult,
} from 'kernetes/sdk';

type Context = ReconcileContext<Node, unknown>;

/** Deletes the pods of nodes that are gone. */
export class PodCollector {
  /** When a node was first missed. */
  readonly #missedAt = new Map<string, number>();

  async reconcile({ name }: ObjectKey, context: Context): Promise<ReconcileResult> {
    const { object: node, clock, informer } = context;
    const pods = node ? [] : informer(Pod).byIndex('node', name);
    if (pods.length === 0) {
      this.#missedAt.delete(name);
      return undefined;
    }
    if (name !== '') {
      const missedAt = this.#missedAt.get(name) ?? clock.now();
      this.#missedAt.set(name, missedAt);
      const wait = missedAt + QUARANTINE_MS - clock.now();
      if (wait > 0) return { requeueAfter: wait };
      if (await exists(name, context)) return undefined;
    }
    await deletePods(pods, context);
    return undefined;
  }
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

async function deletePods(pods: readonly Pod[], { objects }: Context): Promise<void> {
  const results = await objects.batch(
    pods.map(({ metadata: { namespace = '', name = '', uid = '' } }) =>
      deleteRequest(Pod, { namespace, name }, { gracePeriodSeconds: 0, preconditions: { uid } }),
    ),
  );
  for (const result of results) {
    if (!result.ok && result.error.reason !== 'NotFound') throw result.error;
  }
}

/** Upstream's: a node that is replaced by one of its name keeps its pods. */
const QUARANTINE_MS = 40_000;
