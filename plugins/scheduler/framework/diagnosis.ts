import type { Refusal } from 'kernetes/sdk';
import type { Refused } from './shape-results.ts';

/** Why no node was found: upstream's FitError. Thrown by nobody; it is an expected outcome. */
export class Diagnosis {
  readonly nodeCount: number;
  readonly refusedBy = new Set<string>();
  /** By node name; absent: the node was not looked at. */
  readonly byNode = new Map<string, Refusal>();
  readonly #reasons = new Map<string, number>();

  constructor(nodeCount: number) {
    this.nodeCount = nodeCount;
  }

  add(nodeName: string, { plugin, refusal }: Refused): void {
    this.refusedBy.add(plugin);
    this.byNode.set(nodeName, refusal);
    for (const reason of refusal.reasons) {
      this.#reasons.set(reason, (this.#reasons.get(reason) ?? 0) + 1);
    }
  }

  /** A refusal for all nodes at once, by preFilter: its text stands without counts. */
  addForAll({ plugin, refusal }: Refused): void {
    this.refusedBy.add(plugin);
    this.#forAll = refusal.reasons.join(', ');
  }
  #forAll = '';

  /** `0/5 nodes are available: 1 Insufficient cpu, 4 node(s) were unschedulable.` */
  get message(): string {
    if (this.nodeCount === 0) return 'no nodes available to schedule pods';
    const texts = [...this.#reasons].map(([reason, count]) => `${count} ${reason}`).sort();
    const why = this.#forAll || texts.join(', ');
    return `0/${this.nodeCount} nodes are available: ${why}.`;
  }
}
