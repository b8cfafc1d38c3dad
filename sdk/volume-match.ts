import type { PersistentVolume, PersistentVolumeClaim } from './api/types-core-v1.ts';
import { type NodeMatcher, nodeSelectorMatcher, type SelectableNode } from './node-selector.ts';
import { compareQuantities, parseQuantity } from './quantity.ts';
import { selectorFrom } from './selector.ts';
import { storageClassOf } from './volume-class.ts';

/**
 * Which volume suits a claim: upstream's rules, for the controller that binds and for the scheduler
 * that binds claims which wait for a node. Cost: one look at each volume that is offered; those who
 * keep an index offer only `volumeGroupOf` the claim.
 */
export interface MatchVolumeOptions {
  /** Only volumes that can be used there. The controller, which knows of none, leaves it out. */
  readonly node?: SelectableNode;
  /** Only a volume that is reserved for the claim: another waits for the scheduler. */
  readonly reservedOnly?: boolean;
  /** By name; in use for another claim, though the volume does not show it yet. */
  isTaken?(volume: PersistentVolume): boolean;
}

/**
 * A volume that is reserved for the claim; or else, of those that offer what it asks for and as few
 * access modes more as possible, the smallest, and of equal ones the first by name.
 */
export function matchVolume(
  claim: PersistentVolumeClaim,
  volumes: Iterable<PersistentVolume>,
  { node, reservedOnly, isTaken }: MatchVolumeOptions = {},
): PersistentVolume | undefined {
  const selector = claim.spec?.selector && selectorFrom(claim.spec.selector);
  let best: PersistentVolume | undefined;
  for (const volume of volumes) {
    if (volume.spec?.claimRef && !isVolumeFor(volume, claim)) continue;
    if (volume.metadata.deletionTimestamp || !fits(volume, claim)) continue;
    const isReachable = node === undefined || isVolumeOnNode(volume, node);
    if (isVolumeFor(volume, claim)) return isReachable ? volume : undefined;
    if (reservedOnly || !isReachable || isTaken?.(volume)) continue;
    if (volume.status?.phase !== 'Available') continue;
    if (selector && !selector.matches(volume.metadata.labels)) continue;
    if (storageClassOf(volume) !== storageClassOf(claim)) continue;
    if (attributesOf(volume) !== attributesOf(claim)) continue;
    if (best === undefined || isCloser(volume, best)) best = volume;
  }
  return best;
}

/** The volume is reserved for, or bound to, this very claim. */
export function isVolumeFor(
  { spec }: PersistentVolume,
  { metadata }: PersistentVolumeClaim,
): boolean {
  const reference = spec?.claimRef;
  if (!reference) return false;
  if (reference.name !== metadata.name || reference.namespace !== metadata.namespace) return false;
  return !reference.uid || reference.uid === metadata.uid;
}

/** Why a volume that a claim names cannot be bound to it; undefined: it can. Upstream's words. */
export function volumeMismatch(
  volume: PersistentVolume,
  claim: PersistentVolumeClaim,
): string | undefined {
  if (volume.metadata.deletionTimestamp) {
    return `the volume is marked for deletion "${volume.metadata.name}"`;
  }
  if (isSmaller(volume, claim)) return 'requested PV is too small';
  if (storageClassOf(volume) !== storageClassOf(claim)) return 'storageClassName does not match';
  if (attributesOf(volume) !== attributesOf(claim)) {
    return 'volumeAttributesClassName does not match';
  }
  if (volumeModeOf(volume) !== volumeModeOf(claim)) return 'incompatible volumeMode';
  return hasAccessModes(volume, claim) ? undefined : 'incompatible accessMode';
}

export function volumeModeOf({ spec }: PersistentVolume | PersistentVolumeClaim): string {
  return spec?.volumeMode ?? 'Filesystem';
}

/** What a volume and a claim must have in common, as a key of an index. */
export function volumeGroupOf(object: PersistentVolume | PersistentVolumeClaim): string {
  return `${storageClassOf(object)} ${volumeModeOf(object)}`;
}

/** Made once a volume: the scheduler asks about every node. */
const matchers = new WeakMap<object, NodeMatcher>();

/** Whether what runs on the node can use the volume. */
export function isVolumeOnNode({ spec }: PersistentVolume, node: SelectableNode): boolean {
  const required = spec?.nodeAffinity?.required;
  if (!required) return true;
  let matches = matchers.get(required);
  if (matches === undefined) {
    matches = nodeSelectorMatcher(required);
    matchers.set(required, matches);
  }
  return matches(node);
}

function fits(volume: PersistentVolume, claim: PersistentVolumeClaim): boolean {
  return (
    !isSmaller(volume, claim) &&
    volumeModeOf(volume) === volumeModeOf(claim) &&
    hasAccessModes(volume, claim)
  );
}

function isSmaller(volume: PersistentVolume, claim: PersistentVolumeClaim): boolean {
  const requested = claim.spec?.resources?.requests?.storage ?? '0';
  return compareQuantities(parseQuantity(sizeOf(volume)), parseQuantity(requested)) < 0;
}

function hasAccessModes(volume: PersistentVolume, claim: PersistentVolumeClaim): boolean {
  const offered = volume.spec?.accessModes ?? [];
  return (claim.spec?.accessModes ?? []).every(mode => offered.includes(mode));
}

function attributesOf({ spec }: PersistentVolume | PersistentVolumeClaim): string {
  return spec?.volumeAttributesClassName ?? '';
}

function isCloser(a: PersistentVolume, b: PersistentVolume): boolean {
  const modes = (a.spec?.accessModes?.length ?? 0) - (b.spec?.accessModes?.length ?? 0);
  if (modes !== 0) return modes < 0;
  const size = compareQuantities(parseQuantity(sizeOf(a)), parseQuantity(sizeOf(b)));
  if (size !== 0) return size < 0;
  return (a.metadata.name ?? '') < (b.metadata.name ?? '');
}

function sizeOf({ spec }: PersistentVolume): string {
  return spec?.capacity?.storage ?? '0';
}
