import {
  isPodActive,
  isPodReady,
  type ObjectClient,
  type Pod,
  type WatchRequest,
} from 'kernetes/sdk';

/** The pods that there were at one moment. */
export type Moment = ReadonlyMap<string, Pod>;

/** What became of pods, change by change, as a watch tells it. */
export class PodStory {
  readonly #moments: Moment[] = [new Map()];
  readonly #failures: Error[] = [];
  readonly #stop: () => void;

  /** Of the pods of a namespace, or of those that a selector chooses. */
  constructor(objects: ObjectClient, which: Pick<WatchRequest, 'namespace' | 'labelSelector'>) {
    const request = { group: '', version: 'v1', resource: 'pods', ...which };
    this.#stop = objects.watch<Pod>(request, {
      onEvents: events => {
        for (const { type, object } of events) if (type !== 'BOOKMARK') this.#add(type, object);
      },
      onEnd: error => this.#failures.push(error),
    });
  }

  /** Every moment since the last call, from the one at which that ended. */
  take(): readonly Moment[] {
    const [failure] = this.#failures;
    if (failure) throw failure;
    return this.#moments.splice(0, this.#moments.length - 1).concat(this.#now());
  }

  stop(): void {
    this.#stop();
  }

  #add(type: string, pod: Pod): void {
    const { name = '' } = pod.metadata;
    const pods = new Map(this.#now());
    if (type === 'DELETED') pods.delete(name);
    else pods.set(name, pod);
    this.#moments.push(pods);
  }

  #now(): Moment {
    return this.#moments.at(-1) ?? new Map();
  }
}

/** How pods are called in a test: by their version, their node, their own name. */
export type NameOf = (pod: Pod) => string;

/**
 * Line by line what happened: `+v1 v1` (made), `v1 ready`, `v1 unready`, `-v1` (asked to end), `v1 gone`.
 */
export function lines(moments: readonly Moment[], nameOf: NameOf): string[] {
  return moments.slice(1).flatMap((after, index) => {
    const before = moments[index] ?? new Map<string, Pod>();
    const names = new Set([...before.keys(), ...after.keys()]);
    return [...names].flatMap(name => changes(before.get(name), after.get(name), nameOf));
  });
}

/** How many active pods had each of the names, as often as that changed. */
export function counts(
  moments: readonly Moment[],
  names: readonly string[],
  nameOf: NameOf,
): string[] {
  const told = moments.map(moment => {
    const active = [...moment.values()].filter(isPodActive).map(nameOf);
    return names.map(name => active.filter(each => each === name).length).join(' ');
  });
  return told.filter((each, index) => each !== told[index - 1]);
}

/** The most pods that were not ending at one moment, and the fewest of them that were ready. */
export function bounds(moments: readonly Moment[]): { most: number; least: number } {
  const active = moments.map(moment => [...moment.values()].filter(isPodActive));
  return {
    most: Math.max(...active.map(pods => pods.length)),
    least: Math.min(...active.map(pods => pods.filter(isPodReady).length)),
  };
}

function changes(before: Pod | undefined, after: Pod | undefined, nameOf: NameOf): string[] {
  const pod = after ?? before;
  if (!pod) return [];
  const name = nameOf(pod);
  if (!after) return [`${name} gone`];
  if (!before) return [`+${name}`];
  if (!before.metadata.deletionTimestamp && after.metadata.deletionTimestamp) return [`-${name}`];
  if (after.metadata.deletionTimestamp || isPodReady(before) === isPodReady(after)) return [];
  return [`${name} ${isPodReady(after) ? 'ready' : 'unready'}`];
}
