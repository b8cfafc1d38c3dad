import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  type ClusterTracker,
  type Contribution,
  createSchedulerContribution,
  type Pod,
  type SchedulerContribution,
  type SchedulerPlugin,
  verdict,
} from 'kernetes/sdk';
import { fakeClock, node, pod, seededRandom } from 'kernetes/sdk/testing';
import { Scheduler } from './scheduler.ts';
import { local, remote } from './test-setup.ts';

/**
 * What may happen while pods are scheduled, in any order: plugins come, change and go, so do nodes
 * and pods, bindings fail or their answers are lost. In the end, with everything there and sound,
 * each pod runs on one node, no node runs too many, and nobody counts what is not there.
 */
const STEPS = fc.oneof(
  fc.record({ do: fc.constant('pods' as const), count: fc.integer({ min: 1, max: 6 }) }),
  fc.record({ do: fc.constant('deletePod' as const), which: fc.nat(30) }),
  fc.record({ do: fc.constant('replacePod' as const), which: fc.nat(10) }),
  fc.record({ do: fc.constant('node' as const), which: fc.nat(4) }),
  fc.record({ do: fc.constant('removeNode' as const), which: fc.nat(4) }),
  fc.record({
    do: fc.constant('plugins' as const),
    set: fc.subarray([
      ...['Gang', 'Picky', 'Remote', 'Counting', 'Throwing', 'Preempting'],
      ...['Refusing', 'Gating', 'Holding'],
    ]),
  }),
  fc.record({
    do: fc.constant('binder' as const),
    mode: fc.constantFrom('sound' as const, 'refusing' as const, 'lossy' as const, 'slow' as const),
  }),
  fc.record({ do: fc.constant('time' as const), ms: fc.integer({ min: 0, max: 15_000 }) }),
);
type Step = typeof STEPS extends fc.Arbitrary<infer T> ? T : never;

const PODS_PER_NODE = 8;
/** Longer than `settle` waits: who is held by a plugin that is gone is held in vain. */
const HELD_MS = 600_000;
const NODE_COUNT = 5;

test('plugins swapped while pods are scheduled lose no pod and place none twice', async () => {
  const property = fc.asyncProperty(
    fc.array(STEPS, { minLength: 5, maxLength: 25 }),
    fc.nat(1000),
    async (steps, seed) => {
      const cluster = new TestCluster(seed);
      for (const step of steps) await cluster.run(step);
      await cluster.settle();
      cluster.check();
    },
  );
  await fc.assert(property, { numRuns: 40, seed: 5 });
});

class TestCluster {
  readonly #clock = fakeClock();
  readonly #scheduler: Scheduler;
  /** As the API has them: by name, with their node. */
  readonly #pods = new Map<string, { pod: Pod; nodeName?: string }>();
  readonly #nodes = new Set<string>();
  readonly #doublyBound: string[] = [];
  readonly #contributions = new Map<string, Contribution<SchedulerContribution>>();
  #tracked = new Map<string, string>();
  #mode: 'sound' | 'refusing' | 'lossy' | 'slow' = 'sound';
  #count = 0;

