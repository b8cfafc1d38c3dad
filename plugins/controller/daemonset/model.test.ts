import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import {
  DaemonSet,
  isPodFinished,
  isPodReady,
  keyOf,
  Node,
  Pod,
  scaledValue,
  serviceUnavailable,
} from 'kernetes/sdk';
import { activate, node, running, TestKernel } from 'kernetes/sdk/testing';
import { targetNode } from './daemon-pod.ts';
import plugin from './plugin.ts';

const NODES = ['a', 'b', 'c', 'd'];
const KEY = 'default/proxy';
const LABELS = { app: 'proxy' };
/** Keeps a deleted pod, as the grace period does. */
const GRACE = 'test/grace';
const EFFECTS = ['', 'PreferNoSchedule', 'NoSchedule', 'NoExecute', 'cordon'] as const;

type Effect = (typeof EFFECTS)[number];
type Step =
  | { readonly do: 'join' | 'leave' | 'crash' | 'unready'; readonly node: string }
  | { readonly do: 'taint'; readonly node: string; readonly effect: Effect }
  | { readonly do: 'image'; readonly image: number }
  | { readonly do: 'fail'; readonly writes: readonly boolean[] }
  | { readonly do: 'kubelet' | 'restart' | 'wait' | 'lag' };

const nodeName = fc.constantFrom(...NODES);
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constantFrom('join', 'leave', 'crash', 'unready'), node: nodeName }),
  fc.record({
    do: fc.constant('taint' as const),
    node: nodeName,
    effect: fc.constantFrom(...EFFECTS),
  }),
  fc.record({ do: fc.constant('image' as const), image: fc.nat(2) }),
  fc.record({ do: fc.constant('fail' as const), writes: fc.array(fc.boolean(), { maxLength: 6 }) }),
  { weight: 3, arbitrary: fc.record({ do: fc.constantFrom('kubelet', 'wait') }) },
  fc.record({ do: fc.constantFrom('restart', 'lag') }),
);
const strategy = fc.constantFrom(
  { maxUnavailable: 1 },
  { maxUnavailable: '50%' },
  { maxUnavailable: 0, maxSurge: 1 },
  { maxUnavailable: 0, maxSurge: '50%' },
);
type Strategy = { readonly maxUnavailable: number | string; readonly maxSurge?: number | string };

it('whatever happens, every fitting node ends with one new pod, within the limits', async () => {
  await fc.assert(
    fc.asyncProperty(strategy, fc.array(step, { maxLength: 25 }), async (limits, steps) => {
      const world = new World(limits);
      await world.start();
      for (const each of steps) await world.do(each);
      await world.calmDown();
      world.assertDone();
    }),
    { numRuns: 100 },
  );
});

class World {
  readonly #kernel = new TestKernel();
  readonly #limits: Strategy;
  #running: Awaited<ReturnType<typeof activate>> | undefined;
  /** Whether each of the next writes fails. */
  #failing: boolean[] = [];
  /** From the next write on nobody sees anything, until something else happens. */
  #isLagging = false;
  #endLag: (() => void) | undefined;
  #violations: string[] = [];

