import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { SchedulerPlugin } from '../scheduler.ts';
import { createSchedulerContribution } from '../scheduler-contribution.ts';
import type { PodInfo } from '../scheduler-info.ts';
import { verdict } from '../scheduler-verdict.ts';
import { SCHEDULER_CHECKS } from './scheduler-conformance.ts';
import { SchedulerSubject } from './scheduler-subject.ts';

/** Plugins that are wrong in one way each, and what the suite says of them. */
interface Wrong {
  readonly does: string;
  readonly make: () => Partial<SchedulerPlugin<unknown, never>>;
  readonly says: RegExp;
}

const NO = verdict.unschedulable('no');
const NEVER = new Promise<never>(() => {});
const wrongly = (value: unknown) => () => value as never;

const DECLARED: readonly Wrong[] = [
  { does: 'has no point', make: () => ({}), says: /implements no point/ },
  { does: 'has no name', make: () => ({ name: ' ', score: () => 1 }), says: /name is " "/ },
  { does: 'has no function', make: () => ({ filter: 7 as never }), says: /filter is a number/ },
  {
    does: 'has filterNodes alone',
    make: () => ({ score: () => 1, filterNodes: () => true }),
    says: /filterNodes is there without filter/,
  },
  {
    does: 'normalizes nothing',
    make: () => ({ filter: () => undefined, normalize() {} }),
    says: /normalize is there without score/,
  },
  {
    does: 'gives nothing back',
    make: () => ({ permit: () => undefined, unreserve() {} }),
    says: /unreserve is there without reserve/,
  },
  {
    does: 'cannot take a pod away',
    make: () => ({ preFilter: () => undefined, addPod() {} }),
    says: /addPod is there without removePod/,
  },
  {
    does: 'has an odd policy',
    make: () => ({ score: () => 1, onFailure: 'shrug' as never }),
    says: /onFailure is "shrug"/,
  },
  {
    does: 'has no time',
    make: () => ({ score: () => 1, deadlineMs: 0 }),
    says: /deadlineMs is 0/,
  },
  {
    does: 'has an odd refusal',
    make: () => ({ filter: () => undefined, filterNodes: () => true, refusals: ['no'] as never }),
    says: /refusals has no, want refusals only/,
  },
  {
    does: 'takes any config',
    make: () => ({ score: () => 1, config: { type: 'object' } }),
    says: /takes an option that there is not/,
  },
  {
    does: 'has a wrong default',
    make: () => ({
      score: () => 1,
      config: { type: 'object', required: ['rack'], additionalProperties: false },
    }),
    says: /config refuses its own defaults/,
  },
  {
    does: 'has an option of any type',
    make: () => ({
      score: () => 1,
      config: { type: 'object', additionalProperties: false, properties: { rack: {} } },
    }),
    says: /config takes anything as "rack", want a type/,
  },
  {
    does: 'waits for an odd event',
    make: () => ({ score: () => 1, requeueOn: ['PodAte' as never] }),
    says: /requeueOn names PodAte, want one of NodeAdd/,
  },
  {
    does: 'waits twice',
    make: () => ({ score: () => 1, requeueOn: ['NodeAdd', { on: 'NodeAdd', fits: () => true }] }),
    says: /requeueOn names "NodeAdd" twice/,
  },
  {
    does: 'has a hint without an answer',
    make: () => ({ score: () => 1, requeueOn: [{ on: 'PodAdd', fits: wrongly(undefined) }] }),
    says: /the hint on PodAdd for pod "plain" gave undefined/,
  },
  {
    does: 'has a hint that needs a node',
    make: () => ({
      score: () => 1,
      requeueOn: [{ on: 'PodDelete', fits: ({ node }) => (node as { name: string }).name === '' }],
    }),
    says: /undefined/,
  },
  {
    does: 'watches for ever',
    make: () => ({ score: () => 1, watch: wrongly(undefined) }),
    says: /watch gave undefined, want a function that ends it/,
  },
];

