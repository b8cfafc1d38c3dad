import type { Pod } from 'kernetes/sdk';

/** One thing to be done about a pod. */
export type Action =
  | { readonly type: 'create'; readonly ordinal: number; readonly revision: string }
  | { readonly type: 'delete'; readonly pod: Pod }
  /** Makes the claims that a pod which is not running yet may wait for. */
  | { readonly type: 'claims'; readonly pod: Pod }
  /** Gives the pod its labels and volumes, and its claims their owners. */
  | { readonly type: 'repair'; readonly pod: Pod }
  /** Gives the claims of a pod that will go their owners. */
  | { readonly type: 'retain'; readonly pod: Pod };

/**
 * Each step is begun when all of the one before has succeeded; what is in one step goes side by
 * side.
 */
export type Plan = readonly (readonly Action[])[];

export function deletion(pod: Pod): Action {
  return { type: 'delete', pod };
}
