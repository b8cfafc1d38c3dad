import {
  ApiError,
  Namespace,
  type NamespaceCondition,
  type ObjectClient,
  type ReconcileContext,
  type ReconcileResult,
  type ServedKind,
  toTime,
} from 'kernetes/sdk';

export type Context = Pick<
  ReconcileContext<Namespace, unknown>,
  'object' | 'objects' | 'clock' | 'random'
>;

/**
 * Empties a namespace that is being deleted of every kind that is served, and lets go of it when
 * nothing is left. Objects may take their time (grace, finalizers): then it looks again. Upstream's
 * namespaced resources deleter.
 */
export async function emptyAndRelease(
  { object: namespace, objects, clock }: Context,
  kinds: readonly ServedKind[],
): Promise<ReconcileResult> {
  if (namespace?.metadata.deletionTimestamp === undefined) return undefined;
  if (!namespace.spec?.finalizers?.includes(FINALIZER)) return undefined;
  const name = namespace.metadata.name ?? '';
  const within = kinds.filter(kind => kind.namespaced && kind.verbs.includes('delete'));
  const remaining = await Promise.all(within.map(kind => empty(objects, kind, name)));
  const left = within
    .map((kind, i) => ({ kind, count: remaining[i] ?? 0 }))
    .filter(({ count }) => count > 0);
  if (left.length > 0) {
    await tell(objects, namespace, left, clock.now());
    return { requeueAfter: RETRY_MS };
  }
  await release(objects, namespace);
  return undefined;
}

/** Deletes all of a kind in the namespace; how many are still there then. */
async function empty(objects: ObjectClient, kind: ServedKind, namespace: string): Promise<number> {
  const { group, version, resource } = kind;
  const at = { group, version, resource, namespace };
  const list = async () => objects.list(kind, { namespace });
  const { items } = await list();
  if (items.length === 0) return 0;
  const body = { propagationPolicy: 'Background' };
  if (kind.verbs.includes('deletecollection')) {
    await objects.request({ verb: 'deletecollection', ...at, body });
  } else {
    await objects.batch(
      items.map(({ metadata }) => ({ verb: 'delete', ...at, name: metadata.name ?? '', body })),
    );
  }
  return (await list()).items.length;
}

/** Says in the namespace's conditions what it waits for. */
async function tell(
  objects: ObjectClient,
  namespace: Namespace,
  left: readonly { readonly kind: ServedKind; readonly count: number }[],
  now: number,
): Promise<void> {
  const counts = left.map(({ kind, count }) => {
    const qualified = kind.group ? `${kind.resource}.${kind.group}` : `${kind.resource}.`;
    return `${qualified} has ${count} resource instances`;
  });
  const condition: NamespaceCondition = {
    type: 'NamespaceContentRemaining',
    status: 'True',
    reason: 'SomeResourcesRemain',
    message: `Some resources are remaining: ${counts.join(', ')}`,
    lastTransitionTime: toTime(now),
  };
  const others = (namespace.status?.conditions ?? []).filter(each => each.type !== condition.type);
  const before = namespace.status?.conditions?.find(each => each.type === condition.type);
  if (before?.message === condition.message) return;
  const status = { ...namespace.status, conditions: [...others, condition] };
  await objects.updateStatus(Namespace, { ...namespace, status }).catch(ignoreLostRace);
}

async function release(objects: ObjectClient, namespace: Namespace): Promise<void> {
  const finalizers = namespace.spec?.finalizers?.filter(each => each !== FINALIZER) ?? [];
  const released = { ...namespace, spec: { ...namespace.spec, finalizers } };
  await objects.update(Namespace, released, { subresource: 'finalize' });
}

/** The next look at the namespace tells it again. */
function ignoreLostRace(error: unknown): void {
  if (!ApiError.is(error, 'Conflict') && !ApiError.is(error, 'NotFound')) throw error;
}

const FINALIZER = 'kubernetes';
/** Things that end by themselves, pods above all, mostly do so within this. */
const RETRY_MS = 250;