const SAID: readonly Wrong[] = [
  {
    does: 'keeps pods out without a reason',
    make: () => ({ preEnqueue: () => verdict.unschedulable() }),
    says: /preEnqueue gave a refusal without a reason/,
  },
  {
    does: 'keeps pods out later',
    make: () => ({ preEnqueue: wrongly(Promise.resolve(NO)) }),
    says: /preEnqueue gave a promise, want an answer at once/,
  },
  {
    does: 'keeps pods out by turns',
    make() {
      let calls = 0;
      return { preEnqueue: () => (calls++ % 2 ? NO : undefined) };
    },
    says: /preEnqueue says otherwise/,
  },
  {
    does: 'waits before it filters',
    make: () => ({ preFilter: () => verdict.wait(NEVER, 1), filter: () => undefined }),
    says: /preFilter gave \{"code":"wait".*want nothing or/,
  },
  {
    does: 'names no nodes',
    make: () => ({ preFilter: () => verdict.only('n1' as never), filter: () => undefined }),
    says: /preFilter names nodes by n1, want a list/,
  },
  {
    does: 'skips in its filter',
    make: () => ({ filter: () => verdict.skip }),
    says: /filter gave \{"code":"skip"\}, want nothing or unschedulable, unresolvable/,
  },
  { does: 'says yes', make: () => ({ filter: wrongly(true) }), says: /filter gave true, want/ },
  {
    does: 'refuses emptily',
    make: () => ({ filter: () => verdict.unschedulable(' ') }),
    says: /filter gave an empty reason/,
  },
  {
    does: 'picks nodes too late',
    make: () => ({ preScore: () => verdict.only([]), score: () => 1 }),
    says: /preScore gave .*"only"/,
  },
  { does: 'scores too high', make: () => ({ score: () => 101 }), says: /is 101, want 0 to 100/ },
  { does: 'scores NaN', make: () => ({ score: () => Number.NaN }), says: /is NaN, want/ },
  {
    does: 'divides by nothing',
    make: () => ({
      score: ({ node }) => node.index,
      normalize(scores) {
        const max = Math.max(...scores);
        for (let i = 0; i < scores.length; i++) scores[i] = ((scores[i] ?? 0) * 100) / max;
      },
    }),
    says: /is NaN, want/,
  },
  {
    does: 'writes to its nodes',
    make: () => ({ filter: ({ node }) => void Object.assign(node, { generation: 1 }) }),
    says: /read only/,
  },
  {
    does: 'says now this, now that',
    make() {
      let calls = 0;
      return { score: () => calls++ % 90 };
    },
    says: /asked again/,
  },
  {
    does: 'looks at names and is cacheable',
    make: () => ({
      cacheable: true,
      filter: ({ pod }) => (pod.name === 'twin' ? NO : undefined),
    }),
    says: /a twin of pod/,
  },
  {
    does: 'looks at other nodes and is cacheable',
    make: () => ({
      cacheable: true,
      filter: ({ nodes }) => (nodes.length > 1 ? NO : undefined),
    }),
    says: /with one node each/,
  },
  {
    does: 'filters otherwise at once',
    make: () => ({
      refusals: [NO],
      filter: () => undefined,
      filterNodes({ verdicts }) {
        verdicts[0] = 1;
        return true;
      },
    }),
    says: /filterNodes and scoreNodes, as filter and score, of pod "plain"/,
  },
  {
    does: 'says what it has not declared',
    make: () => ({
      refusals: [NO],
      filter: () => NO,
      filterNodes({ verdicts, count }) {
        verdicts.fill(2, 0, count);
        return true;
      },
    }),
    says: /filterNodes says 2, refusals has 1/,
  },
  {
    does: 'leaves a place out',
    make: () => ({
      score: () => 5,
      scoreNodes({ scores, count }) {
        scores.fill(5, 0, count - 1);
        return true;
      },
    }),
    says: /filterNodes and scoreNodes/,
  },
  {
    does: 'answers otherwise elsewhere',
    make() {
      let isFirst = true;
      return {
        score({ node }) {
          const isCopy = node.constructor === Object && !Object.isFrozen(node);
          isFirst = isFirst && !isCopy;
          return isFirst ? 1 : 2;
        },
      };
    },
    says: /./,
  },
];

/** Refuses where pods are, by what preFilter counted; each case breaks one part of it. */
function counting(broken: Partial<SchedulerPlugin<unknown, Map<string, number>>>) {
  const add = (by: number): SchedulerPlugin<unknown, Map<string, number>>['addPod'] =>
    function change({ state, node }) {
      state?.set(node.name, (state.get(node.name) ?? 0) + by);
    };
  const plugin: Partial<SchedulerPlugin<unknown, Map<string, number>>> = {
    preFilter(context) {
      context.state = new Map(context.nodes.map(({ name, pods }) => [name, pods.length]));
      return undefined;
    },
    addPod: add(1) as never,
    removePod: add(-1) as never,
    cloneState: state => new Map(state),
    filter: ({ state, node }) => ((state?.get(node.name) ?? 0) > 0 ? NO : undefined),
    ...broken,
  };
  return plugin as Partial<SchedulerPlugin<unknown, never>>;
}

/** Refuses everything once it counted `others`; each case breaks one part of its tracker. */
function tracking(broken: (counts: Set<string>) => object) {
  let others = new Set<string>();
  return {
    filter: () => (others.size > 0 ? NO : undefined),
    track() {
      const counts = new Set<string>();
      others = counts;
      return {
        podAdded: ({ uid }: PodInfo) => void counts.add(uid),
        podRemoved: ({ uid }: PodInfo) => void counts.delete(uid),
        ...broken(counts),
      };
    },
  };
}

const KEPT: readonly Wrong[] = [
  {
    does: 'does not forget pods',
    make: () => tracking(() => ({ podRemoved() {} })),
    says: /podRemoved\(\) does not undo podAdded\(\)/,
  },
  {
    does: 'does not forget nodes',
    make: () => tracking(counts => ({ nodeRemoved: () => void counts.add('node') })),
    says: /nodeRemoved\(\) does not undo nodeAdded\(\)/,
  },
  {
    does: 'counts on when it comes again',
    make() {
      const uids: string[] = [];
      const tracker = {
        podAdded: ({ uid }: PodInfo) => void uids.push(uid),
        podRemoved: ({ uid }: PodInfo) => void uids.splice(uids.indexOf(uid), 1),
      };
      const isTwice = () => new Set(uids).size < uids.length;
      return { filter: () => (isTwice() ? NO : undefined), track: () => tracker };
    },
    says: /track\(\) called again keeps what it had counted/,
  },
  {
    does: 'shares a state with its clone',
    make: () => counting({ cloneState: state => state }),
    says: /a clone changes the state that it is of/,
  },
  {
    does: 'takes too few away',
    make: () => counting({ removePod() {} }),
    says: /removePod\(\) of "other-plain" after addPod\(\)/,
  },
  {
    does: 'adds nothing',
    make: () => counting({ addPod() {}, removePod() {} }),
    says: /runs on "plain": addPod\(\) counts it otherwise/,
  },
  {
    does: 'counts pods, and cannot add any',
    make() {
      const { preFilter, filter } = counting({});
      return { preFilter, filter } as Partial<SchedulerPlugin<unknown, never>>;
    },
    says: /runs on "plain": want an addPod\(\)/,
  },
];

const LATER: readonly Wrong[] = [
  {
    does: 'sorts by who is first',
    make: () => ({ queueSort: () => -1 }),
    says: /queueSort gives no order of "plain" and "plain"/,
  },
  {
    does: 'sorts in a circle',
    make: () => ({
      queueSort: (a, b) => {
        const turn = (b.sequence - a.sequence + 3) % 3;
        return turn === 0 ? 0 : turn === 1 ? -1 : 1;
      },
    }),
    says: /queueSort goes round in/,
  },
  {
    does: 'sorts by nothing',
    make: () => ({ queueSort: wrongly(undefined) }),
    says: /want a number/,
  },
  {
    does: 'makes room nowhere',
    make: () => ({ postFilter: async () => ({ nodeName: 'nowhere' }) }),
    says: /postFilter names node nowhere, which there is not/,
  },
  {
    does: 'makes odd room',
    make: () => ({ postFilter: async () => ({ message: 7 as never }) }),
    says: /postFilter gave \{"message":7\}/,
  },
  {
    does: 'preempts elsewhere',
    make: () => ({ preempt: async () => [{ nodeName: 'nowhere', victims: [], violations: 0 }] }),
    says: /preempt chose node "nowhere"/,
  },
  {
    does: 'preempts others',
    make: () => ({
      preempt: async (choices, { pod }) => choices.map(each => ({ ...each, victims: [pod] })),
    }),
    says: /preempt evicts others on node "plain"/,
  },
  {
    does: 'preempts oddly',
    make: () => ({ preempt: wrongly(undefined) }),
    says: /preempt gave undef/,
  },
  {
    does: 'cannot give back what it has not',
    make: () => {
      const held = new Set<string>();
      return {
        reserve: ({ pod }) => void held.add(pod.uid),
        unreserve({ pod }) {
          assert.ok(held.delete(pod.uid), 'nothing was reserved');
        },
      };
    },
    says: /nothing was reserved/,
  },
  {
    does: 'keeps what it reserved',
    make: () => {
      const held = new Set<string>();
      return {
        filter: ({ pod }) => (held.has(pod.uid) ? NO : undefined),
        reserve: ({ pod }) => void held.add(pod.uid),
        unreserve() {},
      };
    },
    says: /unreserve leaves something of a reservation/,
  },
  {
    does: 'reserves once only',
    make: () => {
      const held = new Set<string>();
      return {
        reserve({ pod }) {
          if (held.has(pod.uid)) return NO;
          held.add(pod.uid);
          return undefined;
        },
        unreserve() {},
      };
    },
    says: /reserve says otherwise after unreserve/,
  },
  {
    does: 'reserves later',
    make: () => ({ reserve: wrongly(NEVER) }),
    says: /reserve gave a promise/,
  },
  {
    does: 'permits oddly',
    make: () => ({ permit: () => verdict.skip }),
    says: /permit gave .*skip/,
  },
  {
    does: 'waits for nothing',
    make: () => ({ permit: () => verdict.wait(undefined as never, 1) }),
    says: /permit waits for undefined, want a promise/,
  },
  {
    does: 'waits for ever',
    make: () => ({ permit: () => verdict.wait(NEVER, Number.POSITIVE_INFINITY) }),
    says: /permit waits for Infinity ms/,
  },
  {
    does: 'prepares oddly',
    make: () => ({ preBind: async () => verdict.skip }),
    says: /preBind gave .*skip/,
  },
  {
    does: 'answers one binding',
    make: () => ({ bind: async () => [undefined] }),
    says: /bind gave 1 answers to 6 bindings/,
  },
  {
    does: 'binds silently',
    make: () => ({ bind: wrongly(undefined) }),
    says: /bind gave undefined/,
  },
  {
    does: 'binds perhaps',
    make: () => ({ bind: async bindings => bindings.map(wrongly({ code: 'maybe' })) }),
    says: /bind gave \{"code":"maybe"\}/,
  },
  {
    does: 'has a last word',
    make: () => ({ postBind: wrongly(NO) }),
    says: /postBind gave .*want nothing/,
  },
];

const GROUPS = { DECLARED, SAID, KEPT, LATER };

/** What the suite says: the first complaint. */
async function complaintOf(plugin: Partial<SchedulerPlugin<unknown, never>>): Promise<string> {
  const whole = { name: 'Wrong', ...plugin } as SchedulerPlugin;
  const subject = new SchedulerSubject(createSchedulerContribution(whole, {}), {});
  for (const { run } of SCHEDULER_CHECKS) {
    try {
      await run(subject);
    } catch (error) {
      return (error as Error).message;
    }
  }
  return 'nothing';
}

for (const [group, cases] of Object.entries(GROUPS)) {
  describe(`testSchedulerPlugin() catches, of what is ${group.toLowerCase()}, a plugin that`, () => {
    for (const { does, make, says } of cases) {
      test(does, async () => assert.match(await complaintOf(make()), says));
    }
  });
}

test('testSchedulerPlugin() has nothing against sound plugins', async () => {
  for (const sound of [counting({}), tracking(() => ({})), { score: () => 1 }]) {
    assert.equal(await complaintOf(sound), 'nothing');
  }
});
