import type { PodInfo, Volume } from 'kernetes/sdk';

/** The volumes of a pod that it may not be able to share with others on a node. */
export function exclusiveDisks({ spec }: PodInfo): readonly Volume[] {
  const { volumes } = spec;
  let disks: Volume[] | undefined;
  for (let i = 0; volumes && i < volumes.length; i++) {
    const volume = volumes[i] as Volume;
    if (!isDisk(volume)) continue;
    disks ??= [];
    disks.push(volume);
  }
  return disks ?? NONE;
}

export function hasConflict(disks: readonly Volume[], pods: readonly PodInfo[]): boolean {
  if (disks.length === 0) return false;
  for (let i = 0; i < pods.length; i++) {
    const { volumes } = (pods[i] as PodInfo).spec;
    if (volumes === undefined) continue;
    for (const other of volumes) {
      if (isDisk(other) && disks.some(disk => conflicts(disk, other))) return true;
    }
  }
  return false;
}

function isDisk({ gcePersistentDisk, awsElasticBlockStore, iscsi, rbd }: Volume): boolean {
  return Boolean(gcePersistentDisk || awsElasticBlockStore || iscsi || rbd);
}

function conflicts(a: Volume, b: Volume): boolean {
  return (
    isSameEbsVolume(a, b) || isSameGceDisk(a, b) || isSameIscsiTarget(a, b) || isSameRbdImage(a, b)
  );
}

/** May be on a node once, even read-only. */
function isSameEbsVolume(a: Volume, b: Volume): boolean {
  const [one, other] = [a.awsElasticBlockStore, b.awsElasticBlockStore];
  return one !== undefined && one.volumeID === other?.volumeID;
}

function isSameGceDisk(a: Volume, b: Volume): boolean {
  const [one, other] = [a.gcePersistentDisk, b.gcePersistentDisk];
  return Boolean(one && other && one.pdName === other.pdName && isWritten(one, other));
}

function isSameIscsiTarget(a: Volume, b: Volume): boolean {
  const [one, other] = [a.iscsi, b.iscsi];
  return Boolean(one && other && one.iqn === other.iqn && isWritten(one, other));
}

function isSameRbdImage(a: Volume, b: Volume): boolean {
  const [one, other] = [a.rbd, b.rbd];
  if (!one || !other || !isWritten(one, other)) return false;
  const isSameImage = poolOf(one) === poolOf(other) && one.image === other.image;
  return isSameImage && one.monitors.some(monitor => other.monitors.includes(monitor));
}

/** The API server's default. */
function poolOf({ pool }: NonNullable<Volume['rbd']>): string {
  return pool ?? 'rbd';
}

interface Mount {
  readonly readOnly?: boolean;
}

function isWritten(a: Mount, b: Mount): boolean {
  return !(a.readOnly && b.readOnly);
}

const NONE: readonly Volume[] = [];
