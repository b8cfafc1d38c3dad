import type { DeleteOptions } from '../../sdk/api/types-meta-v1.ts';
import { toTime } from '../../sdk/clock.ts';
import type { KubeObject } from '../../sdk/kind.ts';
import type { KindStrategy } from '../../sdk/kind-definition.ts';

/**
 * What a delete makes of an object: `pending`: it goes by itself, later, and nothing changes;
 * `released`: nothing keeps it; `held`: it stays, with its deletion asked for.
 */
export type Fate = 'pending' | 'released' | 'held';

/**
 * Asks for an object's deletion, in place: timestamp, grace and the finalizers that the propagation
 * policy calls for. Upstream's BeforeDelete, deletionFinalizersForGarbageCollection and
 * markAsDeleting, in one.
 */
export function markDeleted(
  object: KubeObject,
  options: DeleteOptions,
  { strategy, now }: { readonly strategy: KindStrategy; readonly now: number },
): Fate {
  const grace = askGrace(object, options, strategy, now);
  if (grace === 'pending') return 'pending';
  const { metadata } = object;
  const finalizers = finalizersFor(metadata.finalizers ?? [], options, strategy);
  if (finalizers.length > 0) metadata.finalizers = finalizers;
  else delete metadata.finalizers;
  const held = finalizers.length > 0 || grace > 0 || strategy.heldBy?.(object);
  if (!held) return 'released';
  if (grace === 0) askNow(object, strategy, now);
  return 'held';
}

/** Whether nothing keeps an object that somebody asked to delete. */
export function isReleased(strategy: KindStrategy, object: KubeObject): boolean {
  const { deletionTimestamp, finalizers, deletionGracePeriodSeconds } = object.metadata;
  if (!deletionTimestamp || finalizers?.length) return false;
  if (strategy.heldBy?.(object)) return false;
  return (deletionGracePeriodSeconds ?? 0) === 0;
}

/** Sets the grace period of a kind that has one; returns how long it is from now. */
function askGrace(
  object: KubeObject,
  { gracePeriodSeconds }: DeleteOptions,
  strategy: KindStrategy,
  now: number,
): number | 'pending' {
  const { metadata } = object;
  // Upstream takes what is negative for a second.
  const asked = gracePeriodSeconds && gracePeriodSeconds < 0 ? 1 : gracePeriodSeconds;
  if (metadata.deletionTimestamp) {
    if (strategy.heldBy?.(object)) return 'pending';
    const old = metadata.deletionGracePeriodSeconds ?? 0;
    if (old === 0) return 0;
    // It may be made shorter, from when it began.
    if (asked === undefined || asked >= old) return 'pending';
    const began = Date.parse(metadata.deletionTimestamp) - old * 1_000;
    metadata.deletionTimestamp = toTime(began + asked * 1_000);
    metadata.deletionGracePeriodSeconds = asked;
    return asked;
  }
  if (!strategy.gracePeriodSeconds) return 0;
  const grace = strategy.gracePeriodSeconds(object, asked);
  begin(object, now + grace * 1_000);
  metadata.deletionGracePeriodSeconds = grace;
  return grace;
}

/** Something other than time keeps it. */
function askNow(object: KubeObject, strategy: KindStrategy, now: number): void {
  const { metadata } = object;
  if (!metadata.deletionTimestamp) begin(object, now);
  else if (Date.parse(metadata.deletionTimestamp) > now) metadata.deletionTimestamp = toTime(now);
  // What is held by more than finalizers has no grace period, not even one of 0.
  if (!strategy.heldBy) metadata.deletionGracePeriodSeconds = 0;
}

function begin({ metadata }: KubeObject, until: number): void {
  metadata.deletionTimestamp = toTime(until);
  if (metadata.generation) metadata.generation++;
}

function finalizersFor(
  current: string[],
  options: DeleteOptions,
  { defaultOrphan }: KindStrategy,
): string[] {
  const policy = policyOf(options);
  const others = current.filter(each => each !== ORPHAN && each !== FOREGROUND);
  const own = current.filter(each => each === ORPHAN || each === FOREGROUND);
  const wanted = policy ? FINALIZERS_OF[policy] : own.length === 0 && defaultOrphan && [ORPHAN];
  if (!wanted || wanted.join() === own.join()) return current;
  return [...others, ...wanted];
}

function policyOf({ propagationPolicy, orphanDependents }: DeleteOptions): string | undefined {
  if (propagationPolicy !== undefined) return propagationPolicy;
  if (orphanDependents === undefined) return undefined;
  return orphanDependents ? 'Orphan' : 'Background';
}

const ORPHAN = 'orphan';
const FOREGROUND = 'foregroundDeletion';
const FINALIZERS_OF: Readonly<Record<string, readonly string[]>> = {
  Orphan: [ORPHAN],
  Foreground: [FOREGROUND],
  Background: [],
};
