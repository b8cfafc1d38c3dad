import type { JsonSchema } from 'kernetes/sdk';

/** Upstream's flags of the same names. */
export interface Config {
  readonly nodeMonitorPeriodMs: number;
  readonly nodeMonitorGracePeriodMs: number;
  readonly nodeStartupGracePeriodMs: number;
  /** Nodes a second that get a taint that evicts, in one zone. */
  readonly nodeEvictionRate: number;
  readonly secondaryNodeEvictionRate: number;
  readonly largeClusterSizeThreshold: number;
  readonly unhealthyZoneThreshold: number;
}

const MS = { type: 'integer', minimum: 1, maximum: 86_400_000 };
const RATE = { type: 'number', minimum: 0, maximum: 1_000 };

export const DEFAULT_CONFIG: Config = {
  nodeMonitorPeriodMs: 5_000,
  nodeMonitorGracePeriodMs: 40_000,
  nodeStartupGracePeriodMs: 60_000,
  nodeEvictionRate: 0.1,
  secondaryNodeEvictionRate: 0.01,
  largeClusterSizeThreshold: 50,
  unhealthyZoneThreshold: 0.55,
};

export const CONFIG_SCHEMA: JsonSchema = {
  type: 'object',
  additionalProperties: false,
  properties: {
    nodeMonitorPeriodMs: { ...MS, default: DEFAULT_CONFIG.nodeMonitorPeriodMs },
    nodeMonitorGracePeriodMs: { ...MS, default: DEFAULT_CONFIG.nodeMonitorGracePeriodMs },
    nodeStartupGracePeriodMs: { ...MS, default: DEFAULT_CONFIG.nodeStartupGracePeriodMs },
    nodeEvictionRate: { ...RATE, default: DEFAULT_CONFIG.nodeEvictionRate },
    secondaryNodeEvictionRate: { ...RATE, default: DEFAULT_CONFIG.secondaryNodeEvictionRate },
    largeClusterSizeThreshold: {
      type: 'integer',
      minimum: 0,
      default: DEFAULT_CONFIG.largeClusterSizeThreshold,
    },
    unhealthyZoneThreshold: {
      type: 'number',
      minimum: 0,
      maximum: 1,
      default: DEFAULT_CONFIG.unhealthyZoneThreshold,
    },
  },
};
