import {
  type Device,
  type DeviceClass,
  type DeviceRequest,
  loadCel,
  type NodeInfo,
  type ResourceClaim,
  type ResourceClaimStatus,
  type ResourceSlice,
  type ResourceSliceSpec,
} from 'kernetes/sdk';
import { node, nodeStates } from 'kernetes/sdk/testing';
import { AllocatedDevices } from './allocated-devices.ts';
import { allocate, type ChosenDevice } from './allocator.ts';
import { type WantedClaim, wantedClaim } from './device-request.ts';
import { Pools } from './pools.ts';
import { SelectorCache } from './selector-cache.ts';

/** Objects for tests, and the search without a cluster. */
export const DRIVER = 'd.example.com';

export function gpu(name: string, rest: Partial<Device> = {}): Device {
  return { name, ...rest };
}

export function slice(
  name: string,
  devices: readonly Device[],
  spec: Partial<ResourceSliceSpec> = {},
): ResourceSlice {
  const place = spec.allNodes || spec.nodeSelector || spec.perDeviceNodeSelection;
  return {
    metadata: { name },
    spec: {
      driver: DRIVER,
      pool: { name, generation: 1, resourceSliceCount: 1 },
      ...(!place && { nodeName: name }),
      devices: [...devices],
      ...spec,
    },
  };
}

export function deviceClass(name = 'gpu', spec: DeviceClass['spec'] = {}): DeviceClass {
  return { metadata: { name }, spec };
}

export function exactly(name: string, rest: object = {}): DeviceRequest {
  const mode = { allocationMode: 'ExactCount', count: 1 };
  return { name, exactly: { deviceClassName: 'gpu', ...mode, ...rest } };
}

export const selector = (expression: string) => [{ cel: { expression } }];

export function claim(
  name: string,
  requests: DeviceRequest[] = [exactly('r')],
  rest: { devices?: object; status?: ResourceClaimStatus; metadata?: object } = {},
): ResourceClaim {
  return {
    metadata: { name, namespace: 'default', uid: `uid-${name}`, ...rest.metadata },
    spec: { devices: { requests, ...rest.devices } },
    ...(rest.status && { status: rest.status }),
  };
}

export interface Problem {
  readonly slices: readonly ResourceSlice[];
  readonly claims: readonly ResourceClaim[];
  readonly classes?: readonly DeviceClass[];
  /** By id. */
  readonly taken?: readonly string[];
  readonly labels?: Readonly<Record<string, string>>;
}

/** What the node n1 says: devices by claim and request, or why not. */
export async function solve(problem: Problem): Promise<string[] | string> {
  const { slices, claims, classes = [deviceClass()], taken = [], labels = {} } = problem;
  const pools = new Pools();
  for (const each of slices) pools.set(each);
  const allocated = new AllocatedDevices();
  for (const id of taken) {
    const [driver = '', pool = '', device = ''] = id.split('/');
    const results = [{ request: 'r', driver, pool, device }];
    allocated.set(`by-${id}`, { devices: { results } });
  }
  const selectors = new SelectorCache(await loadCel());
  const byName = new Map(classes.map(each => [each.metadata.name, each]));
  const wanted: WantedClaim[] = [];
  for (const each of claims) {
    const own = wantedClaim(each, byName as never, selectors);
    if (typeof own === 'string') return own;
    wanted.push(own);
  }
  const [n1] = nodeStates([node('n1', { metadata: { labels } })]);
  const chosen = allocate(wanted, n1 as NodeInfo, { pools, allocated });
  return typeof chosen === 'string' ? chosen : chosen.flatMap(namesOf);
}

function namesOf(chosen: readonly ChosenDevice[]): string[] {
  return chosen.map(({ device, choice }) => `${choice.request}=${device.device.name}`);
}
