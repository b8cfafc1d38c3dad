import type { PodExplanation, SchedulingExplainer } from 'kernetes/sdk';
import type { Scheduler } from '../scheduler.ts';

/** Answers those who ask why a pod is where it is. `scheduler`: nothing while it does not lead. */
export class Explainer implements SchedulingExplainer {
  readonly #scheduler: () => Scheduler | undefined;

  constructor(scheduler: () => Scheduler | undefined) {
    this.#scheduler = scheduler;
  }

  async explain({ namespace, name }: { readonly namespace: string; readonly name: string }) {
    return this.#scheduler()?.recorder?.explanationOf(`${namespace}/${name}`);
  }

  async list(namespace?: string): Promise<readonly PodExplanation[]> {
    const scheduler = this.#scheduler();
    const { recorder } = scheduler ?? {};
    if (!scheduler || !recorder) return [];
    const keys = new Set(recorder.keys);
    for (const { pod } of scheduler.queue.all()) keys.add(pod.key);
    const wanted = namespace === undefined ? '' : `${namespace}/`;
    return [...keys]
      .filter(key => key.startsWith(wanted))
      .sort()
      .flatMap(key => recorder.explanationOf(key, false) ?? []);
  }
}
