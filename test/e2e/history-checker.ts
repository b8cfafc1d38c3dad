import {
  type Call,
  type Entry,
  type History,
  isAbsent,
  isRefused,
  type List,
  type Segment,
  shows,
  type Timed,
  textOf,
  type Write,
  wrongJump,
  wrongStep,
} from './history.ts';
import { add, firstWhere, Timeline } from './history-timeline.ts';

/**
 * Whether what clients were told of some objects can have come from one sequence of changes.
 *
 * A register with compare-and-swap needs a search for an order (Wing and Gong) when the order is
 * not known. Here every change carries its place, the revision: so it is enough to put together
 * what everybody was shown, in the order of revisions, and to hold each answer and each watch
 * against it. That is exact and takes n log n.
 *
 * A watch that cannot go on where it was (its server began anew) leaves revisions that nobody saw
 * all of. In such a gap what answers and lists showed must fit; the rest cannot be known.
 */
export function violations(history: History): string[] {
  return new Checker(history).check();
}

class Checker {
  readonly #calls: readonly Call[];
  readonly #segments: readonly Segment[];
  readonly #timeline: Timeline;
  readonly #found: string[];
  readonly #writes = new Map<string, Write>();
  /** Of each name, in the order of their beginnings. */
  readonly #deletes = new Map<string, Write[]>();
  readonly #writerOf = new Map<Entry, Write>();
  readonly #taken = new Set<Write>();
  /** By place in the log: the latest beginning of a write so far. */
  readonly #begun: number[] = [];
  /** In the order of their returns: the newest revision that was shown so far. */
  readonly #shown: [returned: number, revision: number][] = [];

  constructor(history: History) {
    this.#calls = [...history.calls].sort((a, b) => a.invoked - b.invoked);
    this.#segments = history.segments;
    this.#timeline = new Timeline(history);
    this.#found = this.#timeline.flaws;
    for (const call of this.#calls) {
      if (call.type !== 'write') continue;
      this.#writes.set(call.id, call);
      if (call.verb === 'delete') add(this.#deletes, call.name, call);
    }
  }

  check(): string[] {
    for (const segment of this.#segments) this.#checkSegment(segment);
    for (const entry of this.#timeline.log) this.#attribute(entry);
    for (const [, entries] of this.#timeline.names()) this.#checkSteps(entries);
    this.#checkOrder();
    this.#remember();
    for (const call of this.#calls) this.#checkCall(call);
    return this.#found;
  }

  #checkSegment({ watcher, name, since, until, events }: Segment): void {
    const wanted = (name === '' ? this.#timeline.log : this.#timeline.of(name)).filter(
      ({ revision }) => revision > since && revision <= until,
    );
    for (let i = 0; i < Math.max(wanted.length, events.length); i++) {
      const [entry, event] = [wanted[i], events[i]];
      if (entry && event?.revision === entry.revision) continue;
      const told = event ? `revision ${event.revision}` : 'nothing';
      this.#find(`${watcher} was told ${told} where ${entry ? textOf(entry) : 'nothing'} is next`);
      return;
    }
    for (const { type, revision } of events) {
      const write = this.#writes.get(this.#timeline.at(revision)?.data.id ?? '');
      const made = write?.verb === 'create' ? 'ADDED' : 'MODIFIED';
      if (type !== 'DELETED' && type !== made) {
        this.#find(`${watcher} was told ${type} of revision ${revision}, which is ${made}`);
      }
    }
  }

  /** Every change has one write that made it, and no write made two. */
  #attribute(entry: Entry): void {
    const write = entry.deleted ? this.#deleterOf(entry) : this.#writes.get(entry.data.id ?? '');
    if (write === undefined) {
      this.#find(`nobody wrote ${textOf(entry)}`);
      return;
    }
    const { answer } = write;
    if (this.#taken.has(write)) {
      this.#find(`write ${write.id} took place again as ${textOf(entry)}`);
    }
    if (answer && 'refused' in answer) {
      this.#find(`write ${write.id} was refused and took place as ${textOf(entry)}`);
    }
    if (answer && 'revision' in answer && answer.revision !== entry.revision) {
      this.#find(`write ${write.id} of revision ${answer.revision} took place as ${textOf(entry)}`);
    }
    this.#writerOf.set(entry, write);
    this.#taken.add(write);
  }

  #deleterOf({ name, uid }: Entry): Write | undefined {
    const deletes = this.#deletes.get(name) ?? [];
    return (
      deletes.find(({ answer }) => answer && 'deleted' in answer && answer.deleted === uid) ??
      deletes.find(each => each.answer === undefined && !this.#taken.has(each))
    );
  }

  /** Each change of one name does to the state before it what its write asked for. */
  #checkSteps(entries: readonly Entry[]): void {
    let before: Entry | undefined;
    for (const entry of entries) {
      const write = this.#writerOf.get(entry);
      const known = this.#timeline.isKnown(
        before?.revision ?? this.#timeline.start,
        entry.revision,
      );
      const wrong = write && (known ? wrongStep(before, entry, write) : wrongJump(before, write));
      if (wrong) this.#find(`write ${write.id}, ${textOf(entry)}: ${wrong}`);
      before = entry;
    }
  }

  /** What was over before something began is before it. */
  #checkOrder(): void {
    let latest = 0;
    for (const entry of this.#timeline.log) {
      const write = this.#writerOf.get(entry);
      if (write && write.returned < latest) {
        this.#find(`${textOf(entry)} comes after what began when it was over`);
      }
      latest = Math.max(latest, write?.invoked ?? 0);
      this.#begun.push(latest);
    }
  }

