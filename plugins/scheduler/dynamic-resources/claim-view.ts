import {
  type AllocationResult,
  DeviceClass,
  type Disposer,
  type Informer,
  keyOf,
  loadCel,
  type PluginContext,
  type PodInfo,
  type PodResourceClaim,
  type Refusal,
  ResourceClaim,
  ResourceSlice,
  verdict,
  type Wake,
} from 'kernetes/sdk';
import { AllocatedDevices } from './allocated-devices.ts';
import { type WantedClaim, wantedClaim } from './device-request.ts';
import { RESERVED_FOR_MAX } from './limits.ts';
import { isReservedFor, madeFor, madeForKey, usesClaim } from './pod-claims.ts';
import { PodDevices } from './pod-devices.ts';
import { Pools } from './pools.ts';
import { SelectorCache } from './selector-cache.ts';

interface Sources {
  readonly claims: Informer<ResourceClaim>;
  readonly classes: Informer<DeviceClass>;
  readonly selectors: SelectorCache;
}

/**
 * Claims and devices as the scheduler knows them: those of its informers, what it has written and
 * not seen yet, and what it has set aside for pods that are on their way. A cluster without such
 * pods watches nothing: the first of them starts it, and waits until all is there.
 */
export class ClaimView {
  readonly #ctx: Pick<PluginContext, 'informer' | 'log'>;
  readonly #allocated = new AllocatedDevices();
  readonly #pools = new Pools();
  /** By uid: set aside, and not written yet. */
  readonly #pending = new Set<string>();
  /** By uid: as written, until the informer has it. */
  readonly #written = new Map<string, ResourceClaim>();
  readonly #wakes = new Set<Wake>();
  #sources: Sources | undefined;
  #isStarted = false;

  constructor(ctx: Pick<PluginContext, 'informer' | 'log'>) {
    this.#ctx = ctx;
  }

  onChange(wake: Wake): Disposer {
    this.#wakes.add(wake);
    return () => void this.#wakes.delete(wake);
  }

  /** Or what keeps the pod from being tried. */
  claimsOf(pod: PodInfo): readonly ResourceClaim[] | Refusal {
    const sources = this.#sources ?? this.#start();
    if (sources === undefined) return NOT_READY;
    const claims: ResourceClaim[] = [];
    for (const podClaim of pod.spec.resourceClaims ?? []) {
      const claim = this.#claimOf(pod, podClaim, sources);
      if (typeof claim === 'string') return verdict.unresolvable(claim);
      claims.push(claim);
    }
    return claims;
  }

