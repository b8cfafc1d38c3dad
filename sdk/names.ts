/**
 * The forms of names, each check returning what is wrong in upstream's words, or undefined when
 * nothing is. Join several with `; ` or make a finding of each, as the caller's upstream does.
 */
export type NameErrors = string[] | undefined;

/** Of namespaces, Services' ports, hostnames: one label. */
export function dns1123LabelErrors(name: string): NameErrors {
  if (DNS1123_LABEL.test(name)) return tooLongErrors(name, 63);
  const form = DNS1123_SUBDOMAIN.test(name) ? 'must not contain dots' : DNS1123_LABEL_MESSAGE;
  return [...(tooLongErrors(name, 63) ?? []), form];
}

/** Of most objects: labels with dots between. */
export function dns1123SubdomainErrors(name: string): NameErrors {
  return form(name, 253, DNS1123_SUBDOMAIN, DNS1123_SUBDOMAIN_MESSAGE);
}

/** Of Services: a label that starts with a letter. */
export function dns1035LabelErrors(name: string): NameErrors {
  return form(name, 63, DNS1035_LABEL, DNS1035_LABEL_MESSAGE);
}

/** `*.example.com` */
export function wildcardSubdomainErrors(name: string): NameErrors {
  return form(name, 253, WILDCARD_SUBDOMAIN, WILDCARD_SUBDOMAIN_MESSAGE);
}

/** A name with an optional DNS prefix, `example.com/name`: label keys, resource names, finalizers. */
export function labelKeyErrors(key: string): NameErrors {
  const slash = key.indexOf('/');
  if (slash !== key.lastIndexOf('/')) {
    return [
      `a valid label key ${LABEL_KEY_MESSAGE} with an optional DNS subdomain prefix and '/' ` +
        "(e.g. 'example.com/MyName')",
    ];
  }
  const name = key.slice(slash + 1);
  const errors = slash < 0 ? [] : prefixErrors(key.slice(0, slash));
  if (name === '') errors.push('name part must be non-empty');
  else if (byteLength(name) > 63) errors.push(`name part ${maxLength(63)}`);
  if (!LABEL_KEY.test(name)) errors.push(`name part ${LABEL_KEY_MESSAGE}`);
  return errors.length === 0 ? undefined : errors;
}

/** Upstream's older name for the form of label keys. */
export const qualifiedNameErrors = labelKeyErrors;

export function labelValueErrors(value: string): NameErrors {
  return form(value, 63, LABEL_VALUE, LABEL_VALUE_MESSAGE);
}

/** Of container ports and what refers to them. */
export function portNameErrors(name: string): NameErrors {
  const errors = tooLongErrors(name, 15) ?? [];
  if (!/^[-a-z0-9]+$/.test(name)) {
    errors.push('must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)');
  }
  if (!/[a-z]/.test(name)) errors.push('must contain at least one letter (a-z)');
  if (name.includes('--')) errors.push('must not contain consecutive hyphens');
  if (name.startsWith('-') || name.endsWith('-')) {
    errors.push('must not begin or end with a hyphen');
  }
  return errors.length === 0 ? undefined : errors;
}

export function portNumberErrors(port: number): NameErrors {
  return rangeErrors(port, 1, 65535);
}

export function rangeErrors(value: number, min: number, max: number): NameErrors {
  if (value >= min && value <= max) return undefined;
  return [`must be between ${min} and ${max}, inclusive`];
}

/** Printable ASCII without `=`, as upstream allows since 1.30. */
export function envVarNameErrors(name: string): NameErrors {
  if (name === '') return ['environment variable name must be non-empty'];
  if (/^[\x20-\x3c\x3e-\x7e]+$/.test(name)) return undefined;
  return [
    "a valid environment variable name must consist only of printable ASCII characters other than '='",
  ];
}

export function cIdentifierErrors(name: string): NameErrors {
  return C_IDENTIFIER.test(name) ? undefined : [C_IDENTIFIER_MESSAGE];
}

/** Of keys in ConfigMaps and Secrets. */
export function configMapKeyErrors(key: string): NameErrors {
  const errors = form(key, 253, CONFIG_MAP_KEY, CONFIG_MAP_KEY_MESSAGE) ?? [];
  if (key === '.' || key === '..') errors.push(`must not be '${key}'`);
  else if (key.startsWith('..')) errors.push("must not start with '..'");
  return errors.length === 0 ? undefined : errors;
}

export function httpHeaderNameErrors(name: string): NameErrors {
  return HTTP_HEADER.test(name) ? undefined : [HTTP_HEADER_MESSAGE];
}

export function percentErrors(text: string): NameErrors {
  return PERCENT.test(text) ? undefined : [PERCENT_MESSAGE];
}

/** Of objects whose names are free but for standing in a path (RBAC). */
export function pathSegmentErrors(name: string): NameErrors {
  if (name === '.' || name === '..') return [`may not be '${name}'`];
  return pathSegmentPrefixErrors(name);
}

