import { defaultPodTemplate, type Job, type PodFailurePolicy } from 'kernetes/sdk';

/** With a limit for each index, the Job as a whole has none. */
const NO_BACKOFF_LIMIT = 2_147_483_647;

export function defaultJob(job: Job): void {
  // Either may be left out: then it is empty, as upstream's structs are.
  job.spec ??= { template: {} };
  const { spec } = job;
  spec.template ??= {};
  // A Job that counts neither runs one pod; with `parallelism` alone it is a work queue.
  if (spec.completions === undefined && spec.parallelism === undefined) {
    spec.completions = 1;
    spec.parallelism = 1;
  }
  spec.parallelism ??= 1;
  spec.backoffLimit ??= spec.backoffLimitPerIndex === undefined ? 6 : NO_BACKOFF_LIMIT;
  defaultPodTemplate(spec.template);
  copyLabels(job);
  spec.completionMode ||= 'NonIndexed';
  spec.suspend ??= false;
  spec.manualSelector ??= false;
  spec.podReplacementPolicy ||= spec.podFailurePolicy ? 'Failed' : 'TerminatingOrFailed';
  defaultPodFailurePolicy(spec.podFailurePolicy);
}

/** A Job without labels has those of its pods. */
export function copyLabels({ metadata, spec }: Job): void {
  const labels = spec?.template?.metadata?.labels;
  if (labels === undefined || Object.keys(labels).length === 0) return;
  if (Object.keys(metadata.labels ?? {}).length === 0) metadata.labels = { ...labels };
}

export function defaultPodFailurePolicy(policy: PodFailurePolicy | undefined): void {
  for (const { onPodConditions } of policy?.rules ?? []) {
    for (const condition of onPodConditions ?? []) condition.status ||= 'True';
  }
}
