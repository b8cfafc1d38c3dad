import type { KernelLink } from '../link.ts';
import type { PluginContext, PluginDefinition } from '../plugin.ts';
import { PluginLife } from '../plugin-life.ts';
import type { Random } from '../random.ts';
import type { SharedElections } from '../shared-elections.ts';
import { SharedInformers } from '../shared-informers.ts';
import { type FakeClock, fakeClock } from './fake-clock.ts';
import { seededRandom } from './seeded-random.ts';
import { TestKernel } from './test-kernel.ts';

export interface TestContextOptions<C> {
  readonly name?: string;
  /** As it is: a schema's defaults are not filled in. */
  readonly config?: C;
  /** Share one to run several plugins on the same objects. */
  readonly kernel?: TestKernel;
  readonly clock?: FakeClock;
  readonly random?: Random;
  /** Default: the kernel's for the plugin. */
  readonly link?: KernelLink;
  /** Those of the process that it runs in. Absent: nobody is elected, and all may act. */
  readonly elections?: SharedElections;
}

export interface TestContext<C> {
  readonly context: PluginContext<C>;
  readonly kernel: TestKernel;
  readonly clock: FakeClock;
  dispose(): Promise<void>;
}

/** A plugin's context on a kernel in memory, and a clock that stands still. */
export function testContext<C = Record<string, never>>(
  options: TestContextOptions<C> = {},
): TestContext<C> {
  return testLife({ name: 'test', activate() {} }, options);
}

/** Activates a plugin in a test context, and lets it do what it does at once. */
export async function activate<C>(
  plugin: PluginDefinition<C>,
  options: TestContextOptions<C> = {},
): Promise<TestContext<C>> {
  const { life, ...test } = testLife<C>(plugin, options);
  await life.activate();
  await test.clock.step(0);
  return test;
}

function testLife<C>(plugin: PluginDefinition<C>, options: TestContextOptions<C>) {
  const { name = plugin.name, clock = fakeClock(), random = seededRandom(), elections } = options;
  const kernel = options.kernel ?? new TestKernel({ clock, random });
  const link = options.link ?? kernel.link(name);
  // Whoever calls it says that the config fits the plugin.
  const life = new PluginLife(plugin as PluginDefinition, {
    ...{ name, link, clock, random },
    config: options.config ?? {},
    shared: new SharedInformers({ clock, random }),
    ...(elections && { elections }),
  });
  const context = life.context as PluginContext<C>;
  return { life, context, kernel, clock, dispose: () => life.dispose() };
}
