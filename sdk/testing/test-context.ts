import { createContext } from '../context.ts';
import type { PluginContext, PluginDefinition } from '../plugin.ts';
import type { Random } from '../random.ts';
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
  const { name = 'test', clock = fakeClock(), random = seededRandom() } = options;
  const kernel = options.kernel ?? new TestKernel({ clock, random });
  const shared = new SharedInformers({ clock, random });
  const { context, dispose } = createContext<C>({
    name,
    config: options.config ?? ({} as C),
    link: kernel.link(name),
    clock,
    random,
    shared,
  });
  return { context, kernel, clock, dispose };
}

/** Activates a plugin in a test context, and lets it do what it does at once. */
export async function activate<C>(
  plugin: PluginDefinition<C>,
  options: TestContextOptions<C> = {},
): Promise<TestContext<C>> {
  const test = testContext<C>({ name: plugin.name, ...options });
  await plugin.activate(test.context);
  await test.clock.step(0);
  return test;
}
