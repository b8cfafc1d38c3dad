import { isPodReady, type MetricReading, type Pod } from 'kernetes/sdk';
import { NoProposal } from './no-proposal.ts';
import { type GroupOptions, groupPods, podRequest } from './pod-groups.ts';

/**
 * How many replicas a metric asks for. Upstream's ways, from usage over target:
 * - of each pod: that ratio times the pods it was measured at. Where pods are missing or not ready
 *   they are assumed to speak against the change, and the ratio is taken again; if that turns it
 *   round, nothing changes.
 * - of something else: the ratio times the ready pods, or usage over a target for each pod.
 * All usages and targets in thousandths.
 */
export interface Tolerances {
  /** Usage that is less than the target by up to this part of it needs no change. */
  readonly down: number;
  readonly up: number;
}

export interface PodsUsage {
  /** Of the target's spec. */
  readonly current: number;
  readonly pods: readonly Pod[];
  readonly readings: ReadonlyMap<string, MetricReading>;
  readonly tolerances: Tolerances;
  readonly grouping: GroupOptions;
}

export interface Proposal {
  readonly replicas: number;
  /** An average over the pods, or the metric as it is. */
  readonly usage: number;
  /** In percent of what the pods ask for. */
  readonly utilization?: number;
}

/** For a target that is a part of what the pods, or one container of each, ask for. */
export function replicasForUtilization(
  usage: PodsUsage,
  target: { readonly percent: number; readonly container?: string },
): Proposal {
  const { pods, grouping } = usage;
  let requests: ReadonlyMap<string, number> = new Map();
  return replicasForPods(usage, {
    prepare() {
      requests = new Map(
        pods.map(pod => {
          const request = podRequest(pod, grouping.resource, target.container);
          return [pod.metadata.name ?? '', request];
        }),
      );
    },
    measure: values => utilizationOf(values, requests, target.percent),
    assumed: pod => Math.trunc(((requests.get(pod) ?? 0) * Math.max(100, target.percent)) / 100),
  });
}

/** For a target that is an amount for each pod. */
export function replicasForAverage(usage: PodsUsage, target: number): Proposal {
  return replicasForPods(usage, {
    measure(values) {
      const average = quotient(sumOf(values.values()), values.size);
      return { ratio: average / target, usage: average };
    },
    assumed: () => target,
  });
}

/** For a metric of something else: so many times more, or fewer, pods as it is over its target. */
export function replicasForRatio(
  ratio: number,
  { current, pods, tolerances }: Pick<PodsUsage, 'current' | 'pods' | 'tolerances'>,
): number {
  if (current === 0) return bounded(Math.ceil(ratio));
  if (isWithin(tolerances, ratio)) return current;
  if (pods.length === 0) throw new NoProposal(`unable to calculate ready pods: ${NO_PODS}`);
  const ready = pods.filter(pod => pod.status?.phase === 'Running' && isPodReady(pod));
  return bounded(Math.ceil(ratio * ready.length));
}

/** For a metric of something else of which each pod is to have its share. `current`: of the status. */
export function replicasForShare(
  total: number,
  { current, target, tolerances }: ShareOptions,
): Proposal {
  const isClose = isWithin(tolerances, total / (target * current));
  const replicas = isClose ? current : bounded(Math.ceil(total / target));
  return { replicas, usage: current === 0 ? 0 : Math.ceil(total / current) };
}

export interface ShareOptions {
  readonly current: number;
  readonly target: number;
  readonly tolerances: Tolerances;
}

export function sumOf(values: Iterable<number>): number {
  let sum = 0;
  for (const value of values) sum += value;
  return sum;
}

interface Scheme {
  /** Called once, when there is something to measure. */
  prepare?(): void;
  measure(values: ReadonlyMap<string, number>): Omit<Proposal, 'replicas'> & { ratio: number };
  /** Of a pod without a metric, when the others need less. */
  assumed(pod: string): number;
}

function replicasForPods(input: PodsUsage, scheme: Scheme): Proposal {
  const { current, pods, readings, tolerances, grouping } = input;
  if (pods.length === 0) throw new NoProposal(NO_PODS);
  const { readyCount, unready, missing, ignored } = groupPods(pods, readings, grouping);
  const values = new Map<string, number>();
  for (const [pod, { milli }] of readings) {
    if (!ignored.has(pod) && !unready.has(pod)) values.set(pod, milli);
  }
  if (values.size === 0) throw new NoProposal(NO_METRICS);
  scheme.prepare?.();
  const { ratio, ...shown } = scheme.measure(values);
  const unreadyCount = ratio > 1 ? unready.size : 0;
  if (unreadyCount === 0 && missing.size === 0) {
    const isClose = isWithin(tolerances, ratio);
    return { ...shown, replicas: isClose ? current : bounded(Math.ceil(ratio * readyCount)) };
  }

  if (ratio < 1) for (const pod of missing) values.set(pod, scheme.assumed(pod));
  if (ratio > 1) for (const pod of [...missing, ...unready]) values.set(pod, 0);
  const cautious = scheme.measure(values).ratio;
  const replicas = bounded(Math.ceil(cautious * values.size));
  const isChange =
    !isWithin(tolerances, cautious) &&
    Math.sign(ratio - 1) * Math.sign(cautious - 1) >= 0 &&
    !(cautious < 1 && replicas > current) &&
    !(cautious > 1 && replicas < current);
  return { ...shown, replicas: isChange ? replicas : current };
}

/** Metrics of pods that are not known are none of ours. */
function utilizationOf(
  values: ReadonlyMap<string, number>,
  requests: ReadonlyMap<string, number>,
  percent: number,
) {
  const known = [...values].filter(([pod]) => requests.has(pod));
  const used = sumOf(known.map(([, value]) => value));
  const requested = sumOf(known.map(([pod]) => requests.get(pod) ?? 0));
  if (requested === 0) throw new NoProposal('no metrics returned matched known pods');
  const utilization = quotient(used, requested, 100n);
  return { ratio: utilization / percent, utilization, usage: quotient(used, known.length) };
}

function isWithin({ down, up }: Tolerances, ratio: number): boolean {
  return 1 - down <= ratio && ratio <= 1 + up;
}

/** Of whole numbers and exact: a hundred times some bytes is more than a double holds. */
function quotient(dividend: number, divisor: number, factor = 1n): number {
  return Number((BigInt(Math.round(dividend)) * factor) / BigInt(Math.round(divisor)));
}

function bounded(replicas: number): number {
  return Math.min(replicas, REPLICAS_MAX);
}

const NO_PODS = 'no pods returned by selector while calculating replica count';
const NO_METRICS = 'did not receive metrics for targeted pods (pods might be unready)';
/** An int32. */
const REPLICAS_MAX = 2 ** 31 - 1;
