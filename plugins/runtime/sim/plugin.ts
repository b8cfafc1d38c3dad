import { clusterNetworkPoint, customMetricsPoint, definePlugin, runtimePoint } from 'kernetes/sdk';
import type { BehaviourConfig } from './behaviour.ts';
import { LoadMetrics } from './load-metrics.ts';
import { Loads } from './loads.ts';
import { SimNetwork } from './sim-network.ts';
import { SimRuntime } from './sim-runtime.ts';
import { UsageMeter } from './usage-meter.ts';

/** Milliseconds: fixed, evenly between two bounds, or exponential about a mean. */
const DELAY = {
  oneOf: [
    { type: 'number', minimum: 0 },
    {
      type: 'object',
      additionalProperties: false,
      required: ['min', 'max'],
      properties: { min: { type: 'number', minimum: 0 }, max: { type: 'number', minimum: 0 } },
    },
    {
      type: 'object',
      additionalProperties: false,
      required: ['mean'],
      properties: { mean: { type: 'number', minimum: 0 } },
    },
  ],
};

const EXIT_CODE = { type: 'integer', minimum: 0, maximum: 255 };

const PROBE = {
  type: 'object',
  additionalProperties: false,
  required: ['ok'],
  properties: {
    ok: { type: 'boolean' },
    afterMs: { type: 'number', minimum: 0, default: 0 },
    message: { type: 'string' },
  },
};

const RESPONSE = {
  type: 'object',
  additionalProperties: false,
  properties: {
    status: { type: 'integer', minimum: 200, maximum: 599, default: 200 },
    contentType: { type: 'string', default: 'text/plain; charset=utf-8' },
    body: { type: 'string', default: '' },
  },
};

const RULE = {
  type: 'object',
  additionalProperties: false,
  required: ['image'],
  properties: {
    image: { type: 'string' },
    command: { type: 'string' },
    missing: { type: 'boolean' },
    preloaded: { type: 'boolean' },
    shell: { type: 'boolean' },
    sizeBytes: { type: 'integer', minimum: 0 },
    pullMs: DELAY,
    startMs: DELAY,
    stopMs: DELAY,
    runMs: DELAY,
    exitCode: EXIT_CODE,
    stopExitCode: EXIT_CODE,
    probe: PROBE,
    ports: { type: 'array', items: { type: 'integer', minimum: 1, maximum: 65_535 } },
    response: RESPONSE,
  },
};

export default definePlugin<BehaviourConfig>({
  name: 'runtime.sim',
  config: {
    type: 'object',
    additionalProperties: false,
    properties: {
      pullMs: { ...DELAY, default: 0 },
      startMs: { ...DELAY, default: 0 },
      stopMs: { ...DELAY, default: 0 },
      images: { type: 'array', items: RULE, default: [] },
    },
  },
  activate(ctx) {
    const { config, clock, events, random, log } = ctx;
    const network = new SimNetwork(clock);
    const loads = new Loads(ctx, () => metrics.update());
    const list = () => loads.list();
    const meter = new UsageMeter({ clock, events, loads: list, seed: random.integer(2 ** 32) });
    const metrics = new LoadMetrics({
      ...{ loads: list, meter },
      provide: source => ctx.provide(customMetricsPoint, source),
    });
    ctx.provide(runtimePoint, new SimRuntime({ config, clock, random, log, network, meter }));
    ctx.provide(clusterNetworkPoint, network);
  },
});
