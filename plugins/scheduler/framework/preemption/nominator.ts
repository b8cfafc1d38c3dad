import type { PodInfo } from 'kernetes/sdk';

/**
 * Which pods wait for room on which node. Such a pod runs nowhere yet: to pods of a lower or the
 * same priority it counts as running on its node all the same, or they would take what was cleared
 * for it.
 */
export class Nominator implements Nominations {
  readonly #byPod = new Map<string, Nomination>();
  readonly #byNode = new Map<string, PodInfo[]>();
  /** Of pods that are assumed somewhere: they count there already. */
  readonly #aside = new Map<string, Nomination>();
  /** What the API said last, to tell its news from echoes of what was decided here. */
  readonly #observed = new Map<string, string>();
  #version = 0;

  get isEmpty(): boolean {
    return this.#byNode.size === 0;
  }

  /** Grows with each change. */
  get version(): number {
    return this.#version;
  }

  get byNode(): ReadonlyMap<string, readonly PodInfo[]> {
    return this.#byNode;
  }

  nodeOf(key: string): string | undefined {
    return this.#byPod.get(key)?.nodeName;
  }

  /** Where the API says that it is nominated; empty: nowhere. */
  observedNode(key: string): string {
    return this.#observed.get(key) ?? '';
  }

  rivals(pod: PodInfo, nodeName: string): readonly PodInfo[] {
    const pods = this.#byNode.get(nodeName);
    if (!pods) return NOBODY;
    return pods.filter(other => other.priority >= pod.priority && other.uid !== pod.uid);
  }

  /** A pod without a node as the API tells it. Gives the node where it is nominated no more. */
  observe(pod: PodInfo, nodeName: string): string | undefined {
    const { key } = pod;
    const before = this.#observed.get(key) ?? '';
    if (before === nodeName) {
      const known = this.#byPod.get(key);
      if (known && known.pod !== pod) this.nominate(pod, known.nodeName);
      return undefined;
    }
    if (nodeName === '') this.#observed.delete(key);
    else this.#observed.set(key, nodeName);
    if (nodeName === '') this.clear(key);
    else this.nominate(pod, nodeName);
    return before || undefined;
  }

  nominate(pod: PodInfo, nodeName: string): void {
    this.clear(pod.key);
    this.#version++;
    this.#byPod.set(pod.key, { pod, nodeName });
    const pods = this.#byNode.get(nodeName);
    if (pods) pods.push(pod);
    else this.#byNode.set(nodeName, [pod]);
  }

  /** Takes its nomination back. Gives what it was. */
  clear(key: string): Nomination | undefined {
    this.#aside.delete(key);
    const nomination = this.#byPod.get(key);
    if (!nomination) return undefined;
    this.#version++;
    this.#byPod.delete(key);
    const { nodeName } = nomination;
    const left = this.#byNode.get(nodeName)?.filter(pod => pod.key !== key) ?? [];
    if (left.length > 0) this.#byNode.set(nodeName, left);
    else this.#byNode.delete(nodeName);
    return nomination;
  }

  /** The pod is assumed on a node. */
  putAside(key: string): void {
    const nomination = this.clear(key);
    if (nomination) this.#aside.set(key, nomination);
  }

  /** The assumption came to nothing. */
  putBack({ key, uid }: PodInfo): void {
    const nomination = this.#aside.get(key);
    if (nomination?.pod.uid === uid) this.nominate(nomination.pod, nomination.nodeName);
  }

  /** The pod is gone, or runs. */
  forget(key: string): Nomination | undefined {
    this.#observed.delete(key);
    return this.clear(key);
  }
}

/** What a scheduling cycle asks. */
export interface Nominations {
  readonly isEmpty: boolean;
  nodeOf(key: string): string | undefined;
  /** The others nominated there whose priority is not lower. */
  rivals(pod: PodInfo, nodeName: string): readonly PodInfo[];
}

export interface Nomination {
  readonly pod: PodInfo;
  readonly nodeName: string;
}

const NOBODY: readonly PodInfo[] = [];
