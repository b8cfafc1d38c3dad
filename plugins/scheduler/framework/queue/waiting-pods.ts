import type { ClusterEvent, NodeInfo, PodInfo, QueuedPod, Wake } from 'kernetes/sdk';
import { IN_FLIGHT_EVENTS_MAX } from '../limits.ts';

export type Place = 'active' | 'backoff' | 'unschedulable' | 'gated' | 'scheduling';

/** A pod in the queue, and whom it waits for. */
export interface WaitingPod extends QueuedPod {
  readonly place: Place;
  /** When unschedulable: who refused it. When gated: who keeps it out. */
  readonly refusedBy: ReadonlySet<string>;
}

/** A pod in the queue, in one place at a time. */
export class Entry implements QueuedPod {
  pod: PodInfo;
  readonly queuedAt: number;
  readonly sequence: number;
  attempts = 0;
  place: Place = 'gated';
  gone = false;
  /** Whose word holds it: of refusing plugins, or of the one that keeps it out. */
  refusedBy = NOBODY;
  parkedAt = 0;
  readyAt = 0;
  /** It changed while it was tried. */
  changed = false;
  /** What had happened when its attempt began; see `InFlight`. */
  since = 0;

  constructor(pod: PodInfo, queuedAt: number, sequence: number) {
    this.pod = pod;
    this.queuedAt = queuedAt;
    this.sequence = sequence;
  }
}

const NOBODY: ReadonlySet<string> = new Set();

/** Something that may let pods fit: an event, or a word of a plugin about pods that it refused. */
export type Happening =
  | {
      readonly event: ClusterEvent;
      readonly node: NodeInfo | undefined;
      readonly other: PodInfo | undefined;
    }
  | { readonly plugin: string; readonly concerns: Parameters<Wake>[0] };

/** Pods that wait for somebody, by plugin: who waits for nobody costs nothing. */
export class WaitingPods {
  readonly #byPlugin = new Map<string, Set<Entry>>();

  add(entry: Entry): void {
    for (const plugin of keysOf(entry)) {
      const entries = this.#byPlugin.get(plugin);
      if (entries) entries.add(entry);
      else this.#byPlugin.set(plugin, new Set([entry]));
    }
  }

  delete(entry: Entry): void {
    for (const plugin of keysOf(entry)) {
      const entries = this.#byPlugin.get(plugin);
      entries?.delete(entry);
      if (entries?.size === 0) this.#byPlugin.delete(plugin);
    }
  }

  /** The names of those waited for. `ANYBODY` stands for all. */
  get plugins(): Iterable<string> {
    return this.#byPlugin.keys();
  }

  /** As they are now: whoever walks through them may take them away. */
  of(plugin: string): readonly Entry[] {
    return [...(this.#byPlugin.get(plugin) ?? [])];
  }
}

/** In place of a plugin, for pods that nobody in particular refused. */
export const ANYBODY = '';

function keysOf({ refusedBy }: Entry): Iterable<string> {
  return refusedBy.size === 0 ? [ANYBODY] : refusedBy;
}

/** What happens while pods are tried: the attempt may have come too early to see it. */
export class InFlight {
  /** In the order in which their attempts began. */
  readonly #entries = new Set<Entry>();
  #log: Happening[] = [];
  /** How many happenings came before the first of `#log`. */
  #before = 0;

  begin(entry: Entry): void {
    entry.since = this.#before + this.#log.length;
    this.#entries.add(entry);
  }

  record(happening: Happening): void {
    if (this.#entries.size === 0) return;
    if (this.#log.length >= IN_FLIGHT_EVENTS_MAX) this.#forget(this.#log.length);
    this.#log.push(happening);
  }

  /** Ends the attempt. Gives what happened since it began; undefined: more than is kept. */
  end(entry: Entry): readonly Happening[] | undefined {
    this.#entries.delete(entry);
    const from = entry.since - this.#before;
    const since = from < 0 ? undefined : from >= this.#log.length ? [] : this.#log.slice(from);
    const [oldest] = this.#entries;
    if (!oldest) this.#forget(this.#log.length);
    else if (oldest.since - this.#before > this.#log.length / 2)
      this.#forget(oldest.since - this.#before);
    return since;
  }

  /** Ends an attempt that came to something. */
  drop(entry: Entry): void {
    if (!this.#entries.delete(entry)) return;
    const [oldest] = this.#entries;
    const useless = oldest ? oldest.since - this.#before : this.#log.length;
    if (useless > 0 && useless >= this.#log.length / 2) this.#forget(useless);
  }

  #forget(count: number): void {
    if (count <= 0) return;
    this.#before += count;
    this.#log = this.#log.slice(count);
  }
}
