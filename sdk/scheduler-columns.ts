import type { Taint } from './api/types-core-v1.ts';
import type { PodContext } from './scheduler.ts';
import type { NodeInfo } from './scheduler-info.ts';

/**
 * What is asked about many nodes in one call (`filterNodes`, `scoreNodes`): the places 0 to
 * `count - 1`, each a node. Read numbers from `columns` at `indices[place]`: a loop over typed
 * arrays costs some nanoseconds a node, a call with a `NodeInfo` some ten. All arrays are used
 * again for the next question and may be longer than `count`.
 */
export interface NodesContext<C = unknown, S = unknown> extends PodContext<C, S> {
  readonly count: number;
  /** By place: `NodeInfo.index`. */
  readonly indices: Int32Array;
  readonly columns: NodeColumns;
  /** For what has no column. */
  nodeAt(index: number): NodeInfo;
}

/** All places are 0 at first, which means that the node will do. */
export interface FilterNodesContext<C = unknown, S = unknown> extends NodesContext<C, S> {
  /** By place. To refuse: 1 + the place of what is said in the plugin's `refusals`. */
  readonly verdicts: Uint8Array;
}

export interface ScoreNodesContext<C = unknown, S = unknown> extends NodesContext<C, S> {
  /** By place: write all `count` of them. */
  readonly scores: Float64Array;
}

/**
 * The numbers of all nodes, a typed array each, by `NodeInfo.index`. Over shared memory, so that
 * other threads see the same without a message. One row is written when its node changes; nothing
 * is copied per pod. When it grows, arrays are replaced: take them from here for each question.
 */
export class NodeColumns {
  generation!: Float64Array;
  allocatableMilliCpu!: Float64Array;
  allocatableMemory!: Float64Array;
  allocatableEphemeralStorage!: Float64Array;
  allocatablePods!: Float64Array;
  requestedMilliCpu!: Float64Array;
  requestedMemory!: Float64Array;
  requestedEphemeralStorage!: Float64Array;
  requestedPods!: Float64Array;
  nonZeroMilliCpu!: Float64Array;
  nonZeroMemory!: Float64Array;
  /** 0 or 1. */
  unschedulable!: Float64Array;
  /** Place in `taintSets`: nodes with the same taints share it, and what is said about them. */
  taintSet!: Float64Array;
  /** Distinct lists of taints; the first is empty. */
  readonly taintSets: (readonly Taint[])[] = [[]];
  readonly #taintPlaces = new Map<string, number>([['', 0]]);
  readonly #taintUses: number[] = [1];
  readonly #nodeVersions: number[] = [];
  #buffer: SharedArrayBuffer;
  #capacity = 0;

  /** `buffer`: looks at what another thread writes. */
  constructor(buffer = new SharedArrayBuffer(ROWS_MIN * COLUMN_NAMES.length * BYTES)) {
    this.#buffer = buffer;
    this.#map();
  }

  get buffer(): SharedArrayBuffer {
    return this.#buffer;
  }

  /** How many nodes have room. */
  get capacity(): number {
    return this.#capacity;
  }

  /** Takes over what changed on the node; `nodeVersion` says whether that is more than its pods. */
  write(node: NodeInfo & { readonly nodeVersion?: number }): void {
    const { index: row, requested, nodeVersion } = node;
    if (row >= this.#capacity) this.#grow(row + 1);
    this.generation[row] = node.generation;
    this.requestedMilliCpu[row] = requested.milliCpu;
    this.requestedMemory[row] = requested.memory;
    this.requestedEphemeralStorage[row] = requested.ephemeralStorage;
    this.requestedPods[row] = requested.pods;
    this.nonZeroMilliCpu[row] = node.nonZeroMilliCpu;
    this.nonZeroMemory[row] = node.nonZeroMemory;
    if (nodeVersion !== undefined && this.#nodeVersions[row] === nodeVersion) return;
    if (nodeVersion !== undefined) this.#nodeVersions[row] = nodeVersion;
    const { allocatable } = node;
    this.allocatableMilliCpu[row] = allocatable.milliCpu;
    this.allocatableMemory[row] = allocatable.memory;
    this.allocatableEphemeralStorage[row] = allocatable.ephemeralStorage;
    this.allocatablePods[row] = allocatable.pods;
    this.unschedulable[row] = node.unschedulable ? 1 : 0;
    this.#writeTaints(row, node.taints);
  }

  /** The row is free for another node. */
  clear(index: number): void {
    if (index >= this.#capacity) return;
    delete this.#nodeVersions[index];
    this.#writeTaints(index, []);
    for (const name of COLUMN_NAMES) this[name][index] = 0;
  }

  #writeTaints(row: number, taints: readonly Taint[]): void {
    const before = this.taintSet[row] as number;
    const text = taints.map(({ key, value, effect }) => `${key}=${value ?? ''}:${effect}`).join();
    let place = this.#taintPlaces.get(text);
    if (place === before) return;
    if (place === undefined) {
      const free = this.#taintUses.indexOf(0);
      place = free < 0 ? this.taintSets.length : free;
      this.taintSets[place] = taints;
      this.#taintUses[place] = 0;
      this.#taintPlaces.set(text, place);
    }
    this.#taintUses[place] = (this.#taintUses[place] as number) + 1;
    this.taintSet[row] = place;
    if (before > 0) this.#release(before);
  }

  #release(place: number): void {
    const uses = (this.#taintUses[place] as number) - 1;
    this.#taintUses[place] = uses;
    if (uses > 0) return;
    for (const [text, each] of this.#taintPlaces)
      if (each === place) this.#taintPlaces.delete(text);
    this.taintSets[place] = [];
  }

  #grow(rows: number): void {
    const before = COLUMN_NAMES.map(name => this[name]);
    const capacity = Math.max(rows, 2 * this.#capacity);
    this.#buffer = new SharedArrayBuffer(capacity * COLUMN_NAMES.length * BYTES);
    this.#map();
    COLUMN_NAMES.forEach((name, i) => {
      this[name].set(before[i] as Float64Array);
    });
  }

  #map(): void {
    this.#capacity = Math.floor(this.#buffer.byteLength / COLUMN_NAMES.length / BYTES);
    COLUMN_NAMES.forEach((name, i) => {
      this[name] = new Float64Array(this.#buffer, i * this.#capacity * BYTES, this.#capacity);
    });
  }
}

const ROWS_MIN = 64;
const BYTES = Float64Array.BYTES_PER_ELEMENT;
const COLUMN_NAMES = [
  'generation',
  'allocatableMilliCpu',
  'allocatableMemory',
  'allocatableEphemeralStorage',
  'allocatablePods',
  'requestedMilliCpu',
  'requestedMemory',
  'requestedEphemeralStorage',
  'requestedPods',
  'nonZeroMilliCpu',
  'nonZeroMemory',
  'unschedulable',
  'taintSet',
] as const;
