import {
  defaultPodTemplate,
  type FieldError,
  type FieldPath,
  forbiddenValue,
  invalidValue,
  isEmptySelector,
  type LabelSelector,
  notSupported,
  type PodTemplateSpec,
  required,
  type Selector,
  selectorFrom,
  validateLabelSelector,
  validatePodTemplate,
} from 'kernetes/sdk';

/** A selector and the template whose pods it must select. */
export interface OwnedTemplate {
  readonly selector: LabelSelector | undefined;
  readonly template: PodTemplateSpec | undefined;
}

/**
 * The spec of a workload with its pod template, defaulted. A client may leave out either: then it
 * is empty, as upstream's structs are, and validation says what is missing in it.
 */
export function templatedSpec<S extends { template?: PodTemplateSpec }>(object: { spec?: S }): S {
  object.spec ??= {} as S;
  object.spec.template ??= {};
  defaultPodTemplate(object.spec.template);
  return object.spec;
}

/** Of a selector that must be there and must not be empty. */
export function validateSelector(
  selector: LabelSelector | undefined,
  path: FieldPath,
  kind: string,
): FieldError[] {
  if (selector === undefined) return [required(path)];
  const errors = validateLabelSelector(selector, path);
  if (isEmptySelector(selector)) {
    errors.push(invalidValue(path, selector, `empty selector is invalid for ${kind}`));
  }
  return errors;
}

/** The template of a Deployment or ReplicaSet, whose selector must select its pods. */
export function validateReplicatedTemplate(
  { selector, template }: OwnedTemplate,
  spec: FieldPath,
): FieldError[] {
  const parsed = parse(selector);
  if (parsed === undefined) {
    return [invalidValue(spec.child('selector'), selector, 'invalid label selector')];
  }
  const path = spec.child('template');
  if (template === undefined) return [required(path)];
  return [
    ...validateSelected(parsed, template, path),
    ...validatePodTemplate(template, path),
    ...validateAlwaysRunning(template, path, 'ReplicaSet'),
  ];
}

/** That the selector selects the pods of the template; an empty one is reported elsewhere. */
export function validateSelected(
  selector: Selector,
  { metadata }: PodTemplateSpec,
  path: FieldPath,
): FieldError[] {
  const labels = metadata?.labels ?? {};
  if (selector.empty || selector.matches(labels)) return [];
  const detail = '`selector` does not match template `labels`';
  return [invalidValue(path.child('metadata', 'labels'), labels, detail)];
}

/** Undefined when validation refuses the selector. */
export function parse(selector: LabelSelector | undefined): Selector | undefined {
  try {
    return selectorFrom(selector);
  } catch {
    return undefined;
  }
}

/** Pods of a controller that replaces them must not end by themselves. */
export function validateAlwaysRunning(
  { spec }: PodTemplateSpec,
  path: FieldPath,
  kind: string,
): FieldError[] {
  const errors: FieldError[] = [];
  if (spec?.restartPolicy !== 'Always') {
    const restartPolicy = path.child('spec', 'restartPolicy');
    errors.push(notSupported(restartPolicy, spec?.restartPolicy ?? '', ['Always']));
  }
  if (spec?.activeDeadlineSeconds !== undefined) {
    errors.push(
      forbiddenValue(
        path.child('spec', 'activeDeadlineSeconds'),
        `activeDeadlineSeconds in ${kind} is not Supported`,
      ),
    );
  }
  return errors;
}
