import type {
  Clock,
  Contribution,
  JsonSchema,
  SchedulerContribution,
  SchedulerPlugin,
} from 'kernetes/sdk';
import { standInFor } from '../remote/stand-in.ts';
import type { Instance } from './enabled-plugin.ts';
import { ownInstanceOf } from './profile.ts';

/** Fills a schema's defaults into `args`, or throws with what is wrong. */
export type CompleteArgs = (args: unknown, schema: JsonSchema) => unknown;

/**
 * Plugins with options of a profile's own: one for each plugin and options, made once, so that it
 * keeps its counts when other plugins come and go.
 */
export class Instances {
  readonly #complete: CompleteArgs;
  readonly #made = new WeakMap<SchedulerContribution, Map<string, SchedulerPlugin>>();

  readonly #clock: Clock;

  constructor(complete: CompleteArgs, clock: Clock) {
    this.#complete = complete;
    this.#clock = clock;
  }

  of(contribution: Contribution<SchedulerContribution>, args: unknown): Instance {
    const { value } = contribution;
    if (!value.local) return this.#standIn(value, args);
    if (args === undefined) return ownInstanceOf(contribution);
    const options = this.#complete(structuredClone(args), value.config);
    const text = JSON.stringify(options);
    if (text === JSON.stringify(value.options)) return ownInstanceOf(contribution);
    if (!value.instantiate) return { ...ownInstanceOf(contribution), options };
    const made = this.#made.get(value) ?? new Map<string, SchedulerPlugin>();
    const plugin = made.get(text) ?? value.instantiate(options);
    this.#made.set(value, made.set(text, plugin));
    return { plugin, options };
  }

  /** What is in another thread makes its instances itself. */
  #standIn(value: SchedulerContribution, args: unknown): Instance {
    const given =
      args === undefined ? undefined : this.#complete(structuredClone(args), value.config);
    const text = given === undefined ? '' : JSON.stringify(given);
    const isOwn = text === '' || text === JSON.stringify(value.options);
    const options = isOwn ? value.options : given;
    const made = this.#made.get(value) ?? new Map<string, SchedulerPlugin>();
    const key = isOwn ? '' : text;
    const other = isOwn ? {} : { args: { options } };
    const plugin = made.get(key) ?? standInFor(value, other, this.#clock);
    this.#made.set(value, made.set(key, plugin));
    return { plugin, options };
  }
}
