import { isDeepStrictEqual } from 'node:util';
import {
  ApiError,
  Namespace,
  type ReconcileContext,
  type ReconcileResult,
  type ServedKind,
} from 'kernetes/sdk';
import { conditionsOf } from './conditions.ts';
import { type Emptied, emptyNamespace } from './content.ts';

const FINALIZER = 'kubernetes';

type Context = ReconcileContext<Namespace, unknown>;

/** Empties namespaces that are deleted, then lets them go. */
export class NamespaceEmptier {
  readonly #kinds: () => readonly ServedKind[];
  /** How often each was looked at and was not empty. By uid. */
  readonly #attempts = new Map<string, number>();

  constructor(kinds: () => readonly ServedKind[]) {
    this.#kinds = kinds;
  }

  async reconcile(context: Context): Promise<ReconcileResult> {
    const { object: namespace, objects } = context;
    if (!namespace?.metadata.deletionTimestamp) return undefined;
    const { name = '', uid = '', deletionTimestamp } = namespace.metadata;
    if (!namespace.spec?.finalizers?.includes(FINALIZER)) return undefined;
    const kinds = this.#kinds();
    // The kernel has not told yet. To let go now would leave everything behind.
    if (kinds.length === 0) return { requeueAfter: RETRY_FIRST_MS };
    const ageMs = context.clock.now() - Date.parse(deletionTimestamp);
    const emptied = await emptyNamespace(name, { kinds, objects, ageMs });
    if (isEmpty(emptied)) {
      this.#attempts.delete(uid);
      await letGo(namespace, context);
      return undefined;
    }
    await tell(namespace, emptied, context);
    const attempts = this.#attempts.get(uid) ?? 0;
    this.#attempts.set(uid, attempts + 1);
    return { requeueAfter: Math.min(RETRY_FIRST_MS * 2 ** attempts, RETRY_MAX_MS) };
  }
}

function isEmpty({ remaining, errors, undiscovered }: Emptied): boolean {
  return remaining.length + errors.length + undiscovered.length === 0;
}

async function letGo(namespace: Namespace, { objects }: Context): Promise<void> {
  const finalizers = namespace.spec?.finalizers?.filter(name => name !== FINALIZER) ?? [];
  const wanted = { ...namespace, spec: { ...namespace.spec, finalizers } };
  try {
    await objects.update(Namespace, wanted, { subresource: 'finalize' });
  } catch (error) {
    // Gone already: the copy was behind.
    if (!ApiError.is(error, 'NotFound')) throw error;
  }
}

async function tell(
  namespace: Namespace,
  emptied: Emptied,
  { objects, clock }: Context,
): Promise<void> {
  const old = namespace.status?.conditions ?? [];
  const conditions = conditionsOf(emptied, old, clock.now());
  if (isDeepStrictEqual(conditions, old)) return;
  const status = { ...namespace.status, phase: 'Terminating', conditions };
  await objects.updateStatus(Namespace, { ...namespace, status });
}

/** Simulated pods end in no time; real ones in their grace period. */
const RETRY_FIRST_MS = 100;
const RETRY_MAX_MS = 10_000;
