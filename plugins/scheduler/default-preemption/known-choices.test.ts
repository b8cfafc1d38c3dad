import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type NodeState,
  type NodeTrial,
  type Pod,
  type PodInfo,
  type PostFilterContext,
  podInfoOf,
  type Refusal,
  verdict,
} from 'kernetes/sdk';
import { fakeClock, node, nodeStates, pod, running, seededRandom } from 'kernetes/sdk/testing';
import { Preemption, type PreemptionConfig } from './preemption.ts';

const FULL = verdict.unschedulable('Insufficient cpu');
const NODES = 12;
const CPU_MAX = 8;
const CONFIG: PreemptionConfig = { minCandidateNodesPercentage: 10, minCandidateNodesAbsolute: 5 };

test('what was found for pods before changes no choice: a naive dry run makes the same', async () => {
  const seed = 20_260_101;
  const random = seededRandom(seed);
  const world = new World();
  for (let i = 0; i < 60; i++) world.place(random.integer(NODES), podOf(`old-${i}`, random));
  for (let round = 0; round < 400; round++) {
    world.change(random, round);
    const offset = random.integer(NODES);
    const turn = Math.floor(round / 20);
    const wanted = podInfoOf(podOf(`new-${round}`, seededRandom(turn), 40 + (turn % 2)));
    const got = await world.choose(wanted, offset);
    assert.deepEqual(got, world.naively(wanted, offset), `round ${round} of seed ${seed}`);
  }
  assert.ok(world.trials < world.naiveTrials / 2, 'most nodes are as they were');
});

function podOf(name: string, random: ReturnType<typeof seededRandom>, priority?: number): Pod {
  const resources = { requests: { cpu: `${1 + random.integer(3)}` } };
  const startTime = new Date(1.7e12 + 1_000 * random.integer(1_000)).toISOString();
  return pod(name, {
    metadata: { uid: name },
    spec: {
      containers: [{ name: 'main', resources }],
      priority: priority ?? random.integer(6) * 10,
    },
    status: running({ since: startTime }),
  });
}

/** Nodes of which only CPU is looked at. */
class World {
  trials = 0;
  naiveTrials = 0;
  readonly #nodes = nodeStates(Array.from({ length: NODES }, (_, i) => node(`n${i}`)));
  readonly #pods = new Map<string, Pod>();
  readonly #nominations = new Map<string, PodInfo[]>();
  readonly #scopes = [{}, {}];
  #scope = 0;
  #generation = 0;
  #offset = 0;
  #version = 0;
  readonly #violators = new Set<string>();
  #chosen: readonly string[] = [];
  readonly #preemption: Preemption;

  constructor() {
    const isViolator = ({ name }: PodInfo) => this.#violators.has(name);
    const version = () => this.#version;
    this.#preemption = new Preemption({
      budgets: {
        get version() {
          return version();
        },
        violators: victims => new Set(victims.map(each => each.pod).filter(isViolator)),
      },
      evictions: {
        isEvicted: () => false,
        evict: (_, { nodeName, victims }) => {
          this.#chosen = [nodeName, ...victims.map(({ name }) => name)];
        },
      },
      priorities: { lowest: -1 },
      pods: { get: key => this.#pods.get(key) },
      clock: fakeClock(),
      random: { ...seededRandom(1), integer: () => this.#offset },
    });
  }

  place(at: number, one: Pod): void {
    this.#pods.set(`default/${one.metadata.name}`, one);
    this.#on(at, state => state.addPod(podInfoOf(one)));
  }

