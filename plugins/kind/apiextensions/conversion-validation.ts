import {
  type CustomResourceDefinitionSpec,
  dns1035LabelErrors,
  type FieldError,
  forbiddenValue,
  invalidValue,
  notSupported,
  required,
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
  const { url, service } = client;
  if ((url === undefined) === (service === undefined)) {
    return [required(CLIENT, 'exactly one of url or service is required')];
  }
  if (url !== undefined) return validateUrl(url);
  const path = CLIENT.child('service');
  const errors: FieldError[] = [];
  if (!service?.name) errors.push(required(path.child('name'), 'service name is required'));
  if (!service?.namespace) {
    errors.push(required(path.child('namespace'), 'service namespace is required'));
  }
  const { port = 443, path: at } = service ?? {};
  if (port < 1 || port > 65535) {
    const why = 'port is not valid: must be between 1 and 65535, inclusive';
    errors.push(invalidValue(path.child('port'), port, why));
  }
  if (at !== undefined && !at.startsWith('/')) {
    errors.push(invalidValue(path.child('path'), at, "must start with a '/'"));
  }
  return errors;
}

function validateUrl(text: string): FieldError[] {
  const path = CLIENT.child('url');
  const form = '; desired format: https://host[/path]';
  if (!URL.canParse(text)) return [required(path, `url must be a valid URL${form}`)];
  const url = new URL(text);
  const errors: FieldError[] = [];
  if (url.protocol !== 'https:') {
    const why = `'https' is the only allowed URL scheme${form}`;
    errors.push(invalidValue(path, url.protocol.slice(0, -1), why));
  }
  if (url.host === '') errors.push(invalidValue(path, url.host, `host must be specified${form}`));
  if (url.username || url.password) {
    errors.push(invalidValue(path, url.username, 'user information is not permitted in the URL'));
  }
  if (url.hash) {
    errors.push(invalidValue(path, url.hash.slice(1), 'fragments are not permitted in the URL'));
  }
  if (url.search) {
    const why = 'query parameters are not permitted in the URL';
    errors.push(invalidValue(path, url.search.slice(1), why));
  }
  return errors;
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
