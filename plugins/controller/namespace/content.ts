import {
  type ApiError,
  type BatchResult,
  deleteRequest,
  type Kind,
  type KubeObject,
  type ObjectClient,
  type ObjectRequest,
  type ServedKind,
} from 'kernetes/sdk';

/** What a namespace still has of one kind. */
export interface Remainder {
  readonly kind: Kind;
  readonly objects: readonly KubeObject[];
}

export interface Emptied {
  readonly remaining: readonly Remainder[];
  readonly errors: readonly ApiError[];
}

/** Deletes everything of these kinds in the namespace, and tells what is there afterwards. */
export async function emptyNamespace(
  namespace: string,
  { kinds, objects }: { readonly kinds: readonly ServedKind[]; readonly objects: ObjectClient },
): Promise<Emptied> {
  const within = kinds.filter(({ namespaced, verbs }) => namespaced && verbs.includes('delete'));
  const whole = within.filter(({ verbs }) => verbs.includes('deletecollection'));
  const single = within.filter(kind => !whole.includes(kind));
  const deleted = [
    ...(await objects.batch(whole.map(kind => requestFor('deletecollection', kind, namespace)))),
    ...(await deleteSingly(namespace, single, objects)),
  ];
  const left = await remainders(namespace, within, objects);
  const failed = deleted.flatMap(result => (result.ok ? [] : [result.error]));
  return { remaining: left.remaining, errors: [...failed, ...left.errors].filter(isFailure) };
}

/** Kinds that have no deletecollection. */
async function deleteSingly(
  namespace: string,
  kinds: readonly Kind[],
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
  kinds: readonly Kind[],
  objects: ObjectClient,
): Promise<Emptied> {
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
