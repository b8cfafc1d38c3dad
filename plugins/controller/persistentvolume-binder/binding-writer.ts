import {
  type EventRecorder,
  isVolumeFor,
  type ObjectClient,
  PersistentVolume,
  PersistentVolumeClaim,
  VOLUME_ANNOTATIONS,
} from 'kernetes/sdk';
import type { Latest } from './latest.ts';

export interface BindingWriterOptions {
  readonly objects: ObjectClient;
  readonly events: EventRecorder;
  readonly volumes: Latest<PersistentVolume>;
  readonly claims: Latest<PersistentVolumeClaim>;
}

/** What is told with a change of phase. */
export interface Why {
  readonly reason: string;
  readonly message: string;
}

/**
 * All writes of a binding. Each is compare-and-swap on the version that was looked at, so of two
 * who want the same volume or claim one is refused; and each leaves out what is so already, so a
 * binding that was broken off half-way is finished by doing it again. The volume is written first:
 * a claim never names a volume that another may still take.
 */
export class BindingWriter {
  readonly #options: BindingWriterOptions;

  constructor(options: BindingWriterOptions) {
    this.#options = options;
  }

  async bind(volume: PersistentVolume, claim: PersistentVolumeClaim): Promise<void> {
    const reserved = await this.#reserve(volume, claim);
    const bound = await this.setVolumePhase(reserved, 'Bound');
    const named = await this.#name(claim, bound);
    await this.#setClaimBound(named, bound);
  }

  /** Gives the volume back; one that its creator reserved stays so. */
  async unbind(volume: PersistentVolume): Promise<void> {
    const { annotations = {} } = volume.metadata;
    const isOurs = annotations[VOLUME_ANNOTATIONS.boundByController] !== undefined;
    const freed = await this.patchVolume(volume, {
      ...(isOurs && {
        metadata: { annotations: { [VOLUME_ANNOTATIONS.boundByController]: null } },
      }),
      spec: { claimRef: isOurs ? null : { uid: null, resourceVersion: null } },
    });
    await this.setVolumePhase(freed, 'Available');
  }

  /** An event only when it changes. */
  async setVolumePhase(
    volume: PersistentVolume,
    phase: string,
    why?: Why,
  ): Promise<PersistentVolume> {
    const { status } = volume;
    const message = why?.message ?? '';
    if (status?.phase === phase && (status.message ?? '') === message) return volume;
    const change = { status: { phase, message: message || null } };
    const written = await this.patchVolume(volume, change, 'status');
    if (why && status?.phase !== phase) {
      this.#options.events.event(written, 'Warning', why.reason, why.message);
    }
    return written;
  }

  /** For a claim that has no volume, or lost it. */
  async setClaimPhase(claim: PersistentVolumeClaim, phase: string, why?: Why): Promise<void> {
    const { status } = claim;
    const isSo = status?.phase === phase && !status.accessModes && !status.capacity;
    if (!isSo) {
      const change = { status: { phase, accessModes: null, capacity: null } };
      await this.patchClaim(claim, change, 'status');
    }
    if (why && status?.phase !== phase) {
      this.#options.events.event(claim, 'Warning', why.reason, why.message);
    }
  }

  async patchVolume(
    { metadata }: PersistentVolume,
    change: Change,
    subresource?: 'status',
  ): Promise<PersistentVolume> {
    const { objects, volumes } = this.#options;
    const key = { name: metadata.name ?? '' };
    const patch = { ...change, metadata: { ...versionIn(metadata), ...change.metadata } };
    return volumes.keep(
      await objects.patch(PersistentVolume, key, patch, subresource && { subresource }),
    );
  }

  async patchClaim(
    { metadata }: PersistentVolumeClaim,
    change: Change,
    subresource?: 'status',
  ): Promise<PersistentVolumeClaim> {
    const { objects, claims } = this.#options;
    const key = { namespace: metadata.namespace ?? '', name: metadata.name ?? '' };
    const patch = { ...change, metadata: { ...versionIn(metadata), ...change.metadata } };
    return claims.keep(
      await objects.patch(PersistentVolumeClaim, key, patch, subresource && { subresource }),
    );
  }

  /** The volume's side: from here on nobody else gets it. */
  async #reserve(
    volume: PersistentVolume,
    claim: PersistentVolumeClaim,
  ): Promise<PersistentVolume> {
    if (volume.spec?.claimRef?.uid && isVolumeFor(volume, claim)) return volume;
    const { namespace, name, uid, resourceVersion } = claim.metadata;
    const claimRef = {
      ...{ apiVersion: 'v1', kind: 'PersistentVolumeClaim' },
      ...{ namespace, name, uid, resourceVersion },
    };
    const isOurs = !isVolumeFor(volume, claim);
    return this.patchVolume(volume, {
      ...(isOurs && {
        metadata: { annotations: { [VOLUME_ANNOTATIONS.boundByController]: 'yes' } },
      }),
      spec: { claimRef },
    });
  }

  /** The claim's side. */
  async #name(
    claim: PersistentVolumeClaim,
    volume: PersistentVolume,
  ): Promise<PersistentVolumeClaim> {
    const { annotations = {} } = claim.metadata;
    const { name: volumeName } = volume.metadata;
    const isNamed = claim.spec?.volumeName === volumeName;
    if (isNamed && annotations[VOLUME_ANNOTATIONS.bindCompleted] !== undefined) return claim;
    return this.patchClaim(claim, {
      metadata: {
        annotations: {
          [VOLUME_ANNOTATIONS.bindCompleted]: 'yes',
          ...(!isNamed && { [VOLUME_ANNOTATIONS.boundByController]: 'yes' }),
        },
      },
      ...(!isNamed && { spec: { volumeName } }),
    });
  }

  async #setClaimBound(claim: PersistentVolumeClaim, volume: PersistentVolume): Promise<void> {
    const { status = {} } = claim;
    const accessModes = volume.spec?.accessModes ?? [];
    const isBound = status.phase === 'Bound';
    if (isBound && String(status.accessModes) === String(accessModes)) return;
    // Of a claim that was bound before it is the expander's to say how large it is.
    const capacity = isBound ? undefined : volume.spec?.capacity;
    const attributes = volume.spec?.volumeAttributesClassName;
    const change = {
      phase: 'Bound',
      accessModes,
      ...(capacity && { capacity }),
      ...(!isBound && attributes && { currentVolumeAttributesClassName: attributes }),
    };
    await this.patchClaim(claim, { status: change }, 'status');
  }
}

interface Change {
  readonly metadata?: Readonly<Record<string, unknown>>;
  readonly spec?: Readonly<Record<string, unknown>>;
  readonly status?: Readonly<Record<string, unknown>>;
}

function versionIn({ uid, resourceVersion }: PersistentVolume['metadata']) {
  return { uid, resourceVersion };
}
