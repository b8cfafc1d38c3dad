import type { Container, LimitRangeItem, Pod, StringMap } from 'kernetes/sdk';

/** Gives the containers what they leave out, and notes that on the pod. */
export function setDefaults(pod: Pod, items: readonly LimitRangeItem[]): void {
  const ofContainers = items.filter(({ type }) => type === 'Container');
  const requests = Object.assign({}, ...ofContainers.map(item => item.defaultRequest));
  const limits = Object.assign({}, ...ofContainers.map(item => item.default));
  const { containers = [], initContainers = [] } = pod.spec ?? {};
  const notes = [
    ...containers.flatMap(each => fill(each, 'container', { requests, limits })),
    ...initContainers.flatMap(each => fill(each, 'init container', { requests, limits })),
  ];
  if (notes.length === 0) return;
  pod.metadata.annotations ??= {};
  pod.metadata.annotations[ANNOTATION] = `LimitRanger plugin set: ${notes.join('; ')}`;
}

interface Defaults {
  readonly requests: Readonly<StringMap>;
  readonly limits: Readonly<StringMap>;
}

/** Returns what it did, in upstream's words. */
function fill(container: Container, what: string, { requests, limits }: Defaults): string[] {
  container.resources ??= {};
  const { resources } = container;
  const notes: string[] = [];
  const note = (set: readonly string[], field: string) => {
    if (set.length > 0) notes.push(`${set.join(', ')} ${field} for ${what} ${container.name}`);
  };
  const setRequests = missing(resources.requests, requests);
  if (setRequests.length > 0) resources.requests = { ...requests, ...resources.requests };
  note(setRequests, 'request');
  const setLimits = missing(resources.limits, limits);
  if (setLimits.length > 0) resources.limits = { ...limits, ...resources.limits };
  note(setLimits, 'limit');
  return notes;
}

function missing(given: Readonly<StringMap> = {}, defaults: Readonly<StringMap>): string[] {
  return Object.keys(defaults)
    .filter(name => given[name] === undefined)
    .sort();
}

const ANNOTATION = 'kubernetes.io/limit-ranger';
