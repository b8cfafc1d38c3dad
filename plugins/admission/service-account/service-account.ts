import {
  type AdmissionPlugin,
  type AdmissionRequest,
  admissionForbidden,
  type Pod,
  type PodSpec,
  type ServiceAccount,
} from 'kernetes/sdk';
import { DEFAULT_ACCOUNT } from './account-lookup.ts';
import { forbiddenEphemeralSecret, forbiddenSecret, isSecretUsed } from './secrets.ts';

/** Finds an account; undefined: there is none. */
export type FindAccount = (
  namespace: string,
  name: string,
) => ServiceAccount | Promise<ServiceAccount | undefined> | undefined;

/** Gives a pod the means to be its account. */
export type MountToken = (spec: PodSpec, account: ServiceAccount) => void;

export function serviceAccountAdmission(find: FindAccount, mount: MountToken): AdmissionPlugin {
  return {
    rules: [
      { operations: ['CREATE'], groups: [''], resources: ['pods'] },
      { operations: ['UPDATE'], groups: [''], resources: ['pods/ephemeralcontainers'] },
    ],
    mutate(request) {
      const { spec, isMirror } = podOf(request);
      if (request.operation !== 'CREATE') return;
      if (isMirror) return refuseMirror(request, spec);
      spec.serviceAccountName ||= spec.serviceAccount || DEFAULT_ACCOUNT;
      spec.serviceAccount = spec.serviceAccountName;
      return withAccount(find, request, spec, account => complete(spec, account, mount));
    },
    validate(request) {
      const { spec, isMirror } = podOf(request);
      const isCreate = request.operation === 'CREATE';
      if (isMirror && isCreate) return refuseMirror(request, spec);
      if (!spec.serviceAccountName) {
        const { namespace, name } = request;
        const why = `no service account specified for pod ${namespace}/${name}`;
        throw admissionForbidden(request, why);
      }
      return withAccount(find, request, spec, account => {
        if (account.metadata.annotations?.[ENFORCE_ANNOTATION] !== 'true') return;
        const why = (isCreate ? forbiddenSecret : forbiddenEphemeralSecret)(spec, account);
        if (why !== undefined) throw admissionForbidden(request, why);
      });
    },
  };
}

function podOf({ object }: AdmissionRequest): { spec: PodSpec; isMirror: boolean } {
  const { spec = { containers: [] }, metadata } = object as Pod;
  return { spec, isMirror: metadata.annotations?.[MIRROR_ANNOTATION] !== undefined };
}

/** Without a promise where the account is known, which is nearly always. */
function withAccount(
  find: FindAccount,
  request: AdmissionRequest,
  { serviceAccountName = '' }: PodSpec,
  use: (account: ServiceAccount) => void,
): void | Promise<void> {
  const { namespace } = request;
  const check = (account: ServiceAccount | undefined) => {
    if (account) return use(account);
    const where = `${namespace}/${serviceAccountName}`;
    const why = `serviceaccount "${serviceAccountName}" not found`;
    throw admissionForbidden(request, `error looking up service account ${where}: ${why}`);
  };
  const found = find(namespace, serviceAccountName);
  return found instanceof Promise ? found.then(check) : check(found);
}

function complete(spec: PodSpec, account: ServiceAccount, mount: MountToken): void {
  if (spec.automountServiceAccountToken ?? account.automountServiceAccountToken ?? true) {
    mount(spec, account);
  }
  const { imagePullSecrets = [] } = account;
  if ((spec.imagePullSecrets ?? []).length > 0 || imagePullSecrets.length === 0) return;
  spec.imagePullSecrets = imagePullSecrets.map(({ name }) => ({ name: name ?? '' }));
}

/** What a node runs of its own accord must not use what only the server gives. */
function refuseMirror(request: AdmissionRequest, spec: PodSpec): void {
  if (spec.serviceAccountName || spec.serviceAccount) {
    throw admissionForbidden(request, 'a mirror pod may not reference service accounts');
  }
  if (isSecretUsed(spec)) {
    throw admissionForbidden(request, 'a mirror pod may not reference secrets');
  }
  const sources = (spec.volumes ?? []).flatMap(({ projected }) => projected?.sources ?? []);
  if (sources.some(({ serviceAccountToken }) => serviceAccountToken)) {
    const why = 'a mirror pod may not use ServiceAccountToken volume projections';
    throw admissionForbidden(request, why);
  }
}

const MIRROR_ANNOTATION = 'kubernetes.io/config.mirror';
const ENFORCE_ANNOTATION = 'kubernetes.io/enforce-mountable-secrets';
