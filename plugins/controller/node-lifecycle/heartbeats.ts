import type { Clock, Lease, Node } from 'kernetes/sdk';
import type { Config } from './config.ts';
import { DeadlineWheel } from './deadline-wheel.ts';

export interface HeartbeatsOptions {
  readonly clock: Clock;
  readonly config: Config;
  /** Nothing was heard of the node for its period of grace; told once, until it is heard of again. */
  readonly onOverdue: (name: string) => void;
}

/** What was last heard of a node, and when by our own clock: those of nodes may be wrong. */
interface Beat {
  readonly name: string;
  /** Monotonic. */
  heardAtMs: number;
  readonly hasReady: boolean;
  heartbeatTime: string | undefined;
  renewTime: string | undefined;
  /** It is in the wheel. */
  waits: boolean;
}

/** When each node was last heard of. A Lease that is renewed costs a look-up and two assignments. */
export class Heartbeats {
  readonly #options: HeartbeatsOptions;
  readonly #beats = new Map<string, Beat>();
  readonly #wheel: DeadlineWheel<Beat>;

  constructor(options: HeartbeatsOptions) {
    const { clock, config } = options;
    this.#options = options;
    this.#wheel = new DeadlineWheel({
      clock,
      slotMs: config.nodeMonitorPeriodMs,
      onDue: beat => this.#due(beat),
    });
  }

  /** The node as it is now: a new heartbeat in its condition counts, another change does not. */
  observe({ metadata, status }: Node): void {
    const { name = '', creationTimestamp = '' } = metadata;
    const ready = status?.conditions?.find(({ type }) => type === 'Ready');
    const { lastHeartbeatTime } = ready ?? {};
    const known = this.#beats.get(name);
    if (known?.hasReady !== !!ready) {
      // Another period of grace, which may end sooner: what waits in the wheel is void.
      const heardAtMs = this.#now - (known || ready ? 0 : this.#ageMs(creationTimestamp));
      const parts = { hasReady: !!ready, heartbeatTime: lastHeartbeatTime };
      const beat = { name, heardAtMs, ...parts, renewTime: known?.renewTime, waits: false };
      this.#beats.set(name, beat);
      this.#wait(beat);
    } else if (known.heartbeatTime !== lastHeartbeatTime) {
      known.heartbeatTime = lastHeartbeatTime;
      this.#heard(known);
    }
  }

  renewed({ metadata: { name = '' }, spec }: Lease): void {
    const beat = this.#beats.get(name);
    if (!beat || beat.renewTime === spec?.renewTime) return;
    beat.renewTime = spec?.renewTime;
    this.#heard(beat);
  }

  isOverdue(name: string): boolean {
    const beat = this.#beats.get(name);
    return beat !== undefined && this.#now >= this.#deadline(beat);
  }

  forget(name: string): void {
    this.#beats.delete(name);
  }

  /** As if all had been heard of now. */
  reset(): void {
    for (const beat of this.#beats.values()) this.#heard(beat);
  }

  get #now(): number {
    return this.#options.clock.monotonic();
  }

  #ageMs(creationTimestamp: string): number {
    return Math.max(0, this.#options.clock.now() - (Date.parse(creationTimestamp) || 0));
  }

  #deadline({ heardAtMs, hasReady }: Beat): number {
    const { nodeMonitorGracePeriodMs, nodeStartupGracePeriodMs } = this.#options.config;
    return heardAtMs + (hasReady ? nodeMonitorGracePeriodMs : nodeStartupGracePeriodMs);
  }

  #heard(beat: Beat): void {
    beat.heardAtMs = this.#now;
    if (!beat.waits) this.#wait(beat);
  }

  #wait(beat: Beat): void {
    beat.waits = true;
    this.#wheel.add(beat, this.#deadline(beat));
  }

  #due(beat: Beat): void {
    if (this.#beats.get(beat.name) !== beat) return;
    beat.waits = false;
    // From here on it is out of the wheel until it is heard of again.
    if (this.#now >= this.#deadline(beat)) this.#options.onOverdue(beat.name);
    else this.#wait(beat);
  }
}
