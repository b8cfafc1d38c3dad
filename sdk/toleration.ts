import type { Taint, Toleration } from './api/types-core-v1.ts';

/** Whether the toleration is about this taint. An empty key with `Exists` is about every taint. */
export function toleratesTaint(toleration: Toleration, taint: Taint): boolean {
  if (toleration.effect && toleration.effect !== taint.effect) return false;
  if (toleration.key && toleration.key !== taint.key) return false;
  if (toleration.operator === 'Exists') return true;
  // Without an operator it is Equal, and Equal needs a key.
  return !!toleration.key && (toleration.value ?? '') === (taint.value ?? '');
}

/** Whether any of the tolerations is about this taint. */
export function isTolerated(taint: Taint, tolerations: readonly Toleration[] = []): boolean {
  for (const toleration of tolerations) if (toleratesTaint(toleration, taint)) return true;
  return false;
}