  constructor(limits: Strategy) {
    this.#limits = limits;
    this.#kernel.add(Node, node('a'), node('b'), node('c'));
    this.#kernel.add(DaemonSet, {
      metadata: { name: 'proxy', namespace: 'default' },
      spec: {
        selector: { matchLabels: LABELS },
        updateStrategy: { type: 'RollingUpdate', rollingUpdate: limits },
        template: template(0),
      },
    });
    this.#kernel.fault = ({ resource, verb, body, name }) => {
      if (verb === 'list' || verb === 'get') return undefined;
      if (this.#failing.shift()) return serviceUnavailable('not now');
      if (resource === 'pods' && this.#isLagging) {
        this.#isLagging = false;
        this.#endLag = this.#kernel.holdWatches();
      }
      if (resource === 'pods' && verb === 'create') this.#beforeCreate(body as Pod);
      if (resource === 'pods' && verb === 'delete') this.#beforeDelete(`default/${name}`);
      return undefined;
    };
  }

  async start(): Promise<void> {
    this.#running = await activate(plugin, { kernel: this.#kernel });
    await this.#clock.step(100);
  }

  async do(each: Step): Promise<void> {
    await this.#catchUp();
    await this.#change(each);
    await this.#clock.step(each.do === 'wait' ? 5_000 : 30);
    assert.deepEqual(this.#violations, []);
  }

  /** Nothing happens any more but what scheduler and kubelet do. */
  async calmDown(): Promise<void> {
    this.#failing = [];
    this.#isLagging = false;
    await this.#catchUp();
    for (let i = 0; i < 30; i++) {
      this.#kubelet();
      await this.#clock.step(60_000);
    }
  }

  assertDone(): void {
    const state = [...this.#nodes()].map(each => {
      const pods = this.#podsOn(each.name);
      const updated = pods.filter(pod => pod.spec?.containers[0]?.image === this.#image());
      return { ...each, pods: pods.length, updated: updated.length };
    });
    for (const { fits, evicts, pods, updated } of state) {
      if (fits) assert.deepEqual([pods, updated], [1, 1], JSON.stringify(state));
      else assert.ok(pods <= (evicts ? 0 : 1), JSON.stringify(state));
    }
    const set = this.#kernel.get(DaemonSet, KEY);
    const fitting = state.filter(({ fits }) => fits).length;
    assert.equal(set?.status?.desiredNumberScheduled, fitting);
    assert.equal(set?.status?.numberAvailable ?? 0, fitting);
    assert.equal(set?.status?.observedGeneration, set?.metadata.generation);
    const known = new Set([...this.#nodes()].map(({ name }) => name));
    assert.deepEqual(
      this.#live().filter(pod => !known.has(targetNode(pod) ?? '')),
      [],
    );
  }

  async #catchUp(): Promise<void> {
    if (!this.#endLag) return;
    await this.#clock.step(60_000);
    this.#endLag();
    this.#endLag = undefined;
    await this.#clock.step(100);
  }

  async #change(each: Step): Promise<void> {
    const kernel = this.#kernel;
    if (each.do === 'image') {
      kernel.modify(DaemonSet, KEY, set => {
        set.spec = { selector: {}, ...set.spec, template: template(each.image) };
      });
    } else if (each.do === 'fail') this.#failing = [...each.writes];
    else if (each.do === 'kubelet') this.#kubelet();
    else if (each.do === 'lag') this.#isLagging = true;
    else if (each.do === 'restart') {
      await this.#running?.dispose();
      await this.start();
    } else if (each.do === 'join') {
      if (!kernel.get(Node, each.node)) kernel.add(Node, node(each.node));
    } else if ('node' in each) await this.#changeNode(each);
  }

  async #changeNode(each: Extract<Step, { readonly node: string }>): Promise<void> {
    const kernel = this.#kernel;
    if (!kernel.get(Node, each.node)) return;
    if (each.do === 'leave') await kernel.objects.delete(Node, { name: each.node });
    else if (each.do === 'taint') {
      const key = each.effect === 'cordon' ? 'node.kubernetes.io/unschedulable' : 'x';
      const effect = each.effect === 'cordon' ? 'NoSchedule' : each.effect;
      kernel.modify(Node, each.node, found => {
        found.spec = { taints: effect ? [{ key, effect }] : [] };
      });
    } else {
      const [pod] = this.#podsOn(each.node);
      if (!pod || isPodFinished(pod)) return;
      kernel.modify(Pod, keyOf(pod), found => {
        found.status = each.do === 'crash' ? { phase: 'Failed' } : running({ ready: false });
      });
    }
  }

  /** Binds and runs what can run, and ends what is to end. */
  #kubelet(): void {
    const known = new Set([...this.#nodes()].map(({ name }) => name));
    for (const pod of this.#kernel.all(Pod)) {
      const nodeName = targetNode(pod) ?? '';
      const isLost = !known.has(nodeName) && pod.spec?.nodeName;
      this.#kernel.modify(Pod, keyOf(pod), found => {
        if (pod.metadata.deletionTimestamp || isLost) {
          found.metadata.finalizers = [];
        } else if (known.has(nodeName) && !isPodFinished(pod)) {
          found.spec = { containers: [], ...found.spec, nodeName };
          found.status = running();
        }
      });
      // As controller.podgc does.
      if (isLost) void this.#kernel.objects.delete(Pod, keyOfPod(pod)).catch(() => {});
    }
  }

  #beforeDelete(key: string): void {
    const pod = this.#kernel.get(Pod, key);
    const on = pod && this.#fitting().find(({ name }) => name === targetNode(pod));
    if (!pod || !on || !isPodReady(pod) || this.#podsOn(on.name).length !== 1) return;
    const fitting = this.#fitting();
    const missing = fitting.filter(({ name }) => !this.#podsOn(name).some(isPodReady)).length + 1;
    const limit = this.#limits.maxSurge
      ? 0
      : scaledValue(this.#limits.maxUnavailable, fitting.length, true);
    if (missing > limit) this.#violations.push(`${missing} of ${fitting.length} unavailable`);
  }

  #beforeCreate(pod: Pod): void {
    const fitting = this.#fitting();
    const target = targetNode(pod);
    const doubled = fitting.filter(
      ({ name }) =>
        this.#podsOn(name).some(isPodReady) &&
        this.#podsOn(name).length + (name === target ? 1 : 0) > 1,
    );
    const already = this.#podsOn(target ?? '').filter(each => !isPodFinished(each));
    if (already.length > (this.#limits.maxSurge ? 1 : 0)) {
      this.#violations.push(`one more pod for "${target}", which has ${already.length}`);
    }
    const isSurge = doubled.some(({ name }) => name === target);
    const limit = scaledValue(this.#limits.maxSurge ?? 0, fitting.length, true);
    if (isSurge && doubled.length > limit) {
      this.#violations.push(`${doubled.length} of ${fitting.length} nodes with two pods`);
    }
  }

  get #clock() {
    assert.ok(this.#running);
    return this.#running.clock;
  }

  #image(): string | undefined {
    return this.#kernel.get(DaemonSet, KEY)?.spec?.template.spec?.containers[0]?.image;
  }

  #live(): Pod[] {
    return this.#kernel.all(Pod).filter(({ metadata }) => !metadata.deletionTimestamp);
  }

  #podsOn(name: string): Pod[] {
    return this.#live().filter(pod => targetNode(pod) === name);
  }

  #fitting() {
    return [...this.#nodes()].filter(({ fits }) => fits);
  }

  *#nodes() {
    for (const { metadata, spec } of this.#kernel.all(Node)) {
      const taint = spec?.taints?.find(({ key }) => key === 'x')?.effect;
      const evicts = taint === 'NoExecute';
      yield { name: metadata.name ?? '', fits: !evicts && taint !== 'NoSchedule', evicts };
    }
  }
}

function template(image: number) {
  return {
    metadata: { labels: LABELS, finalizers: [GRACE] },
    spec: { containers: [{ name: 'main', image: `v${image}` }] },
  };
}

function keyOfPod({ metadata }: Pod) {
  return { namespace: 'default', name: metadata.name ?? '' };
}
