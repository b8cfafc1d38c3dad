import {
  type DaemonSet,
  isTolerated,
  type Node,
  type PodSpec,
  requiredNodes,
  type Toleration,
} from 'kernetes/sdk';

/** What a DaemonSet wants of one node. */
export interface Verdict {
  /** A pod is to be there. */
  readonly shouldRun: boolean;
  /** A pod that is there may stay: a taint that came later and evicts nobody does not matter. */
  readonly mayStay: boolean;
}

export const NOWHERE: Verdict = { shouldRun: false, mayStay: false };
const STAY: Verdict = { shouldRun: false, mayStay: true };
const ANYWHERE: Verdict = { shouldRun: true, mayStay: true };

/** Says on which nodes the pods of DaemonSets belong. */
export class Placement {
  /** By the informer's object: another version of a DaemonSet is another object. */
  readonly #rules = new WeakMap<DaemonSet, (node: Node) => Verdict>();

  verdict(set: DaemonSet, node: Node | undefined): Verdict {
    if (!node) return NOWHERE;
    let rule = this.#rules.get(set);
    if (!rule) {
      rule = ruleOf(set);
      this.#rules.set(set, rule);
    }
    return rule(node);
  }
}

/** The template's tolerations and those that every pod of a DaemonSet has. */
export function daemonTolerations({ tolerations = [], hostNetwork }: PodSpec): Toleration[] {
  const all = [...tolerations];
  for (const wanted of hostNetwork ? [...TOLERATED, NETWORK_UNAVAILABLE] : TOLERATED) {
    const at = all.findIndex(own => isSameToleration(own, wanted));
    // One with a time limit would be evicted after all.
    if (at < 0) all.push(wanted);
    else all[at] = wanted;
  }
  return all;
}

function ruleOf({ spec }: DaemonSet): (node: Node) => Verdict {
  const pod: PodSpec = spec?.template.spec ?? { containers: [] };
  const tolerations = daemonTolerations(pod);
  const matches = requiredNodes(pod);
  // Called for each node at each look at a set: most nodes have no taints.
  return ({ metadata: { name = '', labels = {} }, spec: { taints = [] } = {} }) => {
    if (pod.nodeName && pod.nodeName !== name) return NOWHERE;
    if (matches && !matches({ name, labels })) return NOWHERE;
    if (taints.length === 0) return ANYWHERE;
    const effects = taints
      .filter(taint => !isTolerated(taint, tolerations))
      .map(({ effect }) => effect);
    if (effects.includes('NoExecute')) return NOWHERE;
    return effects.includes('NoSchedule') ? STAY : ANYWHERE;
  };
}

function isSameToleration(a: Toleration, b: Toleration): boolean {
  return (
    a.key === b.key &&
    a.effect === b.effect &&
    (a.operator || 'Equal') === (b.operator || 'Equal') &&
    (a.value ?? '') === (b.value ?? '')
  );
}

function exists(key: string, effect: string): Toleration {
  return { key: `node.kubernetes.io/${key}`, operator: 'Exists', effect };
}

/** Such a node is when its daemons are needed most. */
const TOLERATED: readonly Toleration[] = [
  exists('not-ready', 'NoExecute'),
  exists('unreachable', 'NoExecute'),
  exists('disk-pressure', 'NoSchedule'),
  exists('memory-pressure', 'NoSchedule'),
  exists('pid-pressure', 'NoSchedule'),
  exists('unschedulable', 'NoSchedule'),
];

/** What needs no pod network may be what sets it up. */
const NETWORK_UNAVAILABLE = exists('network-unavailable', 'NoSchedule');
