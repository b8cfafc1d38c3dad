import type { AttemptExplanation, NodeExplanation, NodeInfo, PodInfo } from 'kernetes/sdk';
import type { VerdictTable } from '../cycle/verdict-table.ts';

/** Nodes in the order of the search; must not change any more. */
export interface Search {
  readonly nodes: readonly NodeInfo[];
  /** Where it began, and how many nodes it looked at from there, round the end. */
  readonly start: number;
  readonly looked: number;
  /** How many of these were feasible. */
  readonly found: number;
  /** By place in `nodes`. Undefined: nobody refused. */
  readonly codes: Uint16Array | undefined;
  readonly table: VerdictTable;
}

export type Outcome = Pick<AttemptExplanation, 'outcome' | 'nodeName' | 'message'>;

/**
 * One attempt to place a pod. Those of forgotten pods serve again: objects that live for some
 * hundred pods and then die are what a collector of young objects is worst at.
 */
export class Attempt {
  pod: PodInfo;
  search: Search | undefined = undefined;
  filters: readonly string[] = [];
  /** The first `columnCount` count. */
  readonly columns: Column[] = [];
  columnCount = 0;
  /** How many nodes were scored, and which if not all that the search found. */
  count = 0;
  feasible: readonly NodeInfo[] | undefined = undefined;
  number = 0;
  at = 0;
  outcome: AttemptExplanation['outcome'] = 'error';
  nodeName: string | undefined = undefined;
  message: string | undefined = undefined;
  scores: Scores | undefined = undefined;
  /** The pod's attempt before this one. */
  before: Attempt | undefined = undefined;

  constructor(pod: PodInfo) {
    this.pod = pod;
  }

  /** As if new. */
  reset(pod: PodInfo): this {
    this.pod = pod;
    this.search = undefined;
    this.columnCount = 0;
    this.count = 0;
    this.feasible = undefined;
    this.nodeName = undefined;
    this.message = undefined;
    this.scores = undefined;
    this.before = undefined;
    return this;
  }

  /** The next column, to be filled in. */
  addColumn(plugin: string, weight: number): Column {
    const next = this.columns[this.columnCount++];
    if (next) {
      next.plugin = plugin;
      next.weight = weight;
      return next;
    }
    const column = { plugin, weight, raw: -1, normalized: -1, commonRaw: 0, commonNormalized: 0 };
    this.columns.push(column);
    return column;
  }

  get filledColumns(): readonly Column[] {
    return this.columns.slice(0, this.columnCount);
  }
}

export interface Column {
  plugin: string;
  weight: number;
  /** Where they are in the rings. -1: one number for all nodes. */
  raw: number;
  normalized: number;
  commonRaw: number;
  commonNormalized: number;
}

/** By place among the columns, then by place among the feasible nodes. */
export interface Scores {
  readonly raw: readonly Float64Array[];
  readonly normalized: readonly Float64Array[];
}

export function nodesOf(attempt: Attempt, scores: Scores | undefined): readonly NodeExplanation[] {
  const { search, nodeName } = attempt;
  const feasible = feasibleOf(attempt);
  const scored = new Map(feasible.map((node, place) => [node, place]));
  const told = (node: NodeInfo): Partial<NodeExplanation> => {
    const place = scored.get(node);
    return scores && place !== undefined ? scoresAt(attempt, scores, place) : {};
  };
  if (!search) {
    return feasible.map(node => ({ name: node.name, verdict: 'feasible', ...told(node) }));
  }
  const { nodes, start, looked, codes, table } = search;
  return nodes.map((_, i): NodeExplanation => {
    const at = (start + i) % nodes.length;
    const node = nodes[at] as NodeInfo;
    const { name } = node;
    const refused = codes && table.get(codes[at] as number);
    if (refused) {
      const { plugin, refusal } = refused;
      return { name, verdict: 'refused', plugin, reasons: refusal.reasons };
    }
    if (i >= looked && name !== nodeName) return { name, verdict: 'skipped' };
    return { name, verdict: 'feasible', ...told(node) };
  });
}

/** In the order of the scores' columns. */
function feasibleOf({ search, feasible }: Attempt): readonly NodeInfo[] {
  if (feasible || !search) return feasible ?? [];
  const { nodes, start, looked, codes } = search;
  const found: NodeInfo[] = [];
  for (let i = 0; i < looked; i++) {
    const at = (start + i) % nodes.length;
    if (!codes || codes[at] === 0) found.push(nodes[at] as NodeInfo);
  }
  return found;
}

function scoresAt(
  { filledColumns }: Attempt,
  scores: Scores,
  place: number,
): Partial<NodeExplanation> {
  const raw = scores.raw.map(column => column[place] as number);
  const normalized = scores.normalized.map(column => column[place] as number);
  let total = 0;
  filledColumns.forEach(({ weight }, i) => {
    total += weight * (normalized[i] as number);
  });
  return { raw, normalized, total };
}
