import type { NodeSpec } from './api/types-core-v1.ts';

/** The ranges of the addresses of a node's pods, of each family at most one; `podCIDR` is the first. */
export function podCidrsOf({ podCIDRs, podCIDR }: NodeSpec = {}): readonly string[] {
  return podCIDRs ?? (podCIDR ? [podCIDR] : []);
}
