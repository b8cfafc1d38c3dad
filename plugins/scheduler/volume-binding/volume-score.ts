import {
  type PersistentVolume,
  type PersistentVolumeClaim,
  quantityValue,
  type ShapePoint,
  scoreAt,
  storageClassOf,
} from 'kernetes/sdk';
import type { BindingPlan } from './volume-view.ts';

/**
 * How well the volumes that a plan takes fit what the claims ask for: the mean over their classes.
 * Volumes that are there count; without any, the room from which new ones would be made.
 */
export function scoreOf(
  { matches, provisions }: BindingPlan,
  shape: readonly ShapePoint[],
): number {
  const classes = new Map<string, Use>();
  for (const { claim, volume } of matches) {
    const use = useOf(classes, volume);
    use.requested += requestOf(claim);
    use.capacity += quantityValue(volume.spec?.capacity?.storage ?? '0');
  }
  for (const { claim, room } of matches.length > 0 ? [] : provisions) {
    if (room === Number.POSITIVE_INFINITY) continue;
    const use = useOf(classes, claim);
    use.requested += requestOf(claim);
    // It is the same room for all of them.
    use.capacity = room;
  }
  if (classes.size === 0) return 0;
  let sum = 0;
  for (const use of classes.values()) sum += scoreAt(shape, percentOf(use));
  return Math.round(sum / classes.size);
}

interface Use {
  requested: number;
  capacity: number;
}

function useOf(classes: Map<string, Use>, object: PersistentVolume | PersistentVolumeClaim): Use {
  const name = storageClassOf(object);
  const use = classes.get(name) ?? { requested: 0, capacity: 0 };
  classes.set(name, use);
  return use;
}

function requestOf({ spec }: PersistentVolumeClaim): number {
  return quantityValue(spec?.resources?.requests?.storage ?? '0');
}

function percentOf({ requested, capacity }: Use): number {
  if (capacity === 0 || requested > capacity) return 100;
  return Math.floor((requested * 100) / capacity);
}
