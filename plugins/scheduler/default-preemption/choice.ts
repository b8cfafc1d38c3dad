import type { PodInfo, PreemptionChoice } from 'kernetes/sdk';
import type { StartTimes } from './importance.ts';

/**
 * The choice that does the least harm. Each criterion is asked only about what those before it left
 * equal; the first of those that are equal in all is taken.
 */
export function leastHarm(
  choices: readonly PreemptionChoice[],
  times: StartTimes,
): PreemptionChoice | undefined {
  const criteria: readonly ((choice: PreemptionChoice) => number)[] = [
    ({ violations }) => violations,
    ({ victims }) => highestPriority(victims),
    ({ victims }) => victims.reduce((sum, { priority }) => sum + priority + PRIORITY_OFFSET, 0),
    ({ victims }) => victims.length,
    ({ victims }) => -earliestStart(victims, times),
  ];
  let left = choices.filter(({ victims }) => victims.length > 0);
  for (const criterion of criteria) {
    if (left.length <= 1) break;
    left = smallest(left, criterion);
  }
  return left[0];
}

/** With it none is negative: many pods of a negative priority are more than few. */
const PRIORITY_OFFSET = 2 ** 31;

function smallest(
  choices: readonly PreemptionChoice[],
  criterion: (choice: PreemptionChoice) => number,
): PreemptionChoice[] {
  const values = choices.map(criterion);
  const best = values.reduce((a, b) => Math.min(a, b));
  return choices.filter((_, i) => values[i] === best);
}

function highestPriority(victims: readonly PodInfo[]): number {
  return victims.reduce((highest, { priority }) => Math.max(highest, priority), -Infinity);
}

/** Of the most important of them. */
function earliestStart(victims: readonly PodInfo[], times: StartTimes): number {
  const highest = highestPriority(victims);
  let earliest = Number.POSITIVE_INFINITY;
  for (const pod of victims) {
    if (pod.priority === highest) earliest = Math.min(earliest, times.victim(pod).startedAt);
  }
  return earliest;
}
