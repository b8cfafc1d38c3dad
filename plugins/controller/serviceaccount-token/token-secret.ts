import type { Secret, ServiceAccount, TokenIssuer } from 'kernetes/sdk';

export const TYPE = 'kubernetes.io/service-account-token';

/** Empty: the Secret names none. */
export function accountName({ metadata }: Secret): string {
  return metadata.annotations?.[NAME] ?? '';
}

/** Whether it is the account that the Secret means: one of the same name may have gone before. */
export function isFor({ metadata }: Secret, account: ServiceAccount): boolean {
  const uid = metadata.annotations?.[UID];
  return !uid || uid === account.metadata.uid;
}

export function annotationsFor({ metadata: { name = '', uid = '' } }: ServiceAccount) {
  return { [NAME]: name, [UID]: uid };
}

export interface FillOptions {
  readonly issuer: TokenIssuer;
  /** Absent: not known yet. */
  readonly certificate: string | undefined;
}

/** The Secret with what it lacks; undefined: it lacks nothing. */
export function filled(
  secret: Secret,
  account: ServiceAccount,
  { issuer, certificate }: FillOptions,
): Secret | undefined {
  const { metadata, data = {} } = secret;
  const { name = '', namespace = '', annotations = {} } = metadata;
  const { uid = '' } = account.metadata;
  const ca = certificate === undefined ? undefined : encode(certificate);
  const hasAll =
    data.token &&
    data.namespace &&
    annotations[UID] === uid &&
    [undefined, data['ca.crt']].includes(ca);
  if (hasAll) return undefined;
  return {
    ...secret,
    metadata: { ...metadata, annotations: { ...annotations, [UID]: uid } },
    data: {
      ...data,
      ...(ca !== undefined && { 'ca.crt': ca }),
      namespace: data.namespace || encode(namespace),
      token: data.token || encode(issuer.tokenFor(account, name)),
    },
  };
}

function encode(text: string): string {
  return Buffer.from(text).toString('base64');
}

const NAME = 'kubernetes.io/service-account.name';
const UID = 'kubernetes.io/service-account.uid';
