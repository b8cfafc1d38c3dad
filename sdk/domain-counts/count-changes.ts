import type { NodeInfo } from '../scheduler-info.ts';
import type { DomainCounts } from './counts.ts';

/** What counts would be with some pods more or less: what `addPod` and `removePod` ask for. */
export class CountChanges {
  /** By domain. */
  readonly #changes: Map<DomainCounts, Map<number, number>>;

  constructor(from?: CountChanges) {
    const changes = from ? [...from.#changes] : [];
    this.#changes = new Map(changes.map(([counts, byDomain]) => [counts, new Map(byDomain)]));
  }

  /** As if the counts had so many pods more on the node. */
  add(counts: DomainCounts, node: NodeInfo, by: number): void {
    if (!counts.isCounted(node.index)) return;
    const domain = counts.topology.domainOf[node.index] as number;
    let changes = this.#changes.get(counts);
    if (!changes) {
      changes = new Map();
      this.#changes.set(counts, changes);
    }
    changes.set(domain, (changes.get(domain) ?? 0) + by);
  }

  count(counts: DomainCounts, domain: number): number {
    return (counts.counts[domain] ?? 0) + (this.#changes.get(counts)?.get(domain) ?? 0);
  }

  total(counts: DomainCounts): number {
    let { total } = counts;
    for (const by of this.#changes.get(counts)?.values() ?? []) total += by;
    return total;
  }

  minimum(counts: DomainCounts): number {
    const changes = this.#changes.get(counts);
    if (!changes) return counts.minimum;
    const before: number[] = [];
    const after: number[] = [];
    for (const [domain, by] of changes) {
      before.push(counts.counts[domain] as number);
      after.push((counts.counts[domain] as number) + by);
    }
    const lowest = Math.min(...after);
    for (let count = counts.minimum; count < lowest; count++) {
      if (counts.sizeAt(count) > before.filter(each => each === count).length) return count;
    }
    return lowest;
  }
}
