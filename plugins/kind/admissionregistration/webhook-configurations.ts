import { isDeepStrictEqual } from 'node:util';
import {
  AGE_COLUMN,
  ageCell,
  builtInSchema,
  column,
  defineKind,
  type KindDefinition,
  type KindVersion,
  NAME_COLUMN,
  type NamedRuleWithOperations,
} from 'kernetes/sdk';
import type { Expressions } from './expressions.ts';
import { type Configuration, validateConfiguration, type Webhook } from './webhook-validation.ts';

export const GROUP = 'admissionregistration.k8s.io';

/** What a version fills in where a webhook says nothing. */
interface Defaults {
  readonly failurePolicy: string;
  readonly matchPolicy: string;
  readonly timeoutSeconds: number;
  readonly sideEffects?: string;
  readonly admissionReviewVersions?: readonly string[];
}

const V1: Defaults = { failurePolicy: 'Fail', matchPolicy: 'Equivalent', timeoutSeconds: 10 };
const V1BETA1: Defaults = {
  failurePolicy: 'Ignore',
  matchPolicy: 'Exact',
  timeoutSeconds: 30,
  sideEffects: 'Unknown',
  admissionReviewVersions: ['v1beta1'],
};

export function webhookConfigurations(expressions: Expressions): KindDefinition[] {
  return [
    configurations('Mutating', { reinvocationPolicy: 'Never' }, expressions),
    configurations('Validating', {}, expressions),
  ];
}

function configurations(
  which: 'Mutating' | 'Validating',
  own: Partial<Webhook>,
  expressions: Expressions,
): KindDefinition {
  const kind = `${which}WebhookConfiguration`;
  const singular = kind.toLowerCase();
  const version = (name: string, defaults: Defaults): KindVersion<Configuration> => ({
    name,
    schema: builtInSchema(GROUP, name, kind),
    defaults: ({ webhooks = [] }) => {
      for (const each of webhooks) setDefaults(each, { ...defaults, ...own });
    },
    columns: [NAME_COLUMN, column('Webhooks', 0, 'integer'), AGE_COLUMN],
    row: (each, now) => [each.metadata.name ?? '', each.webhooks?.length ?? 0, ageCell(each, now)],
  });
  return defineKind<Configuration>({
    group: GROUP,
    kind,
    resource: `${singular}s`,
    singular,
    categories: ['api-extensions'],
    namespaced: false,
    storage: { prefix: `registry/${singular}s`, version: 'v1' },
    versions: [
      version('v1', V1),
      {
        ...version('v1beta1', V1BETA1),
        releases: { since: 16, until: 21 },
        deprecation:
          `${GROUP}/v1beta1 ${kind} is deprecated in v1.16+, unavailable in v1.22+; ` +
          `use ${GROUP}/v1 ${kind}`,
      },
    ],
    strategy: {
      generation: true,
      raisesGeneration: ({ webhooks }, old) => !isDeepStrictEqual(webhooks, old.webhooks),
      unconditionalUpdate: false,
      validateCreate: each => validateConfiguration(each, undefined, expressions),
      validateUpdate: (each, old) =>
        isDeepStrictEqual(each.webhooks, old.webhooks)
          ? []
          : validateConfiguration(each, old, expressions),
    },
  });
}

function setDefaults(webhook: Webhook, defaults: Partial<Defaults>): void {
  const { admissionReviewVersions: reviews, ...rest } = defaults;
  for (const [field, value] of Object.entries(rest)) {
    const target = webhook as unknown as Record<string, unknown>;
    target[field] ??= value;
  }
  if (reviews && !webhook.admissionReviewVersions?.length) {
    webhook.admissionReviewVersions = [...reviews];
  }
  webhook.namespaceSelector ??= {};
  webhook.objectSelector ??= {};
  setScopes(webhook.rules);
  const { service } = webhook.clientConfig ?? {};
  if (service) service.port ??= 443;
}

export function setScopes(rules: NamedRuleWithOperations[] = []): void {
  for (const rule of rules) rule.scope ??= '*';
}
