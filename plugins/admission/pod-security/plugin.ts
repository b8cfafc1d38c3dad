import { admissionPoint, definePlugin, Namespace, openFinder, Pod } from 'kernetes/sdk';
import { type PodSecurityConfig, podSecurity } from './pod-security.ts';

const LEVEL = { enum: ['privileged', 'baseline', 'restricted'], default: 'privileged' };
const NAMES = { type: 'array', items: { type: 'string' }, default: [] };
/** Upstream looks at as many when a namespace gets a stricter level. */
const PODS_LOOKED_AT_MAX = 3_000;

export default definePlugin<PodSecurityConfig>({
  name: 'admission.pod-security',
  config: {
    type: 'object',
    additionalProperties: false,
    properties: {
      enforce: LEVEL,
      audit: LEVEL,
      warn: LEVEL,
      exemptUsers: NAMES,
      exemptNamespaces: NAMES,
      exemptRuntimeClasses: NAMES,
    },
  },
  async activate(ctx) {
    const admission = podSecurity({
      config: ctx.config,
      namespace: await openFinder(ctx, Namespace, { fields: [] }),
      podsOf: async namespace =>
        (await ctx.objects.list(Pod, { namespace, limit: PODS_LOOKED_AT_MAX })).items,
    });
    ctx.provide(admissionPoint, admission);
  },
});
