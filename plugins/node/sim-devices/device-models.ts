import { isDeepStrictEqual } from 'node:util';
import {
  ApiError,
  type Clock,
  type Device,
  type DeviceAttribute,
  type Informer,
  type Node,
  type ObjectClient,
  type OwnerReference,
  ResourceClaim,
  ResourceSlice,
} from 'kernetes/sdk';

export interface DevicesConfig {
  readonly driver: string;
  readonly nodeLabels: Readonly<Record<string, string>>;
  readonly devices: readonly DeviceModel[];
}

/** So many of a device on each node. */
export interface DeviceModel {
  readonly name: string;
  readonly count: number;
  readonly attributes: Readonly<Record<string, DeviceAttribute>>;
  readonly capacity: Readonly<Record<string, string>>;
}

export interface DeviceModelsOptions {
  readonly nodes: Informer<Node>;
  readonly slices: Informer<ResourceSlice>;
  readonly claims: Informer<ResourceClaim>;
  readonly objects: ObjectClient;
  readonly clock: Clock;
  readonly config: DevicesConfig;
}

/** On what nothing real is behind. */
const MODEL_ANNOTATION = 'kernetes.dev/model';

/** Publishes the devices of nodes, and says that those which pods have are ready. */
export class DeviceModels {
  readonly #options: DeviceModelsOptions;
  readonly #devices: Device[];

  constructor(options: DeviceModelsOptions) {
    this.#options = options;
    this.#devices = options.config.devices.flatMap(devicesOf);
  }

  async publish(nodeName: string): Promise<undefined> {
    const { nodes, slices, objects, config } = this.#options;
    const node = nodes.get(nodeName);
    if (node === undefined || node.metadata.deletionTimestamp || !this.#isMeant(node)) return;
    const wanted = this.#sliceOf(node);
    const known = slices.get(wanted.metadata.name ?? '');
    if (known === undefined) {
      await objects.create(ResourceSlice, wanted).catch(undefinedIfThere);
      return;
    }
    // One of a node that was here before goes with that; its deletion is told.
    const [owner] = known.metadata.ownerReferences ?? [];
    const { generation } = known.spec.pool;
    const spec = { ...wanted.spec, pool: { ...wanted.spec.pool, generation } };
    if (owner?.uid !== node.metadata.uid || known.spec.driver !== config.driver) return;
    if (isDeepStrictEqual(known.spec.devices ?? [], spec.devices)) return;
    spec.pool.generation++;
    await objects.update(ResourceSlice, { ...known, spec });
  }

  /** There is nothing to prepare: what a pod has is ready. */
  async prepare(claimKey: string): Promise<undefined> {
    const { claims, objects, clock, config } = this.#options;
    const claim = claims.get(claimKey);
    const { status } = claim ?? {};
    if (claim === undefined || !status?.reservedFor?.length) return;
    const told = status.devices ?? [];
    const own = (status.allocation?.devices?.results ?? []).filter(
      ({ driver, pool, device, adminAccess }) =>
        driver === config.driver &&
        !adminAccess &&
        !told.some(each => each.driver === driver && each.pool === pool && each.device === device),
    );
    if (own.length === 0) return;
    const lastTransitionTime = `${new Date(clock.now()).toISOString().slice(0, 19)}Z`;
    const message = 'The device is a model';
    const condition = { type: 'Ready', status: 'True', reason: 'Prepared', message };
    const ready = own.map(({ driver, pool, device }) => {
      return { driver, pool, device, conditions: [{ ...condition, lastTransitionTime }] };
    });
    await objects.updateStatus(ResourceClaim, {
      ...claim,
      status: { ...status, devices: [...told, ...ready] },
    });
  }

  #isMeant({ metadata }: Node): boolean {
    const labels = Object.entries(this.#options.config.nodeLabels);
    return labels.every(([key, value]) => metadata.labels?.[key] === value);
  }

  #sliceOf({ metadata }: Node): ResourceSlice {
    const { driver } = this.#options.config;
    const { name = '', uid = '' } = metadata;
    const owner: OwnerReference = { apiVersion: 'v1', kind: 'Node', name, uid, controller: true };
    return {
      metadata: {
        name: `${name}-${driver}`,
        annotations: { [MODEL_ANNOTATION]: 'true' },
        ownerReferences: [owner],
      },
      spec: {
        driver,
        nodeName: name,
        pool: { name, generation: 1, resourceSliceCount: 1 },
        devices: this.#devices,
      },
    };
  }
}

/** `gpu-0`, `gpu-1` … */
function devicesOf({ name, count, attributes, capacity }: DeviceModel): Device[] {
  const capacities = Object.entries(capacity).map(([key, value]) => [key, { value }]);
  return Array.from({ length: count }, (_, i) => ({
    name: `${name}-${i}`,
    ...(Object.keys(attributes).length > 0 && { attributes: { ...attributes } }),
    ...(capacities.length > 0 && { capacity: Object.fromEntries(capacities) }),
  }));
}

/** Made before, and not seen yet. */
function undefinedIfThere(error: unknown): undefined {
  if (!ApiError.is(error, 'AlreadyExists')) throw error;
}
