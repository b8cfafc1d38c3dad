import assert from 'node:assert/strict';
import { deserialize, serialize } from 'node:v8';
import type { SchedulerContribution } from '../scheduler-contribution.ts';
import type { NodeInfo, NodeState, PodInfo } from '../scheduler-info.ts';
import { packPods } from '../scheduler-pods.ts';
import {
  type EvaluateBatch,
  type EvaluateResult,
  nodeCopyOf,
  nodeUsageOf,
} from '../scheduler-remote.ts';
import { checkedScore, type Verdict } from '../scheduler-verdict.ts';
import { askedAtOnce } from './asked-at-once.ts';
import { type Outcome, SchedulerRun } from './scheduler-run.ts';
import {
  assertVerdict,
  REFUSALS,
  type SchedulerCheck,
  type SchedulerSubject,
  text,
} from './scheduler-subject.ts';

/** What a plugin says about pods and nodes, up to the choice. */
export const NODE_CHECKS: readonly SchedulerCheck[] = [
  { name: 'preEnqueue() gives nothing or a refusal with reasons', run: checkPreEnqueue },
  { name: 'preFilter() gives nothing, skip, nodes or a refusal', run: checkPreFilter },
  { name: 'filter() gives nothing or a refusal with reasons', run: checkFilter },
  { name: 'preScore() gives nothing, skip or a refusal', run: checkPreScore },
  { name: 'score() and normalize() give 0 to 100', run: checkScore },
  { name: 'says the same again, and changes nothing it is given', run: checkPure },
  { name: 'says the same about a pod of the same shape, if it is cacheable', run: checkShape },
  { name: 'says the same about a node in other company, if it is cacheable', run: checkCompany },
  { name: 'says the same about many nodes at once', run: checkAtOnce },
  { name: 'says the same from another thread', run: checkElsewhere },
];

function checkPreEnqueue({ plugin, pods, nodes, run }: SchedulerSubject): void {
  for (const one of pods) {
    const ask = () => plugin.preEnqueue?.(run.contextOf(one, nodes));
    const said = ask();
    assertVerdict('preEnqueue', said);
    assert.deepEqual(ask(), said, 'preEnqueue says otherwise when it is asked again');
  }
}

function checkPreFilter({ plugin, pods, nodes, run }: SchedulerSubject): void {
  for (const one of pods) {
    const said = plugin.preFilter?.(run.contextOf(one, nodes));
    assertVerdict('preFilter', said, [...REFUSALS, 'skip', 'only']);
    if (said?.code !== 'only') continue;
    const names: unknown = said.nodeNames;
    const isList = Array.isArray(names) && names.every(name => typeof name === 'string');
    assert.ok(isList, `preFilter names nodes by ${text(names)}, want a list of names`);
  }
}

function checkFilter({ pods, nodes, run }: SchedulerSubject): void {
  for (const one of pods) {
    for (const said of run.filter(one, nodes)) assertVerdict('filter', said);
  }
}

function checkPreScore({ plugin, pods, nodes, run }: SchedulerSubject): void {
  for (const one of pods) {
    const context = run.contextOf(one, nodes);
    run.filterIn(context, nodes);
    const said = plugin.preScore?.(Object.assign(context, { feasible: nodes }));
    assertVerdict('preScore', said, [...REFUSALS, 'skip']);
  }
}

function checkScore({ plugin, pods, nodes, run }: SchedulerSubject): void {
  for (const one of pods) {
    for (const score of run.score(one, nodes)) checkedScore(plugin.name, score);
    // The scheduler does not ask when one node is left, but a pod may get there in other ways.
    for (const alone of nodes) {
      for (const score of run.score(one, [alone])) checkedScore(plugin.name, score);
    }
  }
}

function checkPure({ pods, nodes, run }: SchedulerSubject): void {
  const frozen = nodes.map(state => deepFreeze(structuredClone<NodeInfo>({ ...state })));
  for (const one of pods) {
    const first = run.both(deepFreeze(structuredClone(one)), frozen);
    assert.deepEqual(run.both(one, nodes), first, `pod "${one.name}", asked again`);
  }
}

function checkShape({ contribution, pods, nodes, run }: SchedulerSubject): void {
  for (const one of contribution.cacheable ? pods : []) {
    const twin = { ...one, name: 'twin', key: `${one.namespace}/twin`, uid: 'other' };
    assert.deepEqual(run.both(twin, nodes), run.both(one, nodes), `a twin of pod "${one.name}"`);
  }
}

function checkCompany({ contribution, pods, nodes, run }: SchedulerSubject): void {
  for (const one of contribution.cacheable ? pods : []) {
    const together = run.filter(one, nodes);
    const alone = nodes.map(state => run.filter(one, [state])[0]);
    assert.deepEqual(alone, together, `pod "${one.name}", with one node each`);
  }
}

function checkAtOnce({ contribution, plugin, pods, nodes, run }: SchedulerSubject): void {
  for (const one of plugin.filterNodes || plugin.scoreNodes ? pods : []) {
    const atOnce = new SchedulerRun(askedAtOnce(plugin, nodes), contribution.options);
    const about = `filterNodes and scoreNodes, as filter and score, of pod "${one.name}"`;
    assert.deepEqual(atOnce.both(one, nodes), run.both(one, nodes), about);
  }
}

function checkElsewhere(subject: SchedulerSubject): void {
  const { contribution, plugin, pods, nodes, run } = subject;
  if (!plugin.filter && !plugin.score) return;
  const batch = batchOf(contribution, pods, nodes);
  const answer = contribution.evaluate(deserialize(serialize(batch))) as EvaluateResult;
  // There it was told of copies.
  subject.beginTracking();
  assert.deepEqual(answer.errors, []);
  pods.forEach((one, i) => {
    const local = run.both(one, nodes);
    assert.deepEqual(local, remoteAnswer(answer, i, nodes.length), `pod "${one.name}"`);
  });
}

function batchOf(
  { points }: SchedulerContribution,
  pods: readonly PodInfo[],
  nodes: readonly NodeState[],
): EvaluateBatch {
  const indices = pods.flatMap(() => nodes.map(({ index }) => index));
  return {
    changes: {
      reset: true,
      removed: [],
      nodes: nodes.map(nodeCopyOf),
      usage: nodeUsageOf(
        nodes,
        nodes.map(({ pods: added }) => ({ added, removed: [] })),
      ),
    },
    pods: packPods(pods),
    nodes: Int32Array.from(indices),
    offsets: Int32Array.from({ length: pods.length + 1 }, (_, i) => i * nodes.length),
    filter: points.includes('filter'),
    score: points.includes('score'),
  };
}

function remoteAnswer(answer: EvaluateResult, i: number, width: number): Outcome {
  const verdicts: (Verdict | null)[] = [];
  const scores: number[] = [];
  for (let at = i * width; at < (i + 1) * width; at++) {
    const place = answer.verdicts[at] ?? 0;
    const refusal = place > 0 ? (answer.refusals[place - 1] as Verdict) : null;
    verdicts.push(refusal);
    scores.push(refusal ? -1 : (answer.scores[at] ?? 0));
  }
  return { verdicts, scores };
}

function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return value;
  for (const part of Object.values(value)) deepFreeze(part);
  return Object.freeze(value);
}
