import {
  type Container,
  type ContainerExit,
  type ContainerState,
  type ContainerStateTerminated,
  type ContainerStatus,
  type Pod,
  toTime,
} from 'kernetes/sdk';
import type { RetryDelay } from './retry-delay.ts';

/** What the agent knows of one container of a pod. */
export interface ContainerRecord {
  readonly spec: Container;
  readonly role: ContainerRole;
  /** As the status shows it. Times within are whole seconds. */
  state: ContainerState;
  lastState: ContainerState;
  id: string;
  imageID: string;
  restartCount: number;
  /** Its startup probe, if any, has succeeded. */
  started: boolean;
  ready: boolean;
  /** A pull or a start is under way. */
  starting: boolean;
  /** It ran when an earlier agent wrote the status; the runtime has not been asked about it yet. */
  unverified: boolean;
  /** Not to be started before. */
  retryAtMs: number;
  crash?: RetryDelay;
  pull?: RetryDelay;
  /** It was asked to stop, with so much grace. */
  stopGraceMs?: number;
}

/** A sidecar is an init container that stays: `restartPolicy: Always`. */
export type ContainerRole = 'init' | 'sidecar' | 'main';

/** The records of a pod, init containers first; what its status tells is taken over. */
export function recordsOf(pod: Pod): ContainerRecord[] {
  const { initContainers = [], containers = [] } = pod.spec ?? {};
  const { initContainerStatuses = [], containerStatuses = [] } = pod.status ?? {};
  return [
    ...initContainers.map(spec => {
      const role = spec.restartPolicy === 'Always' ? 'sidecar' : 'init';
      return recordOf(spec, role, initContainerStatuses);
    }),
    ...containers.map(spec => recordOf(spec, 'main', containerStatuses)),
  ];
}

/** It runs, or soon may. */
export function isActive(record: ContainerRecord): boolean {
  return record.starting || record.state.running !== undefined;
}

/** Whether it is to be started, now or after a back-off, when it does not run. */
export function restarts({ role, state }: ContainerRecord, restartPolicy: string): boolean {
  if (!state.terminated || role === 'sidecar') return true;
  const failed = state.terminated.exitCode !== 0;
  if (role === 'init') return failed && restartPolicy !== 'Never';
  return restartPolicy === 'Always' || (failed && restartPolicy === 'OnFailure');
}

/** Init containers have done their work and sidecars are up, or were when the others began. */
export function isInitialized(records: readonly ContainerRecord[]): boolean {
  return records.every(isInitDone) || records.some(({ role, id }) => role === 'main' && id !== '');
}

/** One init container has done its part; so have all that are none. */
export function isInitDone({ role, state, started }: ContainerRecord): boolean {
  if (role === 'init') return state.terminated?.exitCode === 0;
  return role === 'main' || started;
}

/** The containers that should run by now: sidecars stay, init containers go one by one. */
export function wantedOf(records: readonly ContainerRecord[]): ContainerRecord[] {
  if (isInitialized(records)) return records.filter(({ role }) => role !== 'init');
  const init = records.filter(({ role }) => role !== 'main');
  const current = init.findIndex(record => !isInitDone(record));
  return init.filter(({ role }, i) => i === current || (role === 'sidecar' && i < current));
}

/** The pod has done, or failed at, what it was for. */
export function isOver(records: readonly ContainerRecord[], restartPolicy: string): boolean {
  const isFinal = (record: ContainerRecord) =>
    !isActive(record) && !restarts(record, restartPolicy);
  const main = records.filter(({ role }) => role === 'main');
  const failedInit = records.some(
    record => record.role === 'init' && isFinal(record) && !isInitDone(record),
  );
  return failedInit || main.every(isFinal);
}

/** When it ended last. */
export function finishedAtMs({ state, lastState }: ContainerRecord): number | undefined {
  const time = Date.parse((state.terminated ?? lastState.terminated)?.finishedAt ?? '');
  return Number.isNaN(time) ? undefined : time;
}

export function terminatedBy(exit: ContainerExit, startedAt: string | undefined): ContainerState {
  const terminated: ContainerStateTerminated = {
    exitCode: exit.exitCode,
    ...(exit.signal !== undefined && { signal: exit.signal }),
    reason: exit.reason,
    ...(exit.message && { message: exit.message }),
    ...(startedAt && { startedAt }),
    finishedAt: toTime(exit.finishedAtMs),
    containerID: exit.id,
  };
  return { terminated };
}

/** Nothing is known of its end. */
export function terminatedUnknown(message: string): ContainerState {
  return { terminated: { exitCode: 137, reason: 'ContainerStatusUnknown', message } };
}

function recordOf(
  spec: Container,
  role: ContainerRole,
  statuses: readonly ContainerStatus[],
): ContainerRecord {
  const status = statuses.find(({ name }) => name === spec.name);
  return {
    spec,
    role,
    state: status?.state ?? {},
    lastState: status?.lastState ?? {},
    id: status?.containerID ?? '',
    imageID: status?.imageID ?? '',
    restartCount: status?.restartCount ?? 0,
    started: status?.started ?? false,
    ready: status?.ready ?? false,
    starting: false,
    unverified: status?.state?.running !== undefined,
    retryAtMs: 0,
  };
}
