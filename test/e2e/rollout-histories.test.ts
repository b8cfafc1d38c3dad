import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import {
  type ApiError,
  Deployment,
  isPodActive,
  isPodReady,
  keyOf,
  type ObjectRequest,
  Pod,
  type PodTemplateSpec,
  ReplicaSet,
  scaledValue,
  serviceUnavailable,
} from 'kernetes/sdk';
import { activate, deployment, fakeClock, running, TestKernel } from 'kernetes/sdk/testing';
import deploymentPlugin from '../../plugins/controller/deployment/plugin.ts';
import replicaSetPlugin from '../../plugins/controller/replicaset/plugin.ts';

/** What can happen to a Deployment. `ready`, `fail` and `remove` name a pod by its place in a list. */
type Step =
  | { readonly do: 'scale'; readonly replicas: number }
  | { readonly do: 'image'; readonly image: number }
  | { readonly do: 'pause' | 'resume' | 'crash' | 'release' }
  /** All news are late, or those of one kind. */
  | { readonly do: 'hold'; readonly resource?: string }
  | { readonly do: 'ready' | 'fail' | 'remove'; readonly pod: number }
  /** So many writes are refused, or done without an answer. */
  | { readonly do: 'refuse' | 'lose'; readonly writes: number }
  | { readonly do: 'wait'; readonly ms: number };

const pod = fc.nat(20);
const scale = fc.record({ do: fc.constant('scale' as const), replicas: fc.nat(8) });
const image = fc.record({ do: fc.constant('image' as const), image: fc.nat(3) });
const ready = fc.record({ do: fc.constant('ready' as const), pod });
const wait = fc.record({ do: fc.constant('wait' as const), ms: fc.nat(2000) });
const refuse = fc.record({
  do: fc.constantFrom('refuse' as const, 'lose' as const),
  writes: fc.integer({ min: 1, max: 5 }),
});
const plain = fc.constantFrom<Step>(
  { do: 'pause' },
  { do: 'resume' },
  { do: 'crash' },
  { do: 'hold' },
  { do: 'hold', resource: 'pods' },
  { do: 'release' },
);
const broken = fc.record({ do: fc.constantFrom('fail' as const, 'remove' as const), pod });
const bound = fc.oneof(fc.nat(3), fc.constantFrom('25%', '50%', '100%', '0%'));
const strategy = fc.record({ maxSurge: bound, maxUnavailable: bound });

it('a Deployment ends as it is specified, whatever happens on the way', async () => {
  const steps = fc.array(
    fc.oneof(scale, image, { arbitrary: ready, weight: 4 }, wait, refuse, plain, broken),
    { maxLength: 25 },
  );
  await fc.assert(
    fc.asyncProperty(fc.boolean(), strategy, steps, async (recreates, rollingUpdate, history) => {
      const world = await World.create(
        recreates ? { type: 'Recreate' } : { type: 'RollingUpdate', rollingUpdate },
      );
      for (const step of history) await world.take(step);
      await world.settle();
      world.assertEnd();
      await world.dispose();
    }),
    { numRuns: 150 },
  );
});

it('a rolling update keeps its bounds at every step', async () => {
  // Pods only ever become ready: what fails by itself is not the controller's doing.
  const steps = fc.array(
    fc.oneof(scale, image, { arbitrary: ready, weight: 6 }, wait, refuse, plain),
    { maxLength: 30 },
  );
  await fc.assert(
    fc.asyncProperty(strategy, steps, async (rollingUpdate, history) => {
      const world = await World.create({ type: 'RollingUpdate', rollingUpdate });
      await world.settle();
      world.keepBounds();
      for (const step of history) await world.take(step);
      await world.settle();
      world.assertEnd();
      await world.dispose();
    }),
    { numRuns: 150 },
  );
});

type Spec = NonNullable<Deployment['spec']>;

const KEY = 'default/web';
const PLUGINS = [deploymentPlugin, replicaSetPlugin] as const;

/** The two controllers on one kernel in memory, and whoever else there is in their world. */
class World {
  readonly #clock = fakeClock();
  readonly #kernel = new TestKernel({ clock: this.#clock });
  #running: { dispose(): Promise<void> }[] = [];
  #release: (() => void) | undefined;
  #refusals = 0;
  #losses = 0;
  /** The most pods that any spec since the last rest allowed, and the fewest available ones. */
  #bounds: { most: number; least: number } | undefined;
  readonly #violations: string[] = [];

