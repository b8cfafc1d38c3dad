import {
  ApiError,
  type EventRecorder,
  type Informer,
  keyOf,
  Node,
  type ObjectClient,
  PersistentVolume,
  type PersistentVolumeClaim,
  type Provisioner,
  type ReconcileResult,
  type StorageClass,
  storageClassOf,
  undefinedIfNotFound,
  VOLUME_ANNOTATIONS,
  waitsForConsumer,
} from 'kernetes/sdk';
import type { BindingWriter } from './binding-writer.ts';
import type { Latest } from './latest.ts';
import { volumeFor } from './provisioned-volume.ts';
import { DELETION_FINALIZER, isHeldBack, withoutDeletionFinalizer } from './volume-sync.ts';
import type { WaitingEvents } from './waiting-events.ts';

export interface VolumeOperationsOptions {
  readonly objects: ObjectClient;
  readonly events: EventRecorder;
  readonly waits: WaitingEvents;
  readonly writer: BindingWriter;
  readonly claims: Latest<PersistentVolumeClaim>;
  readonly classes: Informer<StorageClass>;
  readonly retryMs: number;
  /** Undefined: it is somebody else's, outside. */
  provisionerOf(name: string): Provisioner | undefined;
  /** The claim that has the volume still is there and has it. */
  isInUse(volume: PersistentVolume): Promise<boolean>;
}

/** What takes its time: making volumes, and taking them away. Each looks anew at what it is about. */
export class VolumeOperations {
  readonly #options: VolumeOperationsOptions;
  /** Made, but there is no object yet to tell; by claim. It must not be forgotten with its claim. */
  readonly #unrecorded = new Map<string, PersistentVolume>();

  constructor(options: VolumeOperationsOptions) {
    this.#options = options;
  }

  /** Makes a volume for a claim that has none. Its name is the claim's, so it is made once. */
  async provision(claimKey: string): Promise<ReconcileResult> {
    const { claims, classes, waits, provisionerOf } = this.#options;
    const unrecorded = this.#unrecorded.get(claimKey);
    if (unrecorded) await this.#record(claimKey, unrecorded);
    const known = claims.get(claimKey);
    if (known === undefined || known.spec?.volumeName) return undefined;
    const className = storageClassOf(known);
    const storageClass = classes.get(className);
    if (storageClass === undefined) {
      const message = `storageclass.storage.k8s.io "${className}" not found`;
      waits.tell(known, 'Warning', 'ProvisioningFailed', message);
      return undefined;
    }
    // It may have been given back since this was asked for.
    if (waitsForConsumer(storageClass) && selectedNodeOf(known) === undefined) return undefined;
    const { provisioner: name } = storageClass;
    const provisioner = provisionerOf(name);
    if (provisioner === undefined && name.startsWith(BUILT_IN)) {
      const message = `no volume plugin matched name: ${name}`;
      waits.tell(known, 'Warning', 'ProvisioningFailed', message);
      return undefined;
    }
    const claim = await this.#announce(known, name);
    if (provisioner) await this.#make(claim, storageClass, provisioner);
    else waits.tell(claim, 'Normal', 'ExternalProvisioning', awaitedFrom(name));
    return undefined;
  }

  /** Does with a released volume what its policy says. */
  async reclaim(name: string): Promise<ReconcileResult> {
    const { objects, writer, isInUse, retryMs } = this.#options;
    const volume = await objects.get(PersistentVolume, { name }).catch(undefinedIfNotFound);
    if (volume === undefined) return undefined;
    const isUsed = volume.spec?.claimRef?.uid ? await isInUse(volume) : !isHeldBack(volume);
    if (isUsed) return undefined;
    switch (volume.spec?.persistentVolumeReclaimPolicy) {
      case 'Retain':
        return undefined;
      case 'Recycle':
        await writer.setVolumePhase(volume, 'Failed', NO_RECYCLER);
        return undefined;
      case 'Delete':
        return (await this.#delete(volume)) ? undefined : { requeueAfter: retryMs };
      default:
        await writer.setVolumePhase(volume, 'Failed', UNKNOWN_POLICY);
        return undefined;
    }
  }

  /** Who watches for claims of its own finds it by these. */
  async #announce(claim: PersistentVolumeClaim, name: string): Promise<PersistentVolumeClaim> {
    const { annotations = {} } = claim.metadata;
    const { provisioner, provisionerBeta } = VOLUME_ANNOTATIONS;
    if (annotations[provisioner] === name && annotations[provisionerBeta] === name) return claim;
    const change = { annotations: { [provisioner]: name, [provisionerBeta]: name } };
    return this.#options.writer.patchClaim(claim, { metadata: change });
  }

