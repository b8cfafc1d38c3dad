import {
  DEFAULT_STORAGE_CLASS_ANNOTATIONS,
  defaultClass,
  type Informer,
  isVolumeFor,
  keyOf,
  matchVolume,
  namesStorageClass,
  type ObjectClient,
  PersistentVolume,
  type PersistentVolumeClaim,
  type Pod,
  type ReconcileResult,
  type StorageClass,
  storageClassOf,
  undefinedIfNotFound,
  VOLUME_ANNOTATIONS,
  volumeGroupOf,
  volumeMismatch,
  waitsForConsumer,
} from 'kernetes/sdk';
import type { BindingWriter } from './binding-writer.ts';
import type { Latest } from './latest.ts';
import { isHeldBack } from './volume-sync.ts';
import type { WaitingEvents } from './waiting-events.ts';

export interface ClaimSyncOptions {
  readonly waits: WaitingEvents;
  readonly objects: ObjectClient;
  readonly writer: BindingWriter;
  /** With indexes `available` (by group) and `claim` (by key). */
  readonly volumes: Latest<PersistentVolume>;
  readonly claims: Latest<PersistentVolumeClaim>;
  readonly classes: Informer<StorageClass>;
  /** With index `unscheduled`, by the keys of the claims that a pod without a node uses. */
  readonly pods: Informer<Pod>;
  /** A claim without a volume is looked at again after this long. */
  readonly syncPeriodMs: number;
  /** Has a volume made for the claim. */
  provision(claimKey: string): void;
}

/** Upstream's syncClaim: what is to be done about one claim. */
export class ClaimSync {
  readonly #options: ClaimSyncOptions;
  /** Chosen for a claim, the write being under way: others that run meanwhile leave it. */
  readonly #chosen = new Set<string>();

  constructor(options: ClaimSyncOptions) {
    this.#options = options;
  }

  async sync(key: string): Promise<ReconcileResult> {
    const { claims, waits, syncPeriodMs } = this.#options;
    const claim = claims.get(key);
    const isToWait = claim?.metadata.annotations?.[VOLUME_ANNOTATIONS.bindCompleted] === undefined;
    if (claim === undefined || !isToWait) {
      waits.forget(key);
      return claim && this.#syncBound(claim);
    }
    const isBound = claim.spec?.volumeName
      ? await this.#syncNamed(claim, claim.spec.volumeName)
      : await this.#syncUnbound(claim);
    return isBound ? undefined : { requeueAfter: syncPeriodMs };
  }

  /** The user does not care which volume it gets. Gives whether it has one. */
  async #syncUnbound(claim: PersistentVolumeClaim): Promise<boolean> {
    const { classes, waits, writer, provision } = this.#options;
    const storageClass = classes.get(storageClassOf(claim));
    const isDelayed = waitsForConsumer(storageClass);
    const volume = this.#findVolume(claim, isDelayed);
    if (volume) {
      await this.#bind(volume, claim);
      return true;
    }
    if (await this.#assignDefaultClass(claim)) return false;
    const { annotations = {} } = claim.metadata;
    if (isDelayed && annotations[VOLUME_ANNOTATIONS.selectedNode] === undefined) {
      this.#tellWhatIsAwaited(claim);
    } else if (storageClassOf(claim)) {
      provision(keyOf(claim));
      return false;
    } else {
      waits.tell(claim, 'Normal', 'FailedBinding', NO_VOLUME);
    }
    await writer.setClaimPhase(claim, 'Pending');
    return false;
  }

