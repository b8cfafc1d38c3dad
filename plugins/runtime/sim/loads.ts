import {
  ConfigMap as CONFIG_MAP,
  type ConfigMap,
  type Informer,
  isPodReady,
  keyOf,
  type PluginContext,
  Pod,
} from 'kernetes/sdk';
import { type Load, parseLoad } from './load.ts';

/** A load, and who shares it; undefined: nobody can. */
export interface ActiveLoad {
  readonly load: Load;
  readonly sharers: Pick<Sharers, 'ready' | 'close'> | undefined;
}

/** The pods that share a load. Who asks often, of pods that seldom change, asks for nothing. */
export class Sharers {
  readonly #pods: Informer<Pod>;
  #ready: ReadonlyMap<string, Pod> | undefined;

  constructor(pods: Informer<Pod>) {
    this.#pods = pods;
    const changed = () => {
      this.#ready = undefined;
    };
    pods.on({ added: changed, updated: changed, deleted: changed });
  }

  /** By uid, those that take a share: what a Service would send requests to. */
  get ready(): ReadonlyMap<string, Pod> {
    const ready = () => this.#pods.list().filter(isReady);
    this.#ready ??= new Map(ready().map(pod => [pod.metadata.uid ?? '', pod]));
    return this.#ready;
  }

  close(): void {
    this.#pods.close();
    this.#ready = undefined;
  }
}

/** The loads that ConfigMaps with the label say there are. Pods are watched only for a load. */
export class Loads {
  readonly #ctx: Pick<PluginContext, 'informer' | 'events'>;
  readonly #active = new Map<string, ActiveLoad>();
  readonly #changed: () => void;

  /** `changed` is called after every change of what `list` gives. */
  constructor(ctx: Pick<PluginContext, 'informer' | 'events'>, changed: () => void) {
    this.#ctx = ctx;
    this.#changed = changed;
    ctx.informer(CONFIG_MAP, { labelSelector: `${LOAD_LABEL}=true` }).on({
      added: map => this.#take(map),
      updated: map => this.#take(map),
      deleted: map => this.#drop(keyOf(map)),
    });
  }

  list(): readonly ActiveLoad[] {
    return [...this.#active.values()];
  }

  #take(map: ConfigMap): void {
    const load = this.#parsed(map);
    if (load === undefined) {
      this.#drop(keyOf(map));
      return;
    }
    const before = this.#active.get(keyOf(map));
    const isSame = `${before?.load.selector}` === `${load.selector}`;
    if (!isSame) before?.sharers?.close();
    const sharers = isSame && before ? before.sharers : this.#watch(load);
    this.#active.set(keyOf(map), { load, sharers });
    this.#changed();
  }

  #drop(key: string): void {
    this.#active.get(key)?.sharers?.close();
    if (this.#active.delete(key)) this.#changed();
  }

  #parsed(map: ConfigMap): Load | undefined {
    try {
      return parseLoad(map);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      this.#ctx.events.event(map, 'Warning', 'InvalidLoad', `Cannot read the load: ${why}`);
      return undefined;
    }
  }

  #watch({ namespace, selector }: Load): Sharers | undefined {
    if (selector === undefined) return undefined;
    const fields = ['status.conditions'];
    return new Sharers(
      this.#ctx.informer(Pod, { namespace, labelSelector: `${selector}`, fields }),
    );
  }
}

function isReady(pod: Pod): boolean {
  return isPodReady(pod) && pod.metadata.deletionTimestamp === undefined;
}

export const LOAD_LABEL = 'sim.kubernetes.dev/load';
