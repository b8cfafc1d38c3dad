import {
  type AdmissionRequest,
  ApiError,
  formatUsage,
  type Informer,
  type Logger,
  type ObjectClient,
  ResourceQuota,
} from 'kernetes/sdk';
import { Batch, type Entry, type Written } from './batch.ts';
import type { Charges } from './check.ts';
import { type CheckOptions, nameOf, type QuotaState, quotaState } from './state.ts';

export interface LedgerOptions {
  readonly namespace: string;
  readonly quotas: Informer<ResourceQuota>;
  readonly objects: ObjectClient;
  readonly log: Logger;
}

/**
 * Takes what requests use off the quotas of one namespace, one after the other. Whatever comes in
 * while quotas are written waits, is checked together, and written at once: a burst of creations is
 * a few writes, and none of them is in another's way. Other servers on the same database, and who
 * counts anew, may be: then the quota is read again, and the same is checked with it.
 */
export class Ledger {
  readonly #options: LedgerOptions;
  #waiting: Entry[] = [];
  #isRunning = false;
  /** What was last written or read here, until the copy shows it. */
  readonly #newest = new Map<string, ResourceQuota>();

  constructor(options: LedgerOptions) {
    this.#options = options;
  }

  /** Resolves with what was taken; rejects with why nothing was. A dry run takes nothing. */
  reserve(request: AdmissionRequest, options: CheckOptions): Promise<Charges> {
    return new Promise((resolve, reject) => {
      this.#add({ request, options, resolve, reject, charges: new Map() });
    });
  }

  /** Gives it back. */
  release(charges: Charges): void {
    this.#add({ charges: new Map(charges) });
  }

  #add(entry: Entry): void {
    this.#waiting.push(entry);
    if (!this.#isRunning) void this.#run();
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    while (this.#waiting.length > 0) {
      const entries = this.#waiting.splice(0, BATCH_ENTRIES_MAX);
      try {
        await new Batch(this.#states(), entries, states => this.#write(states)).settle();
      } catch (error) {
        for (const { reject } of entries) reject?.(error);
      }
    }
    this.#isRunning = false;
  }

  /** In the order of their names, so that of two quotas it is always the same that refuses. */
  #states(): QuotaState[] {
    const { quotas, namespace } = this.#options;
    const shown = quotas.list(namespace).map(quota => this.#newer(quota));
    const names = new Set(shown.map(({ metadata }) => metadata.name));
    for (const name of [...this.#newest.keys()]) if (!names.has(name)) this.#newest.delete(name);
    return shown.map(quotaState).sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1));
  }

  #newer(shown: ResourceQuota): ResourceQuota {
    const name = shown.metadata.name ?? '';
    const own = this.#newest.get(name);
    if (own && revisionOf(own) > revisionOf(shown)) return own;
    this.#newest.delete(name);
    return shown;
  }

  /** All at once; each outcome is for the state at its place. */
  #write(states: readonly QuotaState[]): Promise<Written[]> {
    return Promise.all(states.map(state => this.#writeOne(state)));
  }

  async #writeOne({ quota, used }: QuotaState): Promise<Written> {
    const { objects } = this.#options;
    const { namespace = '', name = '' } = quota.metadata;
    const changed = { ...quota, status: { ...quota.status, used: formatUsage(used) } };
    try {
      return {
        outcome: 'written',
        quota: this.#keep(await objects.updateStatus(ResourceQuota, changed)),
      };
    } catch (error) {
      if (!ApiError.is(error, 'Conflict')) return this.#failed(error, name);
    }
    try {
      return {
        outcome: 'lost',
        quota: this.#keep(await objects.get(ResourceQuota, { namespace, name })),
      };
    } catch (error) {
      return this.#failed(error, name);
    }
  }

  #failed(error: unknown, name: string): Written {
    // There is no limit any more.
    if (ApiError.is(error, 'NotFound')) return { outcome: 'gone' };
    const { log, namespace } = this.#options;
    log.warn('Quota cannot be written', { namespace, name, error });
    return { outcome: 'failed', error };
  }

  #keep(quota: ResourceQuota): ResourceQuota {
    this.#newest.set(quota.metadata.name ?? '', quota);
    return quota;
  }
}

function revisionOf({ metadata }: ResourceQuota): number {
  return Number(metadata.resourceVersion);
}

/** More at once would only keep the first ones, and the thread, waiting. */
const BATCH_ENTRIES_MAX = 500;
