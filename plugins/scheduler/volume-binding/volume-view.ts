import {
  compareQuantities,
  type Disposer,
  type Informer,
  isVolumeOnNode,
  keyOf,
  matchVolume,
  type NodeInfo,
  PersistentVolume,
  PersistentVolumeClaim,
  type PluginContext,
  type PodClaim,
  type PodInfo,
  parseQuantity,
  quantityValue,
  type Refusal,
  StorageClass,
  storageClassOf,
  usesClaim,
  VOLUME_ANNOTATIONS,
  verdict,
  volumeGroupOf,
  type Wake,
  waitsForConsumer,
} from 'kernetes/sdk';
import { claimProblem, isFullyBound, type PodVolumes } from './pod-volumes.ts';
import { StorageCapacities } from './storage-capacity.ts';

/** What is to be written so that a pod's waiting claims are bound for a node. */
export interface BindingPlan {
  readonly matches: readonly {
    readonly claim: PersistentVolumeClaim;
    readonly volume: PersistentVolume;
  }[];
  /** To be made for the node, from so much room: `StorageCapacities`. */
  readonly provisions: readonly {
    readonly claim: PersistentVolumeClaim;
    readonly room: number;
  }[];
}

/**
 * Claims, volumes and classes as the scheduler knows them: those of its informers, and what it has
 * set aside for pods that are on their way. A plan costs a look at the free volumes of the claim's
 * class and mode.
 */
export class VolumeView {
  readonly claims: Informer<PersistentVolumeClaim>;
  readonly volumes: Informer<PersistentVolume>;
  readonly #classes: Informer<StorageClass>;
  readonly #capacities: StorageCapacities;
  /** Volume name -> uid of the claim that it is set aside for. */
  readonly #assumedVolumes = new Map<string, string>();
  /** Uid of a claim -> the node that its volume will be made for. */
  readonly #assumedNodes = new Map<string, string>();
  readonly #wakes = new Set<Wake>();

  constructor(ctx: Pick<PluginContext, 'informer'>) {
    this.claims = ctx.informer(PersistentVolumeClaim, { fields: ['spec', 'status.phase'] });
    this.volumes = ctx.informer(PersistentVolume, {
      fields: ['spec', 'status.phase'],
      indexes: { group: open },
    });
    this.#classes = ctx.informer(StorageClass);
    this.#capacities = new StorageCapacities(ctx);
    const claimChanged = (claim: PersistentVolumeClaim) => this.#wakeUsersOf(claim);
    const anyChanged = () => this.#wakeAll();
    this.claims.on({ added: claimChanged, updated: claimChanged });
    this.#classes.on({ added: anyChanged, updated: anyChanged });
    this.#capacities.drivers.on({ added: anyChanged, updated: anyChanged });
    this.#capacities.capacities.on({ added: anyChanged, updated: anyChanged });
    this.volumes.on({
      added: anyChanged,
      updated: (volume, old) => {
        if (offers(volume, old)) this.#wakeAll();
      },
    });
  }

  onChange(wake: Wake): Disposer {
    this.#wakes.add(wake);
    return () => void this.#wakes.delete(wake);
  }

  /** Or why no node will do. */
  volumesOf(pod: PodInfo, names: readonly PodClaim[]): PodVolumes | Refusal {
    const bound: PersistentVolumeClaim[] = [];
    const waiting: PersistentVolumeClaim[] = [];
    let isImmediateOpen = false;
    for (const name of names) {
      const claim = this.claims.get(`${pod.namespace}/${name.name}`);
      const problem = claimProblem(pod, name, claim);
      if (claim === undefined || problem !== undefined) return verdict.unresolvable(problem ?? '');
      if (isFullyBound(claim)) bound.push(claim);
      else if (!claim.spec?.volumeName && this.#isDelayed(claim)) waiting.push(claim);
      else isImmediateOpen = true;
    }
    if (isImmediateOpen) return UNBOUND;
    return { bound, waiting: waiting.sort(smallestFirst) };
  }

  /** What binds the claims for the node; or why it will not do. */
  plan({ bound, waiting }: PodVolumes, node: NodeInfo): BindingPlan | Refusal {
    const plan = { matches: [], provisions: [] };
    const problems = this.#boundProblems(bound, node) | this.#planWaiting(waiting, node, plan);
    return problems === 0 ? plan : (REFUSALS[problems] as Refusal);
  }

  #boundProblems(bound: readonly PersistentVolumeClaim[], node: NodeInfo): number {
    for (const { spec } of bound) {
      const volume = this.volumes.get(spec?.volumeName ?? '');
      if (volume === undefined) return VOLUME_MISSING;
      if (!isVolumeOnNode(volume, node)) return WRONG_NODE;
    }
    return 0;
  }

