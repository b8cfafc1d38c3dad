import {
  type Clock,
  type ContainerUsage,
  type EventRecorder,
  quantityMilliValue,
  quantityValue,
  type UsageRequest,
} from 'kernetes/sdk';
import { type Curve, meanOf, parseCurve } from './curve.ts';
import type { ActiveLoad } from './loads.ts';
import { noiseOf } from './noise.ts';
import type { SimContainer } from './sim-runtime.ts';

export interface UsageMeterOptions {
  readonly clock: Clock;
  readonly loads: () => readonly ActiveLoad[];
  readonly events: EventRecorder;
  readonly seed: number;
}

/** The time that a measurement is of. */
export interface Window {
  readonly fromMs: number;
  readonly endMs: number;
}

/**
 * Measures simulated containers as metrics-server does real ones: every 15 s, the cpu of the time in
 * between. Nothing runs at those moments: what would have been measured then is worked out when
 * somebody asks, from the curves of the loads, which are functions of time.
 */
export class UsageMeter {
  readonly #options: UsageMeterOptions;
  /** Of the texts of annotations; undefined: it cannot be read, and that was told. */
  readonly #curves = new Map<string, Curve | undefined>();

  constructor(options: UsageMeterOptions) {
    this.#options = options;
  }

  /** The newest that has ended. */
  window(): Window {
    const now = this.#options.clock.now();
    const endMs = now - (now % RESOLUTION_MS);
    return { fromMs: endMs - RESOLUTION_MS, endMs };
  }

  /**
   * What each of those that share a load gets of it at that time. Of the namespaces that are asked
   * for: there may be many others.
   */
  shared({ fromMs, endMs }: Window): SharedLoads {
    const known = new Map<string, readonly SharedLoad[]>();
    const find = (namespace: string) =>
      this.#options.loads().flatMap(active => {
        const { cpu, memory, startMs, ...load } = active.load;
        if (load.namespace !== namespace || !active.sharers) return [];
        const count = active.sharers.ready.size;
        return {
          active,
          cpu: cpu && meanOf(cpu, fromMs - startMs, endMs - startMs) / count,
          memory: memory && memory(endMs - startMs) / count,
        };
      });
    return namespace => {
      const loads = known.get(namespace) ?? find(namespace);
      known.set(namespace, loads);
      return loads;
    };
  }

  /** How far a pod's share of a load is off by chance. */
  factor({ load }: ActiveLoad, uid: string, { endMs }: Window): number {
    if (load.noise === 0) return 1;
    return 1 + load.noise * noiseOf(this.#options.seed, uid, endMs / RESOLUTION_MS);
  }

  /** Of one pod the containers that have run for long enough. */
  measure(
    containers: readonly SimContainer[],
    { uid, annotations }: UsageRequest,
    { window, shared }: MeasureOptions,
  ): readonly ContainerUsage[] {
    const running = containers.filter(({ exit }) => exit === undefined);
    const loads = shared(running[0]?.pod.namespace ?? '');
    const shares = loads.flatMap(load => this.#shareOf(uid, load, window) ?? []);
    // Nearly all pods have none of ours: they need not be looked for by each name.
    const says = Object.keys(annotations).some(key => key.includes(PREFIX));
    const said = says ? annotations : undefined;
    return running.flatMap(container => {
      const fromMs = Math.max(window.fromMs, container.startedAtMs);
      const windowMs = window.endMs - fromMs;
      if (windowMs < FRESH_MS) return [];
      const own = {
        container,
        annotations: said,
        count: running.length,
        fromMs,
        endMs: window.endMs,
      };
      const cpu = this.#used('cpu', own, shares);
      const memory = this.#used('memory', own, shares);
      const limit = container.spec.resources?.limits?.cpu;
      const most = limit === undefined ? Infinity : quantityMilliValue(limit) / 1000;
      return {
        name: container.spec.name,
        cpuNanoCores: Math.round(Math.min(cpu, most) * 1e9),
        memoryBytes: Math.round(memory),
        windowMs,
      };
    });
  }

  #shareOf(uid: string, { active, cpu, memory }: SharedLoad, window: Window): Share | undefined {
    if (!active.sharers?.ready.has(uid)) return undefined;
    const factor = this.factor(active, uid, window);
    const { container } = active.load;
    return { container, cpu: cpu && cpu * factor, memory: memory && memory * factor };
  }

  /** What the container uses by itself, and its part of what the pod gets of the loads. */
  #used(resource: Resource, own: Own, shares: readonly Share[]): number {
    const { spec } = own.container;
    let given: number | undefined;
    for (const share of shares) {
      const value = share[resource];
      if (value === undefined || (share.container ?? spec.name) !== spec.name) continue;
      given = (given ?? 0) + value / (share.container === undefined ? own.count : 1);
    }
    const idle =
      this.#annotated(resource, own) ?? (given === undefined ? idleOf(resource, spec) : 0);
    return idle + (given ?? 0);
  }

  #annotated(
    resource: Resource,
    { container, annotations, count, ...own }: Own,
  ): number | undefined {
    if (annotations === undefined) return undefined;
    const ofOne = annotations[`${resource}.${PREFIX}/${container.spec.name}`];
    const text = ofOne ?? annotations[`${PREFIX}/${resource}`];
    const curve = text === undefined ? undefined : this.#curveOf(text, container);
    if (curve === undefined) return undefined;
    const [from, end] = [own.fromMs - container.startedAtMs, own.endMs - container.startedAtMs];
    const value = resource === 'cpu' ? meanOf(curve, from, end) : curve(end);
    return ofOne === undefined ? value / count : value;
  }

  #curveOf(text: string, { pod }: SimContainer): Curve | undefined {
    if (this.#curves.has(text)) return this.#curves.get(text);
    let curve: Curve | undefined;
    try {
      curve = parseCurve(text);
    } catch (error) {
      const { namespace, name, uid } = pod;
      const about = { apiVersion: 'v1', kind: 'Pod', metadata: { namespace, name, uid } };
      const why = error instanceof Error ? error.message : String(error);
      const message = `Cannot read the usage in the annotations: ${why}`;
      this.#options.events.event(about, 'Warning', 'InvalidUsage', message);
    }
    if (this.#curves.size >= CURVES_MAX) this.#curves.clear();
    this.#curves.set(text, curve);
    return curve;
  }
}

