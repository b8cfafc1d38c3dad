import type { Clock } from '../../sdk/clock.ts';
import type { KernelLink } from '../../sdk/link.ts';
import type { PluginDefinition } from '../../sdk/plugin.ts';
import { PluginLife } from '../../sdk/plugin-life.ts';
import type { Random } from '../../sdk/random.ts';
import type { SharedElections } from '../../sdk/shared-elections.ts';
import type { SharedInformers } from '../../sdk/shared-informers.ts';
import { Limits } from '../limits.ts';
import { LoadError } from './manifest.ts';

export interface InlinePluginOptions {
  readonly name: string;
  readonly definition: PluginDefinition;
  readonly config: unknown;
  readonly link: KernelLink;
  readonly clock: Clock;
  readonly random: Random;
  readonly shared: SharedInformers;
  readonly elections?: SharedElections;
}

/** A plugin in the kernel's own thread. */
export class InlinePlugin {
  readonly name: string;
  readonly #clock: Clock;
  readonly #life: PluginLife;

  constructor({ definition, ...options }: InlinePluginOptions) {
    this.name = options.name;
    this.#clock = options.clock;
    this.#life = new PluginLife(definition, options);
  }

  /** Rejects with what `activate` threw, or when it is not done within the deadline. */
  async activate(): Promise<void> {
    await withDeadline(this.#life.activate(), this.#clock, this.name);
  }

  dispose(): Promise<void> {
    return this.#life.dispose();
  }
}

function withDeadline(work: Promise<void>, clock: Clock, name: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = clock.setTimeout(() => {
      const seconds = Limits.activateTimeoutMs / 1_000;
      reject(new LoadError(`Plugin "${name}" did not finish activating within ${seconds} s`));
    }, Limits.activateTimeoutMs);
    work.then(resolve, reject).finally(() => timer.cancel());
  });
}
