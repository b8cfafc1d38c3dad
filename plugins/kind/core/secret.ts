import {
  AGE_COLUMN,
  ageCell,
  column,
  type FieldError,
  fieldPath,
  immutable,
  invalidValue,
  NAME_COLUMN,
  required,
  Secret,
} from 'kernetes/sdk';
import { coreKind } from './core-kind.ts';
import { decodedLength, validateImmutable, validateKeys, validateSize } from './key-value.ts';

export const secrets = coreKind<Secret>(Secret, {
  columns: [NAME_COLUMN, column('Type'), column('Data'), AGE_COLUMN],
  row: (secret, now) => [
    secret.metadata.name ?? '',
    secret.type ?? '',
    Object.keys(secret.data ?? {}).length,
    ageCell(secret, now),
  ],
  selectableFields: { type: ({ type }) => type ?? '' },
  defaults: defaultSecret,
  strategy: {
    validate: validateSecret,
    validateUpdate: (secret, old) => [
      ...immutable(secret.type, old.type, 'type'),
      ...validateImmutable(secret, old),
    ],
  },
});

/** `stringData` is for writing only: it is moved, encoded, to `data`. */
function defaultSecret(secret: Secret): void {
  secret.type ||= 'Opaque';
  if (!secret.stringData) return;
  for (const [key, value] of Object.entries(secret.stringData)) {
    secret.data ??= {};
    secret.data[key] = Buffer.from(value).toString('base64');
  }
  delete secret.stringData;
}

function validateSecret(secret: Secret): FieldError[] {
  const { data = {} } = secret;
  let bytes = 0;
  for (const value of Object.values(data)) bytes += decodedLength(value);
  return [
    ...validateKeys(data, 'data'),
    ...validateSize(bytes, 'data'),
    ...validateType(secret, data),
  ];
}

/** What the well-known types must hold. */
function validateType(
  { type, metadata }: Secret,
  data: Readonly<Record<string, string>>,
): FieldError[] {
  switch (type) {
    case 'kubernetes.io/service-account-token':
      return metadata.annotations?.[ACCOUNT_NAME]
        ? []
        : [required(fieldPath('metadata', 'annotations').key(ACCOUNT_NAME))];
    case 'kubernetes.io/dockercfg':
      return validateJson(data, '.dockercfg');
    case 'kubernetes.io/dockerconfigjson':
      return validateJson(data, '.dockerconfigjson');
    case 'kubernetes.io/basic-auth':
      return ['username', 'password'].some(key => Object.hasOwn(data, key))
        ? []
        : ['username', 'password'].map(missingKey);
    case 'kubernetes.io/ssh-auth':
      return data['ssh-privatekey'] ? [] : [missingKey('ssh-privatekey')];
    case 'kubernetes.io/tls':
      return ['tls.crt', 'tls.key'].filter(key => !Object.hasOwn(data, key)).map(missingKey);
    default:
      return [];
  }
}

function validateJson(data: Readonly<Record<string, string>>, key: string): FieldError[] {
  const value = data[key];
  if (value === undefined) return [missingKey(key)];
  try {
    JSON.parse(Buffer.from(value, 'base64').toString());
    return [];
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return [invalidValue(fieldPath('data').key(key), '<secret contents redacted>', why)];
  }
}

function missingKey(key: string): FieldError {
  return required(fieldPath('data').key(key));
}

const ACCOUNT_NAME = 'kubernetes.io/service-account.name';
