import {
  controllerOf,
  type Informer,
  type ObjectClient,
  Pod,
  ResourceClaim,
  type ResourceClaimConsumerReference,
  undefinedIfNotFound,
} from 'kernetes/sdk';
import { CLAIM_FINALIZER, isPodDone, ownedBy } from './pod-claims.ts';

export interface ClaimReleasesOptions {
  readonly pods: Informer<Pod>;
  readonly claims: Informer<ResourceClaim>;
  readonly objects: ObjectClient;
}

/**
 * Takes the pods off a claim that do not need it any more, gives its devices back after the last
 * one, and deletes it if it was made for that one.
 */
export class ClaimReleases {
  readonly #options: ClaimReleasesOptions;

  constructor(options: ClaimReleasesOptions) {
    this.#options = options;
  }

  async sync(key: string): Promise<undefined> {
    const claim = this.#options.claims.get(key);
    if (claim === undefined) return;
    const before = claim.status?.reservedFor ?? [];
    const valid = await this.#valid(claim, before);
    const isHeld = claim.metadata.finalizers?.includes(CLAIM_FINALIZER) ?? false;
    if (valid.length < before.length) await this.#release(claim, valid, isHeld);
    else if (isHeld && claim.metadata.deletionTimestamp && valid.length === 0) {
      await this.#deallocate(claim);
    }
    if (valid.length === 0) await this.#deleteOfEnded(claim);
  }

  async #valid(
    { metadata }: ResourceClaim,
    consumers: readonly ResourceClaimConsumerReference[],
  ): Promise<ResourceClaimConsumerReference[]> {
    const valid: ResourceClaimConsumerReference[] = [];
    for (const consumer of consumers) {
      if (consumer.apiGroup || consumer.resource !== 'pods') {
        throw new Error(`unsupported ReservedFor entry: ${JSON.stringify(consumer)}`);
      }
      const pod = await this.#pod(metadata.namespace ?? '', consumer.name);
      if (pod?.metadata.uid === consumer.uid && !isPodDone(pod)) valid.push(consumer);
    }
    return valid;
  }

  /** One that is not seen may be about to be: the scheduler knew it. */
  #pod(namespace: string, name: string): Promise<Pod | undefined> {
    const { pods, objects } = this.#options;
    const seen = pods.get(`${namespace}/${name}`);
    if (seen) return Promise.resolve(seen);
    return objects.get(Pod, { namespace, name }).catch(undefinedIfNotFound);
  }

  /** Compare-and-swap: a pod that the scheduler adds meanwhile stays. */
  async #release(
    claim: ResourceClaim,
    reservedFor: ResourceClaimConsumerReference[],
    isHeld: boolean,
  ): Promise<void> {
    const { allocation, ...rest } = claim.status ?? {};
    const isFree = reservedFor.length === 0 && isHeld;
    const status = { ...rest, ...(allocation && !isFree && { allocation }), reservedFor };
    const { objects } = this.#options;
    const released = await objects.updateStatus(ResourceClaim, { ...claim, status });
    if (isFree) await this.#unprotect(released);
  }

  async #deallocate(claim: ResourceClaim): Promise<void> {
    if (claim.status?.allocation === undefined) return this.#unprotect(claim);
    const { allocation: _, ...status } = claim.status;
    const { objects } = this.#options;
    return this.#unprotect(await objects.updateStatus(ResourceClaim, { ...claim, status }));
  }

  async #unprotect(claim: ResourceClaim): Promise<void> {
    const finalizers = claim.metadata.finalizers?.filter(name => name !== CLAIM_FINALIZER) ?? [];
    const metadata = { ...claim.metadata, finalizers };
    await this.#options.objects.update(ResourceClaim, { ...claim, metadata });
  }

  /** The garbage collector does it when the pod is gone, but an ended pod may stay for long. */
  async #deleteOfEnded(claim: ResourceClaim): Promise<void> {
    const { namespace = '', name = '', uid, deletionTimestamp } = claim.metadata;
    const [owner] = ownedBy(claim);
    if (owner === undefined || deletionTimestamp) return;
    const pod = this.#options.pods.get(`${namespace}/${controllerOf(claim)?.name}`);
    if (pod === undefined || (pod.metadata.uid === owner && !isPodDone(pod))) return;
    const preconditions = uid ? { preconditions: { uid } } : {};
    const deleted = this.#options.objects.delete(ResourceClaim, { namespace, name }, preconditions);
    await deleted.catch(undefinedIfNotFound);
  }
}
