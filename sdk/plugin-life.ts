import { Backoff } from './backoff.ts';
import type { Timer } from './clock.ts';
import { type ContextOptions, createContext, type OpenContext } from './context.ts';
import type { PluginContext, PluginDefinition } from './plugin.ts';
import type { Candidacy, SharedElections } from './shared-elections.ts';

export interface PluginLifeOptions extends Omit<ContextOptions<unknown>, 'candidacy'> {
  /** One per thread. Absent: nobody is elected, and all may act. */
  readonly elections?: SharedElections;
}

/** One life of a plugin in its thread. For hosts of plugins, not for plugins. */
export class PluginLife {
  readonly #definition: PluginDefinition;
  readonly #options: PluginLifeOptions;
  readonly #candidacy: Candidacy | undefined;
  readonly #open: OpenContext<unknown>;

  constructor(definition: PluginDefinition, options: PluginLifeOptions) {
    this.#definition = definition;
    this.#options = options;
    const { elections, name: plugin, link } = options;
    const { leader } = definition;
    this.#candidacy = leader ? elections?.candidacy({ plugin, leader, link }) : undefined;
    this.#open = this.#createContext();
  }

  get context(): PluginContext {
    return this.#open.context;
  }

  /** Rejects with what `activate` threw; what was handed out until then is for `dispose`. */
  async activate(): Promise<void> {
    const { context } = this.#open;
    // Also for one that never asks: what it writes is fenced.
    this.#candidacy?.join();
    if (this.#definition.standby !== 'absent' || this.#candidacy === undefined) {
      await this.#definition.activate(context);
      return;
    }
    const presence = new Presence(this.#definition, this.#options, () => this.#createContext());
    context.onDispose(() => presence.end());
    context.leadership.follow(presence);
  }

  /** Idempotent. */
  async dispose(): Promise<void> {
    try {
      await this.#open.dispose();
    } finally {
      // Last: until its work has ended nobody else may begin.
      await this.#candidacy?.leave();
    }
  }

  #createContext(): OpenContext<unknown> {
    const { elections: _, ...options } = this.#options;
    const candidacy = this.#candidacy;
    return createContext({ ...options, ...(candidacy && { candidacy }) });
  }
}

/** A plugin that is active while it leads. */
class Presence {
  readonly #definition: PluginDefinition;
  readonly #options: PluginLifeOptions;
  readonly #createContext: () => OpenContext<unknown>;
  readonly #backoff: Backoff;
  #open: OpenContext<unknown> | undefined;
  #retry: Timer | undefined;
  #isLeader = false;

  constructor(
    definition: PluginDefinition,
    options: PluginLifeOptions,
    createContext: () => OpenContext<unknown>,
  ) {
    this.#definition = definition;
    this.#options = options;
    this.#createContext = createContext;
    this.#backoff = new Backoff(options.random, { firstMs: RETRY_FIRST_MS, maxMs: RETRY_MAX_MS });
  }

  begin(): void {
    this.#isLeader = true;
    this.#start();
  }

  end(): Promise<void> {
    this.#isLeader = false;
    this.#retry?.cancel();
    return this.#open?.dispose() ?? Promise.resolve();
  }

  #start(): void {
    this.#open = this.#createContext();
    void this.#activate(this.#open);
  }

  /** Nobody waits for it who could be told that it failed: it is tried again. */
  async #activate(open: OpenContext<unknown>): Promise<void> {
    try {
      await this.#definition.activate(open.context);
      this.#backoff.reset();
    } catch (error) {
      if (!this.#isLeader || this.#open !== open) return;
      open.context.log.error('Cannot activate the plugin that became the leader', { error });
      await open.dispose();
      if (!this.#isLeader || this.#open !== open) return;
      this.#retry = this.#options.clock.setTimeout(() => this.#start(), this.#backoff.nextMs());
    }
  }
}

const RETRY_FIRST_MS = 1_000;
const RETRY_MAX_MS = 30_000;
