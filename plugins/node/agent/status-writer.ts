import {
  type BatchResult,
  type Clock,
  deleteRequest,
  type Logger,
  type ObjectClient,
  type ObjectRequest,
  Pod,
  type PodStatus,
  patchRequest,
} from 'kernetes/sdk';

/** A pod with something to tell the API. */
export interface Reporter {
  readonly pod: Pod;
  /** What it owes now: asked when the request is made, so that several changes are one write. */
  owed(): Owed | undefined;
  /** That is written; `pod` is the answer, undefined when the pod is gone. */
  settled(owed: Owed, pod: Pod | undefined): void;
  /** That could not be written, and will be asked for again. */
  failed(owed: Owed): void;
}

export type Owed =
  | {
      readonly status: PodStatus;
      /** Of the object that the status was made from. */
      readonly resourceVersion: string | undefined;
    }
  | { readonly remove: true };

export interface StatusWriterOptions {
  readonly objects: ObjectClient;
  readonly clock: Clock;
  readonly log: Logger;
}

/**
 * Writes what pods owe, all that has gathered in one batch, one batch at a time. Writing waits for
 * the moment's end, so that a pod that starts at once is written once. What failed is tried again.
 */
export class StatusWriter {
  readonly #options: StatusWriterOptions;
  readonly #queued = new Set<Reporter>();
  /** A batch is under way, or a timer for the next is set. */
  #busy = false;

  constructor(options: StatusWriterOptions) {
    this.#options = options;
  }

  enqueue(reporter: Reporter): void {
    this.#queued.add(reporter);
    this.#schedule();
  }

  #schedule(): void {
    if (this.#busy) return;
    this.#busy = true;
    this.#options.clock.setTimeout(() => void this.#flush(), 0);
  }

  async #flush(): Promise<void> {
    const writes: Write[] = [];
    for (const reporter of this.#queued) {
      if (writes.length >= BATCH_MAX) break;
      this.#queued.delete(reporter);
      const owed = reporter.owed();
      if (owed) writes.push({ reporter, owed });
    }
    const failed = await this.#send(writes);
    this.#busy = false;
    if (this.#queued.size > 0) this.#schedule();
    if (failed.length === 0) return;
    for (const { reporter, owed } of failed) reporter.failed(owed);
    this.#options.clock.setTimeout(() => {
      for (const { reporter } of failed) this.enqueue(reporter);
    }, RETRY_MS);
  }

  /** Returns those that are to be repeated. */
  async #send(writes: readonly Write[]): Promise<readonly Write[]> {
    if (writes.length === 0) return [];
    try {
      const results = await this.#options.objects.batch(writes.map(toRequest));
      return writes.filter((write, i) => !this.#settle(write, results[i]));
    } catch (error) {
      this.#options.log.warn('Pod statuses not written', { count: writes.length, error });
      return writes;
    }
  }

  #settle({ reporter, owed }: Write, result: BatchResult | undefined): boolean {
    // Gone, or another pod of that name: the informer will tell.
    const isGone = result?.ok === false && result.error.reason === 'NotFound';
    if (result?.ok || isGone) {
      reporter.settled(owed, result.ok ? (result.object as Pod) : undefined);
      return true;
    }
    const reason = result?.error.reason ?? '';
    const { namespace, name } = reporter.pod.metadata;
    const fields = { namespace, pod: name, error: result?.error };
    if (FINAL_REASONS.has(reason)) this.#options.log.error('Pod status refused', fields);
    else if (reason !== 'Conflict') this.#options.log.warn('Pod status not written', fields);
    return FINAL_REASONS.has(reason);
  }
}

interface Write {
  readonly reporter: Reporter;
  readonly owed: Owed;
}

/**
 * A merge patch takes the place of whole lists, in which are the conditions of others too: so it is
 * for the version that these were read from. The uid makes sure that the same pod is deleted.
 */
function toRequest({ reporter, owed }: Write): ObjectRequest {
  const { namespace = '', name = '', uid = '' } = reporter.pod.metadata;
  const key = { namespace, name };
  if ('remove' in owed) {
    return deleteRequest(Pod, key, { gracePeriodSeconds: 0, preconditions: { uid } });
  }
  const { status, resourceVersion } = owed;
  return patchRequest(
    Pod,
    key,
    { metadata: { resourceVersion }, status },
    { subresource: 'status' },
  );
}

/** More in one batch would delay the first pod's readiness. */
const BATCH_MAX = 1_000;
/** If nothing calls for it before: a door that cannot write is not flooded. */
const RETRY_MS = 1_000;
/** Repeating would not help; the next change of the pod is written anew. */
const FINAL_REASONS: ReadonlySet<string> = new Set(['Invalid', 'Forbidden', 'BadRequest']);
