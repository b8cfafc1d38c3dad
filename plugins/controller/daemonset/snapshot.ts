import { type DaemonSet, msUntilAvailable, type Node, type Pod } from 'kernetes/sdk';
import { byAge, HASH_LABEL, isPast, targetNode } from './daemon-pod.ts';
import type { Placement, Verdict } from './placement.ts';

/** One DaemonSet and its pods at one moment, node by node. */
export interface Snapshot {
  readonly set: DaemonSet;
  /** Of the template of now. */
  readonly hash: string;
  readonly nodes: readonly NodeState[];
  /** Pods of nodes that do not exist. */
  readonly lost: readonly Pod[];
  readonly desired: number;
  readonly now: number;
}

export interface NodeState extends Verdict {
  readonly name: string;
  /** Oldest first; some may be going. */
  readonly pods: readonly Pod[];
}

/** What is to be done: nodes that need a pod, and pods that must go. */
export interface Plan {
  readonly create: readonly string[];
  readonly remove: readonly Pod[];
}

export interface SnapshotOptions {
  readonly set: DaemonSet;
  readonly hash: string;
  readonly nodes: readonly Node[];
  readonly pods: readonly Pod[];
  readonly placement: Placement;
  readonly now: number;
}

export function takeSnapshot(options: SnapshotOptions): Snapshot {
  const { set, hash, placement, now } = options;
  const podsOf = new Map<string, Pod[]>();
  for (const pod of options.pods) {
    const name = isPast(pod) ? undefined : targetNode(pod);
    if (name === undefined) continue;
    const others = podsOf.get(name);
    if (others) others.push(pod);
    else podsOf.set(name, [pod]);
  }
  const nodes = options.nodes.map(node => {
    const { name = '' } = node.metadata;
    const pods = podsOf.get(name) ?? [];
    podsOf.delete(name);
    const { shouldRun, mayStay } = placement.verdict(set, node);
    return { name, pods: pods.sort(byAge), shouldRun, mayStay };
  });
  const desired = nodes.filter(({ shouldRun }) => shouldRun).length;
  return { set, hash, nodes, lost: [...podsOf.values()].flat(), desired, now };
}

export function isGoing({ metadata }: Pod): boolean {
  return metadata.deletionTimestamp !== undefined;
}

/** Made of the template of now. */
export function isUpdated({ hash }: Snapshot, { metadata }: Pod): boolean {
  return metadata.labels?.[HASH_LABEL] === hash;
}

export function isAvailable({ set, now }: Snapshot, pod: Pod): boolean {
  return msUntilAvailable(pod, set.spec?.minReadySeconds ?? 0, now) === 0;
}
