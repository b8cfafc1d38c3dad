import { type Pod, parseKey, type Selector } from 'kernetes/sdk';

interface Claim {
  readonly key: string;
  readonly namespace: string;
  readonly selector: Selector;
}

/**
 * Which autoscalers have pods in common. Each claims what its target selects, as far as it has
 * found out; a claim is found by one label that it demands, so that asking costs as much as the
 * pods have labels, however many autoscalers there are.
 */
export class SelectorClaims {
  readonly #claims = new Map<string, Claim>();
  readonly #byLabel = new Map<string, Set<Claim>>();

  claim(key: string, selector: Selector): void {
    this.release(key);
    const { namespace = '' } = parseKey(key);
    const claim = { key, namespace, selector };
    this.#claims.set(key, claim);
    const label = demandedLabel(claim);
    const others = this.#byLabel.get(label) ?? new Set();
    this.#byLabel.set(label, others.add(claim));
  }

  release(key: string): void {
    const claim = this.#claims.get(key);
    if (!claim) return;
    this.#claims.delete(key);
    const label = demandedLabel(claim);
    const others = this.#byLabel.get(label);
    others?.delete(claim);
    if (others?.size === 0) this.#byLabel.delete(label);
  }

  /** The keys of those that claim one of the pods, which are all of one namespace. In order. */
  claimants(namespace: string, pods: readonly Pod[]): string[] {
    const keys = new Set<string>();
    for (const { metadata } of pods) {
      const labels = Object.entries(metadata.labels ?? {}).map(label => labelId(namespace, label));
      for (const id of [...labels, labelId(namespace)]) {
        for (const { key, selector } of this.#byLabel.get(id) ?? []) {
          if (selector.matches(metadata.labels)) keys.add(key);
        }
      }
    }
    return [...keys].sort();
  }
}

/** A selector that demands no label is found for every pod of the namespace. */
function demandedLabel({ namespace, selector }: Claim): string {
  const demand = selector.requirements.find(
    ({ operator, values }) => operator === '=' || (operator === 'in' && values.length === 1),
  );
  return labelId(namespace, demand && [demand.key, demand.values[0] ?? '']);
}

function labelId(namespace: string, label?: readonly [string, string]): string {
  return `${namespace}/${label ? label.join('=') : ''}`;
}
