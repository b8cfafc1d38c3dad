import {
  AGE_COLUMN,
  ageCell,
  type ContainerState,
  type ContainerStatus,
  column,
  type EarlierKind,
  isPodFinished,
  isPodReady,
  type KindVersion,
  NAME_COLUMN,
  type Pod,
  podCondition,
  type TableCell,
  type TableColumn,
  translateTimestamp,
} from 'kernetes/sdk';

export const POD_COLUMNS: readonly TableColumn[] = [
  NAME_COLUMN,
  column('Ready'),
  column('Status'),
  column('Restarts'),
  AGE_COLUMN,
  column('IP', 1),
  column('Node', 1),
  column('Nominated Node', 1),
  column('Readiness Gates', 1),
];

export function podRow(pod: Pod, now: number): TableCell[] {
  const { metadata, spec, status } = pod;
  const init = summarizeInit(pod);
  const main =
    init.reason === undefined || podCondition(pod, 'Initialized')?.status === 'True'
      ? summarizeContainers(pod)
      : undefined;
  const restarts = main ? [...init.sidecars, ...containerStatuses(pod)] : init.statuses;
  const total = (spec?.containers ?? []).length + sidecarNames(pod).size;
  return [
    metadata.name ?? '',
    `${init.ready + (main?.ready ?? 0)}/${total}`,
    statusText(pod, main ? (main.reason ?? init.reason) : init.reason),
    restartsText(restarts, now),
    ageCell(pod, now),
    status?.podIPs?.[0]?.ip || status?.podIP || '<none>',
    spec?.nodeName || '<none>',
    status?.nominatedNodeName || '<none>',
    readinessGates(pod),
  ];
}

/** Tables did not always tell when the last restart was. */
export const plainRestarts: EarlierKind<Pod> = {
  until: 21,
  as: kind => ({ ...kind, versions: kind.versions.map(withPlainRestarts) }),
};

function withPlainRestarts(version: KindVersion<Pod>): KindVersion<Pod> {
  const { columns = [], row } = version;
  const at = columns.findIndex(({ name }) => name === 'Restarts');
  return {
    ...version,
    columns: columns.map((each, i) => (i === at ? { ...each, type: 'integer' } : each)),
    row: (pod, now) => {
      const cells = row?.(pod, now) ?? [];
      return cells.map((cell, i) => (i === at ? Number.parseInt(String(cell), 10) : cell));
    },
  };
}

interface InitSummary {
  /** Why the containers proper do not run yet; absent: they do. */
  readonly reason: string | undefined;
  /** Sidecars that are ready. */
  readonly ready: number;
  /** Those that have been looked at, up to the one that is being waited for. */
  readonly statuses: readonly ContainerStatus[];
  readonly sidecars: readonly ContainerStatus[];
}

function summarizeInit(pod: Pod): InitSummary {
  const all = pod.status?.initContainerStatuses ?? [];
  const names = sidecarNames(pod);
  let ready = 0;
  for (const [i, status] of all.entries()) {
    if (status.state?.terminated?.exitCode === 0) continue;
    if (names.has(status.name) && status.started) {
      if (status.ready) ready += 1;
      continue;
    }
    const statuses = all.slice(0, i + 1);
    const reason = initReason(status.state, i, pod.spec?.initContainers?.length ?? 0);
    return { reason, ready, statuses, sidecars: statuses.filter(({ name }) => names.has(name)) };
  }
  const sidecars = all.filter(({ name }) => names.has(name));
  return { reason: undefined, ready, statuses: all, sidecars };
}

function initReason(state: ContainerState | undefined, done: number, total: number): string {
  const { terminated, waiting } = state ?? {};
  if (terminated) return `Init:${terminationText(terminated)}`;
  if (waiting?.reason && waiting.reason !== 'PodInitializing') return `Init:${waiting.reason}`;
  return `Init:${done}/${total}`;
}

/** The first container's trouble counts most, so the last to be looked at is the first. */
function summarizeContainers(pod: Pod): { reason: string | undefined; ready: number } {
  let reason: string | undefined;
  let ready = 0;
  for (const { state, ready: isReady } of [...containerStatuses(pod)].reverse()) {
    if (state?.waiting?.reason) reason = state.waiting.reason;
    else if (state?.terminated) reason = terminationText(state.terminated);
    else if (isReady && state?.running) ready += 1;
  }
  const text = reason ?? (pod.status?.reason || pod.status?.phase);
  if (text === 'Completed' && ready > 0) reason = isPodReady(pod) ? 'Running' : 'NotReady';
  return { reason, ready };
}

/** What happens to the pod as a whole outdoes what its containers do. */
function statusText(pod: Pod, containers: string | undefined): string {
  const { metadata, status } = pod;
  if (metadata.deletionTimestamp && status?.reason === 'NodeLost') return 'Unknown';
  if (metadata.deletionTimestamp && !isPodFinished(pod)) return 'Terminating';
  if (containers) return containers;
  if (podCondition(pod, 'PodScheduled')?.reason === 'SchedulingGated') return 'SchedulingGated';
  return status?.reason || status?.phase || '';
}

/** `3 (5m ago)` */
function restartsText(statuses: readonly ContainerStatus[], now: number): string {
  let count = 0;
  let last: string | undefined;
  for (const { restartCount, lastState } of statuses) {
    count += restartCount ?? 0;
    const finished = lastState?.terminated?.finishedAt;
    if (finished && (!last || Date.parse(finished) > Date.parse(last))) last = finished;
  }
  return count > 0 && last ? `${count} (${translateTimestamp(last, now)} ago)` : String(count);
}

function readinessGates({ spec, status }: Pod): string {
  const gates = spec?.readinessGates ?? [];
  if (gates.length === 0) return '<none>';
  const open = gates.filter(({ conditionType }) =>
    status?.conditions?.some(({ type, status }) => type === conditionType && status === 'True'),
  );
  return `${open.length}/${gates.length}`;
}

function terminationText(terminated: NonNullable<ContainerState['terminated']>): string {
  const { reason, signal, exitCode } = terminated;
  return reason || (signal ? `Signal:${signal}` : `ExitCode:${exitCode}`);
}

function containerStatuses({ status }: Pod): readonly ContainerStatus[] {
  return status?.containerStatuses ?? [];
}

/** Init containers that keep running beside the others. */
function sidecarNames({ spec }: Pod): Set<string> {
  const sidecars = (spec?.initContainers ?? []).filter(
    ({ restartPolicy }) => restartPolicy === 'Always',
  );
  return new Set(sidecars.map(({ name }) => name));
}
