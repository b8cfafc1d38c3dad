import type { Refusal } from 'kernetes/sdk';

/** A refusal, and whose it is. */
export interface Refused {
  readonly plugin: string;
  readonly refusal: Refusal;
}

/**
 * Refusals as small numbers: what is kept per node is two bytes, and copying the verdicts of all
 * nodes is one move of memory. 0 is none. A number keeps its meaning as long as the table is there.
 */
export class VerdictTable {
  readonly #entries: (Refused | undefined)[] = [undefined];
  readonly #codes = new Map<string, number>();
  /** By plugin: refusals are mostly constants, known by identity. */
  readonly #known = new Map<string, Map<Refusal, number>>();

  /** There are nearly too many: begin another one. */
  get isFull(): boolean {
    return this.#entries.length >= ENTRIES_MAX;
  }

  get size(): number {
    return this.#entries.length;
  }

  codeOf(plugin: string, refusal: Refusal): number {
    let known = this.#known.get(plugin);
    if (!known) {
      known = new Map();
      this.#known.set(plugin, known);
    }
    const code = known.get(refusal);
    if (code !== undefined) return code;
    const text = `${plugin}\n${refusal.code}\n${refusal.reasons.join('\n')}`;
    let place = this.#codes.get(text);
    if (place === undefined) {
      place = this.#entries.push({ plugin, refusal }) - 1;
      if (place > CODE_MAX) throw new Error(`Cannot number refusals: there are over ${CODE_MAX}`);
      this.#codes.set(text, place);
    }
    if (known.size < CONSTANTS_MAX) known.set(refusal, place);
    return place;
  }

  get(code: number): Refused | undefined {
    return this.#entries[code];
  }
}

const CODE_MAX = 0xff_ff;
/** One search adds no more than its nodes' refusals; a cluster of more nodes is not aimed at. */
const ENTRIES_MAX = 16_384;
/** Refusals made anew for each call are not kept by identity beyond this. */
const CONSTANTS_MAX = 512;
