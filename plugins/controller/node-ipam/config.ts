import type { JsonSchema } from 'kernetes/sdk';

/** Upstream's flags of the same names. */
export interface Config {
  /** One range, or one of each family with a comma between. */
  readonly clusterCidr: string;
  readonly nodeCidrMaskSizeIPv4: number;
  readonly nodeCidrMaskSizeIPv6: number;
  /** What of the ranges is not for nodes. Empty: nothing. */
  readonly serviceCidr: string;
}

export const DEFAULT_CONFIG: Config = {
  clusterCidr: '10.244.0.0/16',
  nodeCidrMaskSizeIPv4: 24,
  nodeCidrMaskSizeIPv6: 64,
  serviceCidr: '',
};

const MASK = { type: 'integer', minimum: 1 };

export const CONFIG_SCHEMA: JsonSchema = {
  type: 'object',
  additionalProperties: false,
  properties: {
    clusterCidr: { type: 'string', default: DEFAULT_CONFIG.clusterCidr },
    nodeCidrMaskSizeIPv4: { ...MASK, maximum: 32, default: DEFAULT_CONFIG.nodeCidrMaskSizeIPv4 },
    nodeCidrMaskSizeIPv6: { ...MASK, maximum: 128, default: DEFAULT_CONFIG.nodeCidrMaskSizeIPv6 },
    serviceCidr: { type: 'string', default: DEFAULT_CONFIG.serviceCidr },
  },
};
