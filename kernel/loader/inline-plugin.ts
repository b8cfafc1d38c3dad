import type { Clock } from '../../sdk/clock.ts';
import { createContext, type OpenContext } from '../../sdk/context.ts';
import type { KernelLink } from '../../sdk/link.ts';
import type { PluginDefinition } from '../../sdk/plugin.ts';
import type { Random } from '../../sdk/random.ts';
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
}

/** A plugin in the kernel's own thread. */
export class InlinePlugin {
  readonly name: string;
  readonly #definition: PluginDefinition;
  readonly #clock: Clock;
  readonly #open: OpenContext<unknown>;

  constructor(options: InlinePluginOptions) {
    const { name, definition, config, link, clock, random, shared } = options;
    this.name = name;
    this.#definition = definition;
    this.#clock = clock;
    this.#open = createContext({ name, config, link, clock, random, shared });
  }

  /** Rejects with what `activate` threw, or when it is not done within the deadline. */
  async activate(): Promise<void> {
    const activation = Promise.resolve(this.#definition.activate(this.#open.context));
    await withDeadline(activation, this.#clock, this.name);
  }

  dispose(): Promise<void> {
    return this.#open.dispose();
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
