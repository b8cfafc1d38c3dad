import {
  type ApiError,
  type Expectations,
  formatKey,
  type Job,
  type ObjectKey,
  Pod,
  selectorText,
} from 'kernetes/sdk';
import type { Context } from './job.ts';

/**
 * Creations of which we do not know whether they were done: the server broke off. Their pods have
 * names that it chose, so before more are made it is asked which there are.
 */
export class UnclearCreations {
  readonly #owners = new Set<string>();

  failed(owner: string, error: ApiError): void {
    if (error.code >= 500) this.#owners.add(owner);
  }

  forget(owner: string): void {
    this.#owners.delete(owner);
  }

  /** Pods that the copy does not have yet are waited for, as if the answer had come. */
  async clear(key: ObjectKey, job: Job, options: ClearOptions): Promise<void> {
    const owner = formatKey(key);
    if (!this.#owners.has(owner)) return;
    const { context, expectations } = options;
    const { namespace = '' } = key;
    const labelSelector = selectorText(job.spec?.selector);
    const { items } = await context.objects.list(Pod, { namespace, labelSelector });
    for (const pod of items) {
      const isSeen = context.informer(Pod).get(`${namespace}/${pod.metadata.name}`) !== undefined;
      if (!isSeen) expectations.wrote(owner, pod);
    }
    this.#owners.delete(owner);
  }
}

interface ClearOptions {
  readonly context: Context;
  readonly expectations: Expectations<Pod>;
}
