import { isDeepStrictEqual } from 'node:util';
import { Node, type ObjectRequest, patchRequest } from 'kernetes/sdk';
import { type NodeParts, nodeStatus } from './node-object.ts';

export interface WantedNode {
  readonly name: string;
  readonly ip: string;
  readonly podCidr: string;
  readonly parts: NodeParts;
}

/** What brings an existing node to what it should be; nothing when it is so. */
export function nodeRepairs(node: Node, wanted: WantedNode): ObjectRequest[] {
  const { name, podCidr, parts } = wanted;
  const requests: ObjectRequest[] = [];
  if (!node.spec?.podCIDR) {
    const spec = { podCIDR: podCidr, podCIDRs: [podCidr] };
    requests.push(patchRequest(Node, { name }, { spec }));
  }
  const { conditions, nodeInfo, ...rest } = nodeStatus(wanted, parts);
  const { machineID, systemUUID, bootID, ...software } = nodeInfo ?? {};
  const same = contains(node.status, { ...rest, nodeInfo: software });
  if (!same || !node.status?.conditions?.length) {
    const ids = node.status?.nodeInfo?.machineID ? {} : { machineID, systemUUID, bootID };
    const status = { ...rest, conditions, nodeInfo: { ...software, ...ids } };
    requests.push(patchRequest(Node, { name }, { status }, STATUS_PATCH));
  }
  return requests;
}

/** Whether all of `wanted` stands in `object` too; what else is there is somebody else's. */
function contains(object: unknown, wanted: unknown): boolean {
  if (typeof wanted !== 'object' || wanted === null || Array.isArray(wanted)) {
    return isDeepStrictEqual(object, wanted);
  }
  if (typeof object !== 'object' || object === null) return false;
  const fields = object as Record<string, unknown>;
  return Object.entries(wanted).every(([field, value]) => contains(fields[field], value));
}

/** Conditions and addresses of others stay beside ours. */
const STATUS_PATCH = {
  subresource: 'status',
  type: 'application/strategic-merge-patch+json',
} as const;
