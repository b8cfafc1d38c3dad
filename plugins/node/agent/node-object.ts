import { type Node, type NodeCondition, type Random, toTime } from 'kernetes/sdk';
import type { AgentConfig } from './config.ts';

/** On the nodes that this plugin serves, with its name. */
export const AGENT_LABEL = 'node.kernetes.io/agent';

export interface NodeIdentity {
  readonly name: string;
  /** From 0; spreads the nodes over the zones. */
  readonly index: number;
  readonly ip: string;
  /** Absent: somebody else assigns it. */
  readonly podCidr?: string;
}

export interface NodeParts {
  readonly config: AgentConfig;
  readonly agent: string;
  /** `sim://0.1.0` */
  readonly runtimeVersion: string;
  readonly random: Random;
  readonly nowMs: number;
}

/** The Node as the agent registers it. */
export function newNode(identity: NodeIdentity, parts: NodeParts): Node {
  const { name, index, podCidr } = identity;
  const { config, agent } = parts;
  const zone = config.zones[index % Math.max(1, config.zones.length)];
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: {
      name,
      labels: {
        'beta.kubernetes.io/arch': config.architecture,
        'beta.kubernetes.io/os': 'linux',
        'kubernetes.io/arch': config.architecture,
        'kubernetes.io/hostname': name,
        'kubernetes.io/os': 'linux',
        ...(zone !== undefined && { 'topology.kubernetes.io/zone': zone }),
        ...config.labels,
        [AGENT_LABEL]: agent,
      },
    },
    spec: podCidr ? { podCIDR: podCidr, podCIDRs: [podCidr] } : {},
    status: nodeStatus(identity, parts),
  };
}

export function nodeStatus(
  { name, ip }: Pick<NodeIdentity, 'name' | 'ip'>,
  parts: NodeParts,
): NonNullable<Node['status']> {
  const { config, random, runtimeVersion, nowMs } = parts;
  return {
    capacity: { ...config.capacity },
    allocatable: { ...config.capacity, ...config.allocatable },
    conditions: nodeConditions(nowMs),
    addresses: [
      { type: 'InternalIP', address: ip },
      { type: 'Hostname', address: name },
    ],
    daemonEndpoints: { kubeletEndpoint: { Port: 10250 } },
    nodeInfo: {
      machineID: random.uuid().replaceAll('-', ''),
      systemUUID: random.uuid(),
      bootID: random.uuid(),
      kernelVersion: '0.0.0-simulated',
      osImage: config.osImage,
      containerRuntimeVersion: runtimeVersion,
      kubeletVersion: config.kubeletVersion,
      kubeProxyVersion: config.kubeletVersion,
      operatingSystem: 'linux',
      architecture: config.architecture,
    },
  };
}

/**
 * What the agent says about a healthy node, at `nowMs`. A condition that stood so before keeps the
 * time of its last transition.
 */
export function nodeConditions(
  nowMs: number,
  before: readonly NodeCondition[] = [],
): NodeCondition[] {
  const now = toTime(nowMs);
  return HEALTHY.map(([type, status, reason, message]) => {
    const old = before.find(condition => condition.type === type && condition.status === status);
    const lastTransitionTime = old?.lastTransitionTime ?? now;
    return { type, status, reason, message, lastHeartbeatTime: now, lastTransitionTime };
  });
}

const HEALTHY = [
  ['NetworkUnavailable', 'False', 'RouteCreated', 'RouteController created a route'],
  [
    'MemoryPressure',
    'False',
    'KubeletHasSufficientMemory',
    'kubelet has sufficient memory available',
  ],
  ['DiskPressure', 'False', 'KubeletHasNoDiskPressure', 'kubelet has no disk pressure'],
  ['PIDPressure', 'False', 'KubeletHasSufficientPID', 'kubelet has sufficient PID available'],
  ['Ready', 'True', 'KubeletReady', 'kubelet is posting ready status'],
] as const;
