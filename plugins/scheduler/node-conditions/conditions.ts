import { type Container, type NodeInfo, type PodInfo, type Refusal, verdict } from 'kernetes/sdk';

/** The predicates of old, each on its own. */
export interface ConditionsConfig {
  /** `Ready`, `NetworkUnavailable`. */
  readonly ready: boolean;
  readonly memoryPressure: boolean;
  readonly diskPressure: boolean;
  readonly pidPressure: boolean;
}

const NOT_READY = verdict.unresolvable('node(s) were not ready');
const NO_NETWORK = verdict.unresolvable('node(s) had unavailable network');
const MEMORY = verdict.unresolvable('node(s) had memory pressure');
const DISK = verdict.unresolvable('node(s) had disk pressure');
const PID = verdict.unresolvable('node(s) had pid pressure');

/** Undefined: nothing that the node says of itself keeps the pod off. */
export function refusalOf(
  { conditions }: NodeInfo,
  isBestEffort: boolean,
  config: ConditionsConfig,
): Refusal | undefined {
  if (config.ready) {
    // A node that says nothing about being ready is taken as it is, as upstream did.
    if ((conditions.get('Ready') ?? 'True') !== 'True') return NOT_READY;
    if ((conditions.get('NetworkUnavailable') ?? 'False') !== 'False') return NO_NETWORK;
  }
  if (config.memoryPressure && isBestEffort && conditions.get('MemoryPressure') === 'True') {
    return MEMORY;
  }
  if (config.diskPressure && conditions.get('DiskPressure') === 'True') return DISK;
  if (config.pidPressure && conditions.get('PIDPressure') === 'True') return PID;
  return undefined;
}

/** Pods that ask for no CPU and no memory, and limit neither: the first to suffer when it is short. */
export function isBestEffort({ spec }: PodInfo): boolean {
  const all: readonly Pick<Container, 'resources'>[] = [
    spec,
    ...spec.containers,
    ...(spec.initContainers ?? []),
  ];
  return all.every(({ resources }) => {
    return [resources?.requests, resources?.limits].every(
      list => list?.cpu === undefined && list?.memory === undefined,
    );
  });
}
