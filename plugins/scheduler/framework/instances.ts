import type {
  Contribution,
  JsonSchema,
  SchedulerContribution,
  SchedulerPlugin,
} from 'kernetes/sdk';
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

  constructor(complete: CompleteArgs) {
    this.#complete = complete;
  }

  of(contribution: Contribution<SchedulerContribution>, args: unknown): Instance {
    if (args === undefined) return ownInstanceOf(contribution);
    const { value, remote } = contribution;
    const options = this.#complete(structuredClone(args), value.config);
    const text = JSON.stringify(options);
    if (text === JSON.stringify(value.options)) return ownInstanceOf(contribution);
    if (remote || !value.instantiate) return { ...ownInstanceOf(contribution), options };
    const made = this.#made.get(value) ?? new Map<string, SchedulerPlugin>();
    const plugin = made.get(text) ?? value.instantiate(options);
    this.#made.set(value, made.set(text, plugin));
    return { plugin, options };
  }
}
