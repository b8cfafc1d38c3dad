import type { LabelSelector, LabelSelectorRequirement, ObjectMeta } from './api/types-meta-v1.ts';
import { type FieldPath, forbiddenValue, invalidValue, required, tooLong } from './field-path.ts';
import type { StringMap } from './kind.ts';
import { labelKeyErrors, labelValueErrors, type NameErrors } from './names.ts';
import type { FieldError } from './status.ts';

/** Checks of labels, annotations and label selectors, in upstream's order and words. */

/** One finding for each error that a name check returned. */
export function nameFindings(path: FieldPath, value: unknown, errors: NameErrors): FieldError[] {
  return errors === undefined ? [] : errors.map(error => invalidValue(path, value, error));
}

export function validateLabelName(key: string | undefined, path: FieldPath): FieldError[] {
  return nameFindings(path, key ?? '', labelKeyErrors(key ?? ''));
}

export function validateLabels(
  labels: Readonly<StringMap> | undefined,
  path: FieldPath,
): FieldError[] {
  const errors: FieldError[] = [];
  if (labels === undefined) return errors;
  for (const key of Object.keys(labels).sort()) {
    const value = labels[key] ?? '';
    errors.push(...validateLabelName(key, path));
    errors.push(...nameFindings(path, value, labelValueErrors(value)));
  }
  return errors;
}

export function validateAnnotations(
  annotations: Readonly<StringMap> | undefined,
  path: FieldPath,
): FieldError[] {
  const errors: FieldError[] = [];
  let bytes = 0;
  for (const key of Object.keys(annotations ?? {}).sort()) {
    // Upper case is allowed in the prefix too, for annotations alone.
    errors.push(...nameFindings(path, key, labelKeyErrors(key.toLowerCase())));
    bytes += Buffer.byteLength(key) + Buffer.byteLength(annotations?.[key] ?? '');
  }
  if (bytes > ANNOTATIONS_BYTES_MAX) errors.push(tooLong(path, ANNOTATIONS_BYTES_MAX));
  return errors;
}

/** Labels and annotations of a template's metadata; `path` is that of the template. */
export function validateTemplateMetadata(
  metadata: ObjectMeta | undefined,
  path: FieldPath,
): FieldError[] {
  return [
    ...validateLabels(metadata?.labels, path.child('labels')),
    ...validateAnnotations(metadata?.annotations, path.child('annotations')),
  ];
}

export function validateLabelSelector(
  selector: LabelSelector | undefined,
  path: FieldPath,
): FieldError[] {
  if (!selector) return [];
  const errors = validateLabels(selector.matchLabels, path.child('matchLabels'));
  for (const [i, requirement] of (selector.matchExpressions ?? []).entries()) {
    errors.push(...validateRequirement(requirement, path.child('matchExpressions').index(i)));
  }
  return errors;
}

/** Whether a selector selects everything, which some kinds refuse. */
export function isEmptySelector(selector: LabelSelector): boolean {
  return (
    Object.keys(selector.matchLabels ?? {}).length === 0 &&
    (selector.matchExpressions ?? []).length === 0
  );
}

function validateRequirement(
  // What upstream's decoder leaves empty is absent here.
  { key = '', operator = '', values = [] }: LabelSelectorRequirement,
  path: FieldPath,
): FieldError[] {
  const errors: FieldError[] = [];
  if (operator === 'In' || operator === 'NotIn') {
    if (values.length === 0) {
      errors.push(
        required(path.child('values'), "must be specified when `operator` is 'In' or 'NotIn'"),
      );
    }
  } else if (operator === 'Exists' || operator === 'DoesNotExist') {
    if (values.length > 0) {
      errors.push(
        forbiddenValue(
          path.child('values'),
          "may not be specified when `operator` is 'Exists' or 'DoesNotExist'",
        ),
      );
    }
  } else {
    errors.push(invalidValue(path.child('operator'), operator, 'not a valid selector operator'));
  }
  errors.push(...validateLabelName(key, path.child('key')));
  for (const [i, value] of values.entries()) {
    errors.push(...nameFindings(path.child('values').index(i), value, labelValueErrors(value)));
  }
  return errors;
}

/** Upstream's bound on all keys and values together. */
const ANNOTATIONS_BYTES_MAX = 256 * 1024;
