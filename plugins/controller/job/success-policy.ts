import type { SuccessPolicy, SuccessPolicyRule } from 'kernetes/sdk';
import { Indexes } from './indexes.ts';

/** Which rule the indexes meet, in words; undefined: none. */
export function matchSuccessPolicy(
  policy: SuccessPolicy | undefined,
  succeeded: Indexes,
  completions: number,
): string | undefined {
  if (succeeded.size === 0) return undefined;
  const at = policy?.rules.findIndex(rule => isMet(rule, succeeded, completions)) ?? -1;
  return at < 0 ? undefined : `Matched rules at index ${at}`;
}

function isMet(
  { succeededIndexes, succeededCount }: SuccessPolicyRule,
  succeeded: Indexes,
  completions: number,
): boolean {
  if (succeededIndexes === undefined) {
    return succeededCount !== undefined && succeeded.size >= succeededCount;
  }
  const wanted = Indexes.parse(succeededIndexes, completions);
  if (wanted.size === 0) return false;
  return succeeded.common(wanted) >= (succeededCount ?? wanted.size);
}
