import type { PersistentVolume, Volume } from 'kernetes/sdk';

/** Types of volumes from before CSI, by their provisioner: the driver that took them over. */
export const DRIVER_OF_IN_TREE: ReadonlyMap<string, string> = new Map([
  ['kubernetes.io/aws-ebs', 'ebs.csi.aws.com'],
  ['kubernetes.io/gce-pd', 'pd.csi.storage.gke.io'],
  ['kubernetes.io/azure-disk', 'disk.csi.azure.com'],
  ['kubernetes.io/cinder', 'cinder.csi.openstack.org'],
  ['kubernetes.io/portworx-volume', 'pxd.portworx.com'],
]);

/** A volume of such a type, as its driver would name it. */
export interface InTreeVolume {
  readonly provisioner: string;
  readonly handle: string;
}

type Sources = Pick<
  Volume,
  'awsElasticBlockStore' | 'gcePersistentDisk' | 'azureDisk' | 'cinder' | 'portworxVolume'
>;

export function hasInTreeSource(volume: Sources): boolean {
  return Boolean(
    volume.awsElasticBlockStore ||
      volume.gcePersistentDisk ||
      volume.azureDisk ||
      volume.cinder ||
      volume.portworxVolume,
  );
}

/** Of a pod's own volume. */
export function inlineVolume(volume: Sources): InTreeVolume | undefined {
  return inTreeVolume(volume, `${ANYWHERE}/zones/UNSPECIFIED`);
}

/** Of a PersistentVolume: GCE names a disk with its zone, or region. */
export function inTreePersistentVolume({
  metadata,
  spec,
}: PersistentVolume): InTreeVolume | undefined {
  const zones = metadata.labels?.[ZONE] ?? metadata.labels?.[ZONE_BETA] ?? 'UNSPECIFIED';
  const [first = '', second] = zones.split('__');
  const region = first.replace(/-[^-]*$/, '');
  const place = second === undefined ? `zones/${first}` : `regions/${region}`;
  return inTreeVolume((spec ?? {}) as Sources, `${ANYWHERE}/${place}`);
}

function inTreeVolume(volume: Sources, gcePlace: string): InTreeVolume | undefined {
  const { awsElasticBlockStore, gcePersistentDisk, azureDisk, cinder, portworxVolume } = volume;
  if (awsElasticBlockStore) {
    const handle = ebsHandle(awsElasticBlockStore.volumeID);
    return { provisioner: 'kubernetes.io/aws-ebs', handle };
  }
  if (gcePersistentDisk) {
    const handle = `${gcePlace}/disks/${gcePersistentDisk.pdName}`;
    return { provisioner: 'kubernetes.io/gce-pd', handle };
  }
  if (azureDisk) return { provisioner: 'kubernetes.io/azure-disk', handle: azureDisk.diskURI };
  if (cinder) return { provisioner: 'kubernetes.io/cinder', handle: cinder.volumeID };
  if (portworxVolume) {
    return { provisioner: 'kubernetes.io/portworx-volume', handle: portworxVolume.volumeID };
  }
  return undefined;
}

/** `aws://us-east-1a/vol-1` and `vol-1` are the same. */
function ebsHandle(volumeId: string): string {
  return volumeId.slice(volumeId.lastIndexOf('/') + 1);
}

const ANYWHERE = 'projects/UNSPECIFIED';
const ZONE = 'topology.kubernetes.io/zone';
const ZONE_BETA = 'failure-domain.beta.kubernetes.io/zone';