  #remember(): void {
    const shown = this.#calls.flatMap((call): [number, number][] => {
      const revision = this.#revisionOf(call);
      return revision === undefined ? [] : [[call.returned, revision]];
    });
    let newest = 0;
    for (const [returned, revision] of shown.sort(([a], [b]) => a - b)) {
      newest = Math.max(newest, revision);
      this.#shown.push([returned, newest]);
    }
  }

  #revisionOf(call: Call): number | undefined {
    if (call.type === 'list') return call.revision;
    if (call.type === 'get') return call.found?.revision;
    const { answer, name } = call;
    if (answer === undefined || 'refused' in answer) return undefined;
    if ('revision' in answer) return answer.revision;
    const entries = this.#timeline.of(name);
    return entries.find(({ deleted, uid }) => deleted && uid === answer.deleted)?.revision;
  }

  #checkCall(call: Call): void {
    if (call.type === 'list') {
      this.#checkList(call);
      return;
    }
    const { name } = call;
    if (call.type === 'get') {
      const { found } = call;
      const fits = (entry: Entry | undefined) =>
        found ? entry?.revision === found.revision : isAbsent(entry);
      if (this.#couldSee(name, call, fits, found !== undefined)) return;
      this.#find(`a get of ${name} at ${call.invoked} found ${found?.revision ?? 'nothing'}`);
    } else if (call.answer && 'refused' in call.answer) {
      const { refused } = call.answer;
      const fits = (entry: Entry | undefined) => isRefused(refused, call, entry);
      if (this.#couldSee(name, call, fits)) return;
      this.#find(`write ${call.id} was refused for ${refused}, which it was not`);
    } else if (call.answer && 'deleted' in call.answer) {
      this.#checkDeleted(call, call.answer.deleted);
    }
  }

  /** Whether one of a name's states that a call can have met fits. */
  #couldSee(
    name: string,
    call: Timed,
    fits: (entry: Entry | undefined) => boolean,
    exact = false,
  ): boolean {
    const oldest = this.#newestBefore(call.invoked);
    for (const { from, entry } of this.#timeline.spansAfter(name, oldest)) {
      if (this.#begunBy(from) >= call.returned) break;
      if (fits(entry)) return true;
    }
    if (exact) return false;
    const gaps = this.#timeline.gaps();
    return gaps.some(({ from, to }) => to > oldest && this.#begunBy(from) < call.returned);
  }

  #checkDeleted(call: Write, uid: string): void {
    const entries = this.#timeline.of(call.name);
    if (entries.some(each => each.deleted && each.uid === uid)) return;
    const last = entries.findLast(each => each.uid === uid)?.revision ?? 0;
    if (this.#timeline.isKnown(last, this.#timeline.end + 1))
      this.#find(`the deletion ${call.id} never took place`);
    for (const later of this.#calls) {
      if (later.invoked > call.returned && shows(later, uid)) {
        this.#find(`what ${call.id} deleted was seen again at ${later.invoked}`);
      }
    }
  }

  #checkList(list: List): void {
    const { revision, invoked, returned } = list;
    const what = `a list at ${invoked} of revision ${revision}`;
    const oldest = this.#newestBefore(invoked);
    if (revision < oldest) this.#find(`${what} is older than ${oldest}, which was seen before`);
    if (this.#begunBy(revision) >= returned) this.#find(`${what} shows what began after it`);
    const items = new Map(list.items.map(item => [item.name, item.revision]));
    for (const [name] of this.#timeline.names()) {
      const states = this.#timeline.statesAt(name, revision);
      const wanted = states.map(each => (isAbsent(each) ? undefined : each?.revision));
      const shown = items.get(name);
      if (wanted.includes(shown)) continue;
      const last = states.at(-1)?.revision ?? this.#timeline.start;
      const known = this.#timeline.isKnown(last, revision + 1);
      if (!known && shown === undefined && this.#mayBeDeleted(name, list)) continue;
      this.#find(`${what} has ${name} at ${shown}, want ${wanted.join(' or ') || 'none'}`);
    }
  }

  #mayBeDeleted(name: string, { returned }: Timed): boolean {
    return (this.#deletes.get(name) ?? []).some(
      ({ invoked, answer }) => invoked < returned && !(answer && 'refused' in answer),
    );
  }

  #newestBefore(time: number): number {
    const at = firstWhere(this.#shown.length, i => (this.#shown[i]?.[0] ?? 0) >= time);
    return this.#shown[at - 1]?.[1] ?? 0;
  }

  /** When the last of the writes up to a revision began. */
  #begunBy(revision: number): number {
    const { log } = this.#timeline;
    const at = firstWhere(log.length, i => (log[i]?.revision ?? 0) > revision);
    return this.#begun[at - 1] ?? 0;
  }

  #find(what: string): void {
    this.#found.push(what);
  }
}
