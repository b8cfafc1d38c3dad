import type { Clock, Node } from 'kernetes/sdk';
import type { Config } from './config.ts';
import { EvictionQueue } from './eviction-queue.ts';

export type ZoneState = 'Initial' | 'Normal' | 'PartialDisruption' | 'FullDisruption';

export interface ZonesOptions {
  readonly clock: Clock;
  readonly config: Config;
  /** The node may be tainted so that its pods are evicted: see `mayEvict`. */
  readonly onTurn: (name: string) => void;
  /** All zones are down, or no longer so. */
  readonly onDisruption: (disrupted: boolean) => void;
  /** After each judgement, of every zone. */
  readonly onJudged: (zone: string, size: number, notReady: number) => void;
}

interface Zone {
  readonly queue: EvictionQueue;
  state: ZoneState;
  ready: number;
  notReady: number;
  members: number;
}

interface Member {
  readonly zone: Zone;
  readonly ready: boolean;
  /** It counts in its zone's state. */
  readonly counts: boolean;
}

/**
 * How the zones are, and whose turn it is to lose its pods. Counted as nodes change, judged once a
 * monitoring period when something did. A node gets into its zone's queue only at such a judgement,
 * so that when all fail in one moment it is seen before any of them evicts.
 */
export class Zones {
  readonly #options: ZonesOptions;
  readonly #zones = new Map<string, Zone>();
  readonly #members = new Map<string, Member>();
  readonly #pending = new Set<string>();
  readonly #turns = new Set<string>();
  #disrupted = false;
  #judging = false;

  constructor(options: ZonesOptions) {
    this.#options = options;
  }

  /** All zones are down: nobody is to lose pods, since it is most likely us who are cut off. */
  get disrupted(): boolean {
    return this.#disrupted;
  }

  observe(node: Node): void {
    const { name = '', labels = {} } = node.metadata;
    const zone = this.#zoneOf(zoneKey(node));
    const ready = isReady(node);
    const counts = labels[EXCLUDED] === undefined;
    const known = this.#members.get(name);
    if (known?.zone === zone && known.ready === ready && known.counts === counts) return;
    this.#leave(name);
    this.#members.set(name, { zone, ready, counts });
    zone.members++;
    if (counts) zone[ready ? 'ready' : 'notReady']++;
    this.#judgeSoon();
  }

  forget(name: string): void {
    this.withdraw(name);
    this.#leave(name);
    this.#judgeSoon();
  }

  /** The node should lose its pods when its turn comes. */
  failed(name: string): void {
    if (this.#pending.has(name) || this.#turns.has(name)) return;
    if (this.#members.get(name)?.zone.queue.has(name)) return;
    this.#pending.add(name);
    this.#judgeSoon();
  }

  /** It has lost them, or need not. */
  withdraw(name: string): void {
    this.#pending.delete(name);
    this.#turns.delete(name);
    this.#members.get(name)?.zone.queue.delete(name);
  }

  mayEvict(name: string): boolean {
    return this.#turns.has(name);
  }

  #zoneOf(key: string): Zone {
    const known = this.#zones.get(key);
    if (known) return known;
    const { clock, config } = this.#options;
    const queue = new EvictionQueue({
      clock,
      rate: config.nodeEvictionRate,
      onTurn: name => this.#turn(name),
    });
    const zone: Zone = { queue, state: 'Initial', ready: 0, notReady: 0, members: 0 };
    this.#zones.set(key, zone);
    return zone;
  }

  #leave(name: string): void {
    const member = this.#members.get(name);
    if (!member) return;
    this.#members.delete(name);
    member.zone.members--;
    if (member.counts) member.zone[member.ready ? 'ready' : 'notReady']--;
    member.zone.queue.delete(name);
  }

  #turn(name: string): void {
    this.#turns.add(name);
    this.#options.onTurn(name);
  }

  #judgeSoon(): void {
    if (this.#judging) return;
    this.#judging = true;
    const { clock, config } = this.#options;
    clock.setTimeout(() => this.#judge(), config.nodeMonitorPeriodMs);
  }

  #judge(): void {
    this.#judging = false;
    for (const [key, zone] of this.#zones) {
      this.#options.onJudged(key, zone.ready + zone.notReady, zone.notReady);
      if (zone.members === 0) this.#zones.delete(key);
      else zone.state = stateOf(zone, this.#options.config);
    }
    const disrupted = this.#areAllDown();
    for (const zone of this.#zones.values()) {
      if (disrupted) zone.queue.clear();
      zone.queue.setRate(disrupted ? 0 : rateOf(zone, this.#options.config));
    }
    if (disrupted) this.#turns.clear();
    const changed = disrupted !== this.#disrupted;
    this.#disrupted = disrupted;
    if (changed) this.#options.onDisruption(disrupted);
    const pending = [...this.#pending];
    this.#pending.clear();
    if (disrupted) return;
    for (const name of pending) this.#members.get(name)?.zone.queue.add(name);
  }

  #areAllDown(): boolean {
    const counted = [...this.#zones.values()].filter(zone => zone.ready + zone.notReady > 0);
    return counted.length > 0 && counted.every(({ state }) => state === 'FullDisruption');
  }
}

/** As upstream: region and zone, either of which may be missing. */
export function zoneKey({ metadata: { labels = {} } }: Node): string {
  const region = labels['topology.kubernetes.io/region'] ?? labels[`${EARLIER}region`] ?? '';
  const zone = labels['topology.kubernetes.io/zone'] ?? labels[`${EARLIER}zone`] ?? '';
  return region || zone ? `${region}:${zone}` : '';
}

export function stateOf(
  { ready, notReady }: Pick<Zone, 'ready' | 'notReady'>,
  { unhealthyZoneThreshold }: Pick<Config, 'unhealthyZoneThreshold'>,
): ZoneState {
  if (ready === 0 && notReady > 0) return 'FullDisruption';
  const isPartial = notReady > 2 && notReady / (notReady + ready) >= unhealthyZoneThreshold;
  return isPartial ? 'PartialDisruption' : 'Normal';
}

function rateOf({ state, ready, notReady }: Zone, config: Config): number {
  if (state !== 'PartialDisruption') return config.nodeEvictionRate;
  const isLarge = ready + notReady > config.largeClusterSizeThreshold;
  return isLarge ? config.secondaryNodeEvictionRate : 0;
}

function isReady({ status }: Node): boolean {
  return status?.conditions?.find(({ type }) => type === 'Ready')?.status === 'True';
}

const EARLIER = 'failure-domain.beta.kubernetes.io/';
const EXCLUDED = 'node.kubernetes.io/exclude-disruption';
