import {
  type AdmissionPlugin,
  type AdmissionRequest,
  type Clock,
  type Informer,
  type KubeObject,
  type Logger,
  type ObjectClient,
  type QuotaEvaluator,
  quotaEvaluator,
  type ResourceQuota,
} from 'kernetes/sdk';
import type { Charges } from './check.ts';
import { Ledger } from './ledger.ts';
import { type LimitedResource, limitsOn } from './limited.ts';

export interface ResourceQuotaOptions {
  readonly quotas: Informer<ResourceQuota>;
  readonly objects: ObjectClient;
  readonly clock: Clock;
  readonly log: Logger;
  readonly limited: readonly LimitedResource[];
}

/** Takes what objects use off their namespace's quotas before they are stored. */
export class ResourceQuotaAdmission implements AdmissionPlugin {
  readonly rules = [
    { operations: ['CREATE'], groups: ['*'], resources: ['*'] },
    { operations: ['UPDATE'], groups: [''], resources: ['services', 'persistentvolumeclaims'] },
  ] as const;
  readonly #options: ResourceQuotaOptions;
  readonly #ledgers = new Map<string, Ledger>();
  readonly #taken = new WeakMap<AdmissionRequest, Taken>();

  constructor(options: ResourceQuotaOptions) {
    this.#options = options;
    options.quotas.on({
      deleted: ({ metadata: { namespace = '' } }) => {
        if (options.quotas.list(namespace).length === 0) this.#ledgers.delete(namespace);
      },
    });
  }

  /** At once where no quota is about such objects. */
  validate(request: AdmissionRequest): undefined | Promise<undefined> {
    const { namespace } = request;
    if (namespace === '') return;
    const quotas = this.#options.quotas.list(namespace);
    if (quotas.length === 0 && this.#options.limited.length === 0) return;
    const evaluator = quotaEvaluator(request);
    if (evaluator === undefined) return;
    const isCounted = quotas.some(quota => counts(quota, evaluator));
    const limited = limitsOn(this.#options.limited, request);
    if (!isCounted && limited.length === 0) return;
    return this.#take(request, { evaluator, limited });
  }

  abandon(request: AdmissionRequest): void {
    const taken = this.#taken.get(request);
    if (taken === undefined) return;
    this.#taken.delete(request);
    // By then it may have been counted anew, without what was not stored.
    if (this.#options.clock.monotonic() - taken.atMs > GIVE_BACK_MS) return;
    taken.ledger.release(taken.charges);
  }

  async #take(
    request: AdmissionRequest,
    options: { readonly evaluator: QuotaEvaluator; readonly limited: readonly LimitedResource[] },
  ): Promise<undefined> {
    const { clock } = this.#options;
    const { object, oldObject } = request;
    const usageOf = (each: KubeObject) => options.evaluator.usage(each, clock.now());
    const usage = usageOf(object as KubeObject);
    const usageBefore = oldObject && usageOf(oldObject);
    const ledger = this.#ledgerOf(request.namespace);
    const charges = await ledger.reserve(request, { ...options, usage, usageBefore });
    if (charges.size === 0) return;
    this.#taken.set(request, { ledger, charges, atMs: clock.monotonic() });
  }

  #ledgerOf(namespace: string): Ledger {
    const known = this.#ledgers.get(namespace);
    if (known !== undefined) return known;
    const ledger = new Ledger({ ...this.#options, namespace });
    // Without a quota there is nothing to take from, and nothing to keep.
    if (this.#options.quotas.list(namespace).length > 0) this.#ledgers.set(namespace, ledger);
    return ledger;
  }
}

interface Taken {
  readonly ledger: Ledger;
  readonly charges: Charges;
  readonly atMs: number;
}

function counts({ status }: ResourceQuota, evaluator: QuotaEvaluator): boolean {
  for (const name in status?.hard) if (evaluator.counts(name)) return true;
  return false;
}

/** What is not stored within this time is left to who counts: that waits longer. */
const GIVE_BACK_MS = 100;