/** Of a `generateName` with the same rule. */
export function pathSegmentPrefixErrors(prefix: string): NameErrors {
  const errors = ['/', '%'].filter(c => prefix.includes(c)).map(c => `may not contain '${c}'`);
  return errors.length === 0 ? undefined : errors;
}

/**
 * A `generateName` checked by the rule of full names: a suffix follows, so a hyphen at its end
 * does no harm.
 */
export function maskTrailingDash(prefix: string): string {
  return prefix.length > 1 && prefix.endsWith('-') ? `${prefix.slice(0, -1)}a` : prefix;
}

const LABEL = '[a-z0-9]([-a-z0-9]*[a-z0-9])?';
const SUBDOMAIN = `${LABEL}(\\.${LABEL})*`;
const LABEL_1035 = '[a-z]([-a-z0-9]*[a-z0-9])?';
const KEY = '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]';

const DNS1123_LABEL = whole(LABEL);
const DNS1123_SUBDOMAIN = whole(SUBDOMAIN);
const DNS1035_LABEL = whole(LABEL_1035);
const WILDCARD_SUBDOMAIN = whole(`\\*\\.${SUBDOMAIN}`);
const LABEL_KEY = whole(KEY);
const LABEL_VALUE = whole(`(${KEY})?`);
const C_IDENTIFIER = whole('[A-Za-z_][A-Za-z0-9_]*');
const CONFIG_MAP_KEY = whole('[-._a-zA-Z0-9]+');
const HTTP_HEADER = whole('[-A-Za-z0-9]+');
const PERCENT = whole('[0-9]+%');

const DNS1123_LABEL_MESSAGE = explained(
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character",
  LABEL,
  'my-name',
  '123-abc',
);
const DNS1123_SUBDOMAIN_MESSAGE = explained(
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character",
  SUBDOMAIN,
  'example.com',
);
const DNS1035_LABEL_MESSAGE = explained(
  "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character",
  LABEL_1035,
  'my-name',
  'abc-123',
);
const WILDCARD_SUBDOMAIN_MESSAGE = explained(
  "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character",
  `\\*\\.${SUBDOMAIN}`,
  '*.example.com',
);
const LABEL_KEY_MESSAGE = explained(
  "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
  KEY,
  'MyName',
  'my.name',
  '123-abc',
);
const LABEL_VALUE_MESSAGE = explained(
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
  `(${KEY})?`,
  'MyValue',
  'my_value',
  '12345',
);
const C_IDENTIFIER_MESSAGE = explained(
  "a valid C identifier must start with alphabetic character or '_', followed by a string of alphanumeric characters or '_'",
  '[A-Za-z_][A-Za-z0-9_]*',
  'my_name',
  'MY_NAME',
  'MyName',
);
const CONFIG_MAP_KEY_MESSAGE = explained(
  "a valid config key must consist of alphanumeric characters, '-', '_' or '.'",
  '[-._a-zA-Z0-9]+',
  'key.name',
  'KEY_NAME',
  'key-name',
);
const HTTP_HEADER_MESSAGE = explained(
  "a valid HTTP header must consist of alphanumeric characters or '-'",
  '[-A-Za-z0-9]+',
  'X-Header-Name',
);
const PERCENT_MESSAGE = explained(
  "a valid percent string must be a numeric string followed by an ending '%'",
  '[0-9]+%',
  '1%',
  '93%',
);

function form(value: string, lengthMax: number, pattern: RegExp, message: string): NameErrors {
  const errors = tooLongErrors(value, lengthMax);
  if (pattern.test(value)) return errors;
  return [...(errors ?? []), message];
}

function prefixErrors(prefix: string): string[] {
  if (prefix === '') return ['prefix part must be non-empty'];
  return dns1123SubdomainErrors(prefix)?.map(error => `prefix part ${error}`) ?? [];
}

function tooLongErrors(value: string, lengthMax: number): NameErrors {
  return byteLength(value) > lengthMax ? [maxLength(lengthMax)] : undefined;
}

/** UTF-8 bytes. Names are nearly always ASCII: a look at them costs less than the native call. */
function byteLength(value: string): number {
  for (let i = 0; i < value.length; i++) {
    if (value.charCodeAt(i) > 0x7f) return Buffer.byteLength(value);
  }
  return value.length;
}

function maxLength(length: number): string {
  return `must be no more than ${length} characters`;
}

function whole(pattern: string): RegExp {
  return new RegExp(`^(?:${pattern})$`);
}

/** `msg (e.g. 'a',  or 'b', regex used for validation is 'x')`, with upstream's own spaces. */
function explained(message: string, pattern: string, ...examples: readonly string[]): string {
  const list = examples.map(example => `'${example}', `).join(' or ');
  return `${message} (e.g. ${list}regex used for validation is '${pattern}')`;
}
