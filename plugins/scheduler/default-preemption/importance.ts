import type { Clock, Informer, Pod, PodInfo } from 'kernetes/sdk';

/** A pod that may have to go. */
export interface Victim {
  readonly pod: PodInfo;
  /** In milliseconds since the epoch. */
  readonly startedAt: number;
}

/** What is told apart by when pods started; one that has not yet, starts now. */
export class StartTimes {
  readonly #pods: Pick<Informer<Pod>, 'get'>;
  readonly #clock: Pick<Clock, 'now'>;
  /** Of pods that have started: that does not change. */
  readonly #started = new WeakMap<PodInfo, Victim>();

  constructor(pods: Pick<Informer<Pod>, 'get'>, clock: Pick<Clock, 'now'>) {
    this.#pods = pods;
    this.#clock = clock;
  }

  victim(pod: PodInfo): Victim {
    const known = this.#started.get(pod);
    if (known) return known;
    const startTime = this.#pods.get(pod.key)?.status?.startTime;
    const startedAt = startTime === undefined ? Number.NaN : Date.parse(startTime);
    if (Number.isNaN(startedAt)) return { pod, startedAt: this.#clock.now() };
    const victim = { pod, startedAt };
    this.#started.set(pod, victim);
    return victim;
  }

  /** What is said of the pod will not change. */
  isSettled(pod: PodInfo): boolean {
    return this.#started.has(pod);
  }
}

/** A sort function: the more important of two pods first, of equal ones the one that ran longer. */
export function byImportance(a: Victim, b: Victim): number {
  return b.pod.priority - a.pod.priority || a.startedAt - b.startedAt;
}
