import {
  type Clock,
  compareQuantities,
  type EventRecorder,
  keyOf,
  type ObjectClient,
  PersistentVolume,
  PersistentVolumeClaim,
  type Provisioner,
  parseQuantity,
  toTime,
  VOLUME_ANNOTATIONS,
} from 'kernetes/sdk';

export interface ExpanderOptions {
  readonly objects: ObjectClient;
  readonly events: EventRecorder;
  readonly clock: Clock;
  provisionerOf(name: string): Provisioner | undefined;
}

/**
 * Lets volumes grow to what their claims ask for, in steps that each can be the last before a crash:
 * the claim says what is under way, the provisioner enlarges the volume, the volume says how large
 * it is (and, by an annotation, whether the node has still to enlarge the file system), then the
 * claim. What an earlier try has done is seen on the objects and not done again.
 */
export class Expander {
  readonly #options: ExpanderOptions;

  constructor(options: ExpanderOptions) {
    this.#options = options;
  }

  async expand(claim: PersistentVolumeClaim, volume: PersistentVolume): Promise<void> {
    if (volume.spec?.claimRef?.uid !== claim.metadata.uid) return;
    if (isGrown(claim, volume)) {
      await this.#forgetPreviousSize(volume);
      return;
    }
    const { metadata } = volume;
    const maker = metadata.annotations?.[VOLUME_ANNOTATIONS.provisionedBy] ?? '';
    const provisioner = this.#options.provisionerOf(maker);
    if (provisioner?.expand) await this.#expandBy(provisioner, claim, volume);
    else this.#tellAwaited(claim, volume);
  }

  async #expandBy(
    provisioner: Provisioner,
    claim: PersistentVolumeClaim,
    volume: PersistentVolume,
  ): Promise<void> {
    const size = wantedSize(claim, volume);
    if (isBelow(sizeOf(volume), size)) {
      const begun = await this.#begin(provisioner.name, claim, size);
      const grown = await this.#grow(provisioner, begun, volume, size);
      await this.#finish(begun, grown);
    } else {
      await this.#finish(claim, volume);
    }
  }

  /** Says on the claim what is under way. */
  async #begin(
    resizer: string,
    known: PersistentVolumeClaim,
    size: string,
  ): Promise<PersistentVolumeClaim> {
    let claim = known;
    if (claim.metadata.annotations?.[RESIZER_ANNOTATION] !== resizer) {
      const metadata = { annotations: { [RESIZER_ANNOTATION]: resizer } };
      claim = await this.#patchClaim(claim, { metadata });
    }
    const { status = {} } = claim;
    const isSaid =
      status.allocatedResourceStatuses?.storage === 'ControllerResizeInProgress' &&
      status.allocatedResources?.storage === size;
    if (isSaid) return claim;
    const change = {
      conditions: this.#conditions(claim, 'Resizing', ''),
      allocatedResources: { storage: size },
      allocatedResourceStatuses: { storage: 'ControllerResizeInProgress' },
    };
    return this.#patchClaim(claim, { status: change }, 'status');
  }

  async #grow(
    provisioner: Provisioner,
    claim: PersistentVolumeClaim,
    volume: PersistentVolume,
    size: string,
  ): Promise<PersistentVolume> {
    const { objects, events } = this.#options;
    let nodeExpansionRequired = false;
    try {
      const grown = await provisioner.expand?.(volume, size);
      nodeExpansionRequired = grown?.nodeExpansionRequired ?? false;
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      const message = `error expanding volume "${keyOf(claim)}" of plugin "${provisioner.name}": ${why}`;
      events.event(claim, 'Warning', 'VolumeResizeFailed', message, SOURCE);
      throw new Error(message, { cause: error });
    }
    const { name = '', uid, resourceVersion } = volume.metadata;
    const before = claim.status?.capacity?.storage ?? sizeOf(volume);
    const annotations = { [PREVIOUS_SIZE_ANNOTATION]: before };
    const metadata = { uid, resourceVersion, ...(nodeExpansionRequired && { annotations }) };
    const patch = { metadata, spec: { capacity: { storage: size } } };
    return objects.patch(PersistentVolume, { name }, patch);
  }

  /** The volume is large enough; the file system in it too, or the node is told so. */
  async #finish(claim: PersistentVolumeClaim, volume: PersistentVolume): Promise<void> {
    const { status = {} } = claim;
    const isNodesTurn = volume.metadata.annotations?.[PREVIOUS_SIZE_ANNOTATION] !== undefined;
    if (!isNodesTurn) {
      const states = Object.keys(status.allocatedResourceStatuses ?? {});
      const others = states.filter(name => name !== 'storage');
      const change = {
        capacity: { storage: sizeOf(volume) },
        conditions: this.#conditions(claim),
        allocatedResourceStatuses: others.length > 0 ? { storage: null } : null,
      };
      const done = await this.#patchClaim(claim, { status: change }, 'status');
      const message = `ExpandVolume succeeded for volume ${keyOf(claim)}`;
      this.#options.events.event(done, 'Normal', 'VolumeResizeSuccessful', message, SOURCE);
      return;
    }
    const state = status.allocatedResourceStatuses?.storage ?? '';
    if (state.startsWith('NodeResize')) return;
    const change = {
      conditions: this.#conditions(claim, 'FileSystemResizePending', NODE_AWAITED),
      allocatedResourceStatuses: { storage: 'NodeResizePending' },
    };
    await this.#patchClaim(claim, { status: change }, 'status');
  }

  /** The claim's conditions, of those of a resize only the given. */
  #conditions(claim: PersistentVolumeClaim, type?: string, message?: string) {
    const others = (claim.status?.conditions ?? []).filter(
      each => !RESIZE_CONDITIONS.includes(each.type),
    );
    const lastTransitionTime = toTime(this.#options.clock.now());
    const own = type && { type, status: 'True', lastTransitionTime, ...(message && { message }) };
    return own ? [...others, own] : others.length > 0 ? others : null;
  }

  #tellAwaited(claim: PersistentVolumeClaim, { spec }: PersistentVolume): void {
    // Of these it is known that somebody outside can.
    const type = spec?.csi || spec?.flexVolume ? 'Normal' : 'Warning';
    const message = 'waiting for an external controller to expand this PVC';
    this.#options.events.event(claim, type, 'ExternalExpanding', message, SOURCE);
  }

  /** The node is done. */
  async #forgetPreviousSize({ metadata }: PersistentVolume): Promise<void> {
    if (metadata.annotations?.[PREVIOUS_SIZE_ANNOTATION] === undefined) return;
    const { name = '', uid, resourceVersion } = metadata;
    const annotations = { [PREVIOUS_SIZE_ANNOTATION]: null };
    const patch = { metadata: { uid, resourceVersion, annotations } };
    await this.#options.objects.patch(PersistentVolume, { name }, patch);
  }

  #patchClaim(
    { metadata }: PersistentVolumeClaim,
    change: { readonly metadata?: object; readonly status?: object },
    subresource?: 'status',
  ): Promise<PersistentVolumeClaim> {
    const { namespace = '', name = '', uid, resourceVersion } = metadata;
    const patch = { ...change, metadata: { uid, resourceVersion, ...change.metadata } };
    const options = subresource && { subresource };
    return this.#options.objects.patch(PersistentVolumeClaim, { namespace, name }, patch, options);
  }
}

