import {
  type Entry,
  type History,
  isAbsent,
  type Segment,
  sameEntry,
  textOf,
  type Version,
} from './history.ts';

/** A state of one name from one revision until before another. */
export interface Span {
  readonly from: number;
  readonly to: number;
  readonly entry: Entry | undefined;
}

/** The one sequence that everybody together was shown, and what is not known of it. */
export class Timeline {
  /** In the order of revisions. */
  readonly log: readonly Entry[];
  /** Revisions that were shown in two ways, and the like. */
  readonly flaws: string[] = [];
  readonly #byRevision = new Map<number, Entry>();
  readonly #byName = new Map<string, Entry[]>();
  readonly #spans = new Map<string, Span[]>();
  /** Deletions that nobody saw, and by when they were over. */
  readonly #assumed = new Map<Entry, number>();
  /** Ranges (since, until] that watches of everything cover, apart from one another. */
  readonly #covered: [since: number, until: number][] = [];

  constructor({ calls, segments }: History) {
    for (const call of calls) {
      if (call.type === 'get' && call.found) this.#see(call.found, false);
      if (call.type === 'list') for (const item of call.items) this.#see(item, false);
      if (call.type !== 'write' || !call.answer) continue;
      if ('revision' in call.answer) this.#see(call.answer, false);
    }
    for (const { events } of segments) {
      for (const event of events) this.#see(event, event.type === 'DELETED');
    }
    this.log = [...this.#byRevision.values()].sort((a, b) => a.revision - b.revision);
    for (const entry of this.log) add(this.#byName, entry.name, entry);
    this.#cover(segments.filter(({ name }) => name === ''));
    for (const gap of this.gaps()) this.#bridge(gap, calls);
    for (const [name, entries] of this.#byName) this.#spans.set(name, this.#spansOf(entries));
  }

  /** Each name with its changes. */
  names(): Iterable<readonly [name: string, entries: readonly Entry[]]> {
    return this.#byName;
  }

  of(name: string): readonly Entry[] {
    return this.#byName.get(name) ?? [];
  }

  at(revision: number): Entry | undefined {
    return this.#byRevision.get(revision);
  }

  /** The states that a name can have had at a revision: several where it is not known. */
  statesAt(name: string, revision: number): (Entry | undefined)[] {
    const states: (Entry | undefined)[] = [];
    for (const { from, entry } of this.spansAfter(name, revision)) {
      if (from > revision) break;
      states.push(entry);
    }
    return states;
  }

  /** The states of a name that were not over at a revision, the oldest first. */
  *spansAfter(name: string, revision: number): Generator<Span, void, undefined> {
    const spans = this.#spans.get(name) ?? [NEVER_THERE];
    const first = firstWhere(spans.length, i => (spans[i]?.to ?? 0) > revision);
    for (let i = first; i < spans.length; i++) yield spans[i] ?? NEVER_THERE;
  }

  /** Nothing of what is looked at was there before. */
  get start(): number {
    return this.#covered[0]?.[0] ?? 0;
  }

  get end(): number {
    return this.#covered.at(-1)?.[1] ?? 0;
  }

  /** Whether all is known of what happened between two revisions, both left out. */
  isKnown(after: number, before: number): boolean {
    return this.#covered.some(([since, until]) => since <= after && until >= before - 1);
  }

  gaps(): Span[] {
    return this.#covered.slice(1).map(([since], i) => {
      return { from: this.#covered[i]?.[1] ?? 0, to: since, entry: undefined };
    });
  }

  #see({ name, uid, revision, data }: Version, deleted: boolean): void {
    const entry = { name, uid, revision, data, deleted };
    const known = this.#byRevision.get(revision);
    if (known === undefined) this.#byRevision.set(revision, entry);
    else if (!sameEntry(known, entry)) {
      this.flaws.push(`revision ${revision} is both ${textOf(known)} and ${textOf(entry)}`);
    }
  }

  #cover(segments: readonly Segment[]): void {
    for (const { since, until } of [...segments].sort((a, b) => a.since - b.since)) {
      const last = this.#covered.at(-1);
      if (last && since <= last[1]) last[1] = Math.max(last[1], until);
      else this.#covered.push([since, until]);
    }
  }

  /** What is absent after a gap was deleted in it, if not before. */
  #bridge({ from, to }: Span, calls: History['calls']): void {
    const list = calls.find(call => call.type === 'list' && call.revision === to);
    if (list?.type !== 'list') {
      this.flaws.push(`nobody listed revision ${to}, where a watch began`);
      return;
    }
    const there = new Set(list.items.map(({ name }) => name));
    for (const [name, entries] of this.#byName) {
      const at = entries.findLastIndex(({ revision }) => revision <= to);
      const last = entries[at];
      if (last === undefined || isAbsent(last) || there.has(name)) continue;
      // At the earliest: until the gap ends the object may have been there.
      const revision = Math.max(last.revision, from) + 0.5;
      const deletion = { ...last, revision, deleted: true };
      entries.splice(at + 1, 0, deletion);
      this.#assumed.set(deletion, to);
    }
  }

  #spansOf(entries: readonly Entry[]): Span[] {
    return [undefined, ...entries].map((entry, i) => {
      const next = entries[i];
      const to = next && (this.#assumed.get(next) ?? next.revision);
      return { from: entry?.revision ?? 0, to: to ?? Number.POSITIVE_INFINITY, entry };
    });
  }
}

/** The first of 0 to `count`, `count` left out, for which it is so and stays so; else `count`. */
export function firstWhere(count: number, is: (index: number) => boolean): number {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (is(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
}

export function add<T>(map: Map<string, T[]>, key: string, value: T): void {
  const values = map.get(key);
  if (values === undefined) map.set(key, [value]);
  else values.push(value);
}

const NEVER_THERE: Span = { from: 0, to: Number.POSITIVE_INFINITY, entry: undefined };
