import { type DaemonSet, type Pod, scaledValue } from 'kernetes/sdk';
import {
  isAvailable,
  isGoing,
  isUpdated,
  type NodeState,
  type Plan,
  type Snapshot,
} from './snapshot.ts';

/**
 * The next step of a rolling update, for nodes on which all else is as it should be. Upstream's
 * rules: old pods that are not available may go (or, with surge, get their successor) whenever; of
 * the others no more than `maxUnavailable` nodes are without an available pod, or `maxSurge` have
 * a second one, at a time. Nodes with more pods than that are left to `planNodes`.
 */
export function planRollingUpdate(snapshot: Snapshot): Plan {
  const { set, desired } = snapshot;
  const surge = surgeOf(set, desired);
  return surge > 0
    ? planSurge(snapshot, surge)
    : planReplacement(snapshot, Math.max(unavailableOf(set, desired), desired > 0 ? 1 : 0));
}

/** Whether a node may have two pods for a time. */
export function allowsSurge(set: DaemonSet): boolean {
  return surgeOf(set, 1) > 0;
}

function planReplacement(snapshot: Snapshot, unavailableMax: number): Plan {
  const broken: Pod[] = [];
  const candidates: Pod[] = [];
  let unavailable = 0;
  for (const node of concerned(snapshot)) {
    const { old, updated, isClear } = pair(snapshot, node);
    if (!isClear || (!old && !updated) || (old && updated)) unavailable++;
    else if (updated) unavailable += isAvailable(snapshot, updated) ? 0 : 1;
    else if (old && isAvailable(snapshot, old)) candidates.push(old);
    else if (old) {
      broken.push(old);
      unavailable++;
    }
  }
  const more = Math.max(0, unavailableMax - unavailable);
  return { create: [], remove: [...broken, ...candidates.slice(0, more)] };
}

function planSurge(snapshot: Snapshot, surgeMax: number): Plan {
  const create: string[] = [];
  const candidates: string[] = [];
  const remove: Pod[] = [];
  /** Of nodes where no pod is wanted any more: they stay until others do their work. */
  const unwanted: Pod[] = [];
  let surging = 0;
  let available = 0;
  for (const node of concerned(snapshot)) {
    const { old, updated, isClear } = pair(snapshot, node);
    if (!isClear) surging++;
    const first = old ?? updated;
    const isFirstAvailable = first !== undefined && isAvailable(snapshot, first);
    if (isFirstAvailable) available++;
    if (!old) continue;
    if (updated) {
      if (isAvailable(snapshot, updated)) remove.push(old);
      else surging++;
    } else if (!node.shouldRun) (isFirstAvailable ? unwanted : remove).push(old);
    else (isFirstAvailable ? candidates : create).push(node.name);
  }
  const spare = Math.max(0, available - snapshot.desired);
  const more = Math.max(0, surgeMax - surging);
  return {
    create: [...create, ...candidates.slice(0, more)],
    remove: [...remove, ...unwanted.slice(0, spare)],
  };
}

function concerned({ nodes }: Snapshot): readonly NodeState[] {
  return nodes.filter(({ shouldRun, pods }) => shouldRun || pods.length > 0);
}

interface Pair {
  readonly old?: Pod;
  readonly updated?: Pod;
  /** There is at most one of each. */
  readonly isClear: boolean;
}

function pair(snapshot: Snapshot, { pods }: NodeState): Pair {
  const staying = pods.filter(pod => !isGoing(pod));
  const [updated, secondUpdated] = staying.filter(pod => isUpdated(snapshot, pod));
  const [old, secondOld] = staying.filter(pod => !isUpdated(snapshot, pod));
  if (secondUpdated || secondOld) return { isClear: false };
  return { ...(old && { old }), ...(updated && { updated }), isClear: true };
}

function surgeOf({ spec }: DaemonSet, nodes: number): number {
  const { type = 'RollingUpdate', rollingUpdate } = spec?.updateStrategy ?? {};
  return type === 'RollingUpdate' ? scaledValue(rollingUpdate?.maxSurge ?? 0, nodes, true) : 0;
}

function unavailableOf({ spec }: DaemonSet, nodes: number): number {
  const { maxUnavailable = 1 } = spec?.updateStrategy?.rollingUpdate ?? {};
  return scaledValue(maxUnavailable, nodes, true);
}
