import {
  type ContainerStatus,
  type Pod,
  type PodCondition,
  type PodStatus,
  toTime,
} from 'kernetes/sdk';
import { type ContainerRecord, isInitDone, isInitialized } from './container-record.ts';

/** All that a pod's status is made of. */
export interface PodView {
  readonly pod: Pod;
  readonly records: readonly ContainerRecord[];
  readonly hostIP: string;
  readonly podIP: string | undefined;
  readonly startTime: string;
  readonly sandboxReady: boolean;
  /** Nothing of it runs or will run again. */
  readonly ended: boolean;
  /** The agent's conditions as they stood last. */
  readonly conditions: readonly PodCondition[];
}

/** Pure: the status that the agent owes the API. */
export function podStatusOf(view: PodView, nowMs: number): PodStatus {
  const { records, hostIP, podIP, startTime } = view;
  const phase = phaseOf(view);
  const init = records.filter(({ role }) => role !== 'main');
  return {
    phase,
    conditions: [...conditionsOf(view, { phase, nowMs }), ...foreignConditions(view.pod)],
    hostIP,
    hostIPs: [{ ip: hostIP }],
    ...(podIP && { podIP, podIPs: [{ ip: podIP }] }),
    startTime,
    ...(init.length > 0 && {
      initContainerStatuses: init.map(record => containerStatusOf(record, 'PodInitializing')),
    }),
    containerStatuses: records
      .filter(({ role }) => role === 'main')
      .map(record =>
        containerStatusOf(record, isInitialized(records) ? 'ContainerCreating' : 'PodInitializing'),
      ),
  };
}

export function phaseOf({ pod, records, ended }: PodView): string {
  const restartPolicy = pod.spec?.restartPolicy ?? 'Always';
  const init = records.filter(({ role }) => role !== 'main');
  const main = records.filter(({ role }) => role === 'main');
  const failedInit = init.some(
    ({ role, state }) => role === 'init' && (state.terminated?.exitCode ?? 0) !== 0,
  );
  if (failedInit && (ended || restartPolicy === 'Never')) return 'Failed';
  const waiting = main.some(
    ({ state, lastState }) => !state.running && !everEnded(state, lastState),
  );
  if (!ended && (!isInitialized(records) || waiting)) return 'Pending';
  if (main.some(({ state }) => state.running)) return 'Running';
  const codes = main.map(({ state }) => state.terminated?.exitCode);
  if (ended) return codes.every(code => code === 0) ? 'Succeeded' : 'Failed';
  if (restartPolicy === 'Always') return 'Running';
  if (codes.every(code => code === 0)) return 'Succeeded';
  return restartPolicy === 'Never' ? 'Failed' : 'Running';
}

/** Whether a status shows another state of the pod than `wanted`, in what the agent answers for. */
export function saysOtherwise(status: PodStatus | undefined, wanted: PodStatus): boolean {
  if (status?.phase !== wanted.phase || status?.podIP !== wanted.podIP) return true;
  return (wanted.conditions ?? []).some(
    ({ type, status: value }) => conditionNamed(type, status?.conditions)?.status !== value,
  );
}

function everEnded(state: ContainerRecord['state'], last: ContainerRecord['lastState']): boolean {
  return state.terminated !== undefined || last.terminated !== undefined;
}

function containerStatusOf(record: ContainerRecord, waitingReason: string): ContainerStatus {
  const { spec, role, state, lastState, id, imageID, restartCount } = record;
  const known = state.running || state.terminated || state.waiting;
  return {
    name: spec.name,
    image: spec.image ?? '',
    imageID,
    ...(id && { containerID: id }),
    state: known ? state : { waiting: { reason: waitingReason } },
    lastState,
    ready: role === 'init' ? state.terminated?.exitCode === 0 : record.ready,
    started: record.started,
    restartCount,
  };
}

interface Moment {
  readonly phase: string;
  readonly nowMs: number;
}

function conditionsOf(view: PodView, { phase, nowMs }: Moment): PodCondition[] {
  const now = toTime(nowMs);
  const containersReady = containersReadyOf(view, phase);
  const conditions: Fact[] = [
    ['PodReadyToStartContainers', view.sandboxReady],
    ['Initialized', ...initializedOf(view, phase)],
    ['Ready', ...readyOf(view.pod, containersReady)],
    ['ContainersReady', ...containersReady],
    ['PodScheduled', true],
  ];
  return conditions.map(([type, isTrue, reason, message]) => {
    const status = isTrue ? 'True' : 'False';
    const old =
      conditionNamed(type, view.conditions) ?? conditionNamed(type, view.pod.status?.conditions);
    const stood = old?.status === status ? old.lastTransitionTime : undefined;
    return {
      type,
      status,
      lastTransitionTime: stood ?? now,
      ...(reason && { reason }),
      ...(message && { message }),
    };
  });
}

type Truth = [isTrue: boolean, reason?: string, message?: string];
type Fact = [type: string, ...Truth];

function initializedOf({ records }: PodView, phase: string): Truth {
  if (phase === 'Succeeded') return [true, 'PodCompleted'];
  if (isInitialized(records)) return [true];
  const names = records.filter(record => !isInitDone(record)).map(({ spec }) => spec.name);
  const message = `containers with incomplete status: [${names.join(' ')}]`;
  return [false, 'ContainersNotInitialized', message];
}

function containersReadyOf({ records }: PodView, phase: string): Truth {
  if (phase === 'Succeeded') return [false, 'PodCompleted'];
  if (phase === 'Failed') return [false, 'PodFailed'];
  const unready = records.filter(({ role, ready }) => role !== 'init' && !ready);
  if (unready.length === 0) return [true];
  const names = unready.map(({ spec }) => spec.name).join(' ');
  return [false, 'ContainersNotReady', `containers with unready status: [${names}]`];
}

function readyOf(pod: Pod, containersReady: Truth): Truth {
  const [isReady] = containersReady;
  if (!isReady) return containersReady;
  const messages = (pod.spec?.readinessGates ?? []).flatMap(({ conditionType }) => {
    const status = conditionNamed(conditionType, pod.status?.conditions)?.status;
    if (status === undefined) {
      return [`corresponding condition of pod readiness gate "${conditionType}" does not exist.`];
    }
    if (status === 'True') return [];
    return [`the status of pod readiness gate "${conditionType}" is not "True", but ${status}`];
  });
  return messages.length === 0 ? [true] : [false, 'ReadinessGatesNotReady', messages.join(', ')];
}

/** Set by others, and theirs to change. */
function foreignConditions(pod: Pod): PodCondition[] {
  return (pod.status?.conditions ?? []).filter(({ type }) => !OWN_CONDITIONS.has(type));
}

function conditionNamed(type: string, conditions: readonly PodCondition[] = []) {
  return conditions.find(condition => condition.type === type);
}

const OWN_CONDITIONS = new Set([
  'PodReadyToStartContainers',
  'Initialized',
  'Ready',
  'ContainersReady',
  'PodScheduled',
]);
