import { ControllerRevision } from './api/types-apps-v1.ts';
import type { PodTemplateSpec } from './api/types-core-v1.ts';
import { canonicalHash, canonicalJson } from './canonical.ts';
import { type Kind, type KubeObject, keyOf, parseKey } from './kind.ts';
import { deleteRequest } from './object-requests.ts';
import type { ObjectClient } from './objects.ts';
import { controllerOf, controllerReference } from './ownership.ts';
import { ApiError } from './status.ts';

/**
 * The pod templates that a StatefulSet or DaemonSet had, kept as ControllerRevisions: what
 * `kubectl rollout history` and `undo` read. A revision's data is the strategic patch that brings
 * its template back; its name and its hash label come of that data.
 */
export interface HistoryOptions<O extends KubeObject> {
  readonly objects: ObjectClient;
  readonly ownerKind: Kind<O>;
  readonly owner: O;
  /** The label of a revision that has its hash. */
  readonly hashLabel: string;
  /** Those that the owner controls, by the copy, in any order. */
  readonly revisions: readonly ControllerRevision[];
  /** Of the owner's status: how often another template had the same hash. */
  readonly collisionCount: number;
}

export interface UpdateRevision {
  /** The revision of the owner's template as it is now: the highest of all. */
  readonly revision: ControllerRevision;
  /** To be kept in the owner's status. */
  readonly collisionCount: number;
}

/**
 * The revision of `template`: one that is there, renumbered if it is not the newest (the owner was
 * rolled back), or a new one. Safe to repeat after a crash at any point.
 */
export async function syncRevision<O extends KubeObject>(
  template: PodTemplateSpec,
  options: HistoryOptions<O>,
): Promise<UpdateRevision> {
  const { revisions, collisionCount, objects } = options;
  const data = templatePatch(template);
  const sorted = sortRevisions(revisions);
  const next = (sorted.at(-1)?.revision ?? 0) + 1;
  const equal = sorted.filter(revision => isSameData(revision.data, data)).at(-1);
  if (!equal) return createRevision(data, next, options);
  if (equal === sorted.at(-1)) return { revision: equal, collisionCount };
  const { resourceVersion } = equal.metadata;
  const patch = { metadata: { resourceVersion }, revision: next };
  const key = parseKey(keyOf(equal));
  return { revision: await objects.patch(ControllerRevision, key, patch), collisionCount };
}

/** By number; equal ones by age, then by name. */
export function sortRevisions(revisions: readonly ControllerRevision[]): ControllerRevision[] {
  return [...revisions].sort(
    (a, b) =>
      a.revision - b.revision ||
      compareText(a.metadata.creationTimestamp, b.metadata.creationTimestamp) ||
      compareText(a.metadata.name, b.metadata.name),
  );
}

/** What a revision's data is. */
export interface TemplatePatch extends Record<string, unknown> {
  readonly spec: { readonly template: PodTemplateSpec & { readonly $patch: 'replace' } };
}

/** The strategic patch of an owner that puts this template in place of any other. */
export function templatePatch(template: PodTemplateSpec): TemplatePatch {
  return { spec: { template: { ...template, $patch: 'replace' } } };
}

/** The template that a revision keeps; undefined when its data is not such a patch. */
export function templateOf({ data }: ControllerRevision): PodTemplateSpec | undefined {
  const template = (data as Partial<TemplatePatch> | undefined)?.spec?.template;
  if (template === undefined) return undefined;
  const { $patch: _, ...rest } = template;
  return rest;
}

/**
 * Deletes the oldest revisions until at most `limit` remain beside those in use, whose names are
 * `live`: those that a pod was made of, and the owner's current and update revisions.
 */
export async function truncateHistory(
  objects: ObjectClient,
  revisions: readonly ControllerRevision[],
  { live, limit }: { readonly live: ReadonlySet<string>; readonly limit: number },
): Promise<void> {
  const unused = sortRevisions(revisions).filter(
    ({ metadata }) => !live.has(metadata.name ?? '') && !metadata.deletionTimestamp,
  );
  const surplus = unused.slice(0, Math.max(0, unused.length - limit));
  if (surplus.length === 0) return;
  const results = await objects.batch(
    surplus.map(revision =>
      deleteRequest(ControllerRevision, parseKey(keyOf(revision)), {
        preconditions: { uid: revision.metadata.uid ?? '' },
      }),
    ),
  );
  for (const result of results) {
    if (!result.ok && result.error.reason !== 'NotFound') throw result.error;
  }
}

async function createRevision<O extends KubeObject>(
  data: TemplatePatch,
  revision: number,
  options: HistoryOptions<O>,
): Promise<UpdateRevision> {
  const { objects, owner } = options;
  for (let tries = 0; tries <= COLLISIONS_MAX; tries++) {
    const collisionCount = options.collisionCount + tries;
    const wanted = newRevision(data, revision, { ...options, collisionCount });
    try {
      return { revision: await objects.create(ControllerRevision, wanted), collisionCount };
    } catch (error) {
      if (!ApiError.is(error, 'AlreadyExists')) throw error;
    }
    // Made before a crash, or not in the copy yet; or another template has the same hash.
    const found = await objects.get(ControllerRevision, parseKey(keyOf(wanted)));
    const isOurs = controllerOf(found)?.uid === owner.metadata.uid;
    if (isOurs && isSameData(found.data, data)) return { revision: found, collisionCount };
  }
  throw new Error(`Cannot create a revision of "${keyOf(owner)}": all names tried are taken`);
}

function newRevision<O extends KubeObject>(
  data: TemplatePatch,
  revision: number,
  { ownerKind, owner, hashLabel, collisionCount }: HistoryOptions<O>,
): ControllerRevision {
  const hash = canonicalHash(data, collisionCount);
  const { name = '', namespace = '', annotations } = owner.metadata;
  const { template } = data.spec;
  return {
    metadata: {
      // Upstream's bound: the name of a revision is also the value of a label of pods.
      name: `${name.slice(0, NAME_PREFIX_MAX)}-${hash}`,
      namespace,
      labels: { ...template.metadata?.labels, [hashLabel]: hash },
      ...(annotations && { annotations: withoutApplied(annotations) }),
      ownerReferences: [controllerReference(ownerKind, owner)],
    },
    data,
    revision,
  };
}

/** What kubectl applied last is the owner's alone; the rest tells of the change (change-cause). */
function withoutApplied(annotations: Readonly<Record<string, string>>): Record<string, string> {
  const { 'kubectl.kubernetes.io/last-applied-configuration': _, ...rest } = annotations;
  return rest;
}

function isSameData(a: unknown, b: unknown): boolean {
  return canonicalJson(a) === canonicalJson(b);
}

function compareText(a = '', b = ''): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Room for a dash and the hash in the 63 characters of a label's value. */
const NAME_PREFIX_MAX = 52;

/** Two templates of one owner with the same 32-bit hash are rare; more are somebody's mischief. */
const COLLISIONS_MAX = 10;
