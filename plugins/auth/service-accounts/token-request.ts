import {
  type BoundObjectReference,
  badRequest,
  builtInSchema,
  type Clock,
  conflict,
  defineSubresourceHandler,
  type FieldError,
  fieldPath,
  invalid,
  invalidValue,
  Node,
  type ObjectClient,
  Pod,
  type Random,
  Secret,
  type ServiceAccount,
  type SubresourceHandler,
  type SubresourceRequest,
  serviceAccountUser,
  type TokenRequest,
  undefinedIfNotFound,
} from 'kernetes/sdk';
import type { AccountClaims, Reference, TokenClaims } from './claims.ts';

export interface TokenRequestOptions {
  readonly issuer: string;
  readonly apiAudiences: readonly string[];
  /** 0: any. */
  readonly maxExpirationSeconds: number;
  readonly clock: Clock;
  readonly random: Random;
  readonly objects: Pick<ObjectClient, 'get'>;
  readonly sign: (claims: TokenClaims) => string | Promise<string>;
}

/** `serviceaccounts/token`: makes out a token that ends. */
export function tokenRequests(options: TokenRequestOptions): SubresourceHandler {
  return defineSubresourceHandler<TokenRequest>({
    group: '',
    resource: 'serviceaccounts',
    subresource: 'token',
    verbs: ['create'],
    body: {
      ...KIND,
      version: 'v1',
      schema: builtInSchema(KIND.group, 'v1', KIND.kind),
      defaults: request => {
        request.spec ??= {};
        request.spec.expirationSeconds ??= DEFAULT_SECONDS;
      },
    },
    handle: async request => ({ value: await issue(request, options) }),
  });
}

async function issue(
  { object: account, body, name, namespace }: SubresourceRequest<TokenRequest>,
  options: TokenRequestOptions,
): Promise<TokenRequest> {
  const request: TokenRequest = body ?? { metadata: {} };
  const spec = request.spec ?? {};
  if (!spec.audiences?.length) spec.audiences = [...options.apiAudiences];
  const errors = validateRequest(request, { name, namespace });
  if (errors.length > 0) throw invalid(KIND, request.metadata.name ?? '', errors);
  const bound = await bind(spec.boundObjectRef, { name, namespace }, options.objects);
  const { maxExpirationSeconds: max, clock } = options;
  const asked = spec.expirationSeconds ?? DEFAULT_SECONDS;
  const seconds = max > 0 ? Math.min(asked, max) : asked;
  const now = Math.floor(clock.now() / 1_000);
  const lasts = lifetime(seconds, bound, spec.audiences, options);
  const claims: TokenClaims = {
    aud: spec.audiences,
    exp: now + lasts.seconds,
    iat: now,
    iss: options.issuer,
    jti: options.random.uuid(),
    'kubernetes.io': {
      namespace,
      ...bound,
      serviceaccount: referenceTo(account as ServiceAccount),
      ...(lasts.warnAfter !== undefined && { warnafter: now + lasts.warnAfter }),
    },
    nbf: now,
    sub: serviceAccountUser(namespace, name),
  };
  return {
    kind: KIND.kind,
    apiVersion: `${KIND.group}/v1`,
    metadata: { ...request.metadata, name, namespace, creationTimestamp: timeOf(now) },
    spec: { ...spec, expirationSeconds: seconds },
    status: { token: await options.sign(claims), expirationTimestamp: timeOf(now + seconds) },
  };
}

type Bound = Pick<AccountClaims, 'pod' | 'node' | 'secret'>;

