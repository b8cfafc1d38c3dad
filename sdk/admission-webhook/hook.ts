import type {
  MutatingWebhook,
  MutatingWebhookConfiguration,
} from '../api/types-admissionregistration-v1.ts';
import type { Cel } from '../cel/cel.ts';
import { type CompiledExpression, conditionsOf } from '../dynamic-admission/conditions.ts';
import { compileCondition } from '../dynamic-admission/environment.ts';
import { type Criteria, criteriaOf } from '../dynamic-admission/matching.ts';

/** A webhook of a configuration, ready to be compared with requests and called. */
export interface Hook {
  readonly name: string;
  readonly configuration: string;
  /** Its place among all webhooks, for the audit log. */
  readonly index: number;
  /** A validating one has no reinvocationPolicy, and else the same. */
  readonly webhook: MutatingWebhook;
  readonly criteria: Criteria;
  readonly conditions: readonly CompiledExpression[];
  /** A failure to call it counts as its consent. */
  readonly ignoresFailure: boolean;
}

/** In the order in which they are called: by the names of configurations. */
export function hooksOf(
  configurations: readonly MutatingWebhookConfiguration[],
  cel: Cel | undefined,
): Hook[] {
  const sorted = configurations.toSorted((a, b) =>
    (a.metadata.name ?? '') < (b.metadata.name ?? '') ? -1 : 1,
  );
  return sorted
    .flatMap(({ metadata, webhooks = [] }) =>
      webhooks.map(webhook => ({ webhook, configuration: metadata.name ?? '' })),
    )
    .map(({ webhook, configuration }, index) => ({
      name: webhook.name,
      configuration,
      index,
      webhook,
      criteria: criteriaOf({ ...webhook, resourceRules: webhook.rules ?? [] }),
      conditions: cel
        ? conditionsOf(webhook.matchConditions, each => compileCondition(cel, each))
        : [],
      ignoresFailure: webhook.failurePolicy === 'Ignore',
    }));
}
