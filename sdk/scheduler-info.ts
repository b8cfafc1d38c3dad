import type { Container, ContainerPort, Node, Pod, PodSpec, Taint } from './api/types-core-v1.ts';
import type { OwnerReference } from './api/types-meta-v1.ts';
import type { StringMap } from './kind.ts';
import {
  addResources,
  emptyResources,
  podResources,
  type Resources,
  resourcesOf,
} from './scheduler-resources.ts';

/**
 * Nodes and pods as scheduler plugins see them: prepared once, then read millions of times, so
 * plain fields and plain numbers.
 */
export interface PodInfo {
  /** `namespace/name` */
  readonly key: string;
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly labels: Readonly<StringMap>;
  readonly annotations: Readonly<StringMap>;
  readonly priority: number;
  /** As the API has it. */
  readonly spec: PodSpec;
  /** What it takes on a node: containers, init containers, sidecars, overhead. */
  readonly requests: Resources;
  /** As `requests`, but containers that ask for nothing count as 100m and 200 MiB. For scores. */
  readonly nonZeroMilliCpu: number;
  readonly nonZeroMemory: number;
  /** Of its containers and sidecars, those ports that it takes on the node itself. */
  readonly hostPorts: readonly ContainerPort[];
  /** What made it, a ReplicaSet or the like. Not part of its shape. */
  readonly controller: OwnerReference | undefined;
  /** It is being deleted, and runs until it has ended. */
  readonly terminating: boolean;
  /**
   * Pods of the same shape are alike in namespace, labels, what their spec says about scheduling,
   * and in whether they are terminating. Opaque.
   */
  readonly shape: string;
}

/** A node with what runs on it. Only the scheduler changes it, and never within a cycle. */
export interface NodeInfo {
  readonly name: string;
  /** Small number; unique among the nodes of now, and free for another when the node goes. */
  readonly index: number;
  /** Grows with every change to the node or its pods; unique among all nodes. */
  readonly generation: number;
  readonly labels: Readonly<StringMap>;
  readonly annotations: Readonly<StringMap>;
  readonly taints: readonly Taint[];
  readonly unschedulable: boolean;
  readonly allocatable: Readonly<Resources>;
  /** Sum over its pods. */
  readonly requested: Readonly<Resources>;
  readonly nonZeroMilliCpu: number;
  readonly nonZeroMemory: number;
  /** What runs on it, assumed pods included. In no order. */
  readonly pods: readonly PodInfo[];
  /** Container images there, by name: their size in bytes. */
  readonly images: ReadonlyMap<string, number>;
  /** Status by type: `Ready` → `True`. */
  readonly conditions: ReadonlyMap<string, string>;
}

/** Prepares a pod; done once when it comes in or changes. */
export function podInfoOf(pod: Pod): PodInfo {
  const { metadata, spec } = pod;
  if (!spec) throw new Error(`Cannot schedule pod "${metadata.name}": it has no spec`);
  const namespace = metadata.namespace ?? 'default';
  const nonZero = podResources(spec, true);
  const requests = podResources(spec, false);
  const labels = metadata.labels ?? NO_STRINGS;
  const terminating = metadata.deletionTimestamp !== undefined;
  return {
    key: `${namespace}/${metadata.name}`,
    namespace,
    name: metadata.name ?? '',
    uid: metadata.uid ?? '',
    labels,
    annotations: metadata.annotations ?? NO_STRINGS,
    priority: spec.priority ?? 0,
    spec,
    requests,
    nonZeroMilliCpu: nonZero.milliCpu,
    nonZeroMemory: nonZero.memory,
    hostPorts: hostPortsOf(spec),
    controller: metadata.ownerReferences?.find(({ controller }) => controller),
    terminating,
    shape: `${terminating ? 'terminating ' : ''}${shapeOf(namespace, labels, spec, requests)}`,
  };
}

const NO_STRINGS: Readonly<StringMap> = Object.freeze({});
const NO_PORTS: readonly ContainerPort[] = Object.freeze([]);

function hostPortsOf({ containers, initContainers = [] }: PodSpec): readonly ContainerPort[] {
  const sidecars = initContainers.filter(({ restartPolicy }) => restartPolicy === 'Always');
  let taken = NO_PORTS;
  for (const { ports } of [...containers, ...sidecars]) {
    const own = ports?.filter(({ hostPort }) => hostPort);
    if (own && own.length > 0) taken = [...taken, ...own];
  }
  return taken;
}