  constructor(seed: number) {
    const quiet = () => {};
    this.#scheduler = new Scheduler({
      clock: this.#clock,
      random: seededRandom(seed),
      log: { debug: quiet, info: quiet, warn: quiet, error: quiet },
      events: { event: quiet },
      status: { tell: quiet, nominate: quiet, forget: quiet, observe: quiet },
      profiles: [{ schedulerName: 'default-scheduler', plugins: [] }],
    });
    this.#setPlugins([]);
    for (let i = 0; i < NODE_COUNT; i++) this.#setNode(`n${i}`);
    this.#scheduler.start();
  }

  async run(step: Step): Promise<void> {
    if (step.do === 'pods') this.#addPods(step.count);
    else if (step.do === 'deletePod') this.#deletePod(`p${step.which}`);
    else if (step.do === 'replacePod') this.#replacePod(`p${step.which}`);
    else if (step.do === 'node') this.#setNode(`n${step.which}`);
    else if (step.do === 'removeNode') this.#removeNode(`n${step.which}`);
    else if (step.do === 'plugins') this.#setPlugins(step.set);
    else if (step.do === 'binder') this.#mode = step.mode;
    else await this.#clock.step(step.ms);
  }

  /** All is well from here on. */
  async settle(): Promise<void> {
    this.#mode = 'sound';
    for (let i = 0; i < NODE_COUNT; i++) this.#setNode(`n${i}`);
    this.#setPlugins(['Counting']);
    await this.#clock.step(120_000);
  }

  check(): void {
    assert.deepEqual(this.#doublyBound, []);
    const counts = new Map<string, number>();
    for (const [name, { nodeName }] of this.#pods) {
      const room = this.#pods.size <= NODE_COUNT * PODS_PER_NODE;
      if (room) assert.ok(nodeName, `${name} has no node`);
      if (nodeName) counts.set(nodeName, (counts.get(nodeName) ?? 0) + 1);
    }
    for (const state of this.#scheduler.cache.nodes) {
      assert.ok(state.pods.length <= PODS_PER_NODE, `${state.name} runs ${state.pods.length}`);
      assert.equal(state.pods.length, counts.get(state.name) ?? 0, state.name);
    }
    const running = [...this.#pods].filter(([, { nodeName }]) => nodeName);
    const places = running.map(([name, { nodeName }]) => [name, nodeName as string] as const);
    assert.deepEqual([...this.#tracked].sort(), places.sort());
    const { active, backoff, scheduling, gated } = this.#scheduler.queue.counts;
    assert.deepEqual({ active, backoff, scheduling, gated }, EMPTY);
  }

  #addPods(count: number): void {
    for (let i = 0; i < count; i++) this.#addPod(`p${this.#count}`);
  }

  #addPod(name: string): void {
    const metadata = { uid: `u${this.#count++}` };
    const one = pod(name, { metadata, spec: { containers: [] } });
    this.#pods.set(name, { pod: one });
    this.#scheduler.setPod(one);
  }

  /** As a StatefulSet does: another of the same name. */
  #replacePod(name: string): void {
    if (!this.#pods.has(name)) return;
    this.#deletePod(name);
    this.#addPod(name);
  }

  #deletePod(name: string): void {
    const known = this.#pods.get(name);
    if (!known) return;
    this.#pods.delete(name);
    this.#scheduler.removePod(known.pod);
  }

  #setNode(name: string): void {
    this.#nodes.add(name);
    this.#scheduler.setNode(node(name));
  }

  /** With its pods, as the controllers would. */
  #removeNode(name: string): void {
    this.#nodes.delete(name);
    this.#scheduler.removeNode(name);
    for (const [key, { nodeName }] of this.#pods) if (nodeName === name) this.#deletePod(key);
  }

  #setPlugins(set: readonly string[]): void {
    const names = ['Room', ...set, 'Binder'];
    // One that is there before and after is the same; one that comes again is another.
    for (const name of this.#contributions.keys()) {
      if (!names.includes(name)) this.#contributions.delete(name);
    }
    for (const name of names) {
      if (!this.#contributions.has(name)) this.#contributions.set(name, this.#make(name));
    }
    this.#scheduler.setPlugins(names.flatMap(name => this.#contributions.get(name) ?? []));
  }

  #make(name: string): Contribution<SchedulerContribution> {
    if (name === 'Remote') return remote({ name, score: ({ node: at }) => at.requested.pods });
    if (name !== 'Counting') return local({ name, ...this.#pluginOf(name) });
    const value = createSchedulerContribution(() => this.#counting(), {});
    return { name, plugin: name, value, remote: false };
  }

  #pluginOf(name: string): Partial<SchedulerPlugin> {
    switch (name) {
      case 'Room':
        return ROOM;
      case 'Gang':
        return gang();
      case 'Picky':
        return { score: ({ node: at }) => at.pods.length, reserve: pickyReserve() };
      case 'Throwing':
        return { score: failingNowAndThen(), onFailure: 'fail' };
      case 'Refusing':
        return { requeueOn: [], filter: () => verdict.unschedulable('refused') };
      case 'Gating':
        return { preEnqueue: () => verdict.unschedulable('gated') };
      case 'Holding':
        return { permit: () => verdict.wait(new Promise(() => {}), HELD_MS) };
      case 'Preempting':
        return { postFilter: async ({ nodes }) => ({ nodeName: nodes[0]?.name ?? '' }) };
      default:
        return { bind: bindings => this.#bind(bindings) };
    }
  }

  #counting(): SchedulerPlugin {
    const tracked = new Map<string, string>();
    this.#tracked = tracked;
    const nodes = new Set<string>();
    const tracker: ClusterTracker = {
      nodeAdded: ({ name }) => void nodes.add(name),
      nodeRemoved({ name }) {
        assert.ok(![...tracked.values()].includes(name), 'its pods go first');
        nodes.delete(name);
      },
      podAdded(one, at) {
        assert.ok(nodes.has(at.name) && !tracked.has(one.name));
        tracked.set(one.name, at.name);
      },
      podRemoved: one => assert.ok(tracked.delete(one.name)),
    };
    return { name: 'Counting', track: () => tracker };
  }

  async #bind(bindings: Parameters<NonNullable<SchedulerPlugin['bind']>>[0]) {
    const mode = this.#mode;
    if (mode === 'slow') await this.#after(2_000);
    const verdicts = bindings.map(({ pod: { name, uid }, nodeName }) => {
      const known = this.#pods.get(name);
      if (mode === 'refusing' || known?.pod.metadata.uid !== uid) {
        return verdict.unschedulable('binding rejected');
      }
      if (known.nodeName !== undefined) {
        // As the API does: a pod is bound once.
        if (known.nodeName !== nodeName) return verdict.unschedulable('is bound already');
        this.#doublyBound.push(name);
        return undefined;
      }
      if (!this.#nodes.has(nodeName)) return verdict.unschedulable('no such node');
      known.nodeName = nodeName;
      known.pod = pod(name, { metadata: { uid }, spec: { containers: [], nodeName } });
      const told = known.pod;
      queueMicrotask(() => this.#pods.get(name)?.pod === told && this.#scheduler.setPod(told));
      return undefined;
    });
    if (mode === 'lossy') await new Promise(() => {});
    return verdicts;
  }

  #after(ms: number): Promise<void> {
    return new Promise(resolve => void this.#clock.setTimeout(resolve, ms));
  }
}

const EMPTY = { active: 0, backoff: 0, scheduling: 0, gated: 0 };

const ROOM: Partial<SchedulerPlugin> = {
  cacheable: true,
  filter: ({ node: { pods } }) =>
    pods.length >= PODS_PER_NODE ? verdict.unschedulable('Too many pods') : undefined,
};

/** Two by two. */
function gang(): Partial<SchedulerPlugin> {
  const held: (() => void)[] = [];
  return {
    permit() {
      const release = held.pop();
      if (release) {
        release();
        return undefined;
      }
      return verdict.wait(new Promise(resolve => held.push(() => resolve(undefined))), 3_000);
    },
  };
}

function pickyReserve(): NonNullable<SchedulerPlugin['reserve']> {
  let calls = 0;
  return () => (++calls % 3 === 0 ? verdict.unschedulable('picky') : undefined);
}

function failingNowAndThen(): NonNullable<SchedulerPlugin['score']> {
  let calls = 0;
  return () => {
    if (++calls % 7 === 0) throw new Error('not now');
    return calls % 11 === 0 ? Number.NaN : 50;
  };
}
