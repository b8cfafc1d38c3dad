import { createHash } from 'node:crypto';
import {
  ApiError,
  Node,
  type PersistentVolume,
  type PluginContext,
  type Pod,
  type ReconcileResult,
  undefinedIfNotFound,
  VolumeAttachment,
} from 'kernetes/sdk';
import type { AttachmentView } from './attachment-view.ts';
import { multiAttachReason } from './multi-attach.ts';

export interface Config {
  /** Until a volume is taken from a node that does not answer and has not let go of it. */
  readonly maxWaitForUnmountMs: number;
  readonly forceDetachOnTimeout: boolean;
  /** Drivers whose attacher is played here. */
  readonly simulatedAttachers: readonly string[];
  readonly simulatedDelayMs: number;
}

/**
 * Has volumes attached where pods need them, and detached where none does: one VolumeAttachment a
 * volume and node, which the driver's attacher acts on. A node's status says what is attached to
 * it; from there a volume goes before it is detached, so that the node begins nothing with it.
 */
export class AttachDetach {
  readonly #ctx: PluginContext<Config>;
  readonly #view: AttachmentView;
  /** Uid of an attachment that is not needed -> since when. */
  readonly #unneededSince = new Map<string, number>();
  /** Why pods of a node could not have a volume; told once, as long as it is so. */
  readonly #refusals = new Map<string, string>();
  /** Made here, by volume: the copy may not have them yet, and no second must be made beside them. */
  readonly #made = new Map<string, readonly VolumeAttachment[]>();

  constructor(ctx: PluginContext<Config>, view: AttachmentView) {
    this.#ctx = ctx;
    this.#view = view;
  }

  async reconcile(volumeName: string): Promise<ReconcileResult> {
    const volume = this.#view.volumes.get(volumeName);
    const users = volume && this.#view.isAttachable(volume) ? this.#view.usersOf(volume) : NO_USERS;
    const existing = await this.#attachmentsOf(volumeName);
    const waits: number[] = [];
    for (const attachment of existing) {
      const pods = users.get(attachment.spec.nodeName);
      if (volume && pods) await this.#attached(attachment, volume, pods);
      else waits.push(await this.#detach(attachment, volume));
    }
    for (const [nodeName, pods] of volume ? [...users].sort(longestFirst) : []) {
      if (existing.some(({ spec }) => spec.nodeName === nodeName)) continue;
      const made = await this.#attach(volume as PersistentVolume, { nodeName, pods, existing });
      if (made) existing.push(made);
    }
    const next = Math.min(...waits.filter(ms => ms > 0));
    return Number.isFinite(next) ? { requeueAfter: next } : undefined;
  }

  /** Those of the copy, and those made since, if they are there. */
  async #attachmentsOf(volumeName: string): Promise<VolumeAttachment[]> {
    const { attachments } = this.#view;
    const existing = attachments.byIndex('volume', volumeName);
    const unseen: VolumeAttachment[] = [];
    for (const { metadata } of this.#made.get(volumeName) ?? []) {
      const { name = '' } = metadata;
      if (attachments.get(name)) continue;
      const found = await this.#ctx.objects
        .get(VolumeAttachment, { name })
        .catch(undefinedIfNotFound);
      if (found) unseen.push(found);
    }
    if (unseen.length > 0) this.#made.set(volumeName, unseen);
    else this.#made.delete(volumeName);
    return [...existing, ...unseen];
  }

