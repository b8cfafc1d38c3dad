import { readdirSync } from 'node:fs';
import { Ajv } from 'ajv';
import {
  type Contribution,
  createSchedulerContribution,
  type PluginDefinition,
  Pod,
  type SchedulerContribution,
  type SchedulerPlugin,
  schedulerPoint,
  verdict,
} from 'kernetes/sdk';
import { activate, fakeClock, seededRandom, TestKernel, testContext } from 'kernetes/sdk/testing';
import framework from '../../plugins/scheduler/framework/plugin.ts';
import {
  type FrameworkConfig,
  profilesOf,
} from '../../plugins/scheduler/framework/profile/config.ts';
import type { PluginSetting } from '../../plugins/scheduler/framework/profile/profile.ts';
import { Scheduler } from '../../plugins/scheduler/framework/scheduler.ts';

/**
 * The scheduler without an API server: queue, cycle, cache and binding cycle, all plugins of the
 * default list that there are, and a binder that agrees at once. Its clock is stepped, so that it
 * never waits: what is measured is work.
 */
export class SchedulerAlone {
  readonly scheduler: Scheduler;
  readonly #clock: ReturnType<typeof fakeClock>;
  readonly #kernel: TestKernel;
  readonly #ends: (() => Promise<void>)[];
  readonly #counts: { bound: number };
  /** For how many idle turns an answer may be under way. */
  readonly #patience: number;

  private constructor(parts: Parts) {
    this.scheduler = parts.scheduler;
    this.#clock = parts.clock;
    this.#kernel = parts.kernel;
    this.#ends = parts.ends;
    this.#counts = parts.counts;
    this.#patience = parts.patience;
  }

  static async make(options: AloneOptions = {}): Promise<SchedulerAlone> {
    const clock = fakeClock();
    const kernel = new TestKernel({ clock });
    const counts = { bound: 0 };
    const ends: (() => Promise<void>)[] = [];
    const contributions = [...(options.contributions ?? []), local(binder(counts, options.bind))];
    for (const definition of await builtins()) {
      const config = completed(definition);
      const { dispose } = await activate(definition, { clock, kernel, config });
      ends.push(dispose);
    }
    const { context } = testContext({ clock, kernel });
    contributions.push(...context.contributions(schedulerPoint).list());
    const patience = contributions.some(({ remote }) => remote) ? 4_000 : 2;
    const names = new Set(contributions.map(({ value }) => value.name));
    const quiet = () => {};
    const scheduler = new Scheduler({
      ...{ clock, random: seededRandom(options.seed ?? 1) },
      ...(options.plain && { plain: true }),
      ...(options.records === false && { records: false }),
      log: {
        debug: quiet,
        info: quiet,
        warn: options.bind ? quiet : console.warn,
        error: console.error,
      },
      events: { event: quiet },
      status: { tell: quiet, forget: quiet, observe: quiet, nominate: quiet } as never,
      profiles: [
        {
          schedulerName: 'default-scheduler',
          plugins: defaultPlugins().filter(({ name, optional }) => !optional || names.has(name)),
        },
      ],
    });
    scheduler.setPlugins(contributions);
    // Victims of a preemption.
    context.informer(Pod).on({ deleted: pod => scheduler.removePod(pod) });
    ends.push(async () => scheduler.stop());
    return new SchedulerAlone({ scheduler, clock, kernel, ends, counts, patience });
  }

  /** Pods that run already and may be deleted. */
  async settle(pods: readonly Pod[]): Promise<void> {
    this.#kernel.add(Pod, ...pods);
    for (const pod of pods) this.scheduler.setPod(pod);
    await this.step(0);
  }

  get bound(): number {
    return this.#counts.bound;
  }

