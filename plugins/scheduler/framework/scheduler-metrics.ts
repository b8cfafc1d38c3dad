import type { Clock, Counter, Gauge, Histogram, Metrics, Timer } from 'kernetes/sdk';
import { PENDING_PODS_MS } from './limits.ts';
import type { AttemptResult } from './outcomes.ts';
import type { Place } from './queue/waiting-pods.ts';

/** Upstream's figures under upstream's names, after the plugin's own prefix. */
export class SchedulerMetrics {
  readonly #clock: Clock;
  readonly #attempts: Counter;
  readonly #durations: Histogram;
  readonly #pending: Gauge;
  readonly #preemptions: Counter;
  #timer: Timer | undefined;

  constructor(clock: Clock, metrics: Metrics) {
    this.#clock = clock;
    this.#attempts = metrics.counter('schedule_attempts_total', 'Attempts to place a pod.');
    this.#durations = metrics.histogram(
      'scheduling_attempt_duration_seconds',
      'From taking a pod off the queue to the end of its attempt, the binding included.',
    );
    this.#pending = metrics.gauge('pending_pods', 'Pods that want a node, by where they wait.');
    this.#preemptions = metrics.counter(
      'preemption_attempts_total',
      'Pods that fitted nowhere and for which room was tried to be made.',
    );
  }

  attempt(result: AttemptResult, profile: string, seconds: number): void {
    const labels = { result, profile };
    this.#attempts.add(1, labels);
    this.#durations.observe(seconds, labels);
  }

  preemption(): void {
    this.#preemptions.add();
  }

  /** The queue changed: told once in a while, not with each pod. */
  queueChanged(counts: Readonly<Record<Place, number>>): void {
    this.#timer ??= this.#clock.setTimeout(() => {
      this.#timer = undefined;
      for (const queue of QUEUES) this.#pending.set(counts[queue], { queue });
    }, PENDING_PODS_MS);
  }

  /** Nobody waits here any more. */
  close(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    for (const queue of QUEUES) this.#pending.set(0, { queue });
  }
}

const QUEUES = ['active', 'backoff', 'unschedulable', 'gated'] as const;
