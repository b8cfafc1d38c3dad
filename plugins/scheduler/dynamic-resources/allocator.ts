import { keyOf, type NodeInfo } from 'kernetes/sdk';
import type { AllocatedDevices } from './allocated-devices.ts';
import { type Constraint, constraintOf } from './constraints.ts';
import { Counters } from './counters.ts';
import type { DeviceChoice, WantedClaim } from './device-request.ts';
import { RESULTS_MAX, SEARCH_STEPS_MAX } from './limits.ts';
import type { NodePool, PoolDevice, Pools } from './pools.ts';

/**
 * Finds devices for all claims of a pod on one node, by trying: claim after claim, request after
 * request, device after device, back when there is none left. The first solution is taken, as
 * upstream does. Devices of one request are interchangeable, so each set of them is tried in one
 * order only. A search that would take too long is given up.
 *
 * Dropped: solving it as a flow or constraint problem, which selectors and match constraints over
 * several requests make no simpler; nearly all claims are satisfied at the first try.
 */
export function allocate(
  claims: readonly WantedClaim[],
  node: NodeInfo,
  { pools, allocated }: { readonly pools: Pools; readonly allocated: AllocatedDevices },
): readonly ChosenDevice[][] | string {
  const reached = pools.ofNode(node);
  // Most nodes have no devices at all.
  if (reached.length === 0 && claims.some(({ requests }) => requests.length > 0)) {
    return CANNOT_ALLOCATE;
  }
  return new Search(claims, reached, allocated).run();
}

export interface ChosenDevice {
  readonly device: PoolDevice;
  readonly choice: DeviceChoice;
}

export const CANNOT_ALLOCATE = 'cannot allocate all claims';
const TOO_LONG = 'timed out trying to allocate devices';

class Search {
  readonly #claims: readonly WantedClaim[];
  readonly #pools: readonly NodePool[];
  readonly #allocated: AllocatedDevices;
  readonly #chosen: ChosenDevice[][];
  readonly #constraints: readonly (readonly Constraint[])[];
  /** By id: how many claims of the pod have it; more than one only for admins. */
  readonly #taking = new Map<string, number>();
  readonly #counters = new Map<string, Counters>();
  readonly #candidates = new Map<DeviceChoice, readonly Candidate[]>();
  #steps = 0;

  constructor(
    claims: readonly WantedClaim[],
    pools: readonly NodePool[],
    allocated: AllocatedDevices,
  ) {
    this.#claims = claims;
    this.#pools = pools;
    this.#allocated = allocated;
    this.#chosen = claims.map(() => []);
    this.#constraints = claims.map(({ constraints }) => constraints.map(constraintOf));
  }

  run(): readonly ChosenDevice[][] | string {
    const problem = this.#problem();
    if (problem !== undefined) return problem;
    if (this.#request(0, 0)) return this.#chosen;
    if (this.#steps > SEARCH_STEPS_MAX) return TOO_LONG;
    return this.#pools.some(({ pool }) => pool.isInvalid)
      ? 'invalid resource pools were encountered'
      : CANNOT_ALLOCATE;
  }

  /** How many are all of them is not known as long as some are missing. */
  #problem(): string | undefined {
    const isBad = ({ pool }: NodePool) => pool.isIncomplete || pool.isInvalid;
    const bad = this.#pools.find(isBad);
    if (bad === undefined) return undefined;
    const why = bad.pool.isInvalid ? 'invalid' : 'being updated';
    for (const { claim, requests } of this.#claims) {
      const choice = requests.flatMap(({ choices }) => choices).find(({ wantsAll }) => wantsAll);
      if (choice === undefined) continue;
      const asks = `claim ${keyOf(claim)}, request ${choice.request}: asks for all devices`;
      return `${asks}, but resource pool ${bad.pool.key} is currently ${why}`;
    }
    return undefined;
  }

  #request(claimIndex: number, requestIndex: number): boolean {
    const claim = this.#claims[claimIndex];
    if (claim === undefined) return true;
    const request = claim.requests[requestIndex];
    if (request === undefined) return this.#request(claimIndex + 1, 0);
    return request.choices.some(choice => {
      const candidates = this.#candidatesFor(choice);
      const count = choice.wantsAll ? candidates.length : choice.count;
      const have = this.#chosen[claimIndex]?.length ?? 0;
      if (count === 0 || count > candidates.length || have + count > RESULTS_MAX) return false;
      return this.#devices({ claimIndex, requestIndex, choice, candidates, count }, 0, 0);
    });
  }

