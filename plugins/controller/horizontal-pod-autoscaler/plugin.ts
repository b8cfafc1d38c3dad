import {
  type ConfigOf,
  createMetricsClient,
  definePlugin,
  formatKey,
  HorizontalPodAutoscaler,
  type MetricsClient,
  type PluginContext,
  POD_FIELDS,
  Pod,
  parseGoDuration,
  runController,
  servedKindPoint,
} from 'kernetes/sdk';
import { Autoscaler, NotFollowed } from './autoscaler.ts';
import { ScaleTargets } from './scale-target.ts';

const CONFIG = {
  type: 'object',
  additionalProperties: false,
  properties: {
    syncPeriod: { type: 'string', default: '15s' },
    downscaleStabilization: { type: 'string', default: '5m' },
    tolerance: { type: 'number', minimum: 0, default: 0.1 },
    cpuInitializationPeriod: { type: 'string', default: '5m' },
    initialReadinessDelay: { type: 'string', default: '30s' },
  },
} as const;

type Config = ConfigOf<typeof CONFIG>;

export default definePlugin<Config>({
  name: 'controller.horizontal-pod-autoscaler',
  leader: 'kube-controller-manager',
  config: CONFIG,
  activate: ctx => autoscale(ctx, createMetricsClient(ctx.objects)),
});

/** With metrics of any origin. */
export function autoscale(ctx: PluginContext<Config>, metrics: MetricsClient): void {
  const { config, objects, events, clock, log } = ctx;
  const syncPeriodMs = millisecondsOf(config, 'syncPeriod');
  const tuning = {
    tolerance: config.tolerance,
    downscaleStabilizationMs: millisecondsOf(config, 'downscaleStabilization'),
    cpuInitializationMs: millisecondsOf(config, 'cpuInitializationPeriod'),
    readinessDelayMs: millisecondsOf(config, 'initialReadinessDelay'),
  };
  // Before the autoscalers: when the first of them is looked at, what is served is known.
  const targets = new ScaleTargets(objects, ctx.contributions(servedKindPoint));
  const autoscaler = new Autoscaler({
    ...{ ...tuning, targets, metrics, objects, events, clock, log },
  });
  const running = runController(ctx, {
    for: HorizontalPodAutoscaler,
    // Only looked up: what they use is asked for at each period, whatever happens to them.
    watches: [{ kind: Pod, fields: POD_FIELDS, map: () => [] }],
    concurrency: CONCURRENCY,
    // Also after a failure, and however often the object changes meanwhile.
    intervalMs: syncPeriodMs,
    async reconcile(key, { object, informer }) {
      if (!object) {
        autoscaler.forget(formatKey(key));
        return undefined;
      }
      // Not at the growing intervals of other failures: metrics come and go.
      running.enqueue(key);
      try {
        await autoscaler.sync(object, { informer });
      } catch (error) {
        if (!(error instanceof NotFollowed)) throw error;
        log.debug('Autoscaler not followed', { autoscaler: formatKey(key), error });
      }
      return undefined;
    },
  });
}

function millisecondsOf(config: Config, field: Exclude<keyof Config, 'tolerance'>): number {
  const ms = Number(parseGoDuration(config[field]) ?? Number.NaN) / 1e6;
  // A period of nothing would be no rest at all.
  if (ms >= (field === 'syncPeriod' ? 1 : 0)) return ms;
  throw new Error(`Cannot use ${field} "${config[field]}": it must be a time such as 15s`);
}

/** Upstream's number of workers. */
const CONCURRENCY = 5;
