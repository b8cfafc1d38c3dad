import type { Clock, ClusterEvent, NodeInfo, PodInfo, QueuedPod, Timer } from 'kernetes/sdk';
import { UNSCHEDULABLE_CHECK_MS, UNSCHEDULABLE_MS_MAX } from '../limits.ts';
import { BackoffQueue, type BackoffTimes } from './backoff-queue.ts';
import { Heap } from './heap.ts';
import {
  ANYBODY,
  Entry,
  type Happening,
  InFlight,
  type Place,
  type WaitingPod,
  WaitingPods,
} from './waiting-pods.ts';

/**
 * Pods that want a node. Active: to be tried now, in the order of queueSort. Back-off: failed a
 * moment ago. Unschedulable: refused, until something happens that a refusing plugin waits for.
 * Gated: kept out by preEnqueue.
 */
export class SchedulingQueue {
  readonly #options: QueueOptions;
  readonly #entries = new Map<string, Entry>();
  readonly #active: Heap<Entry>;
  readonly #backoff: BackoffQueue;
  readonly #parked = new WaitingPods();
  readonly #gated = new WaitingPods();
  readonly #inFlight = new InFlight();
  readonly #counts: Record<Place, number> = {
    active: 0,
    backoff: 0,
    unschedulable: 0,
    gated: 0,
    scheduling: 0,
  };
  #sequence = 0;
  #checkTimer: Timer | undefined;
  #closed = false;

  constructor(options: QueueOptions) {
    this.#options = options;
    this.#active = new Heap((a, b) => options.sort(a, b) || a.sequence - b.sequence);
    this.#backoff = new BackoffQueue(
      options.clock,
      entry => this.#activate(entry),
      options.backoff,
    );
  }

  /** How many are where. */
  get counts(): Readonly<Record<Place, number>> {
    return this.#counts;
  }

  get(key: string): WaitingPod | undefined {
    return this.#entries.get(key);
  }

  all(): Iterable<WaitingPod> {
    return this.#entries.values();
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

  /** It is gone, was bound, or need not be. */
  delete(key: string): void {
    const entry = this.#entries.get(key);
    if (!entry) return;
    this.#entries.delete(key);
    this.#leave(entry);
    this.#counts[entry.place]--;
    this.#options.onMove?.();
    entry.gone = true;
  }

  /** The next to try. It stays known, as being scheduled, until `delete`, `retry` or `park`. */
  pop(): QueuedPod | undefined {
    for (let entry = this.#active.pop(); entry; entry = this.#active.pop()) {
      if (entry.gone) continue;
      this.#move(entry, 'scheduling');
      entry.attempts++;
      entry.changed = false;
      this.#inFlight.begin(entry);
      return entry;
    }
    return undefined;
  }

  /** The attempt failed for a reason that nobody waits for (an error): again after its back-off. */
  retry(key: string): void {
    const entry = this.#entries.get(key);
    if (entry?.place !== 'scheduling') return;
    this.#inFlight.drop(entry);
    this.#delay(entry);
  }

  /** The attempt was not one: again at once. */
  again(key: string): void {
    const entry = this.#entries.get(key);
    if (entry?.place !== 'scheduling') return;
    this.#inFlight.drop(entry);
    entry.attempts--;
    this.#activate(entry);
  }

  /** No node fits; `refusedBy` are the plugins that said so. */
  park(key: string, refusedBy: ReadonlySet<string>): void {
    const entry = this.#entries.get(key);
    if (entry?.place !== 'scheduling') return;
    entry.refusedBy = refusedBy;
    entry.parkedAt = this.#options.clock.now();
    // What happened while the attempt ran may be what the pod waits for.
    const missed = this.#inFlight.end(entry);
    if (entry.changed || !missed || missed.some(each => this.#concerns(entry, each))) {
      this.#delay(entry);
      return;
    }
    this.#move(entry, 'unschedulable');
    this.#parked.add(entry);
    this.#watchParked();
  }

  /** Something happened: pods refused by a plugin that waits for it are tried again. */
  wake(event: ClusterEvent, node?: NodeInfo, other?: PodInfo): void {
    const happening = { event, node, other };
    this.#inFlight.record(happening);
    if (this.#counts.unschedulable === 0) return;
    for (const plugin of [...this.#parked.plugins]) {
      if (plugin !== ANYBODY && !this.#options.listens(plugin, event)) continue;
      for (const entry of this.#parked.of(plugin)) {
        if (plugin === ANYBODY || this.#fits(entry, plugin, happening)) this.#delay(entry);
      }
    }
  }

  /** A plugin says that pods it refused, or those that `concerns` picks, may fit now. */
  wakeRefused(plugin: string, concerns?: (pod: PodInfo) => boolean): void {
    this.#inFlight.record({ plugin, concerns });
    for (const entry of this.#parked.of(plugin)) {
      if (!concerns || concerns(entry.pod)) this.#delay(entry);
    }
    for (const entry of this.#gated.of(plugin)) {
      if (!concerns || concerns(entry.pod)) this.#activate(entry);
    }
  }

  /** What held this one pod no longer does. */
  wakeOne(key: string): void {
    const entry = this.#entries.get(key);
    if (entry?.place === 'unschedulable') this.#delay(entry);
    else if (entry) entry.changed = true;
  }

  /** The plugins changed: all refusals are void, the order too, and gates are asked again. */
  wakeAll(): void {
    const active = this.#active.drain();
    for (const entry of active) if (!entry.gone) this.#activate(entry);
    for (const entry of this.#entries.values()) {
      if (entry.place === 'unschedulable') this.#delay(entry);
      else if (entry.place === 'gated') this.#activate(entry);
      else if (entry.place === 'scheduling') entry.changed = true;
    }
  }

  /** What still comes waits for ever. */
  close(): void {
    this.#closed = true;
    this.#backoff.close();
    this.#checkTimer?.cancel();
  }

  #change(entry: Entry, pod: PodInfo): void {
    const same = entry.pod.shape === pod.shape && alike(entry.pod.annotations, pod.annotations);
    entry.pod = pod;
    if (entry.place === 'gated') this.#activate(entry);
    else if (same) return;
    else if (entry.place === 'unschedulable') this.#delay(entry);
    else entry.changed = true;
  }

  #activate(entry: Entry): void {
    this.#leave(entry);
    const gate = this.#options.gate(entry.pod);
    if (gate === undefined) {
      this.#move(entry, 'active');
      this.#active.push(entry);
      this.#options.onActive();
      return;
    }
    entry.refusedBy = new Set([gate]);
    this.#move(entry, 'gated');
    this.#gated.add(entry);
  }

  #concerns(entry: Entry, happening: Happening): boolean {
    if (entry.refusedBy.size === 0) return true;
    if ('plugin' in happening) {
      const { plugin, concerns } = happening;
      return entry.refusedBy.has(plugin) && (!concerns || concerns(entry.pod));
    }
    for (const plugin of entry.refusedBy) if (this.#fits(entry, plugin, happening)) return true;
    return false;
  }

  #fits({ pod }: Entry, plugin: string, happening: Extract<Happening, { event: unknown }>) {
    // What it gave up itself is not what it waits for.
    if (happening.other?.uid === pod.uid) return false;
    return this.#options.fits(plugin, { ...happening, pod });
  }

  /** To the back-off queue, or straight to the active one if its back-off is over. */
  #delay(entry: Entry): void {
    const { clock } = this.#options;
    const from = entry.place === 'unschedulable' ? entry.parkedAt : clock.now();
    if (this.#backoff.endOf(entry, from) <= clock.now()) {
      this.#activate(entry);
      return;
    }
    this.#leave(entry);
    this.#move(entry, 'backoff');
    this.#backoff.push(entry);
  }

  /** While pods are parked, looks now and then for those that no event woke. */
  #watchParked(): void {
    if (this.#checkTimer || this.#closed) return;
    const { clock } = this.#options;
    this.#checkTimer = clock.setTimeout(() => {
      this.#checkTimer = undefined;
      const before = clock.now() - UNSCHEDULABLE_MS_MAX;
      for (const entry of this.#entries.values()) {
        if (entry.place === 'unschedulable' && entry.parkedAt <= before) this.#delay(entry);
      }
      if (this.#counts.unschedulable > 0) this.#watchParked();
    }, UNSCHEDULABLE_CHECK_MS);
  }

  #leave(entry: Entry): void {
    if (entry.place === 'unschedulable') this.#parked.delete(entry);
    else if (entry.place === 'gated') this.#gated.delete(entry);
    else if (entry.place === 'scheduling') this.#inFlight.drop(entry);
  }

  #move(entry: Entry, place: Place): void {
    this.#counts[entry.place]--;
    this.#counts[place]++;
    this.#options.onMove?.();
    entry.place = place;
  }
}

export interface QueueOptions {
  readonly clock: Clock;
  /** Default: upstream's. */
  readonly backoff?: BackoffTimes;
  /** queueSort of the profiles. */
  sort(a: QueuedPod, b: QueuedPod): number;
  /** preEnqueue of its profile: who keeps the pod out; undefined: it may be tried. */
  gate(pod: PodInfo): string | undefined;
  /** Whether some pod that `plugin` refused may fit after `event`. */
  listens(plugin: string, event: ClusterEvent): boolean;
  /** Whether this pod, which `plugin` refused, may. */
  fits(plugin: string, change: PodChange): boolean;
  /** The counts changed. */
  onMove?(): void;
  /** The active queue is no longer empty. */
  onActive(): void;
}

export interface PodChange {
  readonly pod: PodInfo;
  readonly event: ClusterEvent;
  readonly node: NodeInfo | undefined;
  readonly other: PodInfo | undefined;
}

function alike(a: Readonly<Record<string, string>>, b: Readonly<Record<string, string>>): boolean {
  return a === b || JSON.stringify(a) === JSON.stringify(b);
}
