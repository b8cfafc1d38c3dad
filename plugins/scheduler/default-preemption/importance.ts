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

  constructor(pods: Pick<Informer<Pod>, 'get'>, clock: Pick<Clock, 'now'>) {
    this.#pods = pods;
    this.#clock = clock;
  }

  victim(pod: PodInfo): Victim {
    const startTime = this.#pods.get(pod.key)?.status?.startTime;
    const startedAt = startTime === undefined ? Number.NaN : Date.parse(startTime);
    return { pod, startedAt: Number.isNaN(startedAt) ? this.#clock.now() : startedAt };
  }
}

/** A sort function: the more important of two pods first, of equal ones the one that ran longer. */
export function byImportance(a: Victim, b: Victim): number {
  return b.pod.priority - a.pod.priority || a.startedAt - b.startedAt;
}
