import {
  type FieldError,
  fieldPath,
  immutable,
  type Job,
  type JobSpec,
  type PodTemplateSpec,
} from 'kernetes/sdk';

const SPEC = fieldPath('spec');

/** What a Job may not change once it is there. */
export function validateJobUpdate({ spec }: Job, { spec: old, status }: Job): FieldError[] {
  if (spec === undefined || old === undefined) return [];
  const movable = old.suspend === true && status?.startTime === undefined;
  const template = movable ? withPlacement(old.template, spec.template) : old.template;
  return [
    ...validateCompletions(spec, old),
    ...immutable(spec.selector, old.selector, SPEC.child('selector')),
    ...immutable(spec.template, template, SPEC.child('template')),
    ...FIXED.flatMap(name => immutable(spec[name], old[name], SPEC.child(name))),
  ];
}

const FIXED = [
  'completionMode',
  'podFailurePolicy',
  'backoffLimitPerIndex',
  'managedBy',
  'successPolicy',
] as const;

/** An indexed Job may grow and shrink, as long as it runs all of its indexes at a time. */
function validateCompletions(spec: JobSpec, old: JobSpec): FieldError[] {
  const elastic =
    spec.completionMode === 'Indexed' &&
    old.completions !== undefined &&
    spec.completions === spec.parallelism;
  if (elastic) return [];
  return immutable(spec.completions, old.completions, SPEC.child('completions'));
}

/** The old template with the new one's placement: what a queue may still set before the start. */
function withPlacement(old: PodTemplateSpec, changed: PodTemplateSpec): PodTemplateSpec {
  return {
    ...old,
    metadata: replaced(old.metadata ?? {}, changed.metadata ?? {}, ['annotations', 'labels']),
    spec: replaced(old.spec ?? { containers: [] }, changed.spec ?? { containers: [] }, [
      'nodeSelector',
      'affinity',
      'tolerations',
      'schedulingGates',
    ]),
  };
}

function replaced<T extends object>(old: T, changed: T, names: readonly (keyof T)[]): T {
  const result = { ...old };
  for (const name of names) {
    if (changed[name] === undefined) delete result[name];
    else result[name] = changed[name];
  }
  return result;
}
