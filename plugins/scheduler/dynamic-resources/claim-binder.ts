import {
  type AllocationResult,
  ApiError,
  keyOf,
  type NodeInfo,
  type PluginContext,
  type PodInfo,
  type PostFilterResult,
  type Refusal,
  ResourceClaim,
} from 'kernetes/sdk';
import type { ClaimView } from './claim-view.ts';
import { WRITE_TRIES_MAX } from './limits.ts';
import { isReservedFor } from './pod-claims.ts';
import type { PodDevices } from './pod-devices.ts';

/** The devices of a claim are not given away as long as something may use them. */
const FINALIZER = 'resource.kubernetes.io/delete-protection';

interface Plan {
  readonly claims: readonly ResourceClaim[];
  /** By the uid of the claim. */
  readonly allocations: ReadonlyMap<string, AllocationResult>;
  /** Those on which the pod stands by now. */
  readonly reserved: ResourceClaim[];
}

/**
 * Sets devices aside for pods whose node is chosen, and writes them, and that the pod uses them,
 * before the pod is bound. What fails is given back by `unreserve`, and the pod tried again.
 */
export class ClaimBinder {
  readonly #ctx: Pick<PluginContext, 'objects' | 'log'>;
  readonly #view: ClaimView;
  readonly #plans = new Map<string, Plan>();

  constructor(ctx: Pick<PluginContext, 'objects' | 'log'>, view: ClaimView) {
    this.#ctx = ctx;
    this.#view = view;
  }

  reserve(pod: PodInfo, devices: PodDevices, node: NodeInfo): Refusal | undefined {
    const allocations = devices.allocate(node);
    if ('code' in allocations) return allocations;
    for (const [uid, allocation] of allocations) this.#view.pend(uid, allocation);
    const reserved = devices.claims.filter(claim => isReservedFor(claim, pod));
    this.#plans.set(pod.uid, { claims: devices.claims, allocations, reserved });
    return undefined;
  }

  async bind(pod: PodInfo, { claims }: PodDevices): Promise<undefined> {
    const plan = this.#plans.get(pod.uid);
    if (plan === undefined) return;
    for (const claim of claims) {
      if (isReservedFor(claim, pod)) continue;
      const written = await this.#bindClaim(pod, claim, plan.allocations);
      this.#view.confirm(written);
      plan.reserved.push(written);
    }
  }

  /** What was written of allocations stays: the next attempt uses it, or has it taken back. */
  unreserve(pod: PodInfo): void {
    const plan = this.#plans.get(pod.uid);
    if (plan === undefined) return;
    this.#plans.delete(pod.uid);
    for (const claim of plan.claims) {
      if (plan.allocations.has(claim.metadata.uid ?? '')) this.#view.forget(claim, keyOf(claim));
    }
    for (const claim of plan.reserved) void this.#unreserveClaim(pod, claim);
  }

  /** Bound: nothing will be undone. */
  settle(pod: PodInfo): void {
    this.#plans.delete(pod.uid);
  }

  /** No node was left: a claim that nobody uses may be allocated elsewhere. */
  async makeRoom(
    pod: PodInfo,
    devices: PodDevices | undefined,
  ): Promise<PostFilterResult | undefined> {
    if (!pod.spec.resourceClaims?.length) return undefined;
    if (devices === undefined) return { message: 'no new claims to deallocate' };
    for (const claim of devices.unavailable) {
      const users = claim.status?.reservedFor ?? [];
      if (users.some(({ uid }) => uid !== pod.uid)) continue;
      const { allocation: _, reservedFor: __, ...status } = claim.status ?? {};
      const freed = await this.#ctx.objects.updateStatus(ResourceClaim, { ...claim, status });
      this.#view.confirm(freed);
      return { message: 'deallocation of ResourceClaim completed' };
    }
    return { message: 'still not schedulable' };
  }

  /** Others write claims too, drivers and controllers: then it is tried on what they wrote. */
  async #bindClaim(
    pod: PodInfo,
    known: ResourceClaim,
    allocations: Plan['allocations'],
  ): Promise<ResourceClaim> {
    const allocation = allocations.get(known.metadata.uid ?? '');
    let claim = known;
    for (let tries = 1; ; tries++) {
      try {
        return await this.#write(pod, claim, allocation);
      } catch (error) {
        if (!ApiError.is(error, 'Conflict') || tries === WRITE_TRIES_MAX) throw error;
        const { namespace = '', name = '' } = known.metadata;
        claim = await this.#ctx.objects.get(ResourceClaim, { namespace, name });
        if (claim.metadata.uid !== known.metadata.uid) throw error;
      }
    }
  }

  async #write(
    { name, uid }: PodInfo,
    known: ResourceClaim,
    allocation: AllocationResult | undefined,
  ): Promise<ResourceClaim> {
    let claim = known;
    if (claim.metadata.deletionTimestamp) {
      throw new Error(`claim ${keyOf(claim)} got deleted in the meantime`);
    }
    const { objects } = this.#ctx;
    if (allocation) {
      if (claim.status?.allocation) {
        throw new Error(`claim ${keyOf(claim)} got allocated elsewhere in the meantime`);
      }
      const { finalizers = [] } = claim.metadata;
      if (!finalizers.includes(FINALIZER)) {
        const metadata = { ...claim.metadata, finalizers: [...finalizers, FINALIZER] };
        claim = await objects.update(ResourceClaim, { ...claim, metadata });
      }
    }
    const consumer = { resource: 'pods', name, uid };
    const reservedFor = [...(claim.status?.reservedFor ?? []), consumer];
    const status = { ...claim.status, ...(allocation && { allocation }), reservedFor };
    return objects.updateStatus(ResourceClaim, { ...claim, status });
  }

  /** Takes the one entry off, whatever else was written meanwhile. */
  async #unreserveClaim(pod: PodInfo, { metadata }: ResourceClaim): Promise<void> {
    const { namespace = '', name = '', uid } = metadata;
    const { objects, log } = this.#ctx;
    for (let tries = 1; ; tries++) {
      try {
        const claim = await objects.get(ResourceClaim, { namespace, name });
        if (claim.metadata.uid !== uid || !isReservedFor(claim, pod)) return;
        const reservedFor = claim.status?.reservedFor?.filter(each => each.uid !== pod.uid) ?? [];
        const status = { ...claim.status, reservedFor };
        this.#view.confirm(await objects.updateStatus(ResourceClaim, { ...claim, status }));
        return;
      } catch (error) {
        if (ApiError.is(error, 'Conflict') && tries < WRITE_TRIES_MAX) continue;
        // The next attempt, or the controller when the pod is gone, does it.
        log.warn('Cannot take a pod off its claim', { claim: `${namespace}/${name}`, error });
        return;
      }
    }
  }
}
