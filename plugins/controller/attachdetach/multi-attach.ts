import type { PersistentVolume, Pod, VolumeAttachment } from 'kernetes/sdk';

export interface MultiAttachOptions {
  /** That need the volume on a further node. */
  readonly pods: readonly Pod[];
  /** To other nodes. */
  readonly attachments: readonly VolumeAttachment[];
  usersOf(volume: PersistentVolume): ReadonlyMap<string, readonly Pod[]>;
}

/** Why a volume cannot be attached to one more node, in upstream's words; undefined: it can. */
export function multiAttachReason(
  volume: PersistentVolume,
  { pods, attachments, usersOf }: MultiAttachOptions,
): string | undefined {
  const modes = volume.spec?.accessModes ?? [];
  const isShared = modes.length === 0 || modes.some(mode => SHARED_MODES.includes(mode));
  if (isShared || attachments.length === 0) return undefined;
  const subject = `volume "${volume.metadata.name}"`;
  const users = usersOf(volume);
  const theirs = attachments.flatMap(({ spec }) => users.get(spec.nodeName) ?? []);
  if (theirs.length === 0) {
    const where = 'Volume is already exclusively attached to one node';
    return `${subject} ${where} and can't be attached to another`;
  }
  const namespace = pods[0]?.metadata.namespace;
  const near = theirs.filter(({ metadata }) => metadata.namespace === namespace);
  const names = near.map(({ metadata }) => metadata.name).sort();
  const far = theirs.length - near.length;
  const apart = `${far} pod(s) in different namespaces`;
  if (near.length === 0) return `${subject} Volume is already used by ${apart}`;
  const and = far > 0 ? ` and ${apart}` : '';
  return `${subject} Volume is already used by pod(s) ${names.join(', ')}${and}`;
}

const SHARED_MODES = ['ReadWriteMany', 'ReadOnlyMany'];
