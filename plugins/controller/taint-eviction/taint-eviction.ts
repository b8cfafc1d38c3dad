import {
  type BatchResult,
  deleteRequest,
  disruptionTarget,
  type Node,
  type ObjectKey,
  type ObjectRequest,
  Pod,
  patchRequest,
  type ReconcileContext,
  type ReconcileResult,
  type Taint,
  toTime,
} from 'kernetes/sdk';
import { type Starts, startsOf, stayEnds } from './stay.ts';

type Context = ReconcileContext<Node, unknown>;

/** A pod that has to go, at once or later. */
interface Leaving {
  readonly pod: Pod;
  readonly starts: Starts;
  readonly at: number;
  /** It was told that the pod goes, which cannot be taken back. */
  told: boolean;
  /** Until the copy of the pods shows it. */
  deleted: boolean;
}

/** Deletes the pods of nodes with NoExecute taints that they do not tolerate, or no longer. */
export class TaintEviction {
  /** Node -> uid of the pod. */
  readonly #leaving = new Map<string, Map<string, Leaving>>();

  async reconcile({ name }: ObjectKey, context: Context): Promise<ReconcileResult> {
    const { object: node, clock, informer } = context;
    const taints = evictingTaints(node);
    const known = this.#leaving.get(name) ?? new Map<string, Leaving>();
    // Whose node is gone is not ours any more.
    const pods = node ? informer(Pod).byIndex('node', name).filter(isThere) : [];
    if (taints.length === 0 && known.size === 0) return undefined;
    const now = clock.now();
    const leaving = new Map<string, Leaving>();
    for (const pod of taints.length > 0 ? pods : []) {
      const { uid = '' } = pod.metadata;
      const each = leavingOf(pod, { taints, known: known.get(uid), now });
      if (each) leaving.set(uid, each);
    }
    this.#tellCancelled(known, { leaving, now }, context);
    if (leaving.size > 0) this.#leaving.set(name, leaving);
    else this.#leaving.delete(name);
    const all = [...leaving.values()];
    await evict(
      all.filter(({ at, deleted }) => at <= now && !deleted),
      context,
    );
    const next = Math.min(...all.filter(({ at }) => at > now).map(({ at }) => at));
    return Number.isFinite(next) ? { requeueAfter: next - now } : undefined;
  }

  /** Of those that were to go later, and now do not, or at once instead. */
  #tellCancelled(
    known: ReadonlyMap<string, Leaving>,
    { leaving, now }: { readonly leaving: ReadonlyMap<string, Leaving>; readonly now: number },
    { object: node, events }: Context,
  ): void {
    if (!node) return;
    for (const [uid, { pod, told, at }] of known) {
      const current = leaving.get(uid);
      const isSooner = current !== undefined && current.at <= now && at > now;
      if (told || (current && !isSooner)) continue;
      events.event(pod, 'Normal', REASON, `Cancelling deletion of Pod ${nameOf(pod)}`);
    }
  }
}

export function evictingTaints(node: Node | undefined): readonly Taint[] {
  return node?.spec?.taints?.filter(({ effect }) => effect === 'NoExecute') ?? [];
}

interface LeavingOptions {
  readonly taints: readonly Taint[];
  readonly known: Leaving | undefined;
  readonly now: number;
}

/** Undefined: it may stay. */
function leavingOf(pod: Pod, { taints, known, now }: LeavingOptions): Leaving | undefined {
  const starts = startsOf({ pod, taints, known: known?.starts, now });
  const at = stayEnds(pod, taints, starts);
  if (at === Number.POSITIVE_INFINITY) return undefined;
  return { pod, starts, at, told: known?.told ?? false, deleted: known?.deleted ?? false };
}

/** Why they go is written before they do, so that whoever made them learns it. */
async function evict(leaving: readonly Leaving[], context: Context): Promise<void> {
  if (leaving.length === 0) return;
  const { objects, events, clock } = context;
  for (const each of leaving) {
    if (each.told) continue;
    each.told = true;
    events.event(each.pod, 'Normal', REASON, `Marking for deletion Pod ${nameOf(each.pod)}`);
  }
  const now = toTime(clock.now());
  const marked = await objects.batch(leaving.map(({ pod }) => markRequest(pod, now)));
  const deletable = leaving.filter((_, i) => marked[i]?.ok);
  const deleted = await objects.batch(
    deletable.map(({ pod }) => {
      return deleteRequest(Pod, keyIn(pod), { preconditions: { uid: pod.metadata.uid ?? '' } });
    }),
  );
  for (const [i, { ok }] of deleted.entries()) {
    const each = deletable[i];
    if (each && ok) each.deleted = true;
  }
  throwFirst([...marked, ...deleted]);
}

function markRequest({ metadata, ...pod }: Pod, now: string): ObjectRequest {
  const key = keyIn({ metadata, ...pod });
  const conditions = [disruptionTarget(TAINTED, now)];
  const patch = { metadata: { uid: metadata.uid }, status: { conditions } };
  const type = 'application/strategic-merge-patch+json';
  return patchRequest(Pod, key, patch, { subresource: 'status', type });
}

/** That a pod is gone, or another has its name, is what was wanted. */
function throwFirst(results: readonly BatchResult[]): void {
  for (const result of results) {
    if (!result.ok && !['NotFound', 'Conflict'].includes(result.error.reason)) throw result.error;
  }
}

function isThere({ metadata }: Pod): boolean {
  return metadata.deletionTimestamp === undefined;
}

function keyIn({ metadata: { namespace = '', name = '' } }: Pod): ObjectKey {
  return { namespace, name };
}

function nameOf({ metadata: { namespace = '', name = '' } }: Pod): string {
  return `${namespace}/${name}`;
}

const REASON = 'TaintManagerEviction';
const TAINTED = {
  reason: 'DeletionByTaintManager',
  message: 'Taint manager: deleting due to NoExecute taint',
};
