import { tooManyRequests, type User } from 'kernetes/sdk';
import type { Call } from './call.ts';

export interface InFlightLimits {
  /** 0: no limit. */
  readonly maxRequestsInflight: number;
  readonly maxMutatingRequestsInflight: number;
}

/**
 * How many requests are worked on, and how many may be. A request counts from when it is known who
 * sends it until its answer is gone and nobody works on it any more.
 */
export class InFlight {
  readonly #limits: InFlightLimits;
  #readOnly = 0;
  #mutating = 0;

  constructor(limits: InFlightLimits) {
    this.#limits = limits;
  }

  get readOnly(): number {
    return this.#readOnly;
  }

  get mutating(): number {
    return this.#mutating;
  }

  /** Returns what ends the request. Throws TooManyRequests. */
  enter(call: Call, user: User): () => void {
    if (call.isLongRunning || PROBES.test(call.path)) return NOTHING;
    const isReading = READING.has(call.verb);
    const count = isReading ? this.#readOnly : this.#mutating;
    const { maxRequestsInflight, maxMutatingRequestsInflight } = this.#limits;
    const limit = isReading ? maxRequestsInflight : maxMutatingRequestsInflight;
    // Who must mend an overloaded cluster gets in, as upstream.
    if (limit > 0 && count >= limit && !user.groups.includes('system:masters')) {
      throw tooManyRequests('Too many requests, please try again later.', 1);
    }
    if (isReading) this.#readOnly++;
    else this.#mutating++;
    return () => {
      if (isReading) this.#readOnly--;
      else this.#mutating--;
    };
  }
}

function NOTHING(): void {}

const READING: ReadonlySet<string> = new Set(['get', 'list', 'head']);
/** Upstream's flow schema `probes`: a server that is busy is not dead. */
const PROBES = /^\/(?:healthz|livez|readyz)(?:\/|$)/;
