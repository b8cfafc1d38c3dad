import type { PodSpec, PodTemplateSpec } from '../api/types-core-v1.ts';
import { type FieldPath, required } from '../field-path.ts';
import { validateTemplateMetadata } from '../label-validation.ts';
import type { FieldError } from '../status.ts';

/** The findings on a defaulted pod template, in upstream's order. `path` is the template's. */
export function validatePodTemplate(
  template: PodTemplateSpec | undefined,
  path: FieldPath,
): FieldError[] {
  return [
    ...validateTemplateMetadata(template?.metadata, path.child('metadata')),
    ...validatePodSpec(template?.spec ?? { containers: [] }, path.child('spec')),
  ];
}

/** The findings on a defaulted pod specification, in upstream's order. `path` is the spec's. */
export function validatePodSpec(spec: PodSpec, path: FieldPath): FieldError[] {
  const errors: FieldError[] = [];
  if ((spec.containers ?? []).length === 0) errors.push(required(path.child('containers')));
  return errors;
}
