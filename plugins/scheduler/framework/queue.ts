import type { Clock, ClusterEvent, PodInfo, QueuedPod, Timer } from 'kernetes/sdk';
import { Heap } from './heap.ts';
import {
  BACKOFF_MS_MAX,
  BACKOFF_MS_MIN,
  UNSCHEDULABLE_CHECK_MS,
  UNSCHEDULABLE_MS_MAX,
} from './limits.ts';

/**
 * Pods that want a node. Active: to be tried now, in the order of queueSort. Back-off: failed a
 * moment ago. Unschedulable: refused, until something happens that a refusing plugin waits for.
 * Gated: kept out by preEnqueue.
 */
export class SchedulingQueue {
  readonly #options: QueueOptions;
  readonly #entries = new Map<string, Entry>();
  readonly #active: Heap<Entry>;
  readonly #backoff = new Heap<Entry>((a, b) => a.readyAt - b.readyAt);
  readonly #counts: Record<Place, number> = {
    active: 0,
    backoff: 0,
    unschedulable: 0,
    gated: 0,
    scheduling: 0,
  };
  #sequence = 0;
  #moves = 0;
  #backoffTimer: Timer | undefined;
  #checkTimer: Timer | undefined;

  constructor(options: QueueOptions) {
    this.#options = options;
    this.#active = new Heap((a, b) => options.sort(a, b) || a.sequence - b.sequence);
  }

  /** How many are where. */
  get counts(): Readonly<Record<Place, number>> {
    return this.#counts;
  }

  get(key: string): QueuedPod | undefined {
    return this.#entries.get(key);
  }

  /** A new pod, or a known one that changed. */
  set(pod: PodInfo): void {
    const entry = this.#entries.get(pod.key);
    if (entry?.pod.uid === pod.uid) {
      this.#change(entry, pod);
      return;
    }
    this.delete(pod.key);
    const fresh = new Entry(pod, this.#options.clock.now(), this.#sequence++);
    this.#entries.set(pod.key, fresh);
    this.#counts[fresh.place]++;
    this.#activate(fresh);
  }

  delete(key: string): void {
    const entry = this.#entries.get(key);
    if (!entry) return;
    this.#entries.delete(key);
    this.#counts[entry.place]--;
    entry.gone = true;
  }

  /** The next to try. It stays known, as being scheduled, until `done` or `retry`. */
  pop(): QueuedPod | undefined {
    for (let entry = this.#active.pop(); entry; entry = this.#active.pop()) {
      if (entry.gone) continue;
      this.#move(entry, 'scheduling');
      entry.attempts++;
      entry.moves = this.#moves;
      return entry;
    }
    return undefined;
  }

  /** It was bound, or need not be. */
  done(key: string): void {
    this.delete(key);
  }

  /** The attempt failed for a reason that nobody waits for (an error): again after its back-off. */
  retry(key: string): void {
    const entry = this.#entries.get(key);
    if (entry?.place === 'scheduling') this.#delay(entry);
  }

  /** No node fits; `refusedBy` are the plugins that said so. */
  park(key: string, refusedBy: ReadonlySet<string>): void {
    const entry = this.#entries.get(key);
    if (entry?.place !== 'scheduling') return;
    entry.refusedBy = refusedBy;
    entry.parkedAt = this.#options.clock.now();
    // What happened while the attempt ran may be what the pod waits for.
    if (entry.moves !== this.#moves) {
      this.#delay(entry);
      return;
    }
    this.#move(entry, 'unschedulable');
    this.#watchParked();
  }

  /** Something happened: pods refused by a plugin that waits for it are tried again. */
  wake(event: ClusterEvent): void {
    this.#moves++;
    if (this.#counts.unschedulable === 0) return;
    this.#wakeIf(entry => {
      for (const plugin of entry.refusedBy) if (this.#options.wakes(plugin, event)) return true;
      return entry.refusedBy.size === 0;
    });
  }

  /** A plugin says that pods it refused, or those that `concerns` picks, may fit now. */
  wakeRefused(plugin: string, concerns: (pod: PodInfo) => boolean = () => true): void {
    this.#moves++;
    if (this.#counts.unschedulable === 0) return;
    this.#wakeIf(({ refusedBy, pod }) => refusedBy.has(plugin) && concerns(pod));
  }

  /** The plugins changed: all refusals are void, the order too, and gates are asked again. */
  wakeAll(): void {
    this.#moves++;
    for (const entry of this.#active.drain()) if (!entry.gone) this.#active.push(entry);
    this.#wakeIf(() => true);
    for (const entry of this.#entries.values()) if (entry.place === 'gated') this.#activate(entry);
  }

  close(): void {
    this.#backoffTimer?.cancel();
    this.#checkTimer?.cancel();
  }

  #change(entry: Entry, pod: PodInfo): void {
    const same = entry.pod.shape === pod.shape;
    entry.pod = pod;
    if (entry.place === 'gated') this.#activate(entry);
    else if (!same && entry.place === 'unschedulable') this.#delay(entry);
  }

  #activate(entry: Entry): void {
    if (this.#options.admits(entry.pod)) {
      this.#move(entry, 'active');
      this.#active.push(entry);
      this.#options.onActive();
    } else {
      this.#move(entry, 'gated');
    }
  }

  #wakeIf(want: (entry: Entry) => boolean): void {
    for (const entry of this.#entries.values()) {
      if (entry.place === 'unschedulable' && want(entry)) this.#delay(entry);
    }
  }

  /** To the back-off queue, or straight to the active one if its back-off is over. */
  #delay(entry: Entry): void {
    const { clock } = this.#options;
    const backoff = Math.min(BACKOFF_MS_MIN * 2 ** Math.max(0, entry.attempts - 1), BACKOFF_MS_MAX);
    const from = entry.place === 'unschedulable' ? entry.parkedAt : clock.now();
    entry.readyAt = from + backoff;
    if (entry.readyAt <= clock.now()) {
      this.#activate(entry);
      return;
    }
    this.#move(entry, 'backoff');
    this.#backoff.push(entry);
    this.#armBackoff();
  }

  #armBackoff(): void {
    this.#backoffTimer?.cancel();
    const next = this.#backoff.peek();
    if (!next) return;
    const { clock } = this.#options;
    const ms = Math.max(0, next.readyAt - clock.now());
    this.#backoffTimer = clock.setTimeout(() => this.#endBackoff(), ms);
  }

  #endBackoff(): void {
    const now = this.#options.clock.now();
    for (
      let next = this.#backoff.peek();
      next && next.readyAt <= now;
      next = this.#backoff.peek()
    ) {
      this.#backoff.pop();
      if (!next.gone) this.#activate(next);
    }
    this.#armBackoff();
  }

  /** While pods are parked, looks now and then for those that no event woke. */
  #watchParked(): void {
    if (this.#checkTimer) return;
    const { clock } = this.#options;
    this.#checkTimer = clock.setTimeout(() => {
      this.#checkTimer = undefined;
      const before = clock.now() - UNSCHEDULABLE_MS_MAX;
      this.#wakeIf(entry => entry.parkedAt <= before);
      if (this.#counts.unschedulable > 0) this.#watchParked();
    }, UNSCHEDULABLE_CHECK_MS);
  }

  #move(entry: Entry, place: Place): void {
    this.#counts[entry.place]--;
    this.#counts[place]++;
    entry.place = place;
  }
}

export interface QueueOptions {
  readonly clock: Clock;
  /** queueSort of the profile. */
  sort(a: QueuedPod, b: QueuedPod): number;
  /** preEnqueue of the profile: whether the pod may be tried. */
  admits(pod: PodInfo): boolean;
  /** Whether a pod that `plugin` refused may fit after `event`. */
  wakes(plugin: string, event: ClusterEvent): boolean;
  /** The active queue is no longer empty. */
  onActive(): void;
}

export type Place = 'active' | 'backoff' | 'unschedulable' | 'gated' | 'scheduling';

const NOBODY: ReadonlySet<string> = new Set();

class Entry implements QueuedPod {
  pod: PodInfo;
  readonly queuedAt: number;
  readonly sequence: number;
  attempts = 0;
  place: Place = 'gated';
  gone = false;
  refusedBy = NOBODY;
  parkedAt = 0;
  readyAt = 0;
  /** How many events had been seen when its attempt began. */
  moves = 0;

  constructor(pod: PodInfo, queuedAt: number, sequence: number) {
    this.pod = pod;
    this.queuedAt = queuedAt;
    this.sequence = sequence;
  }
}
