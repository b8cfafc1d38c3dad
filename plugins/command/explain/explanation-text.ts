import type { AttemptExplanation, KubeObject, NodeExplanation, PodExplanation } from 'kernetes/sdk';

/** As the API gives it. */
export type Explained = KubeObject & Omit<PodExplanation, 'namespace' | 'name' | 'uid'>;

export interface TextOptions {
  /** Its number; undefined: the newest. */
  readonly attempt: number | undefined;
  /** Nodes in the table. */
  readonly limit: number;
}

/** What a person reads: the pod, one attempt, and a table of the nodes, best first. */
export function explanationText(explained: Explained, options: TextOptions): string {
  const lines = [headOf(explained)];
  if (explained.attempts.length > 0) {
    const attempt = attemptOf(explained, options.attempt);
    lines.push(attemptHead(attempt, explained), '', ...nodesTable(attempt, options.limit));
  }
  return lines.join('\n');
}

/** Throws when it is not remembered. */
export function attemptOf(
  { attempts, metadata }: Explained,
  number: number | undefined,
): AttemptExplanation {
  const found =
    number === undefined
      ? attempts[attempts.length - 1]
      : attempts.find(each => each.number === number);
  if (found) return found;
  const known = attempts.map(each => each.number).join(', ') || 'none';
  const pod = `${metadata.namespace}/${metadata.name}`;
  throw new Error(`Cannot explain attempt ${number} of pod "${pod}": remembered are ${known}`);
}

function headOf({ metadata, schedulerName, state, waitsFor }: Explained): string {
  const waits = waitsFor.length > 0 ? `, waits for ${waitsFor.join(', ')}` : '';
  return `pod ${metadata.namespace}/${metadata.name} of ${schedulerName}: ${state}${waits}`;
}

function attemptHead(attempt: AttemptExplanation, { attempts }: Explained): string {
  const { number, time, outcome, nodeName, message } = attempt;
  const others = attempts.map(each => each.number).filter(each => each !== number);
  const more = others.length > 0 ? ` (also remembered: ${others.join(', ')})` : '';
  const where = nodeName === undefined ? '' : ` on ${nodeName}`;
  const why = message === undefined ? '' : `\n${message}`;
  return `attempt ${number} at ${time}: ${outcome}${where}${more}${why}`;
}

function nodesTable(attempt: AttemptExplanation, limit: number): string[] {
  const { filters, scores, nodes } = attempt;
  const ranked = [...nodes].sort((a, b) => compareNodes(a, b, attempt.nodeName));
  const shown = ranked.slice(0, limit);
  const isScored = shown.some(({ total }) => total !== undefined);
  const header = [
    'NODE',
    ...filters,
    ...(isScored ? [...scores.map(({ plugin, weight }) => `${plugin}*${weight}`), 'TOTAL'] : []),
  ];
  const rows = shown.map(node => [
    node.name === attempt.nodeName ? `${node.name} <-` : node.name,
    ...filterCells(node, filters),
    ...(isScored ? scoreCells(node, scores) : []),
  ]);
  const reasons = reasonsOf(shown);
  const left = ranked.length - shown.length;
  return [
    ...aligned([header, ...rows]),
    ...(left > 0 ? [`… and ${left} more nodes: --limit 0 shows all`] : []),
    ...(isScored ? ['', SCORES_LEGEND] : []),
    ...(reasons.length > 0 ? ['', ...reasons] : []),
  ];
}

const SCORES_LEGEND = 'scores: as given > of 100 = times the weight';

/** Each refusal once, with its nodes: of many nodes most have the same. */
function reasonsOf(nodes: readonly NodeExplanation[]): string[] {
  const refused = new Map<string, string[]>();
  for (const { name, plugin, reasons = [] } of nodes) {
    if (plugin === undefined) continue;
    const refusal = `${plugin}: ${reasons.join(', ')}`;
    const names = refused.get(refusal);
    if (names) names.push(name);
    else refused.set(refusal, [name]);
  }
  return [...refused].map(([refusal, names]) => `${refusal}: ${names.join(', ')}`);
}

/** The chosen one, feasible ones by their total, refused ones, those that nobody looked at. */
function compareNodes(a: NodeExplanation, b: NodeExplanation, chosen: string | undefined): number {
  return (
    Number(b.name === chosen) - Number(a.name === chosen) ||
    VERDICTS.indexOf(a.verdict) - VERDICTS.indexOf(b.verdict) ||
    (b.total ?? 0) - (a.total ?? 0) ||
    (a.name < b.name ? -1 : 1)
  );
}

const VERDICTS: readonly NodeExplanation['verdict'][] = ['feasible', 'refused', 'skipped'];

/** `ok` of those that agreed, `no` of the one that refused, `-` of those that were not asked. */
function filterCells({ verdict, plugin }: NodeExplanation, filters: readonly string[]): string[] {
  if (verdict === 'skipped') return filters.map(() => '-');
  const refused = plugin === undefined ? filters.length : filters.indexOf(plugin);
  return filters.map((_, i) => {
    if (verdict === 'feasible' || i < refused) return 'ok';
    return i === refused ? 'no' : '-';
  });
}

/** `37>100=200`: as it came, brought to 0 to 100, and times its weight. */
function scoreCells(
  { raw, normalized, total }: NodeExplanation,
  scores: AttemptExplanation['scores'],
): string[] {
  const cells = scores.map(({ weight }, i) => {
    const before = raw?.[i];
    const after = normalized?.[i];
    if (before === undefined || after === undefined) return '-';
    return `${numberText(before)}>${numberText(after)}=${numberText(after * weight)}`;
  });
  return [...cells, total === undefined ? '-' : numberText(total)];
}

function numberText(value: number): string {
  return String(Math.round(value * 100) / 100);
}

function aligned(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, i) => Math.max(...rows.map(row => (row[i] ?? '').length)));
  return rows.map(row =>
    row
      .map((cell, i) => cell.padEnd(widths[i] ?? 0))
      .join('   ')
      .trimEnd(),
  );
}
