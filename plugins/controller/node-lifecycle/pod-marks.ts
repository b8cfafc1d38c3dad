import {
  type NodeCondition,
  Pod,
  patchRequest,
  podCondition,
  type ReconcileContext,
  toTime,
} from 'kernetes/sdk';

type Context = Pick<ReconcileContext<never, unknown>, 'objects' | 'events' | 'clock'>;

/**
 * The pods of a node that is not heard of are not ready: services must not lead to them. One that
 * says so since the node fell silent is believed: its kubelet reaches us in some other way.
 */
export async function markPodsNotReady(
  pods: readonly Pod[],
  nodeReady: NodeCondition,
  { objects, events, clock }: Context,
): Promise<void> {
  const stale = pods.filter(pod => {
    const ready = podCondition(pod, 'Ready');
    const since = ready?.lastTransitionTime ?? '';
    return ready?.status === 'True' && since <= (nodeReady.lastTransitionTime ?? since);
  });
  if (stale.length === 0) return;
  const lastTransitionTime = toTime(clock.now());
  const requests = stale.map(({ metadata: { namespace = '', name = '', uid } }) => {
    const conditions = [{ type: 'Ready', status: 'False', lastTransitionTime }];
    const patch = { metadata: { uid }, status: { conditions } };
    return patchRequest(Pod, { namespace, name }, patch, STATUS_PATCH);
  });
  const results = await objects.batch(requests);
  let failure: Error | undefined;
  for (const [i, result] of results.entries()) {
    const pod = stale[i];
    if (result.ok && pod) {
      const source = { component: 'node-controller' };
      events.event(pod, 'Warning', 'NodeNotReady', 'Node is not ready', source);
    } else if (!result.ok && !GONE.includes(result.error.reason)) {
      failure = result.error;
    }
  }
  if (failure) throw failure;
}

const STATUS_PATCH = {
  subresource: 'status',
  type: 'application/strategic-merge-patch+json',
} as const;
/** Deleted, and perhaps another of that name there. */
const GONE = ['NotFound', 'Conflict'];
