import { describe, test } from 'node:test';
import type { PluginDefinition } from '../plugin.ts';
import { DECLARATION_CHECKS } from './scheduler-declaration-checks.ts';
import { LATE_CHECKS } from './scheduler-late-checks.ts';
import { NODE_CHECKS } from './scheduler-node-checks.ts';
import { STATE_CHECKS } from './scheduler-state-checks.ts';
import {
  type SchedulerCheck,
  type SchedulerConformanceOptions,
  SchedulerSubject,
  schedulerContributionOf,
} from './scheduler-subject.ts';

export {
  nodeStates,
  type SchedulerConformanceOptions,
  schedulerContributionOf,
} from './scheduler-subject.ts';

/**
 * The suite that every scheduler plugin passes, run with two lines:
 *
 *     import plugin from './plugin.ts';
 *     testSchedulerPlugin(plugin);
 */
export function testSchedulerPlugin<C>(
  definition: PluginDefinition<C>,
  options: SchedulerConformanceOptions<C> = {},
): void {
  describe(`scheduler plugin ${definition.name}`, () => {
    const contribution = schedulerContributionOf(definition, options.config);
    const subject = new SchedulerSubject(contribution, options);
    for (const { name, run } of SCHEDULER_CHECKS) {
      test(name, { timeout: CHECK_MS_MAX }, () => run(subject));
    }
  });
}

/** In this order: what comes later takes for granted what came before. */
export const SCHEDULER_CHECKS: readonly SchedulerCheck[] = [
  ...DECLARATION_CHECKS,
  ...NODE_CHECKS,
  ...STATE_CHECKS,
  ...LATE_CHECKS,
];

/** A point that never answers fails with its name instead of holding up everything. */
const CHECK_MS_MAX = 30_000;