  change(random: ReturnType<typeof seededRandom>, round: number): void {
    if (random.integer(3) === 0) {
      const at = random.integer(NODES);
      const gone = this.#state(at).pods[0];
      this.#on(at, state => gone && state.removePod(gone.key));
      this.place(random.integer(NODES), podOf(`later-${round}`, random));
    }
    if (random.integer(20) === 0) this.#scope = 1 - this.#scope;
    if (random.integer(20) === 0) {
      this.#version++;
      this.#violators.clear();
      for (const state of this.#nodes) this.#violators.add(state.pods[0]?.name ?? '');
    }
    this.#nominations.clear();
    if (random.integer(4) === 0) {
      const rival = podInfoOf(podOf('rival', random, 50));
      this.#nominations.set(`n${random.integer(NODES)}`, [rival]);
    }
  }

  async choose(wanted: PodInfo, offset: number): Promise<readonly string[]> {
    this.#offset = offset;
    this.#chosen = [];
    const context: PostFilterContext<PreemptionConfig> = {
      pod: wanted,
      config: CONFIG,
      state: undefined,
      nodes: this.#nodes,
      refusals: new Map(this.#nodes.map(({ name }) => [name, FULL])),
      trial: state => this.#trial(wanted, state as NodeState, () => this.trials++),
      trialScope: this.#scopes[this.#scope],
      nominations: this.#nominations,
      clearNominations: () => {},
      reject: () => false,
      narrow: async choices => choices,
    };
    await this.#preemption.makeRoom(context);
    return this.#chosen;
  }

  naively(wanted: PodInfo, offset: number): readonly string[] {
    const found: { key: number[]; chosen: string[]; violations: number }[] = [];
    for (let i = 0; i < NODES; i++) {
      const state = this.#state((offset + i) % NODES);
      const trial = this.#trial(wanted, state, () => this.naiveTrials++);
      const lesser = state.pods.filter(({ priority }) => priority < wanted.priority);
      for (const one of lesser) trial.remove(one);
      if (lesser.length === 0 || trial.check()) continue;
      const rank = (one: PodInfo) => [-one.priority, this.#startOf(one)];
      lesser.sort((a, b) => compare(rank(a), rank(b)));
      const protectedOnes = lesser.filter(({ name }) => this.#violators.has(name));
      const others = lesser.filter(({ name }) => !this.#violators.has(name));
      const victims = [...protectedOnes, ...others].filter(one => {
        trial.add(one);
        if (!trial.check()) return false;
        trial.remove(one);
        return true;
      });
      if (victims.length === 0) continue;
      victims.sort((a, b) => compare(rank(a), rank(b)));
      const violations = victims.filter(({ name }) => this.#violators.has(name)).length;
      const highest = victims[0]?.priority ?? 0;
      const sum = victims.reduce((all, { priority }) => all + priority + 2 ** 31, 0);
      const first = Math.min(
        ...victims.filter(each => each.priority === highest).map(each => this.#startOf(each)),
      );
      const key = [violations, highest, sum, victims.length, -first];
      const chosen = [state.name, ...victims.map(({ name }) => name)];
      found.push({ key, chosen, violations });
      const isEnough = found.length >= CONFIG.minCandidateNodesAbsolute;
      if (isEnough && found.some(each => each.violations === 0)) break;
    }
    const ordered = [
      ...found.filter(({ violations }) => violations === 0),
      ...found.filter(({ violations }) => violations > 0),
    ];
    return ordered.sort((a, b) => compare(a.key, b.key))[0]?.chosen ?? [];
  }

  #startOf({ key }: PodInfo): number {
    return Date.parse(this.#pods.get(key)?.status?.startTime ?? '');
  }

  #state(at: number): NodeState {
    return this.#nodes[at] as NodeState;
  }

  #on(at: number, change: (state: NodeState) => void): void {
    const state = this.#state(at);
    change(state);
    state.generation = ++this.#generation;
  }

  /** The size of the nodes is what tells the scopes apart. */
  #trial(wanted: PodInfo, state: NodeState, told: () => void): NodeTrial {
    told();
    const [copy] = nodeStates([node(state.name)]);
    assert.ok(copy);
    for (const one of state.pods) copy.addPod(one);
    const rivals = this.#nominations.get(state.name) ?? [];
    const taken = rivals.reduce((sum, { requests }) => sum + requests.milliCpu, 0);
    const size = 1_000 * (CPU_MAX + this.#scope);
    return {
      node: copy,
      add: one => copy.addPod(one),
      remove: one => void copy.removePod(one.key),
      check: (): Refusal | undefined =>
        copy.requested.milliCpu + taken + wanted.requests.milliCpu > size ? FULL : undefined,
    };
  }
}

/** Lexicographic. */
function compare(a: readonly number[], b: readonly number[]): number {
  const at = a.findIndex((value, i) => value !== b[i]);
  return at < 0 ? 0 : (a[at] as number) - (b[at] as number);
}
