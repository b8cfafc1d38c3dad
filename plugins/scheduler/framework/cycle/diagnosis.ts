import type { NodeInfo, Refusal } from 'kernetes/sdk';
import type { Refused, VerdictTable } from './verdict-table.ts';

/** Why no node was found: upstream's FitError. Thrown by nobody; it is an expected outcome. */
export class Diagnosis {
  readonly refusedBy: ReadonlySet<string>;
  readonly #search: RefusedNodes;
  readonly #forAll: Refused | undefined;
  readonly #counts: ReadonlyMap<string, number>;
  #byNode: ReadonlyMap<string, Refusal> | undefined;

  /** `forAll`: a refusal for all nodes at once, by preFilter; its text stands without counts. */
  constructor(search: RefusedNodes, forAll?: Refused) {
    this.#search = search;
    this.#forAll = forAll;
    const { refusedBy, counts } = forAll
      ? { refusedBy: new Set([forAll.plugin]), counts: NO_COUNTS }
      : countsOf(search);
    this.refusedBy = refusedBy;
    this.#counts = counts;
  }

  get nodeCount(): number {
    return this.#search.nodes.length;
  }

  get nodes(): RefusedNodes {
    return this.#search;
  }

  /** By node name; made when asked for, since few ask. */
  get byNode(): ReadonlyMap<string, Refusal> {
    if (this.#byNode) return this.#byNode;
    const { nodes, codes, table } = this.#search;
    const byNode = new Map<string, Refusal>();
    for (let i = 0; i < nodes.length; i++) {
      const refused = this.#forAll ?? table.get(codes[i] as number);
      if (refused) byNode.set((nodes[i] as NodeInfo).name, refused.refusal);
    }
    this.#byNode = byNode;
    return byNode;
  }

  /** `0/5 nodes are available: 1 Insufficient cpu, 4 node(s) were unschedulable.` */
  get message(): string {
    if (this.nodeCount === 0) return 'no nodes available to schedule pods';
    const texts = [...this.#counts].map(([reason, count]) => `${count} ${reason}`).sort();
    const why = this.#forAll?.refusal.reasons.join(', ') ?? texts.join(', ');
    return `0/${this.nodeCount} nodes are available: ${why}.`;
  }
}

/** What was said about each node; must not change any more. */
export interface RefusedNodes {
  readonly nodes: readonly NodeInfo[];
  /** By place in `nodes`. */
  readonly codes: Uint16Array;
  readonly table: VerdictTable;
}

const NO_COUNTS: ReadonlyMap<string, number> = new Map();

function countsOf({ codes, table }: RefusedNodes) {
  const byCode = new Uint32Array(table.size);
  for (let i = 0; i < codes.length; i++) {
    const code = codes[i] as number;
    byCode[code] = (byCode[code] as number) + 1;
  }
  const refusedBy = new Set<string>();
  const counts = new Map<string, number>();
  byCode.forEach((count, code) => {
    const refused = count > 0 ? table.get(code) : undefined;
    if (!refused) return;
    refusedBy.add(refused.plugin);
    for (const reason of refused.refusal.reasons) {
      counts.set(reason, (counts.get(reason) ?? 0) + count);
    }
  });
  return { refusedBy, counts };
}
