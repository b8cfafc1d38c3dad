import {
  type Clock,
  DISRUPTION_TARGET,
  isPodFinished,
  type ObjectClient,
  Pod,
  parseKey,
  podCondition,
  type ReconcileResult,
  toTime,
  undefinedIfNotFound,
} from 'kernetes/sdk';

/** Takes back the announcement that a pod will be deleted when it was not. */
export class StaleConditions {
  readonly #objects: ObjectClient;
  readonly #clock: Clock;

  constructor({ objects, clock }: { readonly objects: ObjectClient; readonly clock: Clock }) {
    this.#objects = objects;
    this.#clock = clock;
  }

  async clear(key: string): Promise<ReconcileResult> {
    const pod = await this.#objects.get(Pod, parseKey(key)).catch(undefinedIfNotFound);
    if (!pod || !isAnnounced(pod)) return undefined;
    const now = this.#clock.now();
    const since = podCondition(pod, DISRUPTION_TARGET)?.lastTransitionTime ?? '';
    const left = Date.parse(since) + STALE_MS - now;
    if (left > 0) return { requeueAfter: left };
    const cleared = { type: DISRUPTION_TARGET, status: 'False', lastTransitionTime: toTime(now) };
    const conditions = pod.status?.conditions?.map(old =>
      old.type === DISRUPTION_TARGET ? cleared : old,
    );
    const status = { ...pod.status, ...(conditions && { conditions }) };
    await this.#objects.updateStatus(Pod, { ...pod, status });
    return undefined;
  }
}

/**
 * It was said that it will be deleted. Where the kubelet said so it may take as long as it likes;
 * of a pod that has ended nobody wants to know any more.
 */
export function isAnnounced(pod: Pod): boolean {
  const condition = podCondition(pod, DISRUPTION_TARGET);
  return (
    condition?.status === 'True' &&
    condition.reason !== 'TerminationByKubelet' &&
    !pod.metadata.deletionTimestamp &&
    !isPodFinished(pod)
  );
}

/** Upstream's. */
const STALE_MS = 120_000;
