import { deserialize, serialize } from 'node:v8';
import {
  type Consultation,
  type Contribution,
  createSchedulerContribution,
  type EvaluateBatch,
  type Node,
  Pod,
  type PointCall,
  provideSchedulerPlugin,
  type SchedulerContribution,
  type SchedulerPlugin,
} from 'kernetes/sdk';
import { activate, seededRandom, testContext } from 'kernetes/sdk/testing';
import framework from './plugin.ts';
import type { PluginSetting, ProfileSettings } from './profile/profile.ts';
import { Scheduler } from './scheduler.ts';
import type { SchedulerMetrics } from './scheduler-metrics.ts';

/** For the tests of this folder: a scheduler on a test kernel, with plugins made on the spot. */
export async function startScheduler(options: StartOptions) {
  const { plugins, binder = true, settings = plugins.map(({ name }) => ({ name })) } = options;
  const test = testContext({ name: 'plugins', config: {} });
  const { kernel, clock } = test;
  for (const plugin of plugins) provideSchedulerPlugin(test.context, plugin);
  if (binder) {
    provideSchedulerPlugin(test.context, {
      name: 'TestBinder',
      async bind(bindings) {
        for (const { pod, nodeName } of bindings) {
          kernel.modify(Pod, pod.key, object => {
            if (object.spec) object.spec.nodeName = nodeName;
          });
        }
        return bindings.map(() => undefined);
      },
    });
  }
  const config = {
    schedulerName: 'default-scheduler',
    percentageOfNodesToScore: 0,
    plugins: settings,
    ...(options.profiles && { profiles: options.profiles }),
  };
  const { dispose } = await activate(framework, { kernel, clock, config });
  await clock.step(0);
  return {
    kernel,
    clock,
    context: test.context,
    dispose,
    nodeOf: (name: string) => kernel.get(Pod, `default/${name}`)?.spec?.nodeName,
  };
}

export interface StartOptions {
  readonly plugins: readonly SchedulerPlugin[];
  readonly settings?: readonly PluginSetting[];
  readonly profiles?: readonly ProfileSettings[];
  /** Default true. */
  readonly binder?: boolean;
}

/** A scheduler without a kernel, for placements that only the contributions decide. */
export function bareScheduler(
  contributions: readonly Contribution<SchedulerContribution>[],
  options: BareOptions,
): Scheduler {
  const quiet = () => {};
  const scheduler = new Scheduler({
    clock: options.clock,
    random: seededRandom(options.seed ?? 1),
    log: { debug: quiet, info: quiet, warn: quiet, error: quiet },
    events: {
      event: ({ metadata }, type, reason, message) =>
        options.events?.push({ pod: metadata.name ?? '', type, reason, message }),
    },
    ...(options.metrics && { metrics: options.metrics }),
    ...(options.plain && { plain: true }),
    status: { tell: quiet, nominate: quiet, forget: quiet, observe: quiet },
    profiles: [
      {
        schedulerName: 'default-scheduler',
        plugins: [],
        percentageOfNodesToScore: options.percentageOfNodesToScore ?? 0,
      },
    ],
  });
  const placed = options.placed;
  const binder: SchedulerPlugin = {
    name: 'TestBinder',
    async bind(bindings) {
      for (const { pod, nodeName } of bindings) placed.set(pod.name, nodeName);
      return bindings.map(() => undefined);
    },
  };
  scheduler.setPlugins([...contributions, local(binder)]);
  for (const node of options.nodes) scheduler.setNode(node);
  scheduler.start();
  return scheduler;
}

export interface BareOptions {
  readonly clock: ReturnType<typeof testContext>['clock'];
  readonly nodes: readonly Node[];
  /** Filled with what is bound. */
  readonly placed: Map<string, string>;
  readonly events?: RecordedEvent[];
  readonly seed?: number;
  readonly percentageOfNodesToScore?: number;
  readonly metrics?: SchedulerMetrics;
  /** Without anything done for speed. */
  readonly plain?: boolean;
}

export interface RecordedEvent {
  readonly pod: string;
  readonly type: string;
  readonly reason: string;
  readonly message: string;
}

export function local<C, S>(
  plugin: SchedulerPlugin<C, S>,
  options = {} as C,
): Contribution<SchedulerContribution> {
  const value = createSchedulerContribution(plugin, options);
  return { name: plugin.name, plugin: plugin.name, value, remote: false };
}

/** As if the plugin were in another thread: all that goes there and back is a copy. */
export function remote<C, S>(
  plugin: SchedulerPlugin<C, S>,
  options = {} as C,
): Contribution<SchedulerContribution> & { readonly messages: EvaluateBatch[] } {
  const there = createSchedulerContribution(plugin, options);
  const messages: EvaluateBatch[] = [];
  const value: SchedulerContribution = {
    ...deserialize(serialize({ ...there })),
    async evaluate(batch: EvaluateBatch) {
      messages.push(batch);
      return deserialize(serialize(await there.evaluate(deserialize(serialize(batch)))));
    },
    invoke: async (call: PointCall) =>
      deserialize(serialize(await there.invoke(deserialize(serialize(call))))),
    consult: async (question: Consultation) =>
      deserialize(serialize(await there.consult(deserialize(serialize(question))))),
  };
  return { name: plugin.name, plugin: plugin.name, value, remote: true, messages };
}
