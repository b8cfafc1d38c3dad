import { canonicalJson, type PodTemplateSpec } from 'kernetes/sdk';

export const POD_TEMPLATE_HASH = 'pod-template-hash';

/** Whether two templates make the same pods; the hash label is left out of it. */
export function isSameTemplate(a: PodTemplateSpec, b: PodTemplateSpec): boolean {
  return canonicalJson(withoutHash(a)) === canonicalJson(withoutHash(b));
}

/** As the Deployment has it. */
export function withoutHash(template: PodTemplateSpec): PodTemplateSpec {
  const { [POD_TEMPLATE_HASH]: _, ...labels } = template.metadata?.labels ?? {};
  return { ...template, metadata: { ...template.metadata, labels } };
}
