import type { Affinity, Container, Pod, PodAffinityTerm } from '../api/types-core-v1.ts';
import type { StringMap } from '../kind.ts';
import { type ResourceSums, sumContainers, sumInto } from '../pod-spec/pod-resources.ts';
import {
  isExtendedResource,
  isHugePageResource,
  isNativeResource,
} from '../pod-spec/resource-names.ts';
import { isPodFinished } from '../pod-status.ts';
import type { ParsedQuantity } from '../quantity.ts';
import type { QuotaEvaluator } from './evaluator.ts';
import type { Scopes } from './scopes.ts';
import { countOf, parseUsage, type Usage } from './usage.ts';

export const podEvaluator: QuotaEvaluator<Pod> = {
  fields: [
    'spec.containers.resources',
    'spec.initContainers.resources',
    'spec.initContainers.restartPolicy',
    'spec.resources',
    'spec.overhead',
    'spec.priorityClassName',
    'spec.activeDeadlineSeconds',
    'spec.affinity.podAffinity',
    'spec.affinity.podAntiAffinity',
    'status.phase',
    'status.qosClass',
  ],
  watchesUpdates: false,
  counts: name =>
    NAMES.has(name) ||
    isHugePageResource(name) ||
    name.startsWith('requests.hugepages-') ||
    (name.startsWith('requests.') && !isNativeResource(name)),
  usage: podUsage,
  scopes: podScopes,
  missing: missingResources,
};

/** `count/pods` counts what is stored; everything else what runs or will run. */
function podUsage(pod: Pod, now: number): Usage {
  const usage = new Map([[COUNT, countOf(1)]]);
  if (isPodFinished(pod) || isOverdue(pod, now)) return usage;
  usage.set('pods', countOf(1));
  for (const [name, value] of computeUsage(requestsOf(pod), limitsOf(pod))) usage.set(name, value);
  return usage;
}

/** It should be gone long since: its node is lost, say. Others may have its place. */
function isOverdue({ metadata }: Pod, now: number): boolean {
  const { deletionTimestamp, deletionGracePeriodSeconds: grace } = metadata;
  if (!deletionTimestamp || grace === undefined) return false;
  return now > Date.parse(deletionTimestamp) + grace * 1_000;
}

function requestsOf(pod: Pod): ResourceSums {
  const sums = sumContainers(pod, ({ resources }) => resources?.requests);
  setPodLevel(sums, pod.spec?.resources?.requests);
  sumInto(sums, pod.spec?.overhead);
  return sums;
}

/** Overhead counts only beside a limit: what has none has none with it. */
function limitsOf(pod: Pod): ResourceSums {
  const sums = sumContainers(pod, ({ resources }) => resources?.limits);
  setPodLevel(sums, pod.spec?.resources?.limits);
  const overhead = Object.entries(pod.spec?.overhead ?? {}).filter(([name]) => sums.has(name));
  sumInto(sums, Object.fromEntries(overhead));
  return sums;
}

/** What the pod says of itself stands for what its containers say. */
function setPodLevel(sums: ResourceSums, own: Readonly<StringMap> | undefined): void {
  for (const [name, value] of parseUsage(own)) sums.set(name, value);
}

function computeUsage(requests: Usage, limits: Usage): Map<string, ParsedQuantity> {
  const usage = new Map<string, ParsedQuantity>();
  for (const [name, value] of requests) {
    const isCompute = COMPUTE.has(name) || isHugePageResource(name);
    if (isCompute) usage.set(name, value);
    if (isCompute || isExtendedResource(name)) usage.set(`requests.${name}`, value);
  }
  for (const [name, value] of limits) if (COMPUTE.has(name)) usage.set(`limits.${name}`, value);
  return usage;
}

function podScopes({ spec, status }: Pod): Scopes {
  const deadline = spec?.activeDeadlineSeconds;
  const className = spec?.priorityClassName;
  return new Map<string, readonly string[]>([
    [deadline !== undefined && deadline >= 0 ? 'Terminating' : 'NotTerminating', []],
    [status?.qosClass === 'BestEffort' ? 'BestEffort' : 'NotBestEffort', []],
    ['PriorityClass', className ? [className] : []],
    ...(reachesOut(spec?.affinity) ? [['CrossNamespacePodAffinity', []] as const] : []),
  ]);
}

/** Whether it wants to be near, or far from, pods of other namespaces. */
function reachesOut({ podAffinity, podAntiAffinity }: Affinity = {}): boolean {
  return [podAffinity, podAntiAffinity].some(affinity => {
    const required = affinity?.requiredDuringSchedulingIgnoredDuringExecution ?? [];
    const preferred = affinity?.preferredDuringSchedulingIgnoredDuringExecution ?? [];
    return [...required, ...preferred.map(({ podAffinityTerm }) => podAffinityTerm)].some(isOpen);
  });
}

function isOpen({ namespaces = [], namespaceSelector }: PodAffinityTerm): boolean {
  return namespaces.length > 0 || namespaceSelector !== undefined;
}

/**
 * Where a quota is on processor or memory each container has to say how much it takes, or the pod
 * for all of them. Of other resources nobody has to: upstream calls it a mistake that it keeps.
 */
function missingResources({ spec }: Pod, names: readonly string[]): string {
  const own = computeUsage(
    parseUsage(spec?.resources?.requests),
    parseUsage(spec?.resources?.limits),
  );
  const required = names.filter(name => REQUIRED.has(name) && !own.has(name)).sort();
  if (required.length === 0) return '';
  const all = [...(spec?.containers ?? []), ...(spec?.initContainers ?? [])];
  const findings = required.flatMap(name => {
    const lacking = all.filter(container => !says(container, name)).map(each => each.name);
    return lacking.length > 0 ? [`${name} for: ${[...new Set(lacking)].sort().join(',')}`] : [];
  });
  return findings.length > 0 ? `must specify ${findings.join('; ')}` : '';
}

function says({ resources }: Container, name: string): boolean {
  const [, part = 'requests', resource = name] = /^(requests|limits)\.(.*)$/.exec(name) ?? [];
  return resources?.[part as 'requests' | 'limits']?.[resource] !== undefined;
}

const COUNT = 'count/pods';
const COMPUTE = new Set(['cpu', 'memory', 'ephemeral-storage']);
const REQUIRED = new Set(
  ['cpu', 'memory'].flatMap(name => [name, `requests.${name}`, `limits.${name}`]),
);
const NAMES = new Set([
  COUNT,
  'pods',
  ...[...COMPUTE].flatMap(name => [name, `requests.${name}`, `limits.${name}`]),
]);
