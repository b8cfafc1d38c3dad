import {
  type CelDevice,
  type Device,
  type NodeInfo,
  type NodeMatcher,
  type NodeSelector,
  nodeSelectorMatcher,
  type ResourceSlice,
} from 'kernetes/sdk';
import { deviceId } from './allocated-devices.ts';

/** A device of a slice, as the search sees it. The same object as long as the slice is. */
export interface PoolDevice {
  readonly id: string;
  readonly driver: string;
  readonly pool: string;
  readonly device: Device;
  readonly selectable: CelDevice;
  /** Where an allocation of it can be used; undefined: everywhere. */
  readonly nodeName: string | undefined;
  readonly nodeSelector: NodeSelector | undefined;
}

/** A driver's pool, as far as a node reaches it. */
export interface NodePool {
  readonly pool: Pool;
  readonly devices: readonly PoolDevice[];
}

/** All slices of a pool's newest generation. */
export interface Pool {
  /** `driver/pool` */
  readonly key: string;
  readonly generation: number;
  /** Not all of its slices are there yet. */
  readonly isIncomplete: boolean;
  /** A device is there twice: nobody knows which is meant. */
  readonly isInvalid: boolean;
  readonly slices: readonly ResourceSlice[];
}

interface SliceEntry {
  readonly slice: ResourceSlice;
  readonly poolKey: string;
  readonly devices: readonly PoolDevice[];
  /** Of each device, or of all together; undefined: everywhere. */
  readonly matches: NodeMatcher | undefined;
  readonly deviceMatches: readonly (NodeMatcher | undefined)[] | undefined;
}

/** The slices by node and by pool. What a node costs is its own slices and those of no node. */
export class Pools {
  readonly #entries = new Map<string, SliceEntry>();
  readonly #byNode = new Map<string, Set<SliceEntry>>();
  readonly #byPool = new Map<string, Set<SliceEntry>>();
  readonly #shared = new Set<SliceEntry>();
  readonly #pools = new Map<string, Pool>();
  /** By node, as long as no slice changes: then what is known of a list of devices holds, too. */
  readonly #ofNodes = new Map<string, readonly NodePool[]>();

  /** Replaces the slice of that name. */
  set(slice: ResourceSlice): void {
    this.delete(slice);
    const entry = entryOf(slice);
    this.#entries.set(slice.metadata.name ?? '', entry);
    const { nodeName } = slice.spec;
    if (nodeName) addTo(this.#byNode, nodeName, entry);
    else this.#shared.add(entry);
    addTo(this.#byPool, entry.poolKey, entry);
    this.#changed(entry);
  }

  delete({ metadata }: ResourceSlice): void {
    const entry = this.#entries.get(metadata.name ?? '');
    if (entry === undefined) return;
    this.#entries.delete(metadata.name ?? '');
    removeFrom(this.#byNode, entry.slice.spec.nodeName ?? '', entry);
    removeFrom(this.#byPool, entry.poolKey, entry);
    this.#shared.delete(entry);
    this.#changed(entry);
  }

  /** In the order of their keys. */
  ofNode(node: NodeInfo): readonly NodePool[] {
    // Whether a node reaches shared ones depends on its labels, which change at any time.
    if (this.#shared.size > 0) return this.#find(node);
    if (!this.#byNode.has(node.name)) return NO_POOLS;
    const known = this.#ofNodes.get(node.name) ?? this.#find(node);
    this.#ofNodes.set(node.name, known);
    return known;
  }

  #changed({ poolKey }: SliceEntry): void {
    this.#pools.delete(poolKey);
    this.#ofNodes.clear();
  }

  #find(node: NodeInfo): readonly NodePool[] {
    const found = new Map<string, PoolDevice[]>();
    for (const entry of this.#byNode.get(node.name) ?? NONE) this.#collect(entry, node, found);
    for (const entry of this.#shared) this.#collect(entry, node, found);
    return [...found]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, devices]) => ({ pool: this.#pool(key), devices }));
  }

  #collect(entry: SliceEntry, node: NodeInfo, found: Map<string, PoolDevice[]>): void {
    const { slice, poolKey, matches, deviceMatches } = entry;
    if (matches && !matches(node)) return;
    const devices = deviceMatches
      ? entry.devices.filter((_, i) => deviceMatches[i]?.(node) ?? true)
      : entry.devices;
    if (deviceMatches && devices.length === 0) return;
    if (slice.spec.pool.generation < this.#pool(poolKey).generation) return;
    const list = found.get(poolKey);
    if (list) list.push(...devices);
    else found.set(poolKey, [...devices]);
  }

  #pool(key: string): Pool {
    const known = this.#pools.get(key);
    if (known) return known;
    const slices = [...(this.#byPool.get(key) ?? NONE)].map(({ slice }) => slice);
    const pool = poolOf(key, slices);
    this.#pools.set(key, pool);
    return pool;
  }
}

const NONE: ReadonlySet<SliceEntry> = new Set();
const NO_POOLS: readonly NodePool[] = [];

function poolOf(key: string, all: readonly ResourceSlice[]): Pool {
  const generation = Math.max(...all.map(({ spec }) => spec.pool.generation));
  const slices = all.filter(({ spec }) => spec.pool.generation === generation);
  const names = slices.flatMap(({ spec }) => (spec.devices ?? []).map(({ name }) => name));
  return {
    ...{ key, generation, slices },
    isIncomplete: slices.length !== slices[0]?.spec.pool.resourceSliceCount,
    isInvalid: new Set(names).size < names.length,
  };
}

function entryOf(slice: ResourceSlice): SliceEntry {
  const { driver, pool, nodeSelector, perDeviceNodeSelection, devices = [] } = slice.spec;
  return {
    slice,
    poolKey: `${driver}/${pool.name}`,
    devices: devices.map(device => poolDevice(slice, device)),
    matches: nodeSelector && nodeSelectorMatcher(nodeSelector),
    deviceMatches: perDeviceNodeSelection ? devices.map(matcherOf) : undefined,
  };
}

function matcherOf({ nodeName, nodeSelector }: Device): NodeMatcher | undefined {
  if (nodeName) return node => node.name === nodeName;
  return nodeSelector && nodeSelectorMatcher(nodeSelector);
}

function poolDevice({ spec }: ResourceSlice, device: Device): PoolDevice {
  const { driver, pool } = spec;
  const place = spec.perDeviceNodeSelection ? device : spec;
  return {
    ...{ driver, pool: pool.name, device },
    id: deviceId({ driver, pool: pool.name, device: device.name }),
    selectable: { ...device, driver },
    nodeName: place.nodeName,
    nodeSelector: place.nodeSelector,
  };
}

function addTo(map: Map<string, Set<SliceEntry>>, key: string, entry: SliceEntry): void {
  const set = map.get(key);
  if (set) set.add(entry);
  else map.set(key, new Set([entry]));
}

function removeFrom(map: Map<string, Set<SliceEntry>>, key: string, entry: SliceEntry): void {
  const set = map.get(key);
  if (set?.delete(entry) && set.size === 0) map.delete(key);
}
