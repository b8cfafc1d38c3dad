import {
  type CustomResourceDefinitionSpec,
  dns1035LabelErrors,
  type FieldError,
  forbiddenValue,
  invalidValue,
  notSupported,
  required,
  validateWebhookClient,
  type WebhookClientConfig,
} from 'kernetes/sdk';
import { SPEC } from './versions.ts';

const CONVERSION = SPEC.child('conversion');
/** As upstream calls it inside, and so in errors. */
const CLIENT = CONVERSION.child('webhookClientConfig');
const REVIEW_VERSIONS = CONVERSION.child('conversionReviewVersions');

export function validateConversion({ conversion }: CustomResourceDefinitionSpec): FieldError[] {
  if (conversion === undefined) return [];
  const { strategy = '', webhook } = conversion;
  const errors: FieldError[] = [];
  if (strategy === '') errors.push(required(CONVERSION.child('strategy')));
  else if (strategy !== 'None' && strategy !== 'Webhook') {
    errors.push(notSupported(CONVERSION.child('strategy'), strategy, ['None', 'Webhook']));
  }
  if (strategy === 'Webhook') {
    return [
      ...errors,
      ...validateClient(webhook?.clientConfig),
      ...validateReviewVersions(webhook?.conversionReviewVersions ?? []),
    ];
  }
  const why = 'should not be set when strategy is not set to Webhook';
  if (webhook?.clientConfig) errors.push(forbiddenValue(CLIENT, why));
  if (webhook?.conversionReviewVersions?.length) errors.push(forbiddenValue(REVIEW_VERSIONS, why));
  return errors;
}

function validateClient(client: WebhookClientConfig | undefined): FieldError[] {
  if (client === undefined) return [required(CLIENT, 'required when strategy is set to Webhook')];
  return validateWebhookClient(client, CLIENT);
}

function validateReviewVersions(versions: readonly string[]): FieldError[] {
  if (versions.length === 0) return [required(REVIEW_VERSIONS)];
  const errors = versions.flatMap((version, i) => {
    const path = REVIEW_VERSIONS.index(i);
    if (versions.indexOf(version) < i) return [invalidValue(path, version, 'duplicate version')];
    return (dns1035LabelErrors(version) ?? []).map(why => invalidValue(path, version, why));
  });
  if (!versions.includes('v1') && !versions.includes('v1beta1')) {
    const why = 'must include at least one of v1, v1beta1';
    errors.push(invalidValue(REVIEW_VERSIONS, versions, why));
  }
  return errors;
}
