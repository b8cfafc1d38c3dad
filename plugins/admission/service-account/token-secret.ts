import {
  ApiError,
  type Informer,
  type PodSpec,
  type Random,
  randomSuffix,
  type Secret,
  type ServiceAccount,
} from 'kernetes/sdk';
import { mountEverywhere } from './token-volume.ts';

/** The last release in which pods have the Secret that the account refers to. */
export const LAST_RELEASE = 20;

export interface MountSecretOptions {
  /** Secrets of the type `kubernetes.io/service-account-token`. */
  readonly tokens: Informer<Secret>;
  readonly random: Random;
}

/** Mounts the first token that the account refers to; refused, for a while, when it has none yet. */
export function mountSecret(
  spec: PodSpec,
  account: ServiceAccount,
  { tokens, random }: MountSecretOptions,
): void {
  const secretName = tokenOf(account, tokens);
  if (secretName === undefined) throw noToken(account);
  const { volumes = [] } = spec;
  const there = volumes.find(({ secret }) => secret?.secretName === secretName);
  const isTaken = volumes.some(({ name }) => name === secretName);
  const fresh = isTaken ? `${secretName}-${randomSuffix(random, SUFFIX_LENGTH)}` : secretName;
  const name = there?.name ?? fresh;
  if (!mountEverywhere(spec, name) || there) return;
  spec.volumes = [...volumes, { name, secret: { secretName, defaultMode: 0o644 } }];
}

function tokenOf(account: ServiceAccount, tokens: Informer<Secret>): string | undefined {
  const { name: accountName, namespace, uid } = account.metadata;
  const isToken = ({ name = '' }) => {
    const { annotations = {} } = tokens.get(`${namespace}/${name}`)?.metadata ?? {};
    return annotations[NAME] === accountName && annotations[UID] === uid;
  };
  return account.secrets?.find(isToken)?.name;
}

function noToken({ metadata: { name } }: ServiceAccount): ApiError {
  return new ApiError({
    message:
      `No API token found for service account "${name}", retry after the token is automatically ` +
      'created and added to the service account',
    reason: 'ServerTimeout',
    details: { name: 'create pod', kind: 'serviceaccounts', retryAfterSeconds: 1 },
    code: 500,
  });
}

const NAME = 'kubernetes.io/service-account.name';
const UID = 'kubernetes.io/service-account.uid';
const SUFFIX_LENGTH = 5;
