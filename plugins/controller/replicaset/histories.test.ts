import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  type ApiError,
  controllerOf,
  isPodActive,
  keyOf,
  type ObjectRequest,
  Pod,
  parseKey,
  ReplicaSet,
  serviceUnavailable,
} from 'kernetes/sdk';
import { activate, fakeClock, pod, replicaSet, running, TestKernel } from 'kernetes/sdk/testing';
import plugin from './plugin.ts';

/** One thing that happens; `n` says which pod, how many, how long. */
interface Step {
  readonly do: (typeof OWN)[number] | (typeof OTHERS)[number];
  readonly n: number;
}

/** What befalls the controller and its writes. */
const OWN = [
  'scale',
  'scale',
  'ready',
  'refuse',
  'lose',
  'lose',
  'hold',
  'release',
  'crash',
  'wait',
] as const;
/** What others do to its pods. */
const OTHERS = ['fail', 'delete', 'linger', 'end', 'relabel', 'orphan', 'add'] as const;

const KEY = 'default/web';
const LABELS = { app: 'web' };

function historiesOf(deeds: readonly Step['do'][]): fc.Arbitrary<Step[]> {
  const step = fc.record({ do: fc.constantFrom(...deeds), n: fc.nat({ max: 6 }) });
  return fc.array(step, { maxLength: 30 });
}

for (const { name, deeds } of [
  {
    name: 'whatever happens to a ReplicaSet and its pods, it ends with as many as it wants',
    deeds: [...OWN, ...OTHERS],
  },
  { name: 'by itself it never has more pods than were wanted, or fewer', deeds: OWN },
]) {
  test(name, async () => {
    await fc.assert(
      fc.asyncProperty(historiesOf(deeds), async history => {
        const world = new World({ keepsBounds: deeds === OWN });
        await world.start();
        for (const step of history) {
          await world.apply(step);
          await world.clock.step(5);
        }
        await world.settle();
        await world.stop();
        assert.deepEqual(world.violations, []);
        world.assertEnd();
      }),
      { numRuns: 200 },
    );
  });
}

class World {
  readonly clock = fakeClock();
  readonly kernel = new TestKernel({ clock: this.clock });
  readonly violations: string[] = [];
  #stop: () => Promise<void> = async () => {};
  #release: (() => void) | undefined;
  #refusals = 0;
  #losses = 0;
  /** What was wanted at any time since all was seen. */
  #wanted = [3];
  #added = 0;

  constructor({ keepsBounds }: { readonly keepsBounds: boolean }) {
    this.kernel.add(ReplicaSet, replicaSet('web', { replicas: 3 }));
    this.kernel.fault = request => {
      if (keepsBounds && request.resource === 'pods') this.#judge(request);
      return this.#fault(request);
    };
  }

  async start(): Promise<void> {
    this.#stop = (await activate(plugin, { kernel: this.kernel, clock: this.clock })).dispose;
  }

  async stop(): Promise<void> {
    await this.#stop();
  }

  async apply({ do: deed, n }: Step): Promise<void> {
    const { kernel } = this;
    const chosen = kernel.all(Pod)[n];
    switch (deed) {
      case 'scale':
        return this.#scale(n);
      case 'ready':
        return this.#change(chosen, each => {
          each.status = running({ since: new Date(this.clock.now()).toISOString() });
        });
      case 'refuse':
        this.#refusals = n;
        return;
      case 'lose':
        this.#losses = n;
        return;
      case 'hold':
        this.#release ??= kernel.holdWatches(n % 3 ? { resource: 'pods' } : {});
        return;
      case 'release':
        return this.#letGo();
      case 'crash':
        await this.#stop();
        return this.start();
      case 'wait':
        // Less than five minutes in all: after that it acts on an old copy rather than never.
        return this.clock.step(n * 1_000);
      case 'fail':
        return this.#change(chosen, each => {
          each.status = { phase: n % 2 ? 'Failed' : 'Succeeded' };
        });
      case 'delete':
        return chosen && kernel.objects.delete(Pod, parseKey(keyOf(chosen)));
      case 'linger':
        return this.#change(chosen, ({ metadata }) => {
          metadata.finalizers = ['example.com/slow'];
        });
      case 'end':
        return this.#end();
      case 'relabel':
        return this.#change(chosen, ({ metadata }) => {
          metadata.labels = { app: 'debug' };
        });
      case 'orphan':
        return this.#change(chosen, ({ metadata }) => {
          delete metadata.ownerReferences;
        });
      case 'add':
        kernel.add(Pod, pod(`added-${this.#added++}`, { metadata: { labels: LABELS } }));
    }
  }

  /** Nothing goes wrong any more, and time passes. */
  async settle(): Promise<void> {
    this.#letGo();
    this.#refusals = 0;
    this.#losses = 0;
    this.#end();
    await this.clock.step(3_600_000);
  }

  assertEnd(): void {
    const { spec, status } = this.kernel.get(ReplicaSet, KEY) ?? {};
    assert.equal(this.#owned().length, spec?.replicas);
    assert.equal(status?.replicas, spec?.replicas);
    const selected = this.kernel
      .all(Pod)
      .filter(p => isPodActive(p) && p.metadata.labels?.app === 'web');
    assert.equal(selected.length, spec?.replicas, 'none is left an orphan');
  }

  #scale(replicas: number): void {
    this.#wanted.push(replicas);
    this.kernel.modify(ReplicaSet, KEY, ({ spec }) => {
      if (spec) spec.replicas = replicas;
    });
  }

  #change(chosen: Pod | undefined, change: (pod: Pod) => void): void {
    if (chosen && this.kernel.get(Pod, keyOf(chosen))) {
      this.kernel.modify(Pod, keyOf(chosen), change);
    }
  }

  #end(): void {
    for (const each of this.kernel.all(Pod)) {
      this.#change(each, ({ metadata }) => {
        metadata.finalizers = [];
      });
    }
  }

  #letGo(): void {
    this.#release?.();
    this.#release = undefined;
  }

  #owned(): Pod[] {
    return this.kernel.all(Pod).filter(each => isPodActive(each) && controllerOf(each));
  }

  /** Asked before each write of a pod: whether anybody has wanted it. */
  #judge({ verb, name }: ObjectRequest): void {
    const { length } = this.#owned();
    if (verb === 'create' && length >= Math.max(...this.#wanted)) {
      this.violations.push(`${length} pods, and one more is made`);
    }
    const isThere = this.#owned().some(({ metadata }) => metadata.name === name);
    if (verb === 'delete' && isThere && length <= Math.min(...this.#wanted)) {
      this.violations.push(`${length} pods, and one is deleted`);
    }
  }

  #fault(request: ObjectRequest): ApiError | undefined {
    const isWrite = !['get', 'list'].includes(request.verb) && request.resource !== 'events';
    if (!isWrite) return undefined;
    if (this.#refusals > 0) {
      this.#refusals--;
      return serviceUnavailable('down');
    }
    if (this.#losses === 0) return undefined;
    this.#losses--;
    this.kernel.objects.request(request).catch(() => {
      // It was wrong, too; the controller is told of the loss alone.
    });
    return serviceUnavailable('the answer was lost');
  }
}
