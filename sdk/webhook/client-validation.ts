import type { WebhookClientConfig } from '../api/types-admissionregistration-v1.ts';
import { type FieldPath, invalidValue, required } from '../field-path.ts';
import type { FieldError } from '../status.ts';

/** What is wrong with where a webhook is, in upstream's words. */
export function validateWebhookClient(
  client: WebhookClientConfig | undefined,
  path: FieldPath,
): FieldError[] {
  const { url, service } = client ?? {};
  if ((url === undefined) === (service === undefined)) {
    return [required(path, 'exactly one of url or service is required')];
  }
  if (url !== undefined) return validateUrl(url, path.child('url'));
  const at = path.child('service');
  const errors: FieldError[] = [];
  if (!service?.name) errors.push(required(at.child('name'), 'service name is required'));
  if (!service?.namespace) {
    errors.push(required(at.child('namespace'), 'service namespace is required'));
  }
  const { port = 443, path: where } = service ?? {};
  if (port < 1 || port > 65535) {
    const why = 'port is not valid: must be between 1 and 65535, inclusive';
    errors.push(invalidValue(at.child('port'), port, why));
  }
  if (where !== undefined && !where.startsWith('/')) {
    errors.push(invalidValue(at.child('path'), where, "must start with a '/'"));
  }
  return errors;
}

function validateUrl(text: string, path: FieldPath): FieldError[] {
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
