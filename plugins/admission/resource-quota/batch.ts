import {
  type AdmissionRequest,
  addUsage,
  conflict,
  ResourceQuota,
  subtractUsage,
  type Usage,
} from 'kernetes/sdk';
import { type Charges, chargeOn, chargesOf } from './check.ts';
import { type CheckOptions, nameOf, type QuotaState, quotaState } from './state.ts';

/** What waits: a request, or, without one, something that is given back. */
export interface Entry {
  readonly request?: AdmissionRequest;
  readonly options?: CheckOptions;
  readonly resolve?: (charges: Charges) => void;
  readonly reject?: (error: unknown) => void;
  /** What it takes, or gives, as far as it is known. */
  readonly charges: Charges;
}

export type Written =
  | { readonly outcome: 'written' | 'lost'; readonly quota: ResourceQuota }
  | { readonly outcome: 'gone' }
  | { readonly outcome: 'failed'; readonly error: unknown };

/** Entries that are checked against the same quotas, and written together. */
export class Batch {
  readonly #states: Map<string, QuotaState>;
  readonly #write: (states: readonly QuotaState[]) => Promise<Written[]>;
  /** Neither refused nor answered yet. */
  readonly #open: Set<Entry>;
  readonly #changed = new Set<string>();

  constructor(
    states: readonly QuotaState[],
    entries: readonly Entry[],
    write: (states: readonly QuotaState[]) => Promise<Written[]>,
  ) {
    this.#states = new Map(states.map(state => [nameOf(state), state]));
    this.#open = new Set(entries);
    this.#write = write;
  }

  async settle(): Promise<void> {
    const isGiven = ({ request }: Entry) => request === undefined;
    const entries = [...this.#open];
    // What is given back first: somebody may need it.
    for (const entry of entries.filter(isGiven)) this.#decide(entry);
    for (const entry of entries.filter(each => !isGiven(each))) this.#decide(entry);
    for (let attempt = 1; this.#changed.size > 0; attempt++) {
      const states = [...this.#changed].flatMap(name => this.#states.get(name) ?? []);
      this.#changed.clear();
      const written = await this.#write(states);
      for (const [i, state] of states.entries()) {
        const outcome = written[i];
        if (outcome) this.#wrote(nameOf(state), outcome, attempt >= ATTEMPTS_MAX);
      }
    }
    for (const { resolve, charges } of this.#open) resolve?.(charges);
  }

  #decide(entry: Entry): void {
    const { request, options } = entry;
    try {
      if (request && options) {
        const charges = chargesOf(request, [...this.#states.values()], options);
        if (request.dryRun) return;
        for (const [name, usage] of charges) entry.charges.set(name, usage);
      }
      this.#apply(entry);
    } catch (error) {
      this.#refuse(entry, error);
    }
  }

  #apply(entry: Entry): void {
    for (const [name, usage] of entry.charges) this.#move(name, usage, entry.request !== undefined);
  }

  #move(name: string, usage: Usage, isTaken: boolean): void {
    const state = this.#states.get(name);
    if (state === undefined) return;
    state.used = isTaken ? addUsage(state.used, usage) : subtractUsage(state.used, usage);
    this.#changed.add(name);
  }

  #wrote(name: string, written: Written, isLast: boolean): void {
    if (written.outcome === 'gone') {
      this.#states.delete(name);
      for (const { charges } of this.#open) charges.delete(name);
    } else if (written.outcome === 'failed') {
      this.#giveUp(name, written.error);
    } else {
      // What was refused meanwhile for another quota's sake is in here too.
      const late = this.#changed.has(name) ? this.#states.get(name)?.used : undefined;
      const state = quotaState(written.quota);
      this.#states.set(name, state);
      if (written.outcome === 'written') {
        if (late) state.used = late;
      } else if (isLast) {
        this.#giveUp(name, conflict(ResourceQuota, name));
      } else {
        this.#decideAgain(state);
      }
    }
  }

  /** Another has changed the quota: what was taken of it before it was written does not count. */
  #decideAgain(state: QuotaState): void {
    const name = nameOf(state);
    for (const entry of [...this.#open]) {
      const before = entry.charges.get(name);
      if (before === undefined) continue;
      const { request, options } = entry;
      try {
        const usage = request && options ? chargeOn(request, state, options) : before;
        if (usage) this.#move(name, usage, request !== undefined);
        if (usage) entry.charges.set(name, usage);
        else entry.charges.delete(name);
      } catch (error) {
        entry.charges.delete(name);
        this.#refuse(entry, error);
      }
    }
  }

  /** Nothing can be taken of the quota, so nothing that needs it is let through. */
  #giveUp(name: string, error: unknown): void {
    for (const entry of [...this.#open]) {
      if (entry.charges.delete(name) && entry.request) this.#refuse(entry, error);
    }
    this.#changed.delete(name);
    this.#states.delete(name);
  }

  /** What it took of other quotas goes back. */
  #refuse(entry: Entry, error: unknown): void {
    this.#open.delete(entry);
    for (const [name, usage] of entry.charges) this.#move(name, usage, false);
    entry.reject?.(error);
  }
}

/** Each loss means that another has written; more than a few in a row are no accident. */
const ATTEMPTS_MAX = 10;
