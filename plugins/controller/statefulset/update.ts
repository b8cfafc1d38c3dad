import { type Pod, scaledValue } from 'kernetes/sdk';
import { type Action, deletion } from './action.ts';
import { isReady, isServing, isTerminating } from './health.ts';
import { replicasOf, revisionOf } from './identity.ts';
import { isUnavailable, isUpdated, type Members, partitionOf, revisionAt } from './members.ts';

/**
 * Which replicas are ended for the sake of their revision, from the highest down: as many as
 * `maxUnavailable` leaves room for. `ended` are those that end for another reason already.
 */
export function planUpdate(members: Members, ended: ReadonlySet<Pod>): Action[] {
  const { set, replicas } = members;
  if (set.spec?.updateStrategy?.type === 'OnDelete') return [];
  const isOutdated = (pod: Pod | undefined): pod is Pod =>
    pod !== undefined && !isUpdated(members, pod) && !isTerminating(pod) && !ended.has(pod);
  const outdated = replicas.slice(partitionOf(set)).filter(isOutdated).reverse();
  const leftOut = replicasOf(set) - replicas.length;
  const unavailable = leftOut + replicas.filter(pod => isUnavailable(members, pod)).length;
  const room = Math.max(0, maxUnavailableOf(members) - unavailable);
  if (set.spec?.podManagementPolicy !== 'Parallel') return outdated.slice(0, room).map(deletion);
  // To end those that do not work anyway costs nothing, and brings a broken update to an end.
  const isWorking = (pod: Pod) => isServing(set, pod, members.now);
  const broken = outdated.filter(pod => !isWorking(pod));
  return [...broken, ...outdated.filter(isWorking).slice(0, room)].map(deletion);
}

/**
 * A replica of an ordered set that is not ready and will be of another revision: it is replaced
 * instead of waited for, so that a template that never becomes ready can be rolled back or mended.
 * Upstream waits for ever (kubernetes/kubernetes#67250), and has people delete the pod.
 *
 * A pod of the revision that the set came from is not taken while one above it is on its way: a
 * short weakness of it must not spread a revision that has not proved itself.
 */
export function planReplacement(members: Members): Action[] {
  const { set, replicas, currentRevision } = members;
  if (set.spec?.updateStrategy?.type === 'OnDelete') return [];
  let isHeld = false;
  for (const [index, pod] of [...replicas.entries()].reverse()) {
    if (!pod) continue;
    if (isTerminating(pod)) isHeld = true;
    else if (isReady(pod)) continue;
    else if (revisionOf(pod) === revisionAt(members, index)) isHeld = true;
    else if (revisionOf(pod) !== currentRevision || !isHeld) return [deletion(pod)];
  }
  return [];
}

/** A percentage is rounded down; but something must be able to move. */
function maxUnavailableOf({ set }: Members): number {
  const { maxUnavailable = 1 } = set.spec?.updateStrategy?.rollingUpdate ?? {};
  return Math.max(1, scaledValue(maxUnavailable, replicasOf(set), false));
}
