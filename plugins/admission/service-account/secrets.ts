import {
  type Container,
  containersOf,
  type PodSpec,
  type ServiceAccount,
  type Volume,
} from 'kernetes/sdk';

/** Why the pod may not use what it uses under an account that limits secrets; undefined: it may. */
export function forbiddenSecret(spec: PodSpec, account: ServiceAccount): string | undefined {
  const allowed = namesOf(account.secrets);
  const tail = `is not allowed because service account ${account.metadata.name} does not reference that`;
  for (const { secret } of spec.volumes ?? []) {
    if (secret && !allowed.has(secret.secretName ?? '')) {
      return `volume with secret.secretName="${secret.secretName ?? ''}" ${tail} secret`;
    }
  }
  const why =
    forbiddenEnv(spec.initContainers, 'init container', account) ??
    forbiddenEnv(spec.containers, 'container', account);
  if (why !== undefined) return why;
  const pullSecrets = namesOf(account.imagePullSecrets);
  for (const [i, { name = '' }] of (spec.imagePullSecrets ?? []).entries()) {
    if (!pullSecrets.has(name))
      return `imagePullSecrets[${i}].name="${name}" ${tail} imagePullSecret`;
  }
  return undefined;
}

/** The same of what an update may add. */
export function forbiddenEphemeralSecret(
  spec: PodSpec,
  account: ServiceAccount,
): string | undefined {
  return forbiddenEnv(spec.ephemeralContainers, 'ephemeral container', account);
}

/** Whether the pod refers to a secret anywhere. */
export function isSecretUsed(spec: PodSpec): boolean {
  if ((spec.imagePullSecrets ?? []).length > 0) return true;
  if ((spec.volumes ?? []).some(isSecretVolume)) return true;
  return containersOf(spec).some(
    ({ env = [], envFrom = [] }) =>
      envFrom.some(({ secretRef }) => secretRef) ||
      env.some(({ valueFrom }) => valueFrom?.secretKeyRef),
  );
}

function forbiddenEnv(
  containers: readonly Container[] = [],
  what: string,
  { secrets, metadata }: ServiceAccount,
): string | undefined {
  const allowed = namesOf(secrets);
  for (const { name, env = [] } of containers) {
    for (const { name: variable, valueFrom } of env) {
      const secret = valueFrom?.secretKeyRef?.name;
      if (secret === undefined || allowed.has(secret)) continue;
      return (
        `${what} ${name} with envVar ${variable} referencing secret.secretName="${secret}" is not ` +
        `allowed because service account ${metadata.name} does not reference that secret`
      );
    }
  }
  return undefined;
}

function isSecretVolume(volume: Volume): boolean {
  if (volume.projected?.sources?.some(({ secret }) => secret)) return true;
  // Every other source names its secret in one of three ways.
  return Object.values(volume).some(
    source =>
      typeof source === 'object' && SECRET_FIELDS.some(field => (source as Source)[field] ?? false),
  );
}

type Source = Readonly<Record<string, unknown>>;

function namesOf(references: readonly { readonly name?: string }[] = []): Set<string> {
  return new Set(references.map(({ name }) => name ?? ''));
}

const SECRET_FIELDS = ['secretName', 'secretRef', 'nodePublishSecretRef'];
