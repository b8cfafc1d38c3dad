import type { Clock } from '../../sdk/clock.ts';
import type { MetricRecord } from '../../sdk/link.ts';
import { PoolLimits } from './limits.ts';
import type { WireMetric } from './wire.ts';

/**
 * What a plugin's metrics became, told now and then. A controller counts twice for each object that
 * it looks at: as messages of their own those would cost the kernel as much as its other work.
 */
export class GatheredMetrics {
  readonly #clock: Clock;
  readonly #tell: (metrics: readonly WireMetric[]) => void;
  readonly #gathered = new Map<string, { readonly record: MetricRecord; values: number[] }>();
  #isWaiting = false;

  constructor(clock: Clock, tell: (metrics: readonly WireMetric[]) => void) {
    this.#clock = clock;
    this.#tell = tell;
  }

  add(record: MetricRecord): void {
    const { type, value } = record;
    const key = keyOf(record);
    const known = this.#gathered.get(key);
    if (known === undefined) this.#gathered.set(key, { record, values: [value] });
    else if (type === 'counter') known.values[0] = (known.values[0] ?? 0) + value;
    else if (type === 'gauge') known.values[0] = value;
    else known.values.push(value);
    const size = Math.max(this.#gathered.size, known?.values.length ?? 0);
    if (size >= PoolLimits.metricsHeldMax) this.flush();
    else this.#wait();
  }

  flush(): void {
    if (this.#gathered.size === 0) return;
    const metrics = [...this.#gathered.values()].map(
      ({ record: { value: _, ...record }, values }) => {
        return { record, values };
      },
    );
    this.#gathered.clear();
    this.#tell(metrics);
  }

  #wait(): void {
    if (this.#isWaiting) return;
    this.#isWaiting = true;
    const timer = this.#clock.setTimeout(() => {
      this.#isWaiting = false;
      this.flush();
    }, PoolLimits.metricsIntervalMs);
    timer.unref();
  }
}

function keyOf({ type, name, labels }: MetricRecord): string {
  let key = `${type} ${name}`;
  for (const label in labels) key += ` ${label}=${JSON.stringify(labels[label])}`;
  return key;
}
