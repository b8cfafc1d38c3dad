import type { NodeState } from 'kernetes/sdk';

/** The nodes in the order of the search, also by number. Made anew when nodes come, go or move. */
export class NodeOrder {
  readonly nodes: readonly NodeState[];
  /** By place. */
  readonly indices: Int32Array;
  #byIndex: (NodeState | undefined)[] | undefined;
  #places: Int32Array | undefined;

  constructor(nodes: readonly NodeState[]) {
    this.nodes = nodes;
    this.indices = Int32Array.from(nodes, ({ index }) => index);
  }

  get byIndex(): readonly (NodeState | undefined)[] {
    if (this.#byIndex) return this.#byIndex;
    let end = 0;
    for (const index of this.indices) end = Math.max(end, index + 1);
    const byIndex = new Array<NodeState | undefined>(end).fill(undefined);
    for (const node of this.nodes) byIndex[node.index] = node;
    this.#byIndex = byIndex;
    return byIndex;
  }

  /** Of a node's index. */
  readonly placeOf = (index: number): number => {
    if (!this.#places) {
      this.#places = new Int32Array(this.byIndex.length);
      for (let i = 0; i < this.indices.length; i++) this.#places[this.indices[i] as number] = i;
    }
    return this.#places[index] as number;
  };
}