  async #attach(
    volume: PersistentVolume,
    { nodeName, pods, existing }: AttachOptions,
  ): Promise<VolumeAttachment | undefined> {
    const { name = '' } = volume.metadata;
    const reason = multiAttachReason(volume, {
      pods,
      attachments: existing,
      usersOf: each => this.#view.usersOf(each),
    });
    if (reason !== undefined) {
      this.#refuse(`${name} ${nodeName}`, pods, `Multi-Attach error for ${reason}`);
      return undefined;
    }
    const { volumeHandle = '', driver = '' } = volume.spec?.csi ?? {};
    const attachment: VolumeAttachment = {
      metadata: { name: attachmentName(volumeHandle, driver, nodeName) },
      spec: {
        attacher: driver,
        nodeName,
        source: { persistentVolumeName: name },
      },
    };
    this.#made.set(name, [...(this.#made.get(name) ?? []), attachment]);
    await this.#ctx.objects.create(VolumeAttachment, attachment).catch(ignoreAlreadyExists);
    return attachment;
  }

  /** It is needed: says so where it is done, and why where it failed. */
  async #attached(
    { metadata, spec, status }: VolumeAttachment,
    volume: PersistentVolume,
    pods: readonly Pod[],
  ): Promise<void> {
    const { name = '' } = volume.metadata;
    const key = `${name} ${spec.nodeName}`;
    this.#unneededSince.delete(metadata.uid ?? '');
    if (status?.attached && !metadata.deletionTimestamp) {
      this.#refusals.delete(key);
      if (!(await this.#report(spec.nodeName, uniqueName(volume), true))) return;
      const message = `AttachVolume.Attach succeeded for volume "${name}" `;
      for (const pod of pods) {
        this.#ctx.events.event(pod, 'Normal', 'SuccessfulAttachVolume', message, SOURCE);
      }
    } else if (status?.attachError?.message) {
      const why = status.attachError.message;
      this.#refuse(key, pods, `AttachVolume.Attach failed for volume "${name}" : ${why}`);
    }
  }

  /** Gives how long it must wait still; 0: not at all, or until something changes. */
  async #detach(
    attachment: VolumeAttachment,
    volume: PersistentVolume | undefined,
  ): Promise<number> {
    const { metadata, spec } = attachment;
    const { clock, objects, config } = this.#ctx;
    const { uid = '', name = '' } = metadata;
    if (metadata.deletionTimestamp) return 0;
    const since = this.#unneededSince.get(uid) ?? clock.now();
    this.#unneededSince.set(uid, since);
    const device = volume ? uniqueName(volume) : this.#deviceOf(attachment);
    const wait = since + config.maxWaitForUnmountMs - clock.now();
    if (device && this.#holdsBack(spec.nodeName, device, wait)) return Math.max(0, wait);
    if (device) await this.#report(spec.nodeName, device, false);
    await objects
      .delete(VolumeAttachment, { name }, { preconditions: { uid } })
      .catch(undefinedIfNotFound);
    this.#unneededSince.delete(uid);
    this.#refusals.delete(`${volume?.metadata.name} ${spec.nodeName}`);
    return 0;
  }

  /** As its node knows it, for the volume is gone: the attachment's name follows from that. */
  #deviceOf({ metadata, spec }: VolumeAttachment): string | undefined {
    const status = this.#view.nodes.get(spec.nodeName)?.status;
    const prefix = `${DEVICE_PREFIX}${spec.attacher}^`;
    const devices = (status?.volumesAttached ?? []).map(({ name }) => name);
    return devices.find(
      device =>
        device.startsWith(prefix) &&
        attachmentName(device.slice(prefix.length), spec.attacher, spec.nodeName) === metadata.name,
    );
  }

  /** The node still has it mounted; only one that is out of service, or lost, is not waited for. */
  #holdsBack(nodeName: string, device: string, waitMs: number): boolean {
    const node = this.#view.nodes.get(nodeName);
    if (!node?.status?.volumesInUse?.includes(device)) return node === undefined && waitMs > 0;
    if (node.spec?.taints?.some(({ key }) => key === OUT_OF_SERVICE)) return false;
    const ready = node.status.conditions?.find(({ type }) => type === 'Ready');
    const isLost = ready?.status !== 'True' && this.#ctx.config.forceDetachOnTimeout;
    return !isLost || waitMs > 0;
  }

  /** Brings the node's status to say so. Gives whether that was news. */
  async #report(nodeName: string, device: string, isAttached: boolean): Promise<boolean> {
    const node = this.#view.nodes.get(nodeName);
    const before = node?.status?.volumesAttached ?? [];
    const isSaid = before.some(({ name }) => name === device);
    if (node === undefined || isSaid === isAttached) return false;
    const others = before.filter(({ name }) => name !== device);
    const volumesAttached = isAttached ? [...others, { name: device, devicePath: '' }] : others;
    const { uid, resourceVersion } = node.metadata;
    const patch = {
      metadata: { uid, resourceVersion },
      status: { volumesAttached: volumesAttached.length > 0 ? volumesAttached : null },
    };
    const options = { subresource: 'status' };
    await this.#ctx.objects.patch(Node, { name: nodeName }, patch, options);
    return true;
  }

  #refuse(key: string, pods: readonly Pod[], message: string): void {
    const text = `${pods.map(({ metadata }) => metadata.uid).join()} ${message}`;
    if (this.#refusals.get(key) === text) return;
    this.#refusals.set(key, text);
    for (const pod of pods) {
      this.#ctx.events.event(pod, 'Warning', 'FailedAttachVolume', message, SOURCE);
    }
  }
}

interface AttachOptions {
  readonly nodeName: string;
  readonly pods: readonly Pod[];
  /** Of the volume, to other nodes. */
  readonly existing: readonly VolumeAttachment[];
}

/** As nodes know the volume. */
function uniqueName({ spec }: PersistentVolume): string {
  return `${DEVICE_PREFIX}${spec?.csi?.driver}^${spec?.csi?.volumeHandle}`;
}

const DEVICE_PREFIX = 'kubernetes.io/csi/';

/** Upstream's: who looks for an attachment finds it by what it is of. */
function attachmentName(volumeHandle: string, driver: string, nodeName: string): string {
  const hash = createHash('sha256').update(`${volumeHandle}${driver}${nodeName}`);
  return `csi-${hash.digest('hex')}`;
}

function ignoreAlreadyExists(error: unknown): void {
  if (!ApiError.is(error, 'AlreadyExists')) throw error;
}

/** Whose pod is older has the volume first. */
function longestFirst([, a]: [string, readonly Pod[]], [, b]: [string, readonly Pod[]]): number {
  const [one, other] = [a, b].map(pods => {
    const times = pods.map(({ metadata }) => `${metadata.creationTimestamp} ${metadata.name}`);
    return times.sort()[0] ?? '';
  });
  return (one ?? '') < (other ?? '') ? -1 : 1;
}

const NO_USERS: ReadonlyMap<string, readonly Pod[]> = new Map();

const OUT_OF_SERVICE = 'node.kubernetes.io/out-of-service';
/** Upstream's name for whom such events are from. */
const SOURCE = { component: 'attachdetach-controller' };
