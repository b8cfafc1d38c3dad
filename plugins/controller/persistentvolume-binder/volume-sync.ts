import {
  type EventRecorder,
  type ObjectClient,
  type PersistentVolume,
  PersistentVolumeClaim,
  type ReconcileResult,
  undefinedIfNotFound,
  VOLUME_ANNOTATIONS,
  volumeModeOf,
} from 'kernetes/sdk';
import type { BindingWriter } from './binding-writer.ts';
import type { Latest } from './latest.ts';

export interface VolumeSyncOptions {
  readonly objects: ObjectClient;
  readonly events: EventRecorder;
  readonly writer: BindingWriter;
  readonly volumes: Latest<PersistentVolume>;
  readonly claims: Latest<PersistentVolumeClaim>;
  /** Whether a provisioner that is here made the volume, and so must take it away. */
  isOurs(volume: PersistentVolume): boolean;
  /** Looks at the claim. */
  enqueueClaim(key: string): void;
  /** Does with a released volume what its policy says. */
  reclaim(name: string): void;
}

/** Upstream's syncVolume: what is to be done about one volume. */
export class VolumeSync {
  readonly #options: VolumeSyncOptions;

  constructor(options: VolumeSyncOptions) {
    this.#options = options;
  }

  async sync(name: string): Promise<ReconcileResult> {
    const known = this.#options.volumes.get(name);
    if (known === undefined) return undefined;
    const volume = await this.#keepProtected(known);
    if (!volume.spec?.claimRef?.uid) {
      // Nobody's, or reserved for a claim that does not know of it yet.
      if (isHeldBack(volume)) this.#options.reclaim(name);
      else await this.#options.writer.setVolumePhase(volume, 'Available');
      return undefined;
    }
    const claim = await this.#claimOf(volume);
    if (claim === undefined) await this.#release(volume);
    else await this.#syncClaimed(volume, claim);
    return undefined;
  }

  /** Its claim still is there, and has or may get it: it must not be given away or deleted. */
  async isInUse(volume: PersistentVolume): Promise<boolean> {
    const claim = await this.#claimOf(volume);
    if (claim === undefined) return false;
    return !claim.spec?.volumeName || claim.spec.volumeName === volume.metadata.name;
  }

  async #syncClaimed(volume: PersistentVolume, claim: PersistentVolumeClaim): Promise<void> {
    const { writer, enqueueClaim } = this.#options;
    const { namespace = '', name = '' } = claim.metadata;
    const wanted = claim.spec?.volumeName;
    if (wanted === volume.metadata.name) {
      await writer.setVolumePhase(volume, 'Bound');
    } else if (!wanted) {
      // Broken off half-way: the claim's side is finished there.
      if (volumeModeOf(volume) === volumeModeOf(claim)) enqueueClaim(`${namespace}/${name}`);
      else this.#tellModes(volume, claim);
    } else if (isDisposable(volume)) {
      await this.#release(volume);
    } else {
      await writer.unbind(volume);
    }
  }

  async #release(volume: PersistentVolume): Promise<void> {
    const { writer, reclaim } = this.#options;
    // That a reclaim failed stays to be seen while it is tried again.
    const phase = volume.status?.phase ?? '';
    if (!['Released', 'Failed'].includes(phase)) await writer.setVolumePhase(volume, 'Released');
    if (volume.spec?.persistentVolumeReclaimPolicy !== 'Retain') {
      reclaim(volume.metadata.name ?? '');
    }
  }

  /** The claim itself, not another of its name; the copy's word does not do to give data away. */
  async #claimOf({ spec }: PersistentVolume): Promise<PersistentVolumeClaim | undefined> {
    const { claims, objects } = this.#options;
    const { namespace = '', name = '', uid } = spec?.claimRef ?? {};
    const known = claims.get(`${namespace}/${name}`);
    if (known?.metadata.uid === uid) return known;
    const claim = await objects
      .get(PersistentVolumeClaim, { namespace, name })
      .catch(undefinedIfNotFound);
    return claim?.metadata.uid === uid ? claim : undefined;
  }

  #tellModes(volume: PersistentVolume, claim: PersistentVolumeClaim): void {
    const { events } = this.#options;
    const why = 'due to incompatible volumeMode.';
    const [ours, theirs] = [volume.metadata.name, claim.metadata.name];
    const told = `Cannot bind PersistentVolume to requested PersistentVolumeClaim "${theirs}" ${why}`;
    events.event(volume, 'Warning', 'VolumeMismatch', told);
    const other = `Cannot bind PersistentVolume "${ours}" to requested PersistentVolumeClaim ${why}`;
    events.event(claim, 'Warning', 'VolumeMismatch', other);
  }

  /** What is to be deleted with its volume must not be forgotten before: a finalizer holds it. */
  async #keepProtected(volume: PersistentVolume): Promise<PersistentVolume> {
    const { writer, isOurs } = this.#options;
    const { finalizers = [], deletionTimestamp } = volume.metadata;
    const isHeld = finalizers.includes(DELETION_FINALIZER);
    const isToBeHeld = volume.spec?.persistentVolumeReclaimPolicy === 'Delete' && isOurs(volume);
    if (!isHeld && isToBeHeld && !deletionTimestamp) {
      const metadata = { finalizers: [...finalizers, DELETION_FINALIZER] };
      return writer.patchVolume(volume, { metadata });
    }
    if (!isHeld || volume.spec?.persistentVolumeReclaimPolicy === 'Delete') return volume;
    return writer.patchVolume(volume, { metadata: withoutDeletionFinalizer(volume) });
  }
}

export const DELETION_FINALIZER = 'kubernetes.io/pv-controller';

/** It is deleted, and only waits for what it stands for to be taken away. */
export function isHeldBack({ metadata }: PersistentVolume): boolean {
  const isHeld = metadata.finalizers?.includes(DELETION_FINALIZER);
  return metadata.deletionTimestamp !== undefined && isHeld === true;
}

export function withoutDeletionFinalizer({ metadata }: PersistentVolume) {
  const rest = (metadata.finalizers ?? []).filter(each => each !== DELETION_FINALIZER);
  return { finalizers: rest.length > 0 ? rest : null };
}

/** Made for a claim that got another. */
function isDisposable({ metadata, spec }: PersistentVolume): boolean {
  return (
    metadata.annotations?.[VOLUME_ANNOTATIONS.provisionedBy] !== undefined &&
    spec?.persistentVolumeReclaimPolicy === 'Delete'
  );
}
