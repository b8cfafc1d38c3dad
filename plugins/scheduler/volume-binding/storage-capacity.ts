import {
  CSIDriver,
  CSIStorageCapacity,
  type Informer,
  type NodeInfo,
  type PluginContext,
  quantityValue,
  type Selector,
  type StorageClass,
  selectorFrom,
} from 'kernetes/sdk';

/**
 * How much room CSI drivers say there is for new volumes. Only drivers that want to be asked are
 * (`storageCapacity` of their CSIDriver). Cost: a look at what was published for the class.
 */
export class StorageCapacities {
  readonly drivers: Informer<CSIDriver>;
  readonly capacities: Informer<CSIStorageCapacity>;
  /** Made once for each object: it is asked about every node. */
  readonly #topologies = new WeakMap<CSIStorageCapacity, Selector>();

  constructor(ctx: Pick<PluginContext, 'informer'>) {
    this.drivers = ctx.informer(CSIDriver);
    this.capacities = ctx.informer(CSIStorageCapacity, { indexes: { class: classOf } });
  }

  /**
   * The bytes from which a volume of `size` would be made for the node; Infinity where nobody
   * counts; undefined: there is not so much room.
   */
  roomFor(size: number | undefined, of: StorageClass, node: NodeInfo): number | undefined {
    const driver = this.drivers.get(of.provisioner);
    if (size === undefined || !driver?.spec.storageCapacity) return Number.POSITIVE_INFINITY;
    for (const published of this.capacities.byIndex('class', of.metadata.name ?? '')) {
      const { capacity, maximumVolumeSize } = published;
      const limit = maximumVolumeSize ?? capacity;
      if (limit === undefined || quantityValue(limit) < size) continue;
      if (this.#topologyOf(published).matches(node.labels)) return quantityValue(capacity ?? '0');
    }
    return undefined;
  }

  /** Without one it is reachable from nowhere. */
  #topologyOf(published: CSIStorageCapacity): Selector {
    const known = this.#topologies.get(published);
    if (known) return known;
    const selector = selectorFrom(published.nodeTopology);
    this.#topologies.set(published, selector);
    return selector;
  }
}

function classOf({ storageClassName }: CSIStorageCapacity): readonly string[] {
  return [storageClassName];
}
