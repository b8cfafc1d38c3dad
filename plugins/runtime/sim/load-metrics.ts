import { isDeepStrictEqual } from 'node:util';
import {
  type CustomMetric,
  type CustomMetricQuery,
  type CustomMetricsSource,
  type Disposer,
  type ExternalMetric,
  type ExternalMetricQuery,
  type MetricName,
  type MetricReading,
  parseLabelSelector,
} from 'kernetes/sdk';
import { type Curve, meanOf } from './curve.ts';
import type { Load } from './load.ts';
import type { ActiveLoad } from './loads.ts';
import { RESOLUTION_MS, type UsageMeter } from './usage-meter.ts';

export interface LoadMetricsOptions {
  readonly loads: () => readonly ActiveLoad[];
  readonly meter: UsageMeter;
  readonly provide: (source: CustomMetricsSource) => Disposer;
}

/** Contributes the metrics that loads name, for as long as there are such loads. */
export class LoadMetrics {
  readonly #options: LoadMetricsOptions;
  #provided: { readonly metrics: readonly MetricName[]; readonly withdraw: Disposer } | undefined;

  constructor(options: LoadMetricsOptions) {
    this.#options = options;
  }

  /** To be called when the loads changed. */
  update(): void {
    const metrics = namesOf(this.#options.loads().map(({ load }) => load));
    if (isDeepStrictEqual(metrics, this.#provided?.metrics ?? [])) return;
    void this.#provided?.withdraw();
    this.#provided = undefined;
    if (metrics.length === 0) return;
    const withdraw = this.#options.provide({
      metrics,
      custom: async query => this.#custom(query),
      external: async query => this.#external(query),
    });
    this.#provided = { metrics, withdraw };
  }

  #custom(query: CustomMetricQuery): CustomMetric[] {
    if (!parseLabelSelector(query.metricSelector).matches({})) return [];
    const values = query.resource === 'pods' ? this.#ofPods(query) : this.#ofObjects(query);
    const asked = new Set(query.names);
    const reading = (value: number) => this.#reading(value);
    return [...values]
      .filter(([name]) => asked.has(name))
      .map(([name, value]) => ({ name, ...reading(value) }));
  }

  /** Each Ready pod's share of the totals, by name. */
  #ofPods({ namespace, metric }: CustomMetricQuery): ReadonlyMap<string, number> {
    const { loads, meter } = this.#options;
    const window = meter.window();
    const values = new Map<string, number>();
    for (const active of loads()) {
      const curve = active.load.namespace === namespace && active.load.pods.get(metric);
      const ready = active.sharers?.ready;
      if (!curve || !ready) continue;
      const each = this.#mean(active.load, curve) / ready.size;
      for (const [uid, { metadata }] of ready) {
        const { name = '' } = metadata;
        const share = each * meter.factor(active, uid, window);
        values.set(name, (values.get(name) ?? 0) + share);
      }
    }
    return values;
  }

  #ofObjects(query: CustomMetricQuery): ReadonlyMap<string, number> {
    const values = new Map<string, number>();
    for (const { load } of this.#options.loads()) {
      for (const { metric, resource, name, curve } of load.objects) {
        // A namespace is in none.
        const isThere = resource === 'namespaces' || load.namespace === query.namespace;
        if (metric !== query.metric || resource !== query.resource || !isThere) continue;
        values.set(name, (values.get(name) ?? 0) + this.#mean(load, curve));
      }
    }
    return values;
  }

  #external({ namespace, metric, metricSelector }: ExternalMetricQuery): ExternalMetric[] {
    const selector = parseLabelSelector(metricSelector);
    return this.#options
      .loads()
      .filter(({ load }) => load.namespace === namespace)
      .flatMap(({ load }) =>
        load.external
          .filter(each => each.metric === metric && selector.matches(each.labels))
          .map(({ labels, curve }) => ({ labels, ...this.#reading(this.#mean(load, curve)) })),
      );
  }

  #mean({ startMs }: Load, curve: Curve): number {
    const { fromMs, endMs } = this.#options.meter.window();
    return meanOf(curve, fromMs - startMs, endMs - startMs);
  }

  #reading(value: number): MetricReading {
    const { endMs } = this.#options.meter.window();
    return { milli: Math.round(value * 1000), timestamp: endMs, windowMs: RESOLUTION_MS };
  }
}

/** Each once, sorted. */
function namesOf(loads: readonly Load[]): MetricName[] {
  const all = loads.flatMap(({ pods, objects, external }): MetricName[] => [
    ...[...pods.keys()].map(name => custom('pods', name)),
    ...objects.map(({ resource, metric }) => custom(resource, metric)),
    ...external.map(({ metric: name }) => ({ type: 'external' as const, name })),
  ]);
  const unique = new Map(all.map(each => [JSON.stringify(each), each]));
  return [...unique].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, each]) => each);
}

function custom(resource: string, name: string): MetricName {
  return { type: 'custom', resource, namespaced: resource !== 'namespaces', name };
}
