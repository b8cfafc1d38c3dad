import {
  type AdmissionPlugin,
  admissionPoint,
  definePlugin,
  isExtendedResource,
  type Pod,
  type PodSpec,
} from 'kernetes/sdk';

export default definePlugin({
  name: 'admission.extended-resource-toleration',
  activate(ctx) {
    ctx.provide(admissionPoint, tolerateResources);
  },
});

const tolerateResources: AdmissionPlugin = {
  rules: [{ operations: ['CREATE', 'UPDATE'], groups: [''], resources: ['pods'] }],
  mutate({ object }) {
    const { spec } = object as Pod;
    if (spec === undefined) return;
    for (const key of extendedResources(spec)) {
      spec.tolerations ??= [];
      const isThere = spec.tolerations.some(
        each =>
          each.key === key &&
          each.operator === 'Exists' &&
          each.effect === 'NoSchedule' &&
          !each.value,
      );
      if (!isThere) spec.tolerations.push({ key, operator: 'Exists', effect: 'NoSchedule' });
    }
  },
};

/** Each once, in the order of the alphabet. */
function extendedResources({ containers, initContainers = [] }: PodSpec): string[] {
  const names = new Set<string>();
  for (const { resources } of [...containers, ...initContainers]) {
    for (const name of Object.keys(resources?.requests ?? {})) {
      if (isExtendedResource(name)) names.add(name);
    }
  }
  return [...names].sort();
}