/**
 * Equal for pods that no cacheable plugin can tell apart. Volumes are left out where their names
 * are made up per pod (projected tokens); claims stand in it.
 */
function shapeOf(
  namespace: string,
  labels: Readonly<StringMap>,
  spec: PodSpec,
  requests: Resources,
): string {
  return JSON.stringify([
    namespace,
    labels,
    requests.milliCpu,
    requests.memory,
    requests.ephemeralStorage,
    requests.scalar.size ? [...requests.scalar] : 0,
    spec.nodeSelector,
    spec.affinity,
    spec.tolerations,
    spec.nodeName,
    spec.hostNetwork,
    spec.priority,
    spec.schedulerName,
    spec.runtimeClassName,
    spec.topologySpreadConstraints,
    spec.resourceClaims,
    spec.containers.map(container => [container.image, container.ports, container.resources]),
    spec.initContainers?.map(container => [container.image, container.ports, container.resources]),
    spec.volumes?.map(({ name, projected, ...source }) => (projected ? 0 : source)),
  ]);
}

/** What a node begins with: one for all, for preemption copies nodes very often. */
const NO_TAINTS: readonly Taint[] = Object.freeze([]);
const NO_ROOM: Readonly<Resources> = Object.freeze(emptyResources());
const NO_IMAGES: ReadonlyMap<string, number> = new Map();
const NO_CONDITIONS: ReadonlyMap<string, string> = new Map();

/** A `NodeInfo` that its owner keeps up to date: the scheduler, its tests, a worker's copy. */
export class NodeState implements NodeInfo {
  readonly name: string;
  readonly index: number;
  generation = 0;
  /** Grows with every `setNode`. */
  nodeVersion = 0;
  labels: Readonly<StringMap> = NO_STRINGS;
  annotations: Readonly<StringMap> = NO_STRINGS;
  taints: readonly Taint[] = NO_TAINTS;
  unschedulable = false;
  allocatable: Readonly<Resources> = NO_ROOM;
  readonly requested: Resources = emptyResources();
  nonZeroMilliCpu = 0;
  nonZeroMemory = 0;
  readonly pods: PodInfo[] = [];
  images: ReadonlyMap<string, number> = NO_IMAGES;
  conditions: ReadonlyMap<string, string> = NO_CONDITIONS;

  constructor(name: string, index: number) {
    this.name = name;
    this.index = index;
  }

  /** Takes over everything but the pods from the API's object. */
  setNode({ metadata, spec, status }: Node): void {
    this.nodeVersion++;
    this.labels = metadata.labels ?? NO_STRINGS;
    this.annotations = metadata.annotations ?? NO_STRINGS;
    this.taints = spec?.taints ?? [];
    this.unschedulable = spec?.unschedulable ?? false;
    this.allocatable = resourcesOf(status?.allocatable ?? status?.capacity);
    const images = new Map<string, number>();
    for (const image of status?.images ?? []) {
      for (const name of image.names ?? []) images.set(name, image.sizeBytes ?? 0);
    }
    this.images = images;
    this.conditions = new Map(status?.conditions?.map(({ type, status }) => [type, status]));
  }

  addPod(pod: PodInfo): void {
    this.pods.push(pod);
    this.#count(pod, 1);
  }

  /** Whether it was there. From the end: preemption takes back what it has just added, very often. */
  removePod(key: string, known?: PodInfo): boolean {
    // By identity no other pod is read from memory, which takes longer than all the rest.
    let at = known ? this.pods.lastIndexOf(known) : -1;
    if (at < 0) at = this.pods.findLastIndex(pod => pod.key === key);
    if (at < 0) return false;
    const pod = this.pods[at] as PodInfo;
    this.pods[at] = this.pods[this.pods.length - 1] as PodInfo;
    this.pods.pop();
    this.#count(pod, -1);
    return true;
  }

  #count(pod: PodInfo, times: number): void {
    addResources(this.requested, pod.requests, times);
    this.nonZeroMilliCpu += times * pod.nonZeroMilliCpu;
    this.nonZeroMemory += times * pod.nonZeroMemory;
  }
}
