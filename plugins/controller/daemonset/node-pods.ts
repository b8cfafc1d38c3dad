import { isPodReady, type Pod } from 'kernetes/sdk';
import type { FailedPods } from './failed-pods.ts';
import { allowsSurge } from './rolling-update.ts';
import {
  isAvailable,
  isGoing,
  isUpdated,
  type NodeState,
  type Plan,
  type Snapshot,
} from './snapshot.ts';

export interface NodePlanOptions {
  readonly failedPods: FailedPods;
  /** The key of the set. */
  readonly key: string;
}

/** What is to be done so that there is a pod where there should be one, and no other. */
export interface NodePlan extends Plan {
  /** Those of `remove` that have ended by themselves. */
  readonly ended: readonly { readonly pod: Pod; readonly node: string }[];
  /** Until when a failed pod is left where it is; Infinity when none is. */
  readonly waitMs: number;
}

export function planNodes(snapshot: Snapshot, options: NodePlanOptions): NodePlan {
  const create: string[] = [];
  const ended: { pod: Pod; node: string }[] = [];
  // Nobody else deletes a pod that never had a node: it waits for one that is gone.
  const remove = snapshot.lost.filter(pod => !pod.spec?.nodeName && !isGoing(pod));
  let waitMs = Number.POSITIVE_INFINITY;
  for (const node of snapshot.nodes) {
    if (!node.mayStay) {
      remove.push(...node.pods.filter(pod => !isGoing(pod)));
      continue;
    }
    const { done, waiting, running } = sortOut(snapshot, node, options);
    for (const pod of done) ended.push({ pod, node: node.name });
    if (waiting !== undefined) waitMs = Math.min(waitMs, waiting);
    remove.push(...done, ...excess(snapshot, running));
    const isEmpty = allowsSurge(snapshot.set)
      ? running.length === 0 && done.length === 0 && waiting === undefined
      : node.pods.length === 0;
    if (isEmpty && node.shouldRun) create.push(node.name);
  }
  return { create, remove, ended, waitMs };
}

/**
 * Pods that have ended and go now, those that run, and how long failed ones wait. Where any wait no
 * other is made, so that a node that refuses pods does not get new ones all the time.
 */
function sortOut(
  { set }: Snapshot,
  { name, pods }: NodeState,
  { failedPods, key }: NodePlanOptions,
): { done: Pod[]; running: Pod[]; waiting: number | undefined } {
  const done: Pod[] = [];
  const running: Pod[] = [];
  const failed: Pod[] = [];
  for (const pod of pods) {
    if (isGoing(pod)) continue;
    if (pod.status?.phase === 'Failed') failed.push(pod);
    else if (pod.status?.phase === 'Succeeded') done.push(pod);
    else running.push(pod);
  }
  if (failed.length === 0) return { done, running, waiting: undefined };
  const waiting = failedPods.delayMs(key, name, set.status?.observedGeneration ?? 0);
  if (waiting > 0) return { done, running, waiting };
  return { done: [...done, ...failed], running, waiting: undefined };
}

/** Those of one node that are too many; with surge an old one stays until the new one is there. */
function excess(snapshot: Snapshot, running: readonly Pod[]): readonly Pod[] {
  if (running.length <= 1) return [];
  if (!allowsSurge(snapshot.set)) return running.slice(1);
  const [updated, ...moreUpdated] = running.filter(pod => isUpdated(snapshot, pod));
  const [old, ...moreOld] = running.filter(pod => !isUpdated(snapshot, pod));
  const isReplaced = old && updated && (!isPodReady(old) || isAvailable(snapshot, updated));
  return [...moreUpdated, ...moreOld, ...(isReplaced ? [old] : [])];
}