/** A load, and what each of its pods gets of it but for chance. */
export interface SharedLoad {
  readonly active: ActiveLoad;
  readonly cpu: number | undefined;
  readonly memory: number | undefined;
}

/** Those of a namespace. */
export type SharedLoads = (namespace: string) => readonly SharedLoad[];

export interface MeasureOptions {
  readonly window: Window;
  readonly shared: SharedLoads;
}

/** One pod's part of one load. */
interface Share {
  readonly container: string | undefined;
  /** In cores. */
  readonly cpu: number | undefined;
  /** In bytes. */
  readonly memory: number | undefined;
}

type Resource = 'cpu' | 'memory';

interface Own {
  readonly container: SimContainer;
  /** Undefined: none is about usage. */
  readonly annotations: Readonly<Record<string, string>> | undefined;
  /** How many containers of the pod run. */
  readonly count: number;
  readonly fromMs: number;
  readonly endMs: number;
}

/** Of what it asks for a little; of what asks for nothing nearly nothing. */
function idleOf(resource: Resource, { resources }: SimContainer['spec']): number {
  const asked = resources?.requests?.[resource];
  if (resource === 'cpu') return asked === undefined ? 0.001 : quantityMilliValue(asked) / 10_000;
  return asked === undefined ? 10 * 2 ** 20 : quantityValue(asked) / 2;
}

const PREFIX = 'sim.kubernetes.dev';
/** Those of metrics-server: how often it looks, and how old a new container must be. */
export const RESOLUTION_MS = 15_000;
const FRESH_MS = 10_000;
/** Far more than people write; only some parsing is lost when they are forgotten. */
const CURVES_MAX = 1_000;
