import type { JsonSchema } from 'kernetes/sdk';

export interface AgentConfig {
  /** How many nodes there are at least; those that exist are kept. */
  readonly nodes: number;
  readonly namePrefix: string;
  /** The runtime's name, as in `runtime.sim`. */
  readonly runtime: string;
  readonly podCidr: string;
  /** Whether the agent gives its nodes their ranges; if not, it waits for `spec.podCIDRs`. */
  readonly allocateNodeCidrs: boolean;
  readonly nodeCidrMaskSize: number;
  /** Where the nodes' own addresses are taken from. */
  readonly nodeCidr: string;
  readonly capacity: Readonly<Record<string, string>>;
  /** What of the capacity pods can have. Default: all. */
  readonly allocatable?: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
  /** The nodes are spread over them, by the label `topology.kubernetes.io/zone`. */
  readonly zones: readonly string[];
  readonly kubeletVersion: string;
  readonly osImage: string;
  readonly architecture: string;
}

const STRINGS = { type: 'object', additionalProperties: { type: 'string' } };

export const DEFAULT_CONFIG: AgentConfig = {
  nodes: 3,
  namePrefix: 'node',
  runtime: 'runtime.sim',
  podCidr: '10.244.0.0/16',
  allocateNodeCidrs: true,
  nodeCidrMaskSize: 24,
  nodeCidr: '172.18.0.0/16',
  capacity: { cpu: '8', memory: '32Gi', 'ephemeral-storage': '100Gi', pods: '110' },
  labels: {},
  zones: [],
  kubeletVersion: 'v1.32.0',
  osImage: 'Kernetes simulated node',
  architecture: 'amd64',
};

export const CONFIG_SCHEMA: JsonSchema = {
  type: 'object',
  additionalProperties: false,
  properties: {
    nodes: { type: 'integer', minimum: 0, maximum: 100_000, default: DEFAULT_CONFIG.nodes },
    namePrefix: {
      type: 'string',
      pattern: '^[a-z0-9]([a-z0-9-]{0,40}[a-z0-9])?$',
      default: DEFAULT_CONFIG.namePrefix,
    },
    runtime: { type: 'string', default: DEFAULT_CONFIG.runtime },
    podCidr: { type: 'string', default: DEFAULT_CONFIG.podCidr },
    allocateNodeCidrs: { type: 'boolean', default: DEFAULT_CONFIG.allocateNodeCidrs },
    nodeCidrMaskSize: {
      type: 'integer',
      minimum: 8,
      maximum: 32,
      default: DEFAULT_CONFIG.nodeCidrMaskSize,
    },
    nodeCidr: { type: 'string', default: DEFAULT_CONFIG.nodeCidr },
    capacity: { ...STRINGS, default: DEFAULT_CONFIG.capacity },
    allocatable: STRINGS,
    labels: { ...STRINGS, default: {} },
    zones: { type: 'array', items: { type: 'string' }, default: [] },
    kubeletVersion: { type: 'string', default: DEFAULT_CONFIG.kubeletVersion },
    osImage: { type: 'string', default: DEFAULT_CONFIG.osImage },
    architecture: { type: 'string', default: DEFAULT_CONFIG.architecture },
  },
};
