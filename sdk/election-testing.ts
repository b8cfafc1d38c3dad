import { Lease } from './api/types-coordination-v1.ts';
import type { Clock, Timer } from './clock.ts';
import type { KubeObject } from './kind.ts';
import { ELECTION_TIMES } from './leadership.ts';
import type { KernelLink } from './link.ts';
import type { ObjectWatchSink } from './objects.ts';
import type { PluginDefinition } from './plugin.ts';
import { PluginLife } from './plugin-life.ts';
import type { ObjectRequest } from './request.ts';
import { SharedElections } from './shared-elections.ts';
import { SharedInformers } from './shared-informers.ts';
import type { FakeClock } from './testing/fake-clock.ts';
import { seededRandom } from './testing/seeded-random.ts';
import type { TestKernel } from './testing/test-kernel.ts';

export interface TestProcessOptions {
  readonly kernel: TestKernel;
  readonly clock: FakeClock;
  /** How much its wall clock is ahead. */
  readonly skewMs?: number;
  /** Called with each write, right after the kernel has done or refused it. */
  readonly onWrite?: (write: TestWrite) => void;
}

export interface TestWrite {
  readonly request: ObjectRequest;
  readonly ok: boolean;
  readonly by: string;
  /** Who held the Lease of that name when it was done. */
  holder(lease: string): string | undefined;
}

/**
 * One process beside others on a test kernel. While it is paused, as by SIGSTOP, none of its code
 * runs: its timers, and what the kernel tells it, wait.
 */
export class TestProcess {
  readonly identity: string;
  readonly elections: SharedElections;
  /** What comes back to it is lost, after it was done. */
  losesAnswers = false;
  readonly #options: TestProcessOptions;
  readonly #clock: Clock;
  readonly #informers: SharedInformers;
  #waiting: (() => void)[] | undefined;

  constructor(identity: string, options: TestProcessOptions) {
    this.identity = identity;
    this.#options = options;
    this.#clock = this.#ownClock();
    const clock = this.#clock;
    const random = seededRandom(identity.length + identity.charCodeAt(0));
    this.#informers = new SharedInformers({ clock, random });
    const settings = { identity, ...ELECTION_TIMES };
    this.elections = new SharedElections({ settings, clock, random });
  }

  /** Its life in this process; in another thread of it, if `elections` are given. */
  async run<C>(plugin: PluginDefinition<C>, elections = this.elections): Promise<PluginLife> {
    const life = new PluginLife(plugin as PluginDefinition, {
      name: plugin.name,
      config: {},
      link: this.link(plugin.name),
      clock: this.#clock,
      random: seededRandom(),
      shared: this.#informers,
      elections,
    });
    await life.activate();
    return life;
  }

  pause(): void {
    this.#waiting ??= [];
  }

  resume(): void {
    const waiting = this.#waiting ?? [];
    this.#waiting = undefined;
    for (const go of waiting) go();
  }

  link(plugin: string): KernelLink {
    const { kernel } = this.#options;
    const inner = kernel.link(`${this.identity}/${plugin}`);
    return {
      ...inner,
      request: async requests => {
        const results = await Promise.all(
          requests.map(async request => {
            const done = inner.request([request]);
            const held = heldBy(kernel);
            const [result] = await done;
            if (result === undefined) throw new Error('The kernel gave no answer');
            if (request.verb !== 'get' && request.verb !== 'list') {
              const write = { request, ok: result.ok, by: this.identity, holder: held };
              this.#options.onWrite?.(write);
            }
            return result;
          }),
        );
        await new Promise<void>(resolve => this.#soon(resolve));
        if (this.losesAnswers) throw new Error('The answer is lost');
        return results;
      },
      watch: (request, sink) => inner.watch(request, this.#gated(sink)),
    };
  }

  #soon(action: () => void): void {
    if (this.#waiting) this.#waiting.push(action);
    else action();
  }

  #gated(sink: ObjectWatchSink<KubeObject>): ObjectWatchSink<KubeObject> {
    return {
      onEvents: events => this.#soon(() => sink.onEvents(events)),
      onEnd: error => this.#soon(() => sink.onEnd(error)),
    };
  }

  #ownClock(): Clock {
    const { clock, skewMs = 0 } = this.#options;
    return {
      now: () => clock.now() + skewMs,
      monotonic: () => clock.monotonic(),
      setTimeout: (callback, ms): Timer => {
        let isCancelled = false;
        const run = () => {
          if (!isCancelled) callback();
        };
        const timer = clock.setTimeout(() => this.#soon(run), ms);
        return {
          cancel() {
            isCancelled = true;
            timer.cancel();
          },
          unref() {},
        };
      },
    };
  }
}

/** As it is now; to be asked later. */
function heldBy(kernel: TestKernel): (lease: string) => string | undefined {
  const holders = new Map(
    kernel.all(Lease).map(({ metadata, spec }) => [metadata.name, spec?.holderIdentity]),
  );
  return lease => holders.get(lease);
}
