import { isDeepStrictEqual } from 'node:util';
import {
  defaultPodSpec,
  defineSubresource,
  type FieldError,
  fieldPath,
  forbiddenValue,
  invalid,
  type Pod,
  validatePodSpec,
} from 'kernetes/sdk';

/** Adds containers to a pod that runs, to look into it: `kubectl debug`. */
export const podEphemeralContainers = defineSubresource<Pod>({
  name: 'ephemeralcontainers',
  verbs: ['get', 'update', 'patch'],
  // Any other update may not change containers; `apply` checks by itself.
  validates: false,
  apply: (pod, body) => {
    const { name = '' } = pod.metadata;
    const wanted = (body as Pod).spec?.ephemeralContainers ?? [];
    const errors = validateKept(pod, wanted);
    if (errors.length === 0 && pod.spec) {
      pod.spec.ephemeralContainers = wanted;
      defaultPodSpec(pod.spec);
      errors.push(...validatePodSpec(pod.spec, fieldPath('spec')));
    }
    if (errors.length > 0) throw invalid({ group: '', kind: 'Pod' }, name, errors);
    return undefined;
  },
  appliedAs: body => {
    const { ephemeralContainers } = (body as Pod).spec ?? {};
    return ephemeralContainers === undefined ? {} : { spec: { ephemeralContainers } };
  },
});

function validateKept({ spec }: Pod, wanted: readonly { readonly name: string }[]): FieldError[] {
  const path = fieldPath('spec', 'ephemeralContainers');
  const named = new Map(wanted.map(container => [container.name, container]));
  return (spec?.ephemeralContainers ?? []).flatMap(({ name, ...rest }) => {
    const kept = named.get(name);
    if (!kept) {
      const why = `existing ephemeral containers "${name}" may not be removed\n`;
      return [forbiddenValue(path, why)];
    }
    // What a defaulted container has and the new text leaves out is the same container.
    const isSame = isDeepStrictEqual({ ...rest, ...kept, name }, { ...rest, name });
    return isSame
      ? []
      : [forbiddenValue(path, `existing ephemeral containers "${name}" may not be changed\n`)];
  });
}
