import {
  CSIDriver,
  CSINode,
  type Disposer,
  type Informer,
  type NodeInfo,
  type PersistentVolumeClaim,
  type PluginContext,
  type PodInfo,
  type Refusal,
  usesClaim,
  VolumeAttachment,
  verdict,
  type Wake,
} from 'kernetes/sdk';
import { type Attachable, countsAgainstLimits } from './attachable.ts';
import { Attachables } from './attachables.ts';

/**
 * What nodes can attach, against what is attached. Cost of a node with limits: a look at the volumes
 * of its pods and at its attachments; of one without: none.
 */
export class AttachLimits {
  readonly #attachables: Attachables;
  readonly #nodes: Informer<CSINode>;
  readonly #drivers: Informer<CSIDriver>;
  readonly #attachments: Informer<VolumeAttachment>;

  constructor(ctx: Pick<PluginContext, 'informer'>) {
    this.#attachables = new Attachables(ctx);
    this.#nodes = ctx.informer(CSINode);
    this.#drivers = ctx.informer(CSIDriver);
    const fields = ['spec'];
    this.#attachments = ctx.informer(VolumeAttachment, { fields, indexes: { node: nodeOf } });
  }

  onChange(wake: Wake): Disposer {
    const disposers = [
      this.#nodes.on({
        added: () => wake(),
        updated: (node, old) => {
          if (allowsMore(node, old)) wake();
        },
      }),
      this.#drivers.on({ added: () => wake(), updated: () => wake() }),
      this.#attachables.claims.on({
        added: (claim: PersistentVolumeClaim) => wake(pod => usesClaim(pod, claim)),
      }),
      this.#attachments.on({ deleted: () => wake() }),
    ];
    return () => {
      for (const dispose of disposers) void dispose();
    };
  }

  wantedBy(pod: PodInfo): readonly Attachable[] | Refusal {
    return this.#attachables.wantedBy(pod);
  }

  refusalOf(node: NodeInfo, wanted: readonly Attachable[]): Refusal | undefined {
    const csiNode = this.#nodes.get(node.name);
    const here = wanted.filter(each => isManaged(each, csiNode));
    if (here.length === 0) return undefined;
    const missing = here.find(each => this.#isMissing(each, csiNode));
    if (missing) {
      return verdict.unschedulable(`${missing.driver} CSI driver is not installed on the node`);
    }
    const limits = limitsOf(csiNode);
    if (limits.size === 0) return undefined;
    return this.#exceeds(node, csiNode, here, limits) ? TOO_MANY : undefined;
  }

  #exceeds(
    node: NodeInfo,
    csiNode: CSINode | undefined,
    wanted: readonly Attachable[],
    limits: ReadonlyMap<string, number>,
  ): boolean {
    const used = this.#usedOn(node, csiNode);
    const counts = this.#attachedBeside(used, node.name);
    for (const driver of used.values()) counts.set(driver, (counts.get(driver) ?? 0) + 1);
    const isNew = wanted.filter(({ id }) => !used.has(id));
    for (const { driver } of isNew) counts.set(driver, (counts.get(driver) ?? 0) + 1);
    return isNew.some(({ driver }) => (counts.get(driver) ?? 0) > (limits.get(driver) ?? Infinity));
  }

  /** By the pods there: volume -> driver. */
  #usedOn({ pods }: NodeInfo, csiNode: CSINode | undefined): Map<string, string> {
    const used = new Map<string, string>();
    const add = (each: Attachable) => {
      if (isManaged(each, csiNode)) used.set(each.id, each.driver);
    };
    for (let i = 0; i < pods.length; i++) {
      const pod = pods[i] as PodInfo;
      if (countsAgainstLimits(pod)) this.#attachables.addOf(pod, add);
    }
    return used;
  }

  /** What is attached and no pod there uses, by driver: of pods that went or have yet to start. */
  #attachedBeside(used: ReadonlyMap<string, string>, nodeName: string): Map<string, number> {
    const counts = new Map<string, number>();
    for (const { spec } of this.#attachments.byIndex('node', nodeName)) {
      const volumeName = spec.source.persistentVolumeName;
      const attachable = volumeName && this.#attachables.attachableOfVolume(volumeName);
      if (!attachable || used.has(attachable.id)) continue;
      counts.set(attachable.driver, (counts.get(attachable.driver) ?? 0) + 1);
    }
    return counts;
  }

  #isMissing({ driver }: Attachable, csiNode: CSINode | undefined): boolean {
    if (!this.#drivers.get(driver)?.spec.preventPodSchedulingIfMissing) return false;
    return !csiNode?.spec.drivers?.some(({ name }) => name === driver);
  }
}

const TOO_MANY = verdict.unschedulable('node(s) exceed max volume count');
const MIGRATED_PLUGINS = 'storage.alpha.kubernetes.io/migrated-plugins';

function limitsOf(csiNode: CSINode | undefined): ReadonlyMap<string, number> {
  const limits = new Map<string, number>();
  for (const { name, allocatable } of csiNode?.spec.drivers ?? []) {
    if (allocatable?.count !== undefined) limits.set(name, allocatable.count);
  }
  return limits;
}

/** By a CSI driver: always, or where it took over the type of the volume. */
function isManaged({ inTree }: Attachable, csiNode: CSINode | undefined): boolean {
  if (inTree === undefined) return true;
  const migrated = csiNode?.metadata.annotations?.[MIGRATED_PLUGINS];
  return migrated?.split(',').includes(inTree) ?? false;
}

function allowsMore(node: CSINode, old: CSINode): boolean {
  const before = limitsOf(old);
  const names = new Set(old.spec.drivers?.map(({ name }) => name));
  const isNew = node.spec.drivers?.some(({ name }) => !names.has(name));
  const isRaised = [...limitsOf(node)].some(([name, count]) => count > (before.get(name) ?? count));
  const isLifted = [...before.keys()].some(name => !limitsOf(node).has(name));
  const [now, then] = [node, old].map(each => each.metadata.annotations?.[MIGRATED_PLUGINS]);
  return isNew || isRaised || isLifted || now !== then;
}

function nodeOf({ spec }: VolumeAttachment): readonly string[] {
  return [spec.nodeName];
}
