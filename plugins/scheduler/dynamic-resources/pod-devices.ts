import {
  type AllocationResult,
  type NodeInfo,
  type NodeMatcher,
  nodeSelectorMatcher,
  type Refusal,
  type ResourceClaim,
  verdict,
} from 'kernetes/sdk';
import type { AllocatedDevices } from './allocated-devices.ts';
import { allocationResult } from './allocation-result.ts';
import { allocate, CANNOT_ALLOCATE } from './allocator.ts';
import type { WantedClaim } from './device-request.ts';
import type { Pools } from './pools.ts';

export interface PodDevicesOptions {
  readonly claims: readonly ResourceClaim[];
  /** Of `claims` those that have no devices yet. */
  readonly wanted: readonly WantedClaim[];
  readonly pools: Pools;
  readonly allocated: AllocatedDevices;
}

/** What a pod needs, for one attempt to place it. */
export class PodDevices {
  readonly claims: readonly ResourceClaim[];
  /** Allocated ones that some node could not use. */
  readonly unavailable = new Set<ResourceClaim>();
  readonly #options: PodDevicesOptions;
  readonly #places: readonly (readonly [ResourceClaim, NodeMatcher])[];

  constructor(options: PodDevicesOptions) {
    this.#options = options;
    this.claims = options.claims;
    this.#places = options.claims.flatMap((claim): [ResourceClaim, NodeMatcher][] => {
      const selector = claim.status?.allocation?.nodeSelector;
      return selector ? [[claim, nodeSelectorMatcher(selector)]] : [];
    });
  }

  filter(node: NodeInfo): Refusal | undefined {
    let refusal: Refusal | undefined;
    for (const [claim, matches] of this.#places) {
      if (matches(node)) continue;
      this.unavailable.add(claim);
      refusal = NOT_AVAILABLE;
    }
    if (refusal || this.#options.wanted.length === 0) return refusal;
    const chosen = allocate(this.#options.wanted, node, this.#options);
    return typeof chosen === 'string' ? refusalOf(chosen) : undefined;
  }

  /** By the uid of the claim. Plans anew: other pods were placed since the node was looked at. */
  allocate(node: NodeInfo): ReadonlyMap<string, AllocationResult> | Refusal {
    const { wanted } = this.#options;
    if (wanted.length === 0) return new Map();
    const chosen = allocate(wanted, node, this.#options);
    if (typeof chosen === 'string') return refusalOf(chosen);
    return new Map(
      wanted.map((each, i) => [
        each.claim.metadata.uid ?? '',
        allocationResult(each, chosen[i] ?? []),
      ]),
    );
  }
}

const NOT_AVAILABLE = verdict.unresolvable('resourceclaim not available on the node');

/** What nearly all nodes say: made once. */
const CANNOT = verdict.unresolvable(CANNOT_ALLOCATE);

function refusalOf(reason: string): Refusal {
  return reason === CANNOT_ALLOCATE ? CANNOT : verdict.unresolvable(reason);
}
