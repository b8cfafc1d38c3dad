import type { Clock, EventRecorder, Logger, PodInfo } from 'kernetes/sdk';
import type { AttemptRecorder } from './explanation/attempt-record.ts';
import { REPEAT_LOG_MS } from './limits.ts';
import type { PodStatusWriter } from './pod-status.ts';
import type { PluginFailure } from './profile/profile.ts';
import { DEFAULT_NAME } from './profile/profiles.ts';
import type { SchedulerMetrics } from './scheduler-metrics.ts';

/** Tells what became of pods: events, conditions, the log, figures, and those who ask later. */
export class Outcomes {
  readonly #options: OutcomesOptions;
  /** When the attempts under way began, by pod. */
  readonly #began = new Map<string, number>();
  #logged: { readonly text: string; readonly at: number } | undefined;

  constructor(options: OutcomesOptions) {
    this.#options = options;
  }

  begin(pod: PodInfo): void {
    if (this.#options.metrics) this.#began.set(pod.uid, this.#options.clock.monotonic());
  }

  /** It fitted nowhere, and plugins will try to make room for it. */
  makingRoom(): void {
    this.#options.metrics?.preemption();
  }

  /** It ended without an outcome: the pod is gone, or is taken up anew. */
  drop(pod: PodInfo): void {
    this.#began.delete(pod.uid);
  }

  /** A node was found; it is to be bound there. */
  chosen(pod: PodInfo, nodeName: string): void {
    const { recorder, numberOf } = this.#options;
    recorder?.placed(pod, numberOf(pod), nodeName);
  }

  scheduled(pod: PodInfo, nodeName: string): void {
    this.#options.status.forget(pod.key);
    const text = `Successfully assigned ${pod.key} to ${nodeName}`;
    this.#event(pod, 'Normal', 'Scheduled', text);
    this.#end(pod, 'scheduled');
  }

  /** `nominated`: as in `PodStatusWriter.tell`. */
  unschedulable(pod: PodInfo, message: string, nominated?: string): void {
    this.#record(pod, 'unschedulable', message);
    this.#end(pod, 'unschedulable');
    this.#event(pod, 'Warning', 'FailedScheduling', message);
    this.#options.status.tell(pod, { reason: 'Unschedulable', message }, nominated);
  }

  failed(pod: PodInfo, error: unknown): void {
    const message = error instanceof Error ? error.message : String(error);
    this.#record(pod, 'error', message);
    this.#end(pod, 'error');
    const now = this.#options.clock.now();
    // What is wrong with a plugin is wrong for many pods: their events tell each, the log once.
    if (this.#logged?.text !== message || now - this.#logged.at > REPEAT_LOG_MS) {
      this.#logged = { text: message, at: now };
      this.#options.log.warn('Cannot schedule pod', { pod: pod.key, error });
    }
    this.#event(pod, 'Warning', 'FailedScheduling', message);
    this.#options.status.tell(pod, { reason: 'SchedulerError', message });
  }

  /** A plugin failed, and the pod goes on without it. */
  ignored(failure: PluginFailure, pod: PodInfo): void {
    this.#options.log.warn('Scheduler plugin failed', {
      plugin: failure.plugin,
      pod: pod.key,
      error: failure,
    });
    this.#event(pod, 'Warning', 'SchedulerPluginFailed', failure.message);
  }

  #record(pod: PodInfo, outcome: 'unschedulable' | 'error', message: string): void {
    const { recorder, numberOf } = this.#options;
    recorder?.failed(pod, numberOf(pod), outcome, message);
  }

  #end(pod: PodInfo, result: AttemptResult): void {
    const { metrics, clock } = this.#options;
    if (!metrics) return;
    const now = clock.monotonic();
    const ms = now - (this.#began.get(pod.uid) ?? now);
    this.#began.delete(pod.uid);
    metrics.attempt(result, schedulerOf(pod), ms / 1000);
  }

  #event(pod: PodInfo, type: 'Normal' | 'Warning', reason: string, message: string): void {
    const { namespace, name, uid } = pod;
    const about = { apiVersion: 'v1', kind: 'Pod', metadata: { namespace, name, uid } };
    this.#options.events.event(about, type, reason, message, { component: schedulerOf(pod) });
  }
}

export interface OutcomesOptions {
  readonly clock: Clock;
  readonly log: Logger;
  readonly events: EventRecorder;
  readonly status: Pick<PodStatusWriter, 'tell' | 'nominate' | 'forget' | 'observe'>;
  readonly metrics?: SchedulerMetrics;
  readonly recorder?: AttemptRecorder;
  /** Of the attempt under way, counted from 1. */
  numberOf(pod: PodInfo): number;
}

export type AttemptResult = 'scheduled' | 'unschedulable' | 'error';

function schedulerOf({ spec }: PodInfo): string {
  return spec.schedulerName || DEFAULT_NAME;
}
