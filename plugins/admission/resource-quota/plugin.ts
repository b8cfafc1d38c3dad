import { admissionPoint, definePlugin, ResourceQuota } from 'kernetes/sdk';
import type { LimitedResource } from './limited.ts';
import { ResourceQuotaAdmission } from './resource-quota.ts';

interface Config {
  readonly limitedResources: readonly LimitedResource[];
}

const STRINGS = { type: 'array', items: { type: 'string' } };
const SCOPE = {
  type: 'object',
  additionalProperties: false,
  required: ['scopeName', 'operator'],
  properties: {
    scopeName: { type: 'string' },
    operator: { enum: ['In', 'NotIn', 'Exists', 'DoesNotExist'] },
    values: STRINGS,
  },
};

export default definePlugin<Config>({
  name: 'admission.resource-quota',
  config: {
    type: 'object',
    additionalProperties: false,
    properties: {
      limitedResources: {
        type: 'array',
        default: [],
        items: {
          type: 'object',
          additionalProperties: false,
          required: ['resource'],
          properties: {
            apiGroup: { type: 'string' },
            resource: { type: 'string' },
            matchContains: STRINGS,
            matchScopes: { type: 'array', items: SCOPE },
          },
        },
      },
    },
  },
  async activate(ctx) {
    const { objects, clock, log } = ctx;
    const { limitedResources: limited = [] } = ctx.config;
    const quotas = ctx.informer(ResourceQuota);
    await quotas.synced;
    ctx.provide(
      admissionPoint,
      new ResourceQuotaAdmission({ quotas, objects, clock, log, limited }),
    );
  },
});
