import {
  checkedScore,
  type FilterNodesContext,
  isRefusal,
  type NodeColumns,
  type NodeInfo,
  type NodeState,
  type PodInfo,
  type Refusal,
  type ScoreNodesContext,
} from 'kernetes/sdk';
import type { EnabledPlugin } from '../profile/profile.ts';
import type { VerdictTable } from './verdict-table.ts';

/**
 * Puts questions about many nodes to plugins, plugin by plugin: in one call to one that answers
 * from columns, node by node to the others. Makes no object per node.
 *
 * Dropped: threads that answer for chunks of the columns, which are shared memory. At 5,000 nodes a
 * pod of an unknown shape has 500 looked at, and filters and scores from columns take some 25 us for
 * these; to wake a thread and hear from it takes 15 to 20 us, and with half of the nodes each the
 * pod was through after 45 us. Also at 20,000 nodes, all scored, two threads gained nothing on two
 * processors. What pays is other work at the same time: whole plugins in workers (remote-batch.ts).
 */
export class NodeQuestions {
  /** The plugin whose code runs: to say who threw. */
  running: EnabledPlugin | undefined;
  /** By node index. */
  nodesByIndex: readonly (NodeState | undefined)[] = [];
  readonly #context: ManyNodes;
  readonly #atOnce: boolean;
  #left = new Int32Array(0);

  constructor(columns: NodeColumns, atOnce: boolean) {
    this.#context = new ManyNodes(columns, index => this.nodesByIndex[index] as NodeInfo);
    this.#atOnce = atOnce;
  }

  /** Asks the filters in order, each about those nodes to which all before it agreed. */
  filter(filters: readonly EnabledPlugin[], asked: Asked, table: VerdictTable): void {
    const { indices, count, codes } = asked;
    if (this.#left.length < count) this.#left = new Int32Array(2 * count);
    const left = this.#left;
    for (let i = 0; i < count; i++) {
      const index = indices[i] as number;
      left[i] = index;
      codes[index] = 0;
    }
    let open = count;
    for (let f = 0; f < filters.length && open > 0; f++) {
      const enabled = filters[f] as EnabledPlugin;
      if (enabled.skipsFilter) continue;
      this.running = enabled;
      open = this.#filterAtOnce(enabled, left, open, codes, table);
    }
  }

  /** Gives how many are left; `left` begins with them. */
  #filterAtOnce(
    enabled: EnabledPlugin,
    left: Int32Array,
    open: number,
    codes: Uint16Array,
    table: VerdictTable,
  ): number {
    const { plugin, name } = enabled;
    const many = this.#context;
    if (!this.#atOnce || !plugin.filterNodes || open < AT_ONCE_MIN) {
      return this.#filterEach(enabled, left, open, codes, table);
    }
    many.about(enabled, left, open);
    if (!plugin.filterNodes(many)) return this.#filterEach(enabled, left, open, codes, table);
    let kept = 0;
    for (let i = 0; i < open; i++) {
      const index = left[i] as number;
      const verdict = many.verdicts[i] as number;
      if (verdict === 0) left[kept++] = index;
      else codes[index] = table.codeOf(name, plugin.refusals?.[verdict - 1] as Refusal);
    }
    return kept;
  }

  #filterEach(
    { plugin, name, context }: EnabledPlugin,
    left: Int32Array,
    open: number,
    codes: Uint16Array,
    table: VerdictTable,
  ): number {
    let kept = 0;
    for (let i = 0; i < open; i++) {
      const index = left[i] as number;
      context.node = this.nodesByIndex[index] as NodeInfo;
      const outcome = plugin.filter?.(context);
      if (outcome !== undefined && isRefusal(outcome)) codes[index] = table.codeOf(name, outcome);
      else left[kept++] = index;
    }
    return kept;
  }

  /** The plugin's raw scores, by place. */
  score(enabled: EnabledPlugin, indices: Int32Array, count: number): Float64Array {
    const { plugin, context } = enabled;
    const many = this.#context;
    this.running = enabled;
    many.about(enabled, indices, count);
    const { scores } = many;
    if (this.#atOnce && count >= AT_ONCE_MIN && plugin.scoreNodes?.(many)) return scores;
    for (let i = 0; i < count; i++) {
      context.node = this.nodesByIndex[indices[i] as number] as NodeInfo;
      scores[i] = plugin.score?.(context) as number;
    }
    return scores;
  }

  /** Refuses what is out of range; the plugin is the one that runs. */
  check(enabled: EnabledPlugin, scores: Float64Array, count: number): void {
    this.running = enabled;
    for (let i = 0; i < count; i++) {
      const score = scores[i] as number;
      if (!(score >= 0 && score <= 100)) checkedScore(enabled.name, score);
    }
  }
}

/** Which nodes, and where the answers go. */
export interface Asked {
  readonly indices: Int32Array;
  readonly count: number;
  /** By node index. */
  readonly codes: Uint16Array;
}

/** For fewer nodes, setting up the question costs more than the calls. */
const AT_ONCE_MIN = 4;

class ManyNodes implements FilterNodesContext, ScoreNodesContext {
  pod: PodInfo = undefined as unknown as PodInfo;
  nodes: readonly NodeInfo[] = [];
  config: unknown = undefined;
  state: unknown = undefined;
  count = 0;
  indices: Int32Array = new Int32Array(0);
  verdicts = new Uint8Array(0);
  scores = new Float64Array(0);
  readonly columns: NodeColumns;
  readonly nodeAt: (index: number) => NodeInfo;

  constructor(columns: NodeColumns, nodeAt: (index: number) => NodeInfo) {
    this.columns = columns;
    this.nodeAt = nodeAt;
  }

  about({ context }: EnabledPlugin, indices: Int32Array, count: number): void {
    if (this.scores.length < count) {
      this.scores = new Float64Array(2 * count);
      this.verdicts = new Uint8Array(2 * count);
    } else {
      this.verdicts.fill(0, 0, count);
    }
    this.pod = context.pod;
    this.nodes = context.nodes;
    this.config = context.config;
    this.state = context.state;
    this.indices = indices;
    this.count = count;
  }
}
