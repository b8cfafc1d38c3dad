import type { PodCondition } from './api/types-core-v1.ts';

/** Type of the condition by which a pod says that it will be deleted. */
export const DISRUPTION_TARGET = 'DisruptionTarget';

/** Why a pod goes, in words that upstream's clients know. */
export interface DisruptionReason {
  readonly reason: string;
  readonly message: string;
}

/** To be written before the pod is deleted, so that whoever made it learns why it ended. */
export function disruptionTarget(
  { reason, message }: DisruptionReason,
  lastTransitionTime: string,
): PodCondition {
  return { type: DISRUPTION_TARGET, status: 'True', reason, message, lastTransitionTime };
}
