import { isDeepStrictEqual } from 'node:util';
import type { Toleration } from 'kernetes/sdk';

/** All of both lists but those that another covers; of equal ones the first. */
export function mergeTolerations(first: Toleration[], second: Toleration[]): Toleration[] {
  const all = [...first, ...second];
  const merged: Toleration[] = [];
  for (const [i, each] of all.entries()) {
    if (merged.some(kept => covers(kept, each))) continue;
    const isCoveredLater = all
      .slice(i + 1)
      .some(later => !isDeepStrictEqual(later, each) && covers(later, each));
    if (!isCoveredLater) merged.push(each);
  }
  return merged;
}

/** Whether whatever `inner` tolerates is tolerated by `outer` for as long. */
function covers(outer: Toleration, inner: Toleration): boolean {
  if (isDeepStrictEqual(outer, inner)) return true;
  const isOfAllKeys = !outer.key && outer.operator === 'Exists';
  if ((outer.key ?? '') !== (inner.key ?? '') && !isOfAllKeys) return false;
  if (outer.effect && outer.effect !== inner.effect) return false;
  const { tolerationSeconds: seconds } = outer;
  if (outer.effect === 'NoExecute' && seconds !== undefined) {
    if (inner.tolerationSeconds === undefined || inner.tolerationSeconds > seconds) return false;
  }
  if (outer.operator === 'Exists') return true;
  const isEqual = (inner.operator || 'Equal') === 'Equal';
  return (
    (outer.operator || 'Equal') === 'Equal' &&
    isEqual &&
    (inner.value ?? '') === (outer.value ?? '')
  );
}
