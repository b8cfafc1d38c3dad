import type { Container, PodSpec } from './api/types-core-v1.ts';
import { quantityMilliValue, quantityValue } from './quantity.ts';

/** CPU is in millicores, the rest in bytes or pieces. */
export interface Resources {
  milliCpu: number;
  memory: number;
  ephemeralStorage: number;
  /** On a node: how many pods it may run, or runs. Of a pod: 1. */
  pods: number;
  /** Extended resources, huge pages and the like, by name. Empty for most. */
  readonly scalar: Map<string, number>;
}

/** What upstream counts for a container without requests, in scores only. */
const DEFAULT_MILLI_CPU = 100;
const DEFAULT_MEMORY = 200 * 1024 * 1024;

export function emptyResources(): Resources {
  return { milliCpu: 0, memory: 0, ephemeralStorage: 0, pods: 0, scalar: new Map() };
}

/** Adds `b`, `times` times, to `a` in place. */
export function addResources(a: Resources, b: Readonly<Resources>, times = 1): void {
  a.milliCpu += times * b.milliCpu;
  a.memory += times * b.memory;
  a.ephemeralStorage += times * b.ephemeralStorage;
  a.pods += times * b.pods;
  for (const [name, value] of b.scalar) {
    a.scalar.set(name, (a.scalar.get(name) ?? 0) + times * value);
  }
}

/** A resource list of the API as numbers. Rounds up, as upstream does. */
export function resourcesOf(list: Readonly<Record<string, unknown>> | undefined): Resources {
  const resources = emptyResources();
  for (const name in list) addQuantity(resources, name, String(list[name]));
  return resources;
}

function addQuantity(resources: Resources, name: string, quantity: string): void {
  switch (name) {
    case 'cpu':
      resources.milliCpu += quantityMilliValue(quantity);
      break;
    case 'memory':
      resources.memory += quantityValue(quantity);
      break;
    case 'ephemeral-storage':
      resources.ephemeralStorage += quantityValue(quantity);
      break;
    case 'pods':
      resources.pods += quantityValue(quantity);
      break;
    default: {
      const before = resources.scalar.get(name) ?? 0;
      resources.scalar.set(name, before + quantityValue(quantity));
    }
  }
}

/**
 * What a pod takes: its containers and sidecars together, or the largest moment of its start if
 * that is more (an init container with the sidecars started before it), plus overhead. A request
 * for the pod as a whole goes before its containers'.
 */
export function podResources(spec: PodSpec, nonZero: boolean): Resources {
  const total = emptyResources();
  for (const container of spec.containers)
    addResources(total, containerResources(container, nonZero));
  if (spec.initContainers) addInitContainers(total, spec.initContainers, nonZero);
  const whole = spec.resources?.requests;
  if (whole) override(total, resourcesOf(whole), whole);
  if (spec.overhead) addResources(total, resourcesOf(spec.overhead));
  total.pods = 1;
  return total;
}

function containerResources(container: Container, nonZero: boolean): Resources {
  const requests = container.resources?.requests;
  const resources = resourcesOf(requests);
  if (nonZero && requests?.cpu === undefined) resources.milliCpu = DEFAULT_MILLI_CPU;
  if (nonZero && requests?.memory === undefined) resources.memory = DEFAULT_MEMORY;
  return resources;
}

function addInitContainers(total: Resources, inits: readonly Container[], nonZero: boolean): void {
  const sidecars = emptyResources();
  const peak = emptyResources();
  for (const container of inits) {
    const own = containerResources(container, nonZero);
    if (container.restartPolicy === 'Always') {
      addResources(total, own);
      addResources(sidecars, own);
      raise(peak, sidecars);
    } else {
      addResources(own, sidecars);
      raise(peak, own);
    }
  }
  raise(total, peak);
}

/** Brings each of `a` up to `b`. */
function raise(a: Resources, b: Resources): void {
  a.milliCpu = Math.max(a.milliCpu, b.milliCpu);
  a.memory = Math.max(a.memory, b.memory);
  a.ephemeralStorage = Math.max(a.ephemeralStorage, b.ephemeralStorage);
  for (const [name, value] of b.scalar) {
    a.scalar.set(name, Math.max(a.scalar.get(name) ?? 0, value));
  }
}

function override(
  total: Resources,
  whole: Resources,
  list: Readonly<Record<string, unknown>>,
): void {
  if ('cpu' in list) total.milliCpu = whole.milliCpu;
  if ('memory' in list) total.memory = whole.memory;
  for (const [name, value] of whole.scalar) total.scalar.set(name, value);
}
