import {
  ControllerRevision,
  canonicalJson,
  claim,
  DaemonSet,
  keyOf,
  Pod,
  parseKey,
  selectorFrom,
  syncRevision,
  truncateHistory,
} from 'kernetes/sdk';
import { HASH_LABEL } from './daemon-pod.ts';
import type { Context } from './daemonset.ts';

export interface History {
  /** Of the template of now. */
  readonly hash: string;
  readonly collisionCount: number;
  readonly current: ControllerRevision;
  /** All others of the set. */
  readonly old: readonly ControllerRevision[];
  /** Pods that another revision of the same template had; as they are now. */
  readonly relabelled: readonly Pod[];
}

/** The revisions of the set's templates, with one of that of now. */
export async function syncHistory(
  set: DaemonSet,
  pods: readonly Pod[],
  context: Context,
): Promise<History> {
  const { objects } = context;
  const revisions = await claim({
    objects,
    ownerKind: DaemonSet,
    owner: set,
    selector: selectorFrom(set.spec?.selector),
    kind: ControllerRevision,
    owned: context.owned(ControllerRevision),
    orphans: context.orphans(ControllerRevision),
  });
  const { revision: current, collisionCount } = await syncRevision(set.spec?.template ?? {}, {
    objects,
    ownerKind: DaemonSet,
    owner: set,
    hashLabel: HASH_LABEL,
    revisions,
    collisionCount: set.status?.collisionCount ?? 0,
  });
  const others = revisions.filter(({ metadata }) => metadata.uid !== current.metadata.uid);
  const data = canonicalJson(current.data);
  const doubles = others.filter(revision => canonicalJson(revision.data) === data);
  const relabelled = await merge(doubles, { current, pods, context });
  const old = others.filter(revision => !doubles.includes(revision));
  return { hash: hashOf(current), collisionCount, current, old, relabelled };
}

/** Keeps `revisionHistoryLimit` old revisions, those that pods are of included. */
export async function cleanUpHistory(
  set: DaemonSet,
  { current, old }: History,
  { pods, context }: { readonly pods: readonly Pod[]; readonly context: Context },
): Promise<void> {
  const limit = set.spec?.revisionHistoryLimit ?? LIMIT_DEFAULT;
  if (old.length <= limit) return;
  const hashes = new Set(pods.map(({ metadata }) => metadata.labels?.[HASH_LABEL]));
  const used = old.filter(revision => hashes.has(hashOf(revision)));
  await truncateHistory(context.objects, old, {
    live: new Set([...used, current].map(({ metadata }) => metadata.name ?? '')),
    limit: Math.max(0, limit - used.length),
  });
}

interface MergeOptions {
  readonly current: ControllerRevision;
  readonly pods: readonly Pod[];
  readonly context: Context;
}

/**
 * Adopted revisions can be of the same template as the current one: their pods become its own,
 * before they are deleted.
 */
async function merge(
  doubles: readonly ControllerRevision[],
  { current, pods, context: { objects } }: MergeOptions,
): Promise<Pod[]> {
  const hashes = new Set(doubles.map(hashOf));
  const labels = { [HASH_LABEL]: hashOf(current) };
  const concerned = pods.filter(pod => hashes.has(pod.metadata.labels?.[HASH_LABEL] ?? ''));
  const relabelled = await Promise.all(
    concerned.map(pod => {
      const patch = { metadata: { uid: pod.metadata.uid, labels } };
      return objects.patch(Pod, parseKey(keyOf(pod)), patch);
    }),
  );
  await truncateHistory(objects, doubles, { live: new Set(), limit: 0 });
  return relabelled;
}

function hashOf({ metadata }: ControllerRevision): string {
  return metadata.labels?.[HASH_LABEL] ?? metadata.name ?? '';
}

const LIMIT_DEFAULT = 10;
