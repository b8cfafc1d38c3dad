import {
  type CustomResourceDefinition,
  type FieldError,
  fieldPath,
  invalidValue,
  required,
} from 'kernetes/sdk';

const ANNOTATION = 'api-approved.kubernetes.io';

/** Groups of the Kubernetes community are not to be taken by chance. */
export function validateApproval({ metadata, spec }: CustomResourceDefinition): FieldError[] {
  if (!isProtected(spec?.group ?? '')) return [];
  const path = fieldPath('metadata', 'annotations').key(ANNOTATION);
  const value = metadata.annotations?.[ANNOTATION];
  if (value === undefined || value === '') {
    const why =
      `protected groups must have approval annotation "${ANNOTATION}", ` +
      'see https://github.com/kubernetes/enhancements/pull/1111';
    return [required(path, why)];
  }
  if (value.startsWith('unapproved') || isUrl(value)) return [];
  const why =
    `protected groups must have approval annotation "${ANNOTATION}" with either a URL or a reason ` +
    'starting with "unapproved", see https://github.com/kubernetes/enhancements/pull/1111';
  return [invalidValue(path, value, why)];
}

function isProtected(group: string): boolean {
  return ['k8s.io', 'kubernetes.io'].some(end => group === end || group.endsWith(`.${end}`));
}

function isUrl(text: string): boolean {
  return URL.canParse(text) && new URL(text).host !== '';
}