  /** Finds the devices from the `taken`th on among the candidates from `from` on. */
  #devices(wanted: Wanted, taken: number, from: number): boolean {
    const { claimIndex, requestIndex, candidates, count } = wanted;
    if (taken === count) return this.#request(claimIndex, requestIndex + 1);
    const last = candidates.length - (count - taken);
    for (let i = from; i <= last; i++) {
      if (++this.#steps > SEARCH_STEPS_MAX) return false;
      const candidate = candidates[i] as Candidate;
      if (!this.#take(candidate, wanted)) continue;
      if (this.#devices(wanted, taken + 1, i + 1)) return true;
      this.#giveBack(candidate, wanted);
    }
    return false;
  }

  #take(candidate: Candidate, { claimIndex, choice }: Wanted): boolean {
    const { device } = candidate;
    if (!this.#isFree(device, choice, claimIndex)) return false;
    const counters = this.#countersOf(candidate);
    if (counters && !counters.take(device)) return false;
    const constraints = this.#constraints[claimIndex] ?? [];
    for (let i = 0; i < constraints.length; i++) {
      if (constraints[i]?.add(device, choice.request)) continue;
      for (const added of constraints.slice(0, i)) added.remove(device, choice.request);
      counters?.giveBack(device);
      return false;
    }
    this.#taking.set(device.id, (this.#taking.get(device.id) ?? 0) + 1);
    this.#chosen[claimIndex]?.push({ device, choice });
    return true;
  }

  #giveBack(candidate: Candidate, { claimIndex, choice }: Wanted): void {
    const { device } = candidate;
    const constraints = this.#constraints[claimIndex] ?? [];
    for (const constraint of constraints) constraint.remove(device, choice.request);
    this.#countersOf(candidate)?.giveBack(device);
    const count = (this.#taking.get(device.id) ?? 1) - 1;
    if (count > 0) this.#taking.set(device.id, count);
    else this.#taking.delete(device.id);
    this.#chosen[claimIndex]?.pop();
  }

  /** An admin looks at what others use, but not twice in one claim. */
  #isFree(device: PoolDevice, { isAdmin }: DeviceChoice, claimIndex: number): boolean {
    if (!isAdmin) return !this.#allocated.has(device.id) && !this.#taking.has(device.id);
    return !this.#chosen[claimIndex]?.some(chosen => chosen.device === device);
  }

  #candidatesFor(choice: DeviceChoice): readonly Candidate[] {
    const known = this.#candidates.get(choice);
    if (known) return known;
    const candidates = choice.wantsAll ? this.#allFor(choice) : this.#freeFor(choice);
    this.#candidates.set(choice, candidates);
    return candidates;
  }

  /** On the way of every node: plain loops. */
  #freeFor(choice: DeviceChoice): readonly Candidate[] {
    const free: Candidate[] = [];
    for (const pool of this.#pools) {
      if (pool.pool.isIncomplete || pool.pool.isInvalid) continue;
      for (const device of choice.selectedOf(pool.devices)) {
        if (!choice.isAdmin && this.#allocated.has(device.id)) continue;
        if (choice.tolerates(device)) free.push({ device, pool });
      }
    }
    return free;
  }

  /** None, where one of them cannot be had: then not all can. */
  #allFor(choice: DeviceChoice): readonly Candidate[] {
    const all = this.#pools.flatMap(pool =>
      choice.selectedOf(pool.devices).map(device => ({ device, pool })),
    );
    return all.every(({ device }) => choice.tolerates(device)) ? all : [];
  }

  #countersOf({ device, pool: { pool } }: Candidate): Counters | undefined {
    if (!device.device.consumesCounters?.length) return undefined;
    const known = this.#counters.get(pool.key);
    const counters = known ?? new Counters(pool, id => this.#allocated.has(id));
    this.#counters.set(pool.key, counters);
    return counters;
  }
}

interface Candidate {
  readonly device: PoolDevice;
  readonly pool: NodePool;
}

interface Wanted {
  readonly claimIndex: number;
  readonly requestIndex: number;
  readonly choice: DeviceChoice;
  readonly candidates: readonly Candidate[];
  readonly count: number;
}
