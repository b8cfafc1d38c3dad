import {
  dns1035LabelErrors,
  dns1123SubdomainErrors,
  duplicate,
  type FieldError,
  type FieldPath,
  fieldPath,
  invalidValue,
  type MutatingWebhook,
  type MutatingWebhookConfiguration,
  notSupported,
  required,
  validateLabelSelector,
  validateWebhookClient,
} from 'kernetes/sdk';
import type { Expressions } from './expressions.ts';
import { MATCH_POLICIES, validateConditions } from './match-validation.ts';
import { validateRule } from './rule-validation.ts';

/** A validating webhook has no reinvocationPolicy, and else the same. */
export type Webhook = MutatingWebhook;
export type Configuration = MutatingWebhookConfiguration;

const FAILURE_POLICIES = ['Fail', 'Ignore'];
const REINVOCATION_POLICIES = ['IfNeeded', 'Never'];
const SIDE_EFFECTS = ['None', 'NoneOnDryRun', 'Some', 'Unknown'];
const HARMLESS = ['None', 'NoneOnDryRun'];
const REVIEW_VERSIONS = ['v1', 'v1beta1'];
const TIMEOUT_SECONDS_MAX = 30;

/** What v1beta1 lets through and v1 does not. */
interface Strictness {
  readonly effects: readonly string[];
  readonly uniqueNames: boolean;
}

const STRICT: Strictness = { effects: HARMLESS, uniqueNames: true };
const LENIENT: Strictness = { effects: SIDE_EFFECTS, uniqueNames: false };

/** Beside metadata. What an old configuration has wrong it may keep. */
export function validateConfiguration(
  configuration: Configuration,
  old: Configuration | undefined,
  expressions: Expressions,
): FieldError[] {
  const { webhooks = [] } = configuration;
  const strictness = strictnessFor(configuration, old);
  const knowsReview =
    old === undefined ||
    (old.webhooks ?? []).every(({ admissionReviewVersions }) => isKnown(admissionReviewVersions));
  const names = new Set<string>();
  return webhooks.flatMap((webhook, i) => {
    const path = fieldPath('webhooks').index(i);
    const errors = validateWebhook(webhook, path, { strictness, expressions });
    const { name, admissionReviewVersions: versions } = webhook;
    errors.push(...validateReviews(versions, path.child('admissionReviewVersions'), knowsReview));
    if (strictness.uniqueNames && name && names.has(name)) {
      errors.push(duplicate(path.child('name'), name));
    }
    names.add(name);
    return errors;
  });
}

function strictnessFor(given: Configuration, old: Configuration | undefined): Strictness {
  if (given.apiVersion?.endsWith('/v1beta1')) return LENIENT;
  const before = old?.webhooks ?? [];
  const wasHarmless = before.every(({ sideEffects }) => HARMLESS.includes(sideEffects));
  const wasUnique = new Set(before.map(({ name }) => name)).size === before.length;
  return {
    effects: wasHarmless ? STRICT.effects : LENIENT.effects,
    uniqueNames: wasUnique,
  };
}

interface WebhookOptions {
  readonly strictness: Strictness;
  readonly expressions: Expressions;
}

function validateWebhook(
  webhook: Webhook,
  path: FieldPath,
  { strictness: { effects }, expressions }: WebhookOptions,
): FieldError[] {
  const { failurePolicy, matchPolicy, sideEffects, timeoutSeconds, reinvocationPolicy } = webhook;
  const { rules = [], namespaceSelector, objectSelector, clientConfig, matchConditions } = webhook;
  const errors = validateQualifiedName(webhook.name, path.child('name'));
  errors.push(...rules.flatMap((rule, i) => validateRule(rule, path.child('rules').index(i))));
  errors.push(...supported(failurePolicy, FAILURE_POLICIES, path.child('failurePolicy')));
  errors.push(...supported(matchPolicy, MATCH_POLICIES, path.child('matchPolicy')));
  if (sideEffects === undefined) {
    const why = `must specify one of ${effects.join(', ')}`;
    errors.push(required(path.child('sideEffects'), why));
  }
  errors.push(...supported(sideEffects, effects, path.child('sideEffects')));
  if (
    timeoutSeconds !== undefined &&
    !(timeoutSeconds >= 1 && timeoutSeconds <= TIMEOUT_SECONDS_MAX)
  ) {
    const why = `the timeout value must be between 1 and ${TIMEOUT_SECONDS_MAX} seconds`;
    errors.push(invalidValue(path.child('timeoutSeconds'), timeoutSeconds, why));
  }
  errors.push(...validateLabelSelector(namespaceSelector, path.child('namespaceSelector')));
  errors.push(...validateLabelSelector(objectSelector, path.child('objectSelector')));
  const at = path.child('reinvocationPolicy');
  errors.push(...supported(reinvocationPolicy, REINVOCATION_POLICIES, at));
  errors.push(...validateWebhookClient(clientConfig, path.child('clientConfig')));
  const options = { expressions };
  errors.push(...validateConditions(matchConditions, path.child('matchConditions'), options));
  return errors;
}

function supported(
  value: string | undefined,
  values: readonly string[],
  path: FieldPath,
): FieldError[] {
  if (value === undefined || values.includes(value)) return [];
  return [notSupported(path, value, values)];
}

function validateQualifiedName(name: string | undefined, path: FieldPath): FieldError[] {
  if (!name) return [required(path)];
  const wrong = dns1123SubdomainErrors(name);
  if (wrong) return [invalidValue(path, name, wrong.join(','))];
  if (name.split('.').length >= 3) return [];
  const why = 'should be a domain with at least three segments separated by dots';
  return [invalidValue(path, name, why)];
}

function validateReviews(
  versions: readonly string[] = [],
  path: FieldPath,
  knowsReview: boolean,
): FieldError[] {
  if (versions.length === 0) {
    return [required(path, `must specify one of ${REVIEW_VERSIONS.join(', ')}`)];
  }
  const errors = versions.flatMap((version, i) => {
    if (versions.indexOf(version) < i) {
      return [invalidValue(path.index(i), version, 'duplicate version')];
    }
    const wrong = dns1035LabelErrors(version) ?? [];
    return wrong.map(why => invalidValue(path.index(i), version, why));
  });
  if (knowsReview && !isKnown(versions)) {
    const why = `must include at least one of ${REVIEW_VERSIONS.join(', ')}`;
    errors.push(invalidValue(path, versions, why));
  }
  return errors;
}

function isKnown(versions: readonly string[] = []): boolean {
  return versions.some(each => REVIEW_VERSIONS.includes(each));
}
