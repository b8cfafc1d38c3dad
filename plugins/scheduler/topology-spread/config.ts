import type { JsonSchema } from 'kernetes/sdk';

const POLICY: JsonSchema = { enum: ['Honor', 'Ignore'] };

export const CONFIG: JsonSchema = {
  type: 'object',
  additionalProperties: false,
  properties: {
    defaultingType: { enum: ['List', 'System'], default: 'System' },
    defaultConstraints: {
      type: 'array',
      default: [],
      items: {
        // No labelSelector: which pods belong together is found out for each pod.
        type: 'object',
        additionalProperties: false,
        required: ['maxSkew', 'topologyKey', 'whenUnsatisfiable'],
        properties: {
          maxSkew: { type: 'integer', minimum: 1 },
          topologyKey: { type: 'string', minLength: 1 },
          whenUnsatisfiable: { enum: ['DoNotSchedule', 'ScheduleAnyway'] },
          minDomains: { type: 'integer', minimum: 1 },
          nodeAffinityPolicy: POLICY,
          nodeTaintsPolicy: POLICY,
        },
      },
    },
  },
};