/** Findings in upstream's order. */
function validateRequest(
  { metadata, spec = {} }: TokenRequest,
  url: { readonly name: string; readonly namespace: string },
): FieldError[] {
  for (const part of ['name', 'namespace'] as const) {
    const given = metadata[part];
    if (!given || given === url[part]) continue;
    const why = `must match the service account ${part} if specified`;
    return [invalidValue(fieldPath('metadata', part), given, why)];
  }
  const { expirationSeconds: seconds = DEFAULT_SECONDS } = spec;
  const path = fieldPath('spec', 'expirationSeconds');
  if (seconds < SECONDS_MIN) {
    return [invalidValue(path, seconds, 'may not specify a duration less than 10 minutes')];
  }
  if (seconds > SECONDS_MAX) {
    return [invalidValue(path, seconds, 'may not specify a duration larger than 2^32 seconds')];
  }
  return [];
}

/** What the token shall end with; throws NotFound, Conflict or BadRequest. */
async function bind(
  reference: BoundObjectReference | undefined,
  account: { readonly name: string; readonly namespace: string },
  objects: TokenRequestOptions['objects'],
): Promise<Bound> {
  if (reference === undefined) return {};
  const { apiVersion = '', kind = '', name = '', uid } = reference;
  const { namespace } = account;
  const slash = apiVersion.indexOf('/');
  const group = apiVersion.slice(0, Math.max(slash, 0));
  switch (group === '' ? kind : '') {
    case 'Pod': {
      const pod = await objects.get(Pod, { namespace, name });
      const { serviceAccountName, nodeName } = pod.spec ?? {};
      if (account.name !== serviceAccountName) {
        throw badRequest(
          `cannot bind token for serviceaccount "${account.name}" to pod running with different serviceaccount name.`,
        );
      }
      const bound = { pod: sameAs(pod, kind, uid) };
      return nodeName ? { node: await nodeOf(nodeName, objects), ...bound } : bound;
    }
    case 'Secret':
      return { secret: sameAs(await objects.get(Secret, { namespace, name }), kind, uid) };
    case 'Node':
      return { node: sameAs(await objects.get(Node, { name }), kind, uid) };
    default: {
      const version = apiVersion.slice(slash + 1);
      throw badRequest(`cannot bind token to object of type ${group}/${version}, Kind=${kind}`);
    }
  }
}

/** Where the pod runs is told as far as it is known. */
async function nodeOf(name: string, objects: TokenRequestOptions['objects']): Promise<Reference> {
  const node = await objects.get(Node, { name }).catch(undefinedIfNotFound);
  return node ? referenceTo(node) : { name };
}

function sameAs(object: Pod | Secret | Node, resource: string, uid: string | undefined): Reference {
  const found = referenceTo(object);
  if (!uid || uid === found.uid) return found;
  throw conflict(
    { group: '', resource },
    found.name,
    `the UID in the bound object reference (${uid}) does not match the UID in record. The object might have been deleted and then recreated`,
  );
}

function referenceTo({ metadata }: ServiceAccount | Pod | Secret | Node): Reference {
  const { name = '', uid = '' } = metadata;
  return { name, uid };
}

/**
 * The token that a pod gets mounted asks for this very time and is good for a year: a program that
 * never reads the file again goes on working, and is told of by `warnafter`. As upstream.
 */
function lifetime(
  seconds: number,
  { pod }: Bound,
  audiences: readonly string[],
  { apiAudiences }: TokenRequestOptions,
): { readonly seconds: number; readonly warnAfter?: number } {
  const isMounted = pod !== undefined && seconds === MOUNTED_SECONDS;
  const isOurs = audiences.every(each => apiAudiences.includes(each));
  return isMounted && isOurs ? { seconds: YEAR_SECONDS, warnAfter: seconds } : { seconds };
}

function timeOf(seconds: number): string {
  return new Date(seconds * 1_000).toISOString().replace('.000Z', 'Z');
}

const KIND = { group: 'authentication.k8s.io', kind: 'TokenRequest' };
const DEFAULT_SECONDS = 3_600;
const SECONDS_MIN = 600;
const SECONDS_MAX = 2 ** 32;
const MOUNTED_SECONDS = 3_607;
const YEAR_SECONDS = 365 * 24 * 3_600;