  devicesOf(pod: PodInfo): PodDevices | Refusal {
    const claims = this.claimsOf(pod);
    if ('code' in claims) return claims;
    const { classes, selectors } = this.#sources as Sources;
    const wanted: WantedClaim[] = [];
    for (const claim of claims) {
      if (claim.status?.allocation) {
        const users = claim.status.reservedFor?.length ?? 0;
        if (users >= RESERVED_FOR_MAX && !isReservedFor(claim, pod)) return IN_USE;
        continue;
      }
      if (this.#pending.has(claim.metadata.uid ?? '')) {
        const why = `resource claim ${keyOf(claim)} is in the process of being allocated`;
        return verdict.unresolvable(why);
      }
      const own = wantedClaim(claim, classes, selectors);
      if (typeof own === 'string') return verdict.unresolvable(own);
      wanted.push(own);
    }
    return new PodDevices({ claims, wanted, pools: this.#pools, allocated: this.#allocated });
  }

  /** Sets devices aside for a claim. */
  pend(uid: string, allocation: AllocationResult): void {
    this.#pending.add(uid);
    this.#allocated.set(uid, allocation);
  }

  /** It came to nothing. Does nothing for a claim that is not set aside. */
  forget({ metadata: { uid = '' } }: ResourceClaim, key: string): void {
    if (!this.#pending.delete(uid)) return;
    const claim = this.#written.get(uid) ?? this.#sources?.claims.get(key);
    this.#allocated.set(uid, claim?.metadata.uid === uid ? claim.status?.allocation : undefined);
    this.#wakeAll();
  }

  /** It was written, as the answer has it. */
  confirm(claim: ResourceClaim): void {
    const { uid = '' } = claim.metadata;
    this.#pending.delete(uid);
    const seen = this.#sources?.claims.get(keyOf(claim));
    const isSeen = seen?.metadata.uid === uid && !isOlder(seen, claim);
    if (isSeen) this.#written.delete(uid);
    else this.#written.set(uid, claim);
    this.#allocated.set(uid, (isSeen ? seen : claim).status?.allocation);
  }

  #claimOf(pod: PodInfo, podClaim: PodResourceClaim, { claims }: Sources): ResourceClaim | string {
    const { resourceClaimName: name } = podClaim;
    const key = `${pod.namespace}/${name}`;
    const seen = name ? claims.get(key) : claims.byIndex('made', madeForKey(pod, podClaim))[0];
    if (seen === undefined) {
      return name
        ? `could not find resource claim "${key}"`
        : `pod "${pod.key}": ResourceClaim not created yet`;
    }
    if (seen.metadata.deletionTimestamp) {
      return `resourceclaim "${seen.metadata.name}" is being deleted`;
    }
    return this.#written.get(seen.metadata.uid ?? '') ?? seen;
  }

  #start(): undefined {
    if (this.#isStarted) return;
    this.#isStarted = true;
    const claims = this.#ctx.informer(ResourceClaim, { indexes: { made: madeFor } });
    const classes = this.#ctx.informer(DeviceClass);
    const slices = this.#ctx.informer(ResourceSlice);
    claims.on({
      added: claim => this.#claimChanged(claim),
      updated: (claim, old) => this.#claimChanged(claim, old),
      deleted: claim => this.#claimGone(claim),
    });
    const anyChanged = () => this.#wakeAll();
    classes.on({ added: anyChanged, updated: anyChanged });
    const sliceChanged = (slice: ResourceSlice) => {
      this.#pools.set(slice);
      this.#wakeAll();
    };
    slices.on({
      added: sliceChanged,
      updated: sliceChanged,
      deleted: slice => this.#pools.delete(slice),
    });
    void Promise.all([loadCel(), claims.synced, classes.synced, slices.synced]).then(
      ([cel]) => {
        this.#sources = { claims, classes, selectors: new SelectorCache(cel) };
        this.#wakeAll();
      },
      error => this.#ctx.log.error('Cannot read claims and devices', { error }),
    );
  }

  #claimChanged(claim: ResourceClaim, old?: ResourceClaim): void {
    const { uid = '' } = claim.metadata;
    const written = this.#written.get(uid);
    if (written && isOlder(claim, written)) return;
    this.#written.delete(uid);
    if (!this.#pending.has(uid)) this.#allocated.set(uid, claim.status?.allocation);
    const isFreed = old?.status?.allocation && !claim.status?.allocation;
    if (isFreed) this.#wakeAll();
    else this.#wake(pod => usesClaim(pod, claim));
  }

  #claimGone({ metadata: { uid = '' }, status }: ResourceClaim): void {
    this.#written.delete(uid);
    if (!this.#pending.has(uid)) this.#allocated.set(uid, undefined);
    if (status?.allocation) this.#wakeAll();
  }

  #wakeAll(): void {
    this.#wake();
  }

  /** Who waits for all to be read is woken once, then. */
  #wake(concerns?: (pod: PodInfo) => boolean): void {
    if (this.#sources === undefined) return;
    for (const wake of this.#wakes) wake(concerns);
  }
}

const NOT_READY = verdict.unresolvable('claims and devices are not read yet');
const IN_USE = verdict.unresolvable('resourceclaim in use');

function isOlder(a: ResourceClaim, b: ResourceClaim): boolean {
  return Number(a.metadata.resourceVersion) < Number(b.metadata.resourceVersion);
}
