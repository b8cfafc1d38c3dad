import type { Clock, EventRecorder, Logger, PodInfo } from 'kernetes/sdk';
import { REPEAT_LOG_MS } from './limits.ts';
import type { PodStatusWriter } from './pod-status.ts';
import type { PluginFailure } from './profile.ts';
import { DEFAULT_NAME } from './profiles.ts';

/** Tells what became of pods: events, conditions, the log, figures. */
export class Outcomes {
  readonly #options: OutcomesOptions;
  #logged: { readonly text: string; readonly at: number } | undefined;

  constructor(options: OutcomesOptions) {
    this.#options = options;
  }

  scheduled(pod: PodInfo, nodeName: string): void {
    this.#options.status.forget(pod.key);
    const text = `Successfully assigned ${pod.key} to ${nodeName}`;
    this.#event(pod, 'Normal', 'Scheduled', text);
    this.#options.onAttempt?.('scheduled', schedulerOf(pod));
  }

  /** `nominated`: as in `PodStatusWriter.tell`. */
  unschedulable(pod: PodInfo, message: string, nominated?: string): void {
    this.#options.onAttempt?.('unschedulable', schedulerOf(pod));
    this.#event(pod, 'Warning', 'FailedScheduling', message);
    this.#options.status.tell(pod, { reason: 'Unschedulable', message }, nominated);
  }

  failed(pod: PodInfo, error: unknown): void {
    this.#options.onAttempt?.('error', schedulerOf(pod));
    const message = error instanceof Error ? error.message : String(error);
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
  onAttempt?(result: AttemptResult, schedulerName: string): void;
}

export type AttemptResult = 'scheduled' | 'unschedulable' | 'error';

function schedulerOf({ spec }: PodInfo): string {
  return spec.schedulerName || DEFAULT_NAME;
}