  #planWaiting(
    waiting: readonly PersistentVolumeClaim[],
    node: NodeInfo,
    plan: GrowingPlan,
  ): number {
    const chosen = new Set<string>();
    const unmatched: PersistentVolumeClaim[] = [];
    for (const claim of waiting) {
      const selected = this.#selectedNode(claim);
      if (selected !== undefined && selected !== node.name) return NOTHING_TO_BIND;
      const volume = selected === undefined ? this.#match(claim, node, chosen) : undefined;
      if (volume === undefined) {
        unmatched.push(claim);
        continue;
      }
      chosen.add(volume.metadata.name ?? '');
      plan.matches.push({ claim, volume });
    }
    for (const claim of unmatched) {
      const storageClass = this.#provisioningClass(claim, node);
      if (storageClass === undefined) return NOTHING_TO_BIND;
      const room = this.#capacities.roomFor(sizeOf(claim), storageClass, node);
      if (room === undefined) return NO_SPACE;
      plan.provisions.push({ claim, room });
    }
    return 0;
  }

  /** Sets aside what a plan uses. */
  assume({ matches, provisions }: BindingPlan, nodeName: string): void {
    for (const { claim, volume } of matches) {
      this.#assumedVolumes.set(volume.metadata.name ?? '', claim.metadata.uid ?? '');
    }
    for (const { claim } of provisions) {
      this.#assumedNodes.set(claim.metadata.uid ?? '', nodeName);
    }
  }

  forget({ matches, provisions }: BindingPlan): void {
    for (const { volume } of matches) this.#assumedVolumes.delete(volume.metadata.name ?? '');
    for (const { claim } of provisions) this.#assumedNodes.delete(claim.metadata.uid ?? '');
  }

  #match(
    claim: PersistentVolumeClaim,
    node: NodeInfo,
    chosen: ReadonlySet<string>,
  ): PersistentVolume | undefined {
    const key = `for ${keyOf(claim)}`;
    const offered = this.volumes
      .byIndex('group', key)
      .concat(this.volumes.byIndex('group', volumeGroupOf(claim)));
    const isTaken = ({ metadata: { name = '' } }: PersistentVolume) => {
      const owner = this.#assumedVolumes.get(name);
      return chosen.has(name) || (owner !== undefined && owner !== claim.metadata.uid);
    };
    return matchVolume(claim, offered, { node, isTaken });
  }

  /** The claim's class, if it has volumes made that the node reaches. */
  #provisioningClass(claim: PersistentVolumeClaim, node: NodeInfo): StorageClass | undefined {
    const storageClass = this.#classes.get(storageClassOf(claim));
    const provisioner = storageClass?.provisioner ?? '';
    if (provisioner === '' || provisioner === 'kubernetes.io/no-provisioner') return undefined;
    const terms = storageClass?.allowedTopologies ?? [];
    const isAllowed =
      terms.length === 0 ||
      terms.some(({ matchLabelExpressions = [] }) =>
        matchLabelExpressions.every(({ key, values }) => values.includes(node.labels[key] ?? '')),
      );
    return isAllowed ? storageClass : undefined;
  }

  #isDelayed(claim: PersistentVolumeClaim): boolean {
    return waitsForConsumer(this.#classes.get(storageClassOf(claim)));
  }

  #selectedNode({ metadata }: PersistentVolumeClaim): string | undefined {
    const { annotations = {}, uid = '' } = metadata;
    return annotations[VOLUME_ANNOTATIONS.selectedNode] ?? this.#assumedNodes.get(uid);
  }

  #wakeAll(): void {
    for (const wake of this.#wakes) wake();
  }

  #wakeUsersOf(claim: PersistentVolumeClaim): void {
    for (const wake of this.#wakes) wake(pod => usesClaim(pod, claim));
  }
}

const UNBOUND = verdict.unresolvable('pod has unbound immediate PersistentVolumeClaims');

/** Why a node will not do, one bit each: there may be several reasons. In upstream's order. */
const WRONG_NODE = 1;
const NOTHING_TO_BIND = 2;
const NO_SPACE = 4;
const VOLUME_MISSING = 8;
const REASONS = [
  "node(s) didn't match PersistentVolume's node affinity",
  "node(s) didn't find available persistent volumes to bind",
  'node(s) did not have enough free storage',
  'node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)',
];
const REFUSALS: readonly Refusal[] = Array.from({ length: 16 }, (_, bits) =>
  verdict.unresolvable(...REASONS.filter((_reason, i) => bits & (1 << i))),
);

interface GrowingPlan {
  readonly matches: BindingPlan['matches'][number][];
  readonly provisions: BindingPlan['provisions'][number][];
}

/** Free volumes by what they have in common with claims, reserved ones by their claim. */
function open(volume: PersistentVolume): readonly string[] {
  const { claimRef } = volume.spec ?? {};
  if (claimRef) return [`for ${claimRef.namespace}/${claimRef.name}`];
  return [volumeGroupOf(volume)];
}

/** A change after which more pods may fit. */
function offers(volume: PersistentVolume, old: PersistentVolume): boolean {
  const isAvailable = volume.status?.phase === 'Available';
  return (
    (isAvailable && old.status?.phase !== 'Available') ||
    volume.spec?.nodeAffinity !== old.spec?.nodeAffinity
  );
}

function sizeOf({ spec }: PersistentVolumeClaim): number | undefined {
  const size = spec?.resources?.requests?.storage;
  return size === undefined ? undefined : quantityValue(size);
}

function smallestFirst(a: PersistentVolumeClaim, b: PersistentVolumeClaim): number {
  const [one, other] = [a, b].map(({ spec }) =>
    parseQuantity(spec?.resources?.requests?.storage ?? '0'),
  );
  return one && other ? compareQuantities(one, other) : 0;
}