  /** Runs until so many more pods are bound; gives the seconds that it took. */
  async place(pods: readonly Pod[]): Promise<Effort> {
    const wanted = this.bound + pods.length;
    for (const pod of pods) this.scheduler.setPod(pod);
    await turn();
    const start = process.hrtime.bigint();
    const cpu = process.cpuUsage();
    this.scheduler.start();
    let idle = 0;
    for (let before = this.bound; this.bound < wanted && idle < IDLE_MAX; before = this.bound) {
      // Nothing happens by itself: a back-off, or an answer from another thread, is waited for.
      await this.#clock.step(idle > this.#patience ? 1_000 : 0);
      if (idle > 2 && idle <= this.#patience) await new Promise(resolve => setTimeout(resolve, 1));
      else await turn();
      idle = this.bound === before ? idle + 1 : 0;
    }
    const { user, system } = process.cpuUsage(cpu);
    const seconds = Number(process.hrtime.bigint() - start) / 1e9;
    if (this.bound < wanted) throw new Error(`Placed ${this.bound} pods, want ${wanted}`);
    return { seconds, cpuSeconds: (user + system) / 1e6 };
  }

  /** Lets what is due happen. */
  async step(ms: number): Promise<void> {
    await this.#clock.step(ms);
    await turn();
  }

  async end(): Promise<void> {
    for (const end of this.#ends.reverse()) await end();
  }
}

export interface AloneOptions {
  /** Beside the default plugins. */
  readonly contributions?: readonly Contribution<SchedulerContribution>[];
  /** Answers bindings; false: refused. Default: agrees. */
  readonly bind?: (pod: string, nodeName: string) => boolean;
  readonly seed?: number;
  /** As the scheduler's. */
  readonly plain?: boolean;
  readonly records?: boolean;
}

export interface Effort {
  readonly seconds: number;
  /** Of all threads; steadier than the wall's on a machine that is shared. */
  readonly cpuSeconds: number;
}

interface Parts {
  readonly scheduler: Scheduler;
  readonly clock: ReturnType<typeof fakeClock>;
  readonly kernel: TestKernel;
  readonly ends: (() => Promise<void>)[];
  readonly counts: { bound: number };
  readonly patience: number;
}

/** Steps without a bound pod before it is given up. */
const IDLE_MAX = 5_000;
const FOLDER = new URL('../../plugins/scheduler/', import.meta.url);
const NOT_HERE = new Set(['framework', 'default-binder', 'http-extender']);

async function builtins(): Promise<PluginDefinition<unknown>[]> {
  const folders = readdirSync(FOLDER).filter(name => !NOT_HERE.has(name));
  const modules = folders.map(name => import(new URL(`${name}/plugin.ts`, FOLDER).href));
  return (await Promise.all(modules)).map(({ default: definition }) => definition);
}

function completed({ config: schema }: PluginDefinition<unknown>): unknown {
  const config = {};
  ajv.compile(schema ?? {})(config);
  return config;
}

/** Compiles a schema once. */
const ajv = new Ajv({ useDefaults: true, strict: false });

/** What a server without a word about it has. */
function defaultPlugins(): readonly PluginSetting[] {
  const [profile] = profilesOf(
    completed(framework as PluginDefinition<unknown>) as FrameworkConfig,
  );
  return profile?.plugins ?? [];
}

function binder(counts: { bound: number }, agrees?: AloneOptions['bind']): SchedulerPlugin {
  return {
    name: 'DefaultBinder',
    bind: async bindings =>
      bindings.map(({ pod, nodeName }) => {
        if (agrees?.(pod.name, nodeName) === false) return REFUSED;
        counts.bound++;
        return undefined;
      }),
  };
}

const REFUSED = verdict.unschedulable('the server refused');

export function local(plugin: SchedulerPlugin): Contribution<SchedulerContribution> {
  const value = createSchedulerContribution(plugin, {});
  return { name: value.name, plugin: value.name, value, remote: false };
}

function turn(): Promise<void> {
  return new Promise(resolve => setImmediate(resolve));
}
