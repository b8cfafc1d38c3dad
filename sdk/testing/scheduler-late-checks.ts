import assert from 'node:assert/strict';
import type {
  NodeTrial,
  PostFilterContext,
  PreemptionChoice,
  QueuedPod,
  SchedulerPlugin,
} from '../scheduler.ts';
import type { NodeInfo, NodeState, PodInfo } from '../scheduler-info.ts';
import { isRefusal, type Refusal, type Verdict, verdict } from '../scheduler-verdict.ts';
import type { OwnContext } from './scheduler-run.ts';
import {
  assertVerdict,
  REFUSALS,
  type SchedulerCheck,
  type SchedulerSubject,
  text,
} from './scheduler-subject.ts';

/** The order of the queue, room for pods that fit nowhere, and what follows the choice of a node. */
export const LATE_CHECKS: readonly SchedulerCheck[] = [
  { name: 'queueSort() orders', run: checkOrder },
  { name: 'postFilter() names a node that there is, or says why not', run: checkPostFilter },
  { name: 'preempt() picks from the choices', run: checkPreempt },
  { name: 'unreserve() undoes reserve(), and may come alone or twice', run: checkReserve },
  { name: 'permit() gives nothing, a wait with an end or a refusal', run: checkPermit },
  { name: 'preBind() gives nothing or a refusal', run: checkPreBind },
  { name: 'bind() answers each binding', run: checkBind },
  { name: 'postBind() gives nothing', run: checkPostBind },
];

function checkOrder({ plugin, pods }: SchedulerSubject): void {
  if (!plugin.queueSort) return;
  const queued = pods.map((pod, i): QueuedPod => {
    return { pod, queuedAt: i % 2, sequence: i, attempts: i % 3 };
  });
  const sign = (a: QueuedPod, b: QueuedPod) => {
    const says = plugin.queueSort?.(a, b) as number;
    assert.ok(!Number.isNaN(Math.sign(says)), `queueSort gave ${text(says)}, want a number`);
    return Math.sign(says);
  };
  const names = (...all: QueuedPod[]) => all.map(({ pod }) => `"${pod.name}"`).join(' and ');
  for (const a of queued) {
    for (const b of queued) {
      const sum = sign(a, b) + sign(b, a);
      assert.equal(
        sum,
        0,
        `queueSort gives no order of ${names(a, b)}: it depends on who is first`,
      );
      for (const c of queued) {
        const isBefore = sign(a, b) <= 0 && sign(b, c) <= 0;
        assert.ok(!isBefore || sign(a, c) <= 0, `queueSort goes round in ${names(a, b, c)}`);
      }
    }
  }
}

const NO_ROOM: Refusal = verdict.unschedulable('Insufficient room');

/** On nodes where a pod of no priority runs, in whose place there would be room. */
async function checkPostFilter(subject: SchedulerSubject): Promise<void> {
  const { plugin, pods } = subject;
  const [lowest] = pods;
  if (!plugin.postFilter || !lowest) return;
  const other = { ...lowest, name: 'runs', key: `${lowest.namespace}/runs`, uid: 'runs' };
  const nodes = subject.nodes.map(state => subject.copyOf(state, [other]));
  for (const one of pods) {
    const result: unknown = await plugin.postFilter(postFilterContext(one, nodes, subject));
    if (result === undefined) continue;
    const { nodeName, message } = (result ?? {}) as { nodeName?: unknown; message?: unknown };
    const isThere = !nodeName || nodes.some(({ name }) => name === nodeName);
    assert.ok(isThere, `postFilter names node ${text(nodeName)}, which there is not`);
    for (const part of [nodeName, message]) {
      const isText = part === undefined || typeof part === 'string';
      assert.ok(isText, `postFilter gave ${text(result)}, want nodeName and message as texts`);
    }
  }
}

function postFilterContext(
  pod: PodInfo,
  nodes: readonly NodeState[],
  subject: SchedulerSubject,
): PostFilterContext {
  return {
    ...subject.run.contextOf(pod, nodes),
    refusals: new Map(nodes.map(({ name }) => [name, NO_ROOM])),
    trial: node => trialOf(node, subject),
    trialScope: undefined,
    nominations: new Map(),
    clearNominations() {},
    reject: () => false,
    narrow: async choices => choices,
  };
}

/** A pod fits where no other is. */
function trialOf(node: NodeInfo, subject: SchedulerSubject): NodeTrial {
  const copy = subject.copyOf(node as NodeState, node.pods);
  return {
    node: copy,
    remove: one => void copy.removePod(one.key),
    add: one => copy.addPod(one),
    check: () => (copy.pods.length > 0 ? NO_ROOM : undefined),
  };
}

