import { isPodFinished, type Pod } from 'kernetes/sdk';
import { type Action, deletion, type Plan } from './action.ts';
import { claimNames, isLeftOver, ownersOf } from './claims.ts';
import { isServing, isTerminating } from './health.ts';
import { firstOrdinal, hasIdentity, hasStorage, podName } from './identity.ts';
import { isUnavailable, type Members, revisionAt } from './members.ts';
import { planReplacement, planUpdate } from './update.ts';

/**
 * What is to be done next: pure decisions. Ordered sets are planned as far as the first thing that
 * must be waited for, parallel ones to the end.
 */
export function plan(members: Members): Plan {
  const isParallel = members.set.spec?.podManagementPolicy === 'Parallel';
  return isParallel ? planParallel(members) : planOrdered(members);
}

function planOrdered(members: Members): Plan {
  const { replicas, condemned } = members;
  const steps: Action[] = [];
  for (const [index, pod] of replicas.entries()) {
    steps.push(...replicaActions(members, index));
    if (!pod || isPodFinished(pod)) return inTurn(steps);
    if (isUnavailable(members, pod)) return inTurn([...steps, ...planReplacement(members)]);
  }
  steps.push(...retained(members));
  const [last] = condemned;
  if (last) return inTurn([...steps, ...nextCondemned(members, last)]);
  return inTurn([...steps, ...planUpdate(members, new Set())]);
}

function planParallel(members: Members): Plan {
  const { replicas, condemned } = members;
  const first = replicas.flatMap((_, index) => replicaActions(members, index));
  const surplus = condemned.filter(pod => !isTerminating(pod)).map(deletion);
  const ended = new Set(first.flatMap(action => (action.type === 'delete' ? [action.pod] : [])));
  return [first, retained(members), surplus, planUpdate(members, ended)];
}

function inTurn(actions: readonly Action[]): Plan {
  return actions.map(action => [action]);
}

/** What one place needs, whatever the others do. */
function replicaActions(members: Members, index: number): Action[] {
  const { set, replicas } = members;
  const pod = replicas[index];
  if (!pod) {
    const ordinal = firstOrdinal(set) + index;
    if (hasLeftOverClaim(members, podName(set, ordinal))) return [];
    return [{ type: 'create', ordinal, revision: revisionAt(members, index) }];
  }
  if (isTerminating(pod)) return [];
  // Also one that succeeded: the pods of a set run for ever.
  if (isPodFinished(pod)) return [deletion(pod)];
  const actions: Action[] = lacksClaim(members, pod) ? [{ type: 'claims', pod }] : [];
  if (isOrderedAndWaiting(members, pod)) return actions;
  const isWhole = hasIdentity(pod) && hasStorage(set, pod) && hasRightOwners(members, pod, false);
  return isWhole ? actions : [...actions, { type: 'repair', pod }];
}

function isOrderedAndWaiting({ set, now }: Members, pod: Pod): boolean {
  return set.spec?.podManagementPolicy !== 'Parallel' && !isServing(set, pod, now);
}

function hasLeftOverClaim({ set, claim }: Members, name: string): boolean {
  const claims = claimNames(set, name).map(claim);
  return claims.some(each => each && isLeftOver(set, name, each));
}

function lacksClaim({ set, claim }: Members, pod: Pod): boolean {
  if (pod.status?.phase !== 'Pending') return false;
  return claimNames(set, pod.metadata.name ?? '').some(name => !claim(name));
}

/** Claims that are missing have no wrong owners. */
function hasRightOwners({ set, claim }: Members, pod: Pod, isCondemned: boolean): boolean {
  const claims = claimNames(set, pod.metadata.name ?? '').map(claim);
  return !claims.some(each => each && ownersOf(each, { set, pod, isCondemned }));
}

function retained(members: Members): Action[] {
  return members.condemned
    .filter(pod => !hasRightOwners(members, pod, true))
    .map(pod => ({ type: 'retain', pod }));
}

/** One after the other, and none is ended while another is not well, but the first of these. */
function nextCondemned(members: Members, last: Pod): Action[] {
  if (isTerminating(last)) return [];
  const { set, now, condemned } = members;
  const firstUnavailable = condemned.findLast(pod => isUnavailable(members, pod));
  return isServing(set, last, now) || last === firstUnavailable ? [deletion(last)] : [];
}