/** What is asked for now; but a growth that is under way is finished first. */
function wantedSize({ spec, status }: PersistentVolumeClaim, volume: PersistentVolume): string {
  const requested = spec?.resources?.requests?.storage ?? '0';
  const begun = status?.allocatedResources?.storage;
  const state = status?.allocatedResourceStatuses?.storage ?? '';
  const isUnderWay = UNDER_WAY.includes(state) && begun !== undefined;
  return isUnderWay && isBelow(sizeOf(volume), requested) ? begun : requested;
}

/** The claim has what it asks for, and all that the volume has. */
function isGrown({ spec, status }: PersistentVolumeClaim, volume: PersistentVolume): boolean {
  // Not bound yet: how large it is, the binder will say.
  const has = status?.capacity?.storage;
  if (has === undefined || status?.phase !== 'Bound') return true;
  return (
    !isBelow(has, spec?.resources?.requests?.storage ?? '0') &&
    (volume.metadata.annotations?.[PREVIOUS_SIZE_ANNOTATION] === undefined ||
      !isBelow(has, sizeOf(volume)))
  );
}

function sizeOf({ spec }: PersistentVolume): string {
  return spec?.capacity?.storage ?? '0';
}

function isBelow(a: string, b: string): boolean {
  return compareQuantities(parseQuantity(a), parseQuantity(b)) < 0;
}

const RESIZER_ANNOTATION = 'volume.kubernetes.io/storage-resizer';
/** On a volume that has grown: how large the file system in it still is. */
const PREVIOUS_SIZE_ANNOTATION = 'volume.alpha.kubernetes.io/pre-resize-capacity';
const RESIZE_CONDITIONS = ['Resizing', 'FileSystemResizePending'];
const UNDER_WAY = ['ControllerResizeInProgress', 'NodeResizePending', 'NodeResizeInProgress'];
const NODE_AWAITED =
  'Waiting for user to (re-)start a pod to finish file system resize of volume on node.';
/** Upstream's name for whom such events are from. */
const SOURCE = { component: 'volume_expand' };
