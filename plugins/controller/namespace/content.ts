import {
  APIService,
  type ApiError,
  type BatchResult,
  deleteRequest,
  type Kind,
  type KubeObject,
  type ObjectClient,
  type ObjectRequest,
  type ServedKind,
  undefinedIfNotFound,
} from 'kernetes/sdk';

/** What a namespace still has of one kind. */
export interface Remainder {
  readonly kind: ServedKind;
  readonly objects: readonly KubeObject[];
}

export interface Emptied {
  readonly remaining: readonly Remainder[];
  readonly errors: readonly Error[];
  /** `group/version` of what other servers serve and do not tell of now. */
  readonly undiscovered: readonly string[];
}

export interface EmptyOptions {
  readonly kinds: readonly ServedKind[];
  readonly objects: ObjectClient;
  /** How long ago the namespace was deleted. */
  readonly ageMs: number;
}

/** Deletes everything of these kinds in the namespace, and tells what is there afterwards. */
export async function emptyNamespace(
  namespace: string,
  { kinds, objects, ageMs }: EmptyOptions,
): Promise<Emptied> {
  const within = kinds.filter(({ namespaced, verbs }) => namespaced && verbs.includes('delete'));
  const whole = within.filter(({ verbs }) => verbs.includes('deletecollection'));
  const single = within.filter(kind => !whole.includes(kind));
  const requests = whole.map(kind => requestFor('deletecollection', kind, namespace));
  const collections = await objects.batch(requests);
  const deleted = [...collections, ...(await deleteSingly(namespace, single, objects))];
  const left = await remainders(namespace, within, objects);
  const failed = deleted.flatMap(result => (result.ok ? [] : [result.error]));
  const errors = [...failed, ...left.errors].filter(isFailure);
  // That of the others which could not be deleted is said already.
  const refused = new Set(whole.filter((_, i) => hasFailed(collections[i])));
  const stuck = left.remaining.filter(each => !refused.has(each.kind) && isUnexpected(each, ageMs));
  return {
    remaining: left.remaining,
    undiscovered: await undiscovered(objects),
    errors: [...errors, ...stuck.map(({ kind }) => unexpected(namespace, kind))],
  };
}

/** They may have something in the namespace. */
async function undiscovered(objects: ObjectClient): Promise<string[]> {
  const services = await objects.list(APIService).catch(undefinedIfNotFound);
  const isAvailable = ({ status }: APIService) =>
    status?.conditions?.some(each => each.type === 'Available' && each.status === 'True');
  return (services?.items ?? [])
    .filter(service => service.spec?.service && !isAvailable(service))
    .map(({ spec }) => `${spec?.group}/${spec?.version}`);
}

/** Neither finalizers nor a grace period explain that something is still there. */
function isUnexpected({ objects }: Remainder, ageMs: number): boolean {
  if (objects.some(({ metadata }) => metadata.finalizers?.length)) return false;
  const graces = objects.map(({ metadata }) => metadata.deletionGracePeriodSeconds ?? 0);
  return ageMs >= Math.max(...graces) * 1_000;
}

/** As upstream tells it. */
function unexpected(namespace: string, { group, version, resource }: Kind): Error {
  const what = `${group}/${version}, Resource=${resource}`;
  return new Error(`unexpected items still remain in namespace: ${namespace} for gvr: ${what}`);
}

/** Kinds that have no deletecollection. */
async function deleteSingly(
  namespace: string,
  kinds: readonly ServedKind[],
  objects: ObjectClient,
): Promise<BatchResult[]> {
  const { remaining } = await remainders(namespace, kinds, objects);
  return objects.batch(
    remaining.flatMap(({ kind, objects: found }) =>
      found.map(({ metadata: { name = '' } }) =>
        deleteRequest(kind, { namespace, name }, { propagationPolicy: 'Background' }),
      ),
    ),
  );
}

async function remainders(
  namespace: string,
  kinds: readonly ServedKind[],
  objects: ObjectClient,
): Promise<{ readonly remaining: Remainder[]; readonly errors: ApiError[] }> {
  const remaining: Remainder[] = [];
  const errors: ApiError[] = [];
  const lists = await objects.batch(kinds.map(kind => requestFor('list', kind, namespace)));
  for (const [i, kind] of kinds.entries()) {
    const list = lists[i];
    if (!list?.ok) {
      if (list) errors.push(list.error);
      continue;
    }
    const { items } = list.object as { readonly items: readonly KubeObject[] };
    if (items.length > 0) remaining.push({ kind, objects: items });
  }
  return { remaining, errors };
}

function requestFor(
  verb: 'list' | 'deletecollection',
  { group, version, resource }: Kind,
  namespace: string,
): ObjectRequest {
  const request = { verb, group, version, resource, namespace };
  return verb === 'list' ? request : { ...request, body: { propagationPolicy: 'Background' } };
}

/** An object that has gone meanwhile, a kind that is served no more: nothing to empty. */
function isFailure(error: ApiError): boolean {
  return error.reason !== 'NotFound';
}

function hasFailed(result: BatchResult | undefined): boolean {
  return result?.ok === false && isFailure(result.error);
}
