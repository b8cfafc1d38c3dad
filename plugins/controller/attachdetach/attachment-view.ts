import {
  CSIDriver,
  type Informer,
  isPodFinished,
  keyOf,
  NODE_FIELDS,
  Node,
  PersistentVolume,
  PersistentVolumeClaim,
  type PluginContext,
  POD_FIELDS,
  Pod,
  VolumeAttachment,
} from 'kernetes/sdk';

/** What the controller knows, by the questions that it has. */
export class AttachmentView {
  readonly pods: Informer<Pod>;
  readonly claims: Informer<PersistentVolumeClaim>;
  readonly volumes: Informer<PersistentVolume>;
  readonly nodes: Informer<Node>;
  readonly attachments: Informer<VolumeAttachment>;
  readonly drivers: Informer<CSIDriver>;

  constructor(ctx: Pick<PluginContext, 'informer'>) {
    this.pods = ctx.informer(Pod, { fields: POD_FIELDS, indexes: { claim: claimsOf } });
    this.claims = ctx.informer(PersistentVolumeClaim);
    this.volumes = ctx.informer(PersistentVolume, { indexes: { driver: driverOf } });
    this.nodes = ctx.informer(Node, { fields: NODE_FIELDS });
    this.attachments = ctx.informer(VolumeAttachment, {
      indexes: { volume: volumeOf, node: ({ spec }: VolumeAttachment) => [spec.nodeName] },
    });
    this.drivers = ctx.informer(CSIDriver);
  }

  get synced(): Promise<unknown> {
    const { pods, claims, volumes, nodes, attachments } = this;
    const informers = [pods, claims, volumes, nodes, attachments, this.drivers];
    return Promise.all(informers.map(({ synced }) => synced));
  }

  /** A driver that says nothing wants its volumes attached. */
  isAttachable({ spec }: PersistentVolume): boolean {
    if (!spec?.csi) return false;
    return this.drivers.get(spec.csi.driver)?.spec.attachRequired ?? true;
  }

  /** The pods that need the volume, by their node. One that ended needs nothing. */
  usersOf({ spec }: PersistentVolume): ReadonlyMap<string, readonly Pod[]> {
    const { namespace, name, uid } = spec?.claimRef ?? {};
    const key = `${namespace}/${name}`;
    const users = new Map<string, Pod[]>();
    if (!uid || this.claims.get(key)?.metadata.uid !== uid) return users;
    for (const pod of this.pods.byIndex('claim', key)) {
      const nodeName = pod.spec?.nodeName ?? '';
      users.set(nodeName, [...(users.get(nodeName) ?? []), pod]);
    }
    return users;
  }

  /** Those of the pod's claims, ended or not. */
  volumesOf(pod: Pod): readonly string[] {
    return keysOf(pod).flatMap(key => this.claims.get(key)?.spec?.volumeName ?? []);
  }

  volumesAt(attachment: VolumeAttachment): readonly string[] {
    return volumeOf(attachment);
  }

  volumesBy({ metadata }: CSIDriver): readonly string[] {
    return this.volumes.byIndex('driver', metadata.name ?? '').map(keyOf);
  }

  volumesOn({ metadata }: Node): readonly string[] {
    return this.attachments.byIndex('node', metadata.name ?? '').flatMap(volumeOf);
  }
}

function volumeOf({ spec }: VolumeAttachment): readonly string[] {
  return spec.source.persistentVolumeName ? [spec.source.persistentVolumeName] : [];
}

function driverOf({ spec }: PersistentVolume): readonly string[] {
  return spec?.csi ? [spec.csi.driver] : [];
}

/** Of pods that run on a node, or are about to. */
function claimsOf(pod: Pod): readonly string[] {
  return pod.spec?.nodeName && !isPodFinished(pod) ? keysOf(pod) : [];
}

function keysOf({ metadata, spec }: Pod): readonly string[] {
  return (spec?.volumes ?? []).flatMap(({ name, persistentVolumeClaim, ephemeral }) => {
    const claim = ephemeral ? `${metadata.name}-${name}` : persistentVolumeClaim?.claimName;
    return claim ? [`${metadata.namespace}/${claim}`] : [];
  });
}
