import {
  ConfigMap as CONFIG_MAP,
  type ConfigMap,
  type Informer,
  keyOf,
  type PluginContext,
  Pod,
} from 'kernetes/sdk';
import { type Load, parseLoad } from './load.ts';

/** A load, and the pods that are chosen to share it, Ready or not. */
export interface ActiveLoad {
  readonly load: Load;
  readonly pods: Informer<Pod> | undefined;
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
    if (!isSame) before?.pods?.close();
    const pods = isSame && before ? before.pods : this.#watch(load);
    this.#active.set(keyOf(map), { load, pods });
    this.#changed();
  }

  #drop(key: string): void {
    this.#active.get(key)?.pods?.close();
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

  #watch({ namespace, selector }: Load): Informer<Pod> | undefined {
    if (selector === undefined) return undefined;
    const fields = ['status.conditions'];
    return this.#ctx.informer(Pod, { namespace, labelSelector: `${selector}`, fields });
  }
}

/** Those that take a share: what a Service would send requests to. */
export function readyPods({ pods }: ActiveLoad): readonly Pod[] {
  return (pods?.list() ?? []).filter(({ metadata, status }) => {
    const ready = status?.conditions?.find(({ type }) => type === 'Ready');
    return ready?.status === 'True' && metadata.deletionTimestamp === undefined;
  });
}

export const LOAD_LABEL = 'sim.kubernetes.dev/load';