  async #make(
    claim: PersistentVolumeClaim,
    storageClass: StorageClass,
    provisioner: Provisioner,
  ): Promise<void> {
    const { objects, events } = this.#options;
    const volumeName = `pvc-${claim.metadata.uid}`;
    const existing = await objects
      .get(PersistentVolume, { name: volumeName })
      .catch(undefinedIfNotFound);
    if (existing) return;
    const selectedNode = await this.#selectedNode(claim);
    if (selectedNode === 'failed') return;
    const request = { volumeName, claim, storageClass, ...(selectedNode && { selectedNode }) };
    let volume: PersistentVolume;
    try {
      const made = await provisioner.provision(request);
      volume = volumeFor(claim, storageClass, { ...made, name: volumeName });
    } catch (error) {
      await this.#failed(claim, storageClass, error);
      return;
    }
    try {
      await this.#record(keyOf(claim), volume);
    } catch (error) {
      const why = `Error creating provisioned PV object for claim ${keyOf(claim)}: ${textOf(error)}.`;
      events.event(claim, 'Warning', 'ProvisioningFailed', why);
      throw error;
    }
    const message = `Successfully provisioned volume ${volumeName} using ${provisioner.name}`;
    events.event(claim, 'Normal', 'ProvisioningSucceeded', message);
  }

  /** Also for a claim that is gone by now: then the volume is released, and deleted as others are. */
  async #record(claimKey: string, volume: PersistentVolume): Promise<void> {
    this.#unrecorded.set(claimKey, volume);
    try {
      await this.#options.objects.create(PersistentVolume, volume).catch(ignoreAlreadyExists);
    } catch (error) {
      if (!ApiError.is(error, 'Invalid')) throw error;
      // It never will be taken as it is: it goes, and another is made.
      const maker = volume.metadata.annotations?.[VOLUME_ANNOTATIONS.provisionedBy] ?? '';
      await this.#options.provisionerOf(maker)?.delete(volume);
      this.#unrecorded.delete(claimKey);
      throw error;
    }
    this.#unrecorded.delete(claimKey);
  }

  async #selectedNode(claim: PersistentVolumeClaim) {
    const { objects, events } = this.#options;
    const name = selectedNodeOf(claim);
    if (name === undefined) return undefined;
    const node = await objects.get(Node, { name }).catch(undefinedIfNotFound);
    if (node) return { name, labels: node.metadata.labels ?? {} };
    const message = `Failed to get target node: nodes "${name}" not found`;
    events.event(claim, 'Warning', 'ProvisioningFailed', message);
    await this.#giveNodeBack(claim);
    return 'failed';
  }

  async #failed(
    claim: PersistentVolumeClaim,
    { metadata }: StorageClass,
    error: unknown,
  ): Promise<void> {
    const { events } = this.#options;
    const message = `Failed to provision volume with StorageClass "${metadata.name}": ${textOf(error)}`;
    events.event(claim, 'Warning', 'ProvisioningFailed', message);
    await this.#giveNodeBack(claim);
  }

  /** The scheduler may choose another. */
  async #giveNodeBack(claim: PersistentVolumeClaim): Promise<void> {
    if (selectedNodeOf(claim) === undefined) return;
    const annotations = { [VOLUME_ANNOTATIONS.selectedNode]: null };
    await this.#options.writer.patchClaim(claim, { metadata: { annotations } });
  }

  /** False: to be tried again. */
  async #delete(volume: PersistentVolume): Promise<boolean> {
    const { writer, provisionerOf } = this.#options;
    const { name = '', annotations = {} } = volume.metadata;
    const provisionedBy = annotations[VOLUME_ANNOTATIONS.provisionedBy];
    const provisioner = provisionedBy === undefined ? undefined : provisionerOf(provisionedBy);
    if (provisioner === undefined) {
      const isElsewhere = provisionedBy !== undefined && !provisionedBy.startsWith(BUILT_IN);
      if (!isElsewhere) await writer.setVolumePhase(volume, 'Failed', noDeleter(name));
      return true;
    }
    try {
      await provisioner.delete(volume);
    } catch (error) {
      const why = { reason: 'VolumeFailedDelete', message: textOf(error) };
      await writer.setVolumePhase(volume, 'Failed', why);
      return false;
    }
    await this.#letGo(volume);
    return true;
  }

  /** The object is deleted first: on one that is not, the finalizer would be put again at once. */
  async #letGo({ metadata: { name = '', uid = '', deletionTimestamp } }: PersistentVolume) {
    const { objects, writer } = this.#options;
    if (!deletionTimestamp) {
      await objects
        .delete(PersistentVolume, { name }, { preconditions: { uid } })
        .catch(undefinedIfNotFound);
    }
    const rest = await objects.get(PersistentVolume, { name }).catch(undefinedIfNotFound);
    if (rest?.metadata.uid !== uid || !rest.metadata.finalizers?.includes(DELETION_FINALIZER))
      return;
    await writer
      .patchVolume(rest, { metadata: withoutDeletionFinalizer(rest) })
      .catch(undefinedIfNotFound);
  }
}

function selectedNodeOf({ metadata }: PersistentVolumeClaim): string | undefined {
  return metadata.annotations?.[VOLUME_ANNOTATIONS.selectedNode];
}

function awaitedFrom(provisioner: string): string {
  return (
    `Waiting for a volume to be created either by the external provisioner '${provisioner}' ` +
    'or manually by the system administrator. If volume creation is delayed, please verify that ' +
    'the provisioner is running and correctly registered.'
  );
}

function noDeleter(name: string) {
  const message =
    `error getting deleter volume plugin for volume "${name}": ` +
    'no deletable volume plugin matched';
  return { reason: 'VolumeFailedDelete', message };
}

function ignoreAlreadyExists(error: unknown): void {
  if (!ApiError.is(error, 'AlreadyExists')) throw error;
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Such provisioners are upstream's own; nobody outside is asked for them. */
const BUILT_IN = 'kubernetes.io/';
const NO_RECYCLER = {
  reason: 'VolumeFailedRecycle',
  message: 'No recycler plugin found for the volume!',
};
const UNKNOWN_POLICY = {
  reason: 'VolumeUnknownReclaimPolicy',
  message: 'Volume has unrecognized PersistentVolumeReclaimPolicy',
};
