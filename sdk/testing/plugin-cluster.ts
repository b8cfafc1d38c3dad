import assert from 'node:assert/strict';
import type { Node, Pod } from '../api/types-core-v1.ts';
import type { ClusterTracker, NodeContext, SchedulerPlugin } from '../scheduler.ts';
import { NodeColumns } from '../scheduler-columns.ts';
import { NodeState, type PodInfo, podInfoOf } from '../scheduler-info.ts';
import { isRefusal, type Refusal } from '../scheduler-verdict.ts';

/**
 * A cluster as one scheduler plugin is told of it, and questions to the plugin: for tests of those
 * that keep counts over the cluster. What is asked of many nodes at once is asked one by one too,
 * and must be the same.
 */
export class PluginCluster {
  readonly nodes = new Map<string, NodeState>();
  readonly #plugin: SchedulerPlugin;
  readonly #config: unknown;
  readonly #tracker: ClusterTracker | undefined;
  readonly #places = new Map<string, NodeState>();

  constructor(plugin: SchedulerPlugin, config: unknown = {}) {
    this.#plugin = plugin;
    this.#config = config;
    this.#tracker = plugin.track?.();
  }

  /** Adds it or changes it. */
  setNode(node: Node): NodeState {
    const name = node.metadata.name ?? '';
    const known = this.nodes.get(name);
    const state = known ?? new NodeState(name, this.#freeIndex());
    const before = { ...state };
    state.setNode(node);
    this.nodes.set(name, state);
    if (known) this.#tracker?.nodeChanged?.(state, before);
    else this.#tracker?.nodeAdded?.(state);
    return state;
  }

  removeNode(name: string): void {
    const state = this.nodes.get(name);
    if (!state) return;
    for (const { key } of [...state.pods]) this.removePod(key);
    this.nodes.delete(name);
    this.#tracker?.nodeRemoved?.(state);
  }

  /** On its node, in place of itself if it is there. */
  setPod(pod: Pod, nodeName: string): PodInfo {
    const info = podInfoOf(pod);
    this.removePod(info.key);
    const state = this.#node(nodeName);
    state.addPod(info);
    this.#places.set(info.key, state);
    this.#tracker?.podAdded?.(info, state);
    return info;
  }

  removePod(key: string): void {
    const state = this.#places.get(key);
    const info = state?.pods.find(each => each.key === key);
    if (!state || !info) return;
    state.removePod(key);
    this.#places.delete(key);
    this.#tracker?.podRemoved?.(info, state);
  }

  /** By node what refuses it; nodes that will do are not in it. `skip` refuses none. */
  refusals(pod: Pod): Record<string, string> {
    const context = this.#contextOf(pod);
    const refused: Record<string, string> = {};
    const before = this.#plugin.preFilter?.(context);
    if (before?.code === 'skip') return refused;
    for (const state of this.nodes.values()) {
      context.node = state;
      const said = isRefusal(before) ? before : this.#plugin.filter?.(context);
      if (isRefusal(said)) refused[state.name] = said.reasons.join(', ');
    }
    if (!isRefusal(before)) assert.deepEqual(this.#refusalsAtOnce(context), refused);
    return refused;
  }

  /** The same with pods on a node taken away, others added: by `removePod` and `addPod`. */
  refusalIf(
    pod: Pod,
    { on, without = [], others = [] }: { on: string; without?: PodInfo[]; others?: PodInfo[] },
  ): string | undefined {
    const context = this.#contextOf(pod);
    const plugin = this.#plugin;
    const before = plugin.preFilter?.(context);
    if (before?.code === 'skip') return undefined;
    context.node = this.#node(on);
    context.state = plugin.cloneState?.(context.state);
    for (const other of without) plugin.removePod?.(context, other);
    for (const other of others) plugin.addPod?.(context, other);
    const said = isRefusal(before) ? before : plugin.filter?.(context);
    return isRefusal(said) ? said.reasons.join(', ') : undefined;
  }

  /** Of these nodes, or all; `skip` scores nothing. */
  scores(pod: Pod, names: readonly string[] = [...this.nodes.keys()]): Record<string, number> {
    const context = this.#contextOf(pod);
    const feasible = names.map(name => this.#node(name));
    const before = this.#plugin.preScore?.(Object.assign(context, { feasible }));
    if (before?.code === 'skip') return {};
    const scores = Float64Array.from(feasible, state => {
      context.node = state;
      return this.#plugin.score?.(context) as number;
    });
    const asked = { ...context, ...this.#asked(feasible) };
    if (this.#plugin.scoreNodes?.(asked)) assert.deepEqual(asked.scores, scores);
    this.#plugin.normalize?.(scores, context);
    return Object.fromEntries(names.map((name, i) => [name, scores[i] as number]));
  }

  /** What preFilter and preScore say: `skip`, a refusal's code, or nothing. */
  skips(pod: Pod): { filter: boolean; score: boolean } {
    const context = this.#contextOf(pod);
    const filter = this.#plugin.preFilter?.(context)?.code === 'skip';
    const feasible = [...this.nodes.values()];
    const said = this.#plugin.preScore?.(Object.assign(context, { feasible }));
    return { filter, score: said?.code === 'skip' };
  }

  #refusalsAtOnce(context: Context): Record<string, string> {
    const states = [...this.nodes.values()];
    const asked = { ...context, ...this.#asked(states) };
    const refused: Record<string, string> = {};
    const answers = this.#plugin.filterNodes?.(asked) === true;
    states.forEach((state, place) => {
      context.node = state;
      const code = asked.verdicts[place] as number;
      const said = answers
        ? this.#plugin.refusals?.[code - 1]
        : (this.#plugin.filter?.(context) as Refusal | undefined);
      if (said) refused[state.name] = said.reasons.join(', ');
    });
    return refused;
  }

  #asked(states: readonly NodeState[]) {
    const columns = new NodeColumns();
    for (const state of states) columns.write(state);
    return {
      count: states.length,
      indices: Int32Array.from(states, ({ index }) => index),
      columns,
      nodeAt: (index: number) => states.find(each => each.index === index) as NodeState,
      verdicts: new Uint8Array(states.length),
      scores: new Float64Array(states.length),
    };
  }

  #contextOf(pod: Pod): Context {
    const nodes = [...this.nodes.values()];
    const node = nodes[0] as NodeState;
    return { pod: podInfoOf(pod), node, nodes, config: this.#config, state: undefined };
  }

  #node(name: string): NodeState {
    const state = this.nodes.get(name);
    if (!state) throw new Error(`Cannot use node "${name}": it is not there`);
    return state;
  }

  #freeIndex(): number {
    const used = new Set([...this.nodes.values()].map(({ index }) => index));
    for (let index = 0; ; index++) if (!used.has(index)) return index;
  }
}

type Context = { -readonly [K in keyof NodeContext]: NodeContext[K] };
