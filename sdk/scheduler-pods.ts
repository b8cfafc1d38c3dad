import type { PodInfo } from './scheduler-info.ts';

/**
 * Pods for a message to another thread. Those of one workload differ in their names and little
 * else (the made-up names of their token volumes), so what they have in common is sent once: a pod
 * is a name and a uid, and the place of all the rest. Telling that two are alike costs a microsecond,
 * sending a spec ten.
 */
export interface PodTable {
  readonly names: readonly string[];
  readonly uids: readonly string[];
  /** For each pod, the place in `rest`. */
  readonly places: Uint16Array;
  /** Parts that are equal may be one object: the encoding sends it once. */
  readonly rest: readonly PodRest[];
}

export type PodRest = Omit<PodInfo, 'key' | 'name' | 'uid'>;

export function packPods(pods: readonly PodInfo[]): PodTable {
  const places = new Uint16Array(pods.length);
  const rest: PodRest[] = [];
  const byShape = new Map<string, number>();
  for (let i = 0; i < pods.length; i++) {
    const pod = pods[i] as PodInfo;
    const known = byShape.get(pod.shape);
    const base = rest[known ?? rest.length - 1];
    const own = base ? restLike(pod, base) : restOf(pod);
    if (own === base) {
      places[i] = known ?? rest.length - 1;
      continue;
    }
    places[i] = rest.push(own) - 1;
    if (known === undefined) byShape.set(pod.shape, rest.length - 1);
  }
  return { names: pods.map(({ name }) => name), uids: pods.map(({ uid }) => uid), places, rest };
}

export function unpackPods({ names, uids, places, rest }: PodTable): PodInfo[] {
  return names.map((name, i) => {
    const own = rest[places[i] as number];
    const uid = uids[i];
    if (!own || uid === undefined) throw new Error(`Cannot read pod ${i}: it is not told whole`);
    return { ...own, key: `${own.namespace}/${name}`, name, uid };
  });
}

export const NO_PODS: PodTable = Object.freeze(packPods([]));

function restOf({ key: _key, name: _name, uid: _uid, ...rest }: PodInfo): PodRest {
  return rest;
}

function restLike(pod: PodInfo, base: PodRest): PodRest {
  if (pod.shape !== base.shape) return shared(restOf(pod), base);
  const { annotations, controller, spec } = pod;
  const isAlike =
    shared(controller, base.controller) === base.controller &&
    shared(spec, base.spec) === base.spec &&
    shared(annotations, base.annotations) === base.annotations &&
    SCALARS.every(name => pod[name] === base[name]);
  // Shapes are equal: so are labels, namespace, and what it asks for.
  if (isAlike) return base;
  const { namespace, labels, requests, shape } = base;
  return {
    ...restOf(pod),
    ...{ namespace, labels, requests, shape },
    annotations: shared(annotations, base.annotations),
    spec: shared(spec, base.spec),
  };
}

/** Those fields of a pod of which equal shapes say nothing, and that are no objects. */
const SCALARS = ['priority', 'nonZeroMilliCpu', 'nonZeroMemory', 'terminating'] as const;

/** `known` itself if `value` is equal to it; else `value` with those parts of `known` that are. */
function shared<T>(value: T, known: unknown): T {
  if (value === known || !isObject(value) || !isObject(known)) return value;
  if (Array.isArray(value)) return Array.isArray(known) ? sharedList(value, known) : value;
  // Maps have nothing to compare by.
  if (Object.getPrototypeOf(value) !== Object.prototype) return value;
  let isEqual = true;
  let copy: Record<string, unknown> | undefined;
  let more = 0;
  for (const name in value) {
    more++;
    const part = value[name];
    const same = shared(part, known[name]);
    if (same !== known[name]) isEqual = false;
    if (same === part) continue;
    copy ??= { ...value };
    copy[name] = same;
  }
  for (const _ in known) more--;
  return (isEqual && more === 0 ? known : (copy ?? value)) as T;
}

function sharedList<T extends readonly unknown[]>(value: T, known: readonly unknown[]): T {
  let isEqual = value.length === known.length;
  let copy: unknown[] | undefined;
  for (let i = 0; i < value.length; i++) {
    const same = shared(value[i], known[i]);
    if (same !== known[i]) isEqual = false;
    if (same === value[i]) continue;
    copy ??= [...value];
    copy[i] = same;
  }
  return (isEqual ? known : (copy ?? value)) as T;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
