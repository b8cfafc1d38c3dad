import { type Clock, isRefusal, type Timer, type Verdict } from 'kernetes/sdk';
import { LATE_POINT_MS_MAX } from '../limits.ts';
import { PluginFailure } from '../profile/profile.ts';
import { type Binding, Cancelled } from './binding.ts';

/** What a permit said that makes a pod wait. */
export interface Wait {
  readonly plugin: string;
  readonly until: Promise<Verdict | undefined>;
  readonly timeoutMs: number;
}

export interface NotPermitted {
  readonly plugin: string;
  readonly why: Verdict;
}

/** Holds pods until all that they wait for agree, or one does not. */
export class PermitWaits {
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Undefined: go on. Throws when the pod is gone, or a plugin waits for nothing. */
  async all(binding: Binding, waits: readonly Wait[]): Promise<NotPermitted | undefined> {
    for (const wait of waits) assertWait(wait);
    const timers: Timer[] = [];
    for (const { plugin } of waits) binding.waitsFor.add(plugin);
    try {
      const settled = waits.map(wait => this.#settle(wait, timers));
      await binding.unlessCancelled(Promise.all(settled));
      return undefined;
    } catch (error) {
      if (error instanceof Cancelled) throw error;
      return error as NotPermitted;
    } finally {
      for (const timer of timers) timer.cancel();
      binding.waitsFor.clear();
    }
  }

  /** Rejects with a `NotPermitted`. */
  #settle({ plugin, until, timeoutMs }: Wait, timers: Timer[]): Promise<void> {
    return new Promise((resolve, reject) => {
      const refuse = (why: Verdict): void => reject({ plugin, why } satisfies NotPermitted);
      const say = (reason: string): void => refuse({ code: 'unschedulable', reasons: [reason] });
      const ms = Math.min(timeoutMs, LATE_POINT_MS_MAX);
      const late = `rejected due to timeout after waiting ${goDuration(ms)} at plugin ${plugin}`;
      timers.push(this.#clock.setTimeout(() => say(late), ms));
      until.then(
        outcome => (isRefusal(outcome) ? refuse(outcome) : resolve()),
        (error: unknown) => say(error instanceof Error ? error.message : String(error)),
      );
    });
  }
}

function assertWait({ plugin, until, timeoutMs }: Wait): void {
  if (until instanceof Promise && timeoutMs >= 0) return;
  const why = `permit makes the pod wait ${timeoutMs} ms for ${typeof until}`;
  throw new PluginFailure(plugin, new Error(why));
}

/** `1m30s`, as upstream tells how long it waited. */
function goDuration(ms: number): string {
  if (ms < 1000) return ms === 0 ? '0s' : `${ms}ms`;
  const minutes = Math.floor(ms / 60_000);
  const hours = Math.floor(minutes / 60);
  const seconds = `${(ms % 60_000) / 1000}s`;
  if (hours > 0) return `${hours}h${minutes % 60}m${seconds}`;
  return minutes > 0 ? `${minutes}m${seconds}` : seconds;
}
