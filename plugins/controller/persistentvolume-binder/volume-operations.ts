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
  VOLUME_ANNOTATIONS,
} from 'kernetes/sdk';
import { type BindingWriter, undefinedIfNotFound } from './binding-writer.ts';
import type { Latest } from './latest.ts';
import { DELETION_FINALIZER, withoutDeletionFinalizer } from './volume-sync.ts';
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
    if (volume === undefined || !volume.spec?.claimRef?.uid) return undefined;
    if (await isInUse(volume)) return undefined;
    switch (volume.spec.persistentVolumeReclaimPolicy) {
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
    await this.#options.objects.create(PersistentVolume, volume).catch(ignoreAlreadyExists);
    this.#unrecorded.delete(claimKey);
  }

  async #selectedNode(claim: PersistentVolumeClaim) {
    const { objects, events } = this.#options;
    const name = claim.metadata.annotations?.[VOLUME_ANNOTATIONS.selectedNode];
    if (name === undefined) return undefined;
    const node = await objects.get(Node, { name }).catch(undefinedIfNotFound);
    if (node) return { name, labels: node.metadata.labels ?? {} };
    const message = `Failed to get target node: nodes "${name}" not found`;
    events.event(claim, 'Warning', 'ProvisioningFailed', message);
    return 'failed';
  }

  /** The scheduler may choose another node. */
  async #failed(
    claim: PersistentVolumeClaim,
    { metadata }: StorageClass,
    error: unknown,
  ): Promise<void> {
    const { events, writer } = this.#options;
    const { selectedNode } = VOLUME_ANNOTATIONS;
    const message = `Failed to provision volume with StorageClass "${metadata.name}": ${textOf(error)}`;
    events.event(claim, 'Warning', 'ProvisioningFailed', message);
    if (claim.metadata.annotations?.[selectedNode] === undefined) return;
    await writer.patchClaim(claim, { metadata: { annotations: { [selectedNode]: null } } });
  }

  /** False: to be tried again. */
  async #delete(volume: PersistentVolume): Promise<boolean> {
    const { objects, writer, provisionerOf } = this.#options;
    const { name = '', annotations = {}, finalizers = [], uid = '' } = volume.metadata;
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
    if (finalizers.includes(DELETION_FINALIZER)) {
      await writer.patchVolume(volume, { metadata: withoutDeletionFinalizer(volume) });
    }
    await objects
      .delete(PersistentVolume, { name }, { preconditions: { uid } })
      .catch(undefinedIfNotFound);
    return true;
  }
}

interface MadeVolume {
  readonly name: string;
  readonly spec: NonNullable<PersistentVolume['spec']>;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** Bound to its claim from the first moment on. */
function volumeFor(
  claim: PersistentVolumeClaim,
  storageClass: StorageClass,
  { name, spec, labels, annotations }: MadeVolume,
): PersistentVolume {
  const { namespace = '', name: claimName = '', uid = '', resourceVersion } = claim.metadata;
  const policy = storageClass.reclaimPolicy ?? 'Delete';
  const claimRef = { apiVersion: 'v1', kind: 'PersistentVolumeClaim', namespace, name: claimName };
  const attributes = claim.spec?.volumeAttributesClassName;
  return {
    metadata: {
      name,
      ...(labels && { labels }),
      annotations: {
        ...annotations,
        [VOLUME_ANNOTATIONS.boundByController]: 'yes',
        [VOLUME_ANNOTATIONS.provisionedBy]: storageClass.provisioner,
      },
      ...(policy === 'Delete' && { finalizers: [DELETION_FINALIZER] }),
    },
    spec: {
      capacity: { storage: claim.spec?.resources?.requests?.storage ?? '0' },
      accessModes: claim.spec?.accessModes ?? [],
      volumeMode: claim.spec?.volumeMode ?? 'Filesystem',
      ...(storageClass.mountOptions && { mountOptions: storageClass.mountOptions }),
      ...(attributes && { volumeAttributesClassName: attributes }),
      ...spec,
      persistentVolumeReclaimPolicy: policy,
      storageClassName: storageClassOf(claim),
      claimRef: { ...claimRef, uid, ...(resourceVersion && { resourceVersion }) },
    },
  };
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
