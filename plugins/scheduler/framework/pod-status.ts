import {
  type Clock,
  type Logger,
  type ObjectClient,
  type ObjectRequest,
  type Pod,
  type PodInfo,
  toTime,
} from 'kernetes/sdk';

/**
 * Tells in a pod's status that it has no node: the condition PodScheduled=False. Writes of one
 * moment go in one batch; nothing is written twice. That it has one is told by the binding.
 */
export class PodStatusWriter {
  readonly #objects: ObjectClient;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #told = new Map<string, string>();
  #pending = new Map<string, ObjectRequest>();

  constructor(options: { objects: ObjectClient; clock: Clock; log: Logger }) {
    this.#objects = options.objects;
    this.#clock = options.clock;
    this.#log = options.log;
  }

  /** Takes notice of what the status says already. */
  observe(key: string, pod: Pod): void {
    const condition = pod.status?.conditions?.find(({ type }) => type === 'PodScheduled');
    if (condition?.status !== 'False' || this.#told.has(key)) return;
    this.#told.set(key, `${condition.reason}/${condition.message ?? ''}`);
  }

  /** The pod is gone, or has its node. */
  forget(key: string): void {
    this.#told.delete(key);
    this.#pending.delete(key);
  }

  /** `nominated`: the node where room is made for it; empty: none any more. Absent: as before. */
  tell(
    pod: PodInfo,
    { reason, message }: { reason: 'Unschedulable' | 'SchedulerError'; message: string },
    nominated?: string,
  ): void {
    const text = `${reason}/${message}`;
    const before = this.#told.get(pod.key);
    if (before === text && nominated === undefined) return;
    this.#told.set(pod.key, text);
    const since = before === undefined && { lastTransitionTime: toTime(this.#clock.now()) };
    const condition = { type: 'PodScheduled', status: 'False', reason, message, ...since };
    this.#patch(pod, { conditions: [condition], ...nominationOf(nominated) });
  }

  /** Only that. */
  nominate(pod: PodInfo, nominated: string): void {
    this.#patch(pod, nominationOf(nominated));
  }

  #patch(pod: PodInfo, status: PodStatusPatch): void {
    if (this.#pending.size === 0) queueMicrotask(() => void this.#flush());
    const before = this.#pending.get(pod.key)?.body as { status: PodStatusPatch } | undefined;
    this.#pending.set(pod.key, {
      verb: 'patch',
      group: '',
      version: 'v1',
      resource: 'pods',
      subresource: 'status',
      namespace: pod.namespace,
      name: pod.name,
      patchType: 'application/strategic-merge-patch+json',
      body: { metadata: { uid: pod.uid }, status: { ...before?.status, ...status } },
    });
  }

  async #flush(): Promise<void> {
    const pending = this.#pending;
    this.#pending = new Map();
    const keys = [...pending.keys()];
    try {
      const results = await this.#objects.batch([...pending.values()]);
      results.forEach((result, i) => {
        if (result.ok) return;
        this.#told.delete(keys[i] as string);
        // Gone, or another pod of that name: nobody waits for this condition.
        if (result.error.reason === 'NotFound' || result.error.reason === 'Conflict') return;
        this.#log.warn('Cannot update pod status', { pod: keys[i], error: result.error });
      });
    } catch (error) {
      for (const key of keys) this.#told.delete(key);
      this.#log.warn('Cannot update pod status', { pods: keys.length, error });
    }
  }
}

interface PodStatusPatch {
  readonly conditions?: readonly object[];
  readonly nominatedNodeName?: string | null;
}

function nominationOf(nominated: string | undefined): PodStatusPatch {
  return nominated === undefined ? {} : { nominatedNodeName: nominated || null };
}
