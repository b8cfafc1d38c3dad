import type { RE2JS } from 're2js';
import type { CelAuthorizer, CelRequestResource } from './cel.ts';
import { absorbed, Exhausted } from './value.ts';

/** Counts what an evaluation costs, in upstream's units, and stops it. */
export class Meter {
  spent = 0;
  readonly #limit: number;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Before the work that it pays for. */
  spend(units: number): void {
    this.spent += units;
    if (this.spent > this.#limit) throw EXHAUSTED;
  }

  /** Reading `length` characters or elements. */
  traverse(length: number): void {
    this.spend(Math.ceil(length * TRAVERSAL_COST));
  }

  /** Of several failures that a decisive answer may still outweigh, the first. */
  putAside(thrown: unknown, earlier: unknown): unknown {
    const failure = absorbed(thrown);
    this.spend(FAILURE_COST);
    return earlier ?? failure;
  }
}

const EXHAUSTED = new Exhausted();
/** Per character, upstream's StringTraversalCostFactor. */
export const TRAVERSAL_COST = 0.1;

/** Bytes were decoded from text to read them. */
export function decoded<Value>(value: Value, { meter }: Frame): Value {
  if (value instanceof Uint8Array) meter.traverse(value.length);
  return value;
}

/** Of a failure that is put aside: it takes longer than other steps. */
const FAILURE_COST = 4;

/** One evaluation. */
export interface Frame {
  readonly meter: Meter;
  /** The expression's variables, then those of its comprehensions. */
  readonly slots: unknown[];
  /** Gives a variable on first use. */
  readonly load: (slot: number) => unknown;
  /** The patterns that stand in the expression. */
  readonly patterns: ReadonlyMap<string, RE2JS>;
  /** Those that were made of values. */
  readonly compiled: Map<string, RE2JS>;
  readonly authorizer: CelAuthorizer | undefined;
  readonly requestResource: CelRequestResource | undefined;
}

export type Run = (frame: Frame) => unknown;
