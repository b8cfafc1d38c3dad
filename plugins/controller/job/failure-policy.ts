import type { ContainerStatus, Pod, PodFailurePolicy, PodFailurePolicyRule } from 'kernetes/sdk';

/** What the first rule that a failed pod matches says about it. */
export interface FailureMatch {
  readonly action: string;
  /** For a person: why. */
  readonly message: string;
}

type ExitCodes = NonNullable<PodFailurePolicyRule['onExitCodes']>;

/** Undefined: no rule matches, so the failure counts as without a policy. */
export function matchFailurePolicy(
  policy: PodFailurePolicy | undefined,
  pod: Pod,
): FailureMatch | undefined {
  for (const [i, rule] of (policy?.rules ?? []).entries()) {
    const what = rule.onExitCodes
      ? exitOf(pod, rule.onExitCodes)
      : conditionMet(pod, rule.onPodConditions);
    const { action } = rule;
    if (what) return { action, message: `${what} matching ${action} rule at index ${i}` };
  }
  return undefined;
}

export function countsAsFailure(policy: PodFailurePolicy | undefined, pod: Pod): boolean {
  return matchFailurePolicy(policy, pod)?.action !== 'Ignore';
}

function exitOf({ metadata, status }: Pod, wanted: ExitCodes): string | undefined {
  const all = [...(status?.containerStatuses ?? []), ...(status?.initContainerStatuses ?? [])];
  const found = all.find(container => exitsSo(container, wanted));
  if (!found) return undefined;
  const pod = `${metadata.namespace}/${metadata.name}`;
  const code = found.state?.terminated?.exitCode;
  return `Container ${found.name} for pod ${pod} failed with exit code ${code}`;
}

function exitsSo({ name, state }: ContainerStatus, wanted: ExitCodes): boolean {
  const code = state?.terminated?.exitCode ?? 0;
  if (code === 0) return false;
  if (wanted.containerName !== undefined && wanted.containerName !== name) return false;
  const isListed = wanted.values.includes(code);
  return wanted.operator === 'In' ? isListed : wanted.operator === 'NotIn' && !isListed;
}

function conditionMet(
  { metadata, status }: Pod,
  patterns: PodFailurePolicyRule['onPodConditions'],
): string | undefined {
  const found = status?.conditions?.find(condition =>
    patterns?.some(
      pattern => pattern.type === condition.type && (pattern.status ?? 'True') === condition.status,
    ),
  );
  return found && `Pod ${metadata.namespace}/${metadata.name} has condition ${found.type}`;
}