async function checkPreempt({ plugin, pods, nodes, run }: SchedulerSubject): Promise<void> {
  const [victim, one] = pods;
  if (!plugin.preempt || !victim || !one) return;
  const choices = nodes.map(({ name }): PreemptionChoice => {
    return { nodeName: name, victims: [victim], violations: 0 };
  });
  const left: unknown = await plugin.preempt(choices, run.contextOf(one, nodes));
  assert.ok(Array.isArray(left), `preempt gave ${text(left)}, want a list of choices`);
  for (const { nodeName, victims } of left as PreemptionChoice[]) {
    const isThere = choices.some(choice => choice.nodeName === nodeName);
    assert.ok(isThere, `preempt chose node "${nodeName}", which was no choice`);
    const isKnown = victims.every(({ uid }) => uid === victim.uid);
    assert.ok(isKnown, `preempt evicts others on node "${nodeName}" than it was asked about`);
  }
}

function checkReserve(subject: SchedulerSubject): void {
  const { plugin } = subject;
  if (!plugin.reserve) return;
  const before = subject.sayings();
  forEachChoice(subject, context => {
    const isFree = () => {
      plugin.unreserve?.(context);
      assert.deepEqual(subject.sayings(), before, 'unreserve leaves something of a reservation');
    };
    plugin.unreserve?.(context);
    const said = plugin.reserve?.(context);
    assertVerdict('reserve', said);
    if (plugin.unreserve) isFree();
    if (plugin.unreserve) isFree();
    const again = plugin.reserve?.(context);
    assert.deepEqual(again, said, 'reserve says otherwise after unreserve');
    plugin.unreserve?.(context);
  });
}

async function checkPermit(subject: SchedulerSubject): Promise<void> {
  await forEachReserved(subject, 'permit', async context => {
    const said = await subject.plugin.permit?.(context);
    assertVerdict('permit', said, [...REFUSALS, 'wait']);
    if (said?.code !== 'wait') return;
    const { until, timeoutMs } = said as { until: unknown; timeoutMs: number };
    assert.ok(until instanceof Promise, `permit waits for ${text(until)}, want a promise`);
    const isTime = Number.isFinite(timeoutMs) && timeoutMs >= 0;
    assert.ok(isTime, `permit waits for ${timeoutMs} ms, want 0 or more`);
    // Whether it ends well is for another time.
    until.catch(() => {});
  });
}

async function checkPreBind(subject: SchedulerSubject): Promise<void> {
  await forEachReserved(subject, 'preBind', async context => {
    assertVerdict('preBind', await subject.plugin.preBind?.(context));
  });
}

async function checkBind({ plugin, contribution, pods, nodes }: SchedulerSubject): Promise<void> {
  if (!plugin.bind) return;
  const nodeName = nodes[0]?.name ?? '';
  for (const some of [pods, pods.slice(0, 1), []]) {
    const bindings = some.map(pod => ({ pod, nodeName }));
    const answers: unknown = await plugin.bind(bindings, contribution.options);
    assert.ok(Array.isArray(answers), `bind gave ${text(answers)}, want a list of answers`);
    const count = `bind gave ${answers.length} answers to ${some.length} bindings`;
    assert.equal(answers.length, some.length, count);
    for (const said of answers as Verdict[]) assertVerdict('bind', said, [...REFUSALS, 'skip']);
  }
}

async function checkPostBind(subject: SchedulerSubject): Promise<void> {
  await forEachReserved(subject, 'postBind', async context => {
    const said: unknown = await subject.plugin.postBind?.(context);
    assert.equal(said ?? undefined, undefined, `postBind gave ${text(said)}, want nothing`);
  });
}

/** Each pod on each node that the plugin's own filter lets it on. */
function forEachChoice(subject: SchedulerSubject, visit: (context: OwnContext) => void): void {
  for (const context of choicesOf(subject)) visit(context);
}

/** In turn, after `reserve` and with `unreserve`, as a pod that does not get further. */
async function forEachReserved(
  subject: SchedulerSubject,
  point: keyof SchedulerPlugin,
  visit: (context: OwnContext) => Promise<void>,
): Promise<void> {
  const { plugin } = subject;
  for (const context of plugin[point] ? choicesOf(subject) : []) {
    if (!isRefusal(plugin.reserve?.(context))) await visit(context);
    plugin.unreserve?.(context);
  }
}

function choicesOf({ contribution, plugin, pods, nodes, run }: SchedulerSubject): OwnContext[] {
  const choices: OwnContext[] = [];
  for (const pod of pods) {
    const context = run.contextOf(pod, nodes);
    const said = run.filterIn(context, nodes);
    if (contribution.skipsLate && plugin.preFilter?.({ ...context })?.code === 'skip') continue;
    nodes.forEach((node, i) => {
      if (!isRefusal(said[i])) choices.push({ ...context, node });
    });
  }
  return choices;
}
