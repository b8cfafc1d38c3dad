import {
  ApiError,
  controllerOf,
  controllerReference,
  type EventRecorder,
  type Informer,
  type ObjectClient,
  PersistentVolumeClaim,
  Pod,
  type Volume,
} from 'kernetes/sdk';

export interface EphemeralVolumesOptions {
  readonly pods: Informer<Pod>;
  readonly claims: Informer<PersistentVolumeClaim>;
  readonly objects: ObjectClient;
  readonly events: EventRecorder;
}

/**
 * Makes the claim of each ephemeral volume of a pod, under a name that follows from both. A claim of
 * that name that is not the pod's has somebody else's data: it is left alone, and the pod waits.
 */
export class EphemeralVolumes {
  readonly #options: EphemeralVolumesOptions;

  constructor(options: EphemeralVolumesOptions) {
    this.#options = options;
  }

  async make(podKey: string): Promise<undefined> {
    const { pods, events } = this.#options;
    const pod = pods.get(podKey);
    if (pod === undefined || pod.metadata.deletionTimestamp) return;
    for (const volume of pod.spec?.volumes ?? []) {
      if (!volume.ephemeral) continue;
      try {
        await this.#makeClaim(pod, volume);
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error);
        const message = `ephemeral volume ${volume.name}: ${why}`;
        events.event(pod, 'Warning', 'FailedBinding', message, SOURCE);
        throw error;
      }
    }
  }

  async #makeClaim(pod: Pod, { name: volumeName, ephemeral }: Volume): Promise<void> {
    const { claims, objects } = this.#options;
    const { namespace = '' } = pod.metadata;
    const name = `${pod.metadata.name}-${volumeName}`;
    const known = claims.get(`${namespace}/${name}`);
    if (known) {
      assertIsFor(pod, known);
      return;
    }
    const { metadata = {}, spec = {} } = ephemeral?.volumeClaimTemplate ?? {};
    const claim: PersistentVolumeClaim = {
      metadata: {
        ...{ name, namespace },
        ...(metadata.labels && { labels: metadata.labels }),
        ...(metadata.annotations && { annotations: metadata.annotations }),
        ownerReferences: [controllerReference(Pod, pod)],
      },
      spec,
    };
    try {
      await objects.create(PersistentVolumeClaim, claim);
    } catch (error) {
      if (!ApiError.is(error, 'AlreadyExists')) {
        throw new Error(`create PVC ${name}: ${(error as Error).message}`, { cause: error });
      }
      // Made by us and not seen yet, or another's.
      assertIsFor(pod, await objects.get(PersistentVolumeClaim, { namespace, name }));
    }
  }
}

/** The claims that a pod brings with it. */
export function ephemeralClaims({ metadata, spec }: Pod): readonly string[] {
  const volumes = (spec?.volumes ?? []).filter(({ ephemeral }) => ephemeral);
  return volumes.map(({ name }) => `${metadata.namespace}/${metadata.name}-${name}`);
}

function assertIsFor(pod: Pod, claim: PersistentVolumeClaim): void {
  if (controllerOf(claim)?.uid === pod.metadata.uid) return;
  const [theirs, ours] = [claim.metadata, pod.metadata].map(
    ({ namespace, name }) => `${namespace}/${name}`,
  );
  throw new Error(`PVC ${theirs} was not created for pod ${ours} (pod is not owner)`);
}

/** Upstream's name for whom such events are from. */
const SOURCE = { component: 'ephemeral_volume' };