  #findVolume(claim: PersistentVolumeClaim, isDelayed: boolean): PersistentVolume | undefined {
    const { volumes } = this.#options;
    const reserved = volumes.byIndex('claim', keyOf(claim));
    const free = isDelayed ? [] : volumes.byIndex('available', volumeGroupOf(claim));
    return matchVolume(claim, [...reserved, ...free], {
      reservedOnly: isDelayed,
      isTaken: ({ metadata }) => this.#chosen.has(metadata.name ?? ''),
    });
  }

  async #bind(volume: PersistentVolume, claim: PersistentVolumeClaim): Promise<void> {
    const { name = '' } = volume.metadata;
    this.#chosen.add(name);
    try {
      await this.#options.writer.bind(volume, claim);
    } finally {
      this.#chosen.delete(name);
    }
  }

  /** A claim from before there was a default class gets it. */
  async #assignDefaultClass(claim: PersistentVolumeClaim): Promise<boolean> {
    const { classes, writer } = this.#options;
    if (namesStorageClass(claim)) return false;
    const found = defaultClass(classes.list(), DEFAULT_STORAGE_CLASS_ANNOTATIONS);
    if (found === undefined) return false;
    await writer.patchClaim(claim, { spec: { storageClassName: found.metadata.name } });
    return true;
  }

  #tellWhatIsAwaited(claim: PersistentVolumeClaim): void {
    const { waits, pods } = this.#options;
    const names = pods
      .byIndex('unscheduled', keyOf(claim))
      .map(({ metadata }) => metadata.name ?? '')
      .sort();
    if (names.length === 0) {
      const message = 'waiting for first consumer to be created before binding';
      waits.tell(claim, 'Normal', 'WaitForFirstConsumer', message);
      return;
    }
    const which = `${names.length > 1 ? 'pods' : 'pod'} ${names.join(',')}`;
    waits.tell(claim, 'Normal', 'WaitForPodScheduled', `waiting for ${which} to be scheduled`);
  }

  /** The user asked for this volume. */
  async #syncNamed(claim: PersistentVolumeClaim, volumeName: string): Promise<boolean> {
    const { volumes, waits, writer } = this.#options;
    const volume = volumes.get(volumeName);
    const isFree = volume !== undefined && volume.spec?.claimRef === undefined;
    if (volume && (isFree || isVolumeFor(volume, claim))) {
      const isGoing = isHeldBack(volume) && !volume.spec?.claimRef?.uid;
      const mismatch = isFree || isGoing ? volumeMismatch(volume, claim) : undefined;
      if (mismatch === undefined) {
        await this.#bind(volume, claim);
        return true;
      }
      const message = `Cannot bind to requested volume "${volumeName}": ${mismatch}`;
      waits.tell(claim, 'Warning', 'VolumeMismatch', message);
    } else if (volume) {
      const message = `volume "${volumeName}" already bound to a different claim.`;
      waits.tell(claim, 'Warning', 'FailedBinding', message);
    }
    await writer.setClaimPhase(claim, 'Pending');
    return false;
  }

  /** It had a volume, and its data may be there. */
  async #syncBound(claim: PersistentVolumeClaim): Promise<undefined> {
    const { writer } = this.#options;
    const volumeName = claim.spec?.volumeName;
    const volume = volumeName ? await this.#volumeOf(claim, volumeName) : undefined;
    if (volume === undefined) {
      await writer.setClaimPhase(claim, 'Lost', volumeName ? VOLUME_LOST : REFERENCE_LOST);
      return;
    }
    const { claimRef } = volume.spec ?? {};
    if (claimRef === undefined || claimRef.uid === claim.metadata.uid) {
      await this.#bind(volume, claim);
      return;
    }
    await writer.setClaimPhase(claim, 'Lost', MISBOUND);
  }

  /** Nothing is called lost, or found again, on the word of the copy alone, which may be behind. */
  async #volumeOf(
    { metadata, status }: PersistentVolumeClaim,
    name: string,
  ): Promise<PersistentVolume | undefined> {
    const { volumes, objects } = this.#options;
    const known = status?.phase === 'Lost' ? undefined : volumes.get(name);
    if (known && [undefined, metadata.uid].includes(known.spec?.claimRef?.uid)) return known;
    return objects.get(PersistentVolume, { name }).catch(undefinedIfNotFound);
  }
}

const NO_VOLUME = 'no persistent volumes available for this claim and no storage class is set';
const REFERENCE_LOST = {
  reason: 'ClaimLost',
  message: 'Bound claim has lost reference to PersistentVolume. Data on the volume is lost!',
};
const VOLUME_LOST = {
  reason: 'ClaimLost',
  message: 'Bound claim has lost its PersistentVolume. Data on the volume is lost!',
};
const MISBOUND = {
  reason: 'ClaimMisbound',
  message: 'Two claims are bound to the same volume, this one is bound incorrectly',
};