  static async create(strategy: Spec['strategy']): Promise<World> {
    const world = new World();
    world.#kernel.add(
      Deployment,
      deployment('web', {
        replicas: 3,
        progressDeadlineSeconds: 600,
        ...(strategy && { strategy }),
      }),
    );
    world.#kernel.fault = request => {
      const { verb, resource } = request;
      const isWrite = verb !== 'get' && verb !== 'list' && resource !== 'events';
      if (isWrite && world.#refusals > 0) {
        world.#refusals--;
        return serviceUnavailable('refused');
      }
      if (resource === 'pods') world.#checkBounds(request);
      return isWrite && world.#losses > 0 ? world.#lose(request) : undefined;
    };
    await world.#start();
    return world;
  }

  async take(step: Step): Promise<void> {
    switch (step.do) {
      case 'scale':
        this.#change({ replicas: step.replicas });
        break;
      case 'image':
        this.#change({ template: templateOf(step.image) });
        break;
      case 'pause':
      case 'resume':
        this.#change({ paused: step.do === 'pause' });
        break;
      case 'crash':
        await this.dispose();
        await this.#start();
        break;
      case 'hold':
        this.#release ??= this.#kernel.holdWatches(
          step.resource ? { resource: step.resource } : {},
        );
        break;
      case 'release':
        this.#letGo();
        break;
      case 'refuse':
        this.#refusals = step.writes;
        break;
      case 'lose':
        this.#losses = step.writes;
        break;
      case 'wait':
        await this.#clock.step(step.ms);
        break;
      default:
        await this.#happen(step.do, step.pod);
    }
    await this.#clock.step(0);
  }

  /** Everybody has the time that it takes, and every pod becomes ready. */
  async settle(): Promise<void> {
    this.#letGo();
    this.#refusals = 0;
    this.#losses = 0;
    this.#change({ paused: false });
    for (let quiet = 0; quiet < 3; quiet++) {
      await this.#clock.step(30_000);
      for (const each of this.#pods().filter(p => !isPodReady(p))) {
        this.#setReady(each);
        quiet = -1;
      }
    }
  }

  keepBounds(): void {
    const { spec } = this.#deployment();
    this.#bounds = boundsOf(spec);
  }

  assertEnd(): void {
    assert.deepEqual(this.#violations, []);
    const { spec, status } = this.#deployment();
    const pods = this.#pods();
    const images = new Set(pods.map(each => each.spec?.containers[0]?.image));
    assert.equal(pods.length, spec?.replicas, 'pods');
    if (pods.length > 0) {
      assert.deepEqual([...images], [spec?.template.spec?.containers[0]?.image], 'images');
    }
    assert.equal(status?.updatedReplicas ?? 0, spec?.replicas, 'updatedReplicas');
    assert.equal(status?.availableReplicas ?? 0, spec?.replicas, 'availableReplicas');
    assert.equal(status?.replicas ?? 0, spec?.replicas, 'replicas');
    const sized = this.#kernel.all(ReplicaSet).filter(set => (set.spec?.replicas ?? 0) > 0);
    assert.ok(sized.length <= 1, 'old ReplicaSets are empty');
  }

  async dispose(): Promise<void> {
    this.#letGo();
    for (const each of this.#running) await each.dispose();
    this.#running = [];
  }

  async #start(): Promise<void> {
    const options = { kernel: this.#kernel, clock: this.#clock };
    for (const plugin of PLUGINS) this.#running.push(await activate(plugin, options));
  }

  async #happen(what: 'ready' | 'fail' | 'remove', index: number): Promise<void> {
    const pods = this.#pods().sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
    const chosen = pods[index % Math.max(1, pods.length)];
    if (!chosen) return;
    const { name = '' } = chosen.metadata;
    if (what === 'ready') this.#setReady(chosen);
    else if (what === 'remove') {
      await this.#kernel.objects.delete(Pod, { namespace: 'default', name });
    } else {
      this.#kernel.modify(Pod, keyOf(chosen), each => {
        each.status = { phase: 'Failed' };
      });
    }
  }

  #setReady(chosen: Pod): void {
    this.#kernel.modify(Pod, keyOf(chosen), each => {
      each.status = running({ since: new Date(this.#clock.now()).toISOString() });
    });
  }

  #change(change: Partial<Spec>): void {
    const { spec } = this.#kernel.modify(Deployment, KEY, each => {
      if (each.spec) Object.assign(each.spec, change);
    });
    if (!this.#bounds) return;
    const { most, least } = boundsOf(spec);
    this.#bounds.most = Math.max(this.#bounds.most, most);
    this.#bounds.least = Math.min(this.#bounds.least, least);
  }

  #lose(request: ObjectRequest): ApiError {
    this.#losses--;
    this.#kernel.objects.request(request).catch(() => {
      // It was wrong, too; the controller is told of the loss alone.
    });
    return serviceUnavailable('the answer was lost');
  }

  /** Asked before each write of a pod: whether it would go past what the specs allow. */
  #checkBounds({ verb, name }: ObjectRequest): void {
    if (!this.#bounds) return;
    const pods = this.#pods();
    const available = pods.filter(isPodReady).length;
    const losesAvailable = pods.some(p => isPodReady(p) && p.metadata.name === name);
    if (verb === 'create' && pods.length >= this.#bounds.most) {
      this.#violations.push(`${pods.length} pods, and one more is made`);
    }
    if (verb === 'delete' && losesAvailable && available <= this.#bounds.least) {
      this.#violations.push(`${available} pods are available, and one is deleted`);
    }
  }

  #letGo(): void {
    this.#release?.();
    this.#release = undefined;
  }

  #pods(): Pod[] {
    return this.#kernel.all(Pod).filter(isPodActive);
  }

  #deployment(): Deployment {
    const found = this.#kernel.get(Deployment, KEY);
    assert.ok(found);
    return found;
  }
}

function boundsOf(spec: Deployment['spec']): { most: number; least: number } {
  const { replicas = 1, strategy } = spec ?? {};
  const { maxSurge = 0, maxUnavailable = 0 } = strategy?.rollingUpdate ?? {};
  const surge = scaledValue(maxSurge, replicas, true);
  const missing = scaledValue(maxUnavailable, replicas, false);
  return {
    most: replicas + surge,
    least: replicas - (surge === 0 && missing === 0 ? 1 : missing),
  };
}

function templateOf(image: number): PodTemplateSpec {
  const labels = { app: 'web' };
  return { metadata: { labels }, spec: { containers: [{ name: 'main', image: `i:${image}` }] } };
}
