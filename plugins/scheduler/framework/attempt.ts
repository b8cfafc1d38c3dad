import type { AttemptExplanation, NodeExplanation, NodeInfo, PodInfo } from 'kernetes/sdk';
import type { VerdictTable } from './verdict-table.ts';

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

export class Attempt {
  readonly pod: PodInfo;
  search: Search | undefined;
  readonly filters: readonly string[];
  readonly columns: Column[] = [];
  /** How many nodes were scored, and which if not all that the search found. */
  count = 0;
  feasible: readonly NodeInfo[] | undefined = undefined;
  number = 0;
  at = 0;
  outcome: Outcome = { outcome: 'error' };
  scores: Scores | undefined = undefined;

  constructor(pod: PodInfo, search: Search | undefined, filters: readonly string[]) {
    this.pod = pod;
    this.search = search;
    this.filters = filters;
  }
}

export interface Column {
  readonly plugin: string;
  readonly weight: number;
  /** Where it begins, in cells written in all. -1: `common` for all nodes. */
  readonly raw: number;
  normalized: number;
  readonly common?: { readonly raw: number; readonly normalized: number };
}

/** By place among the columns, then by place among the feasible nodes. */
export interface Scores {
  readonly raw: readonly Float64Array[];
  readonly normalized: readonly Float64Array[];
}

export function nodeNameOf({ outcome }: Attempt): { readonly nodeName?: string } {
  return outcome.nodeName === undefined ? {} : { nodeName: outcome.nodeName };
}

export function nodesOf(attempt: Attempt, scores: Scores | undefined): readonly NodeExplanation[] {
  const { search, outcome } = attempt;
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
    if (i >= looked && name !== outcome.nodeName) return { name, verdict: 'skipped' };
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

function scoresAt({ columns }: Attempt, scores: Scores, place: number): Partial<NodeExplanation> {
  const raw = scores.raw.map(column => column[place] as number);
  const normalized = scores.normalized.map(column => column[place] as number);
  let total = 0;
  columns.forEach(({ weight }, i) => {
    total += weight * (normalized[i] as number);
  });
  return { raw, normalized, total };
}
