import { isDeepStrictEqual } from 'node:util';
import type {
  AllocationResult,
  DeviceAllocationConfiguration,
  NodeSelector,
  NodeSelectorRequirement,
} from 'kernetes/sdk';
import type { ChosenDevice } from './allocator.ts';
import type { WantedClaim } from './device-request.ts';

/** What is written of the devices that were chosen for a claim. */
export function allocationResult(
  wanted: WantedClaim,
  chosen: readonly ChosenDevice[],
): AllocationResult {
  const config = configOf(wanted, chosen);
  const nodeSelector = nodeSelectorOf(chosen);
  return {
    devices: {
      results: chosen.map(({ device, choice }) => ({
        request: choice.request,
        driver: device.driver,
        pool: device.pool,
        device: device.device.name,
        ...(choice.isAdmin && { adminAccess: true }),
        ...(choice.tolerations.length > 0 && { tolerations: [...choice.tolerations] }),
      })),
      ...(config.length > 0 && { config }),
    },
    ...(nodeSelector && { nodeSelector }),
  };
}

/** A class' own once, for the requests that are of it; then those of the claim that apply. */
function configOf(
  { claim, requests }: WantedClaim,
  chosen: readonly ChosenDevice[],
): DeviceAllocationConfiguration[] {
  const named = [...new Set(chosen.map(({ choice }) => choice))];
  const byClass = new Map(named.map(({ deviceClass }) => [deviceClass.metadata.name, deviceClass]));
  const ofClasses = [...byClass.values()].flatMap(deviceClass => {
    const own = named.filter(choice => choice.deviceClass === deviceClass);
    return (deviceClass.spec.config ?? []).map(config => ({
      source: 'FromClass',
      requests: own.map(({ request }) => request),
      ...config,
    }));
  });
  const names = new Set(named.flatMap(({ request }) => [request, request.split('/')[0] ?? '']));
  const ofClaim = (claim.spec.devices?.config ?? [])
    .filter(({ requests: only = [] }) => only.length === 0 || only.some(name => names.has(name)))
    .map(config => ({ source: 'FromClaim', ...config }));
  // None said means all.
  return [...ofClasses, ...ofClaim].map(({ requests: only, ...config }) =>
    only === undefined || only.length === requests.length ? config : { ...config, requests: only },
  );
}

/** Where all devices can be used; undefined: everywhere. */
function nodeSelectorOf(chosen: readonly ChosenDevice[]): NodeSelector | undefined {
  const local = chosen.find(({ device }) => device.nodeName);
  if (local) {
    const values = [local.device.nodeName ?? ''];
    const matchFields = [{ key: 'metadata.name', operator: 'In', values }];
    return { nodeSelectorTerms: [{ matchFields }] };
  }
  const terms = chosen.flatMap(({ device }) => device.nodeSelector?.nodeSelectorTerms ?? []);
  const matchFields = distinct(terms.flatMap(term => term.matchFields ?? []));
  const matchExpressions = distinct(terms.flatMap(term => term.matchExpressions ?? []));
  if (matchFields.length + matchExpressions.length === 0) return undefined;
  const term = {
    ...(matchExpressions.length > 0 && { matchExpressions }),
    ...(matchFields.length > 0 && { matchFields }),
  };
  return { nodeSelectorTerms: [term] };
}

function distinct(requirements: readonly NodeSelectorRequirement[]): NodeSelectorRequirement[] {
  const kept: NodeSelectorRequirement[] = [];
  for (const each of requirements) {
    if (!kept.some(other => isDeepStrictEqual(other, each))) kept.push(each);
  }
  return kept;
}
