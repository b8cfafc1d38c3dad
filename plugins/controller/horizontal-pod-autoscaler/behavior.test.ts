import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type {
  HorizontalPodAutoscalerBehavior,
  HPAScalingPolicy,
  HPAScalingRules,
} from 'kernetes/sdk';
import { decide } from './behavior.ts';
import { History } from './history.ts';

const NOW = 10_000_000;
const pods = (value: number, periodSeconds = 60) => ({ type: 'Pods', value, periodSeconds });
const percent = (value: number, periodSeconds = 60) => ({ type: 'Percent', value, periodSeconds });

interface Case {
  readonly name: string;
  readonly current: number;
  readonly desired: number;
  readonly min?: number;
  readonly max?: number;
  readonly behavior?: HorizontalPodAutoscalerBehavior;
  /** Seconds ago, and what was wished for then. */
  readonly wished?: readonly (readonly [number, number])[];
  /** Seconds ago, and by how many replicas it was changed. */
  readonly changed?: readonly (readonly [number, number])[];
  readonly want: number;
  readonly able?: string;
  readonly limited: string;
}

/** No window of its own: only the policies count. */
const up = (
  policies: HPAScalingPolicy[],
  selectPolicy = 'Max',
): HorizontalPodAutoscalerBehavior => ({
  scaleUp: { policies, selectPolicy, stabilizationWindowSeconds: 0 },
});
const down = (
  policies: HPAScalingPolicy[],
  selectPolicy = 'Max',
): HorizontalPodAutoscalerBehavior => ({
  scaleDown: { policies, selectPolicy, stabilizationWindowSeconds: 0 },
});

const CASES: readonly Case[] = [
  // Without behavior.
  {
    name: 'does what is wished within the bounds',
    current: 3,
    desired: 5,
    want: 5,
    able: 'ReadyForNewScale',
    limited: 'False DesiredWithinRange',
  },
  {
    name: 'gives no less than the minimum',
    current: 7,
    desired: 3,
    min: 5,
    want: 5,
    limited: 'True TooFewReplicas',
  },
  {
    name: 'gives no more than the maximum',
    current: 7,
    desired: 12,
    max: 9,
    want: 9,
    limited: 'True TooManyReplicas',
  },
  {
    name: 'gives no more than the double',
    current: 30,
    desired: 1000,
    max: 2000,
    want: 60,
    limited: 'True ScaleUpLimit',
  },
  {
    name: 'gives four at once',
    current: 1,
    desired: 1000,
    max: 2000,
    want: 4,
    limited: 'True ScaleUpLimit',
  },
  {
    name: 'gives the maximum where the double is the same',
    current: 5,
    desired: 1000,
    max: 10,
    want: 10,
    limited: 'True TooManyReplicas',
  },
  {
    name: 'keeps to a greater wish of the last five minutes',
    current: 10,
    desired: 2,
    wished: [
      [299, 7],
      [100, 4],
    ],
    want: 7,
    able: 'ScaleDownStabilized',
    limited: 'False DesiredWithinRange',
  },
  {
    name: 'keeps to a greater wish of just five minutes ago',
    current: 10,
    desired: 2,
    wished: [[300, 7]],
    want: 7,
    able: 'ScaleDownStabilized',
    limited: 'False DesiredWithinRange',
  },
  {
    name: 'forgets a greater wish of before',
    current: 10,
    desired: 2,
    wished: [[301, 7]],
    want: 2,
    limited: 'False DesiredWithinRange',
  },
  {
    name: 'may go up by a wish of before',
    current: 4,
    desired: 2,
    wished: [[60, 6]],
    want: 6,
    able: 'ScaleDownStabilized',
    limited: 'False DesiredWithinRange',
  },
  // Up, by policies.
  {
    name: 'adds as many pods as a policy allows',
    current: 10,
    desired: 100,
    behavior: up([pods(5)]),
    want: 15,
    limited: 'True ScaleUpLimit',
  },
  {
    name: 'adds as many percent as a policy allows, rounded up',
    current: 3,
    desired: 100,
    behavior: up([percent(10)]),
    want: 4,
    limited: 'True ScaleUpLimit',
  },
  {
    name: 'adds by the policy that allows most',
    current: 10,
    desired: 100,
    behavior: up([pods(5), percent(80)]),
    want: 18,
    limited: 'True ScaleUpLimit',
  },
  {
    name: 'adds by the policy that allows least',
    current: 10,
    desired: 100,
    behavior: up([pods(5), percent(80)], 'Min'),
    want: 15,
    limited: 'True ScaleUpLimit',
  },
  {
    name: 'adds nothing where that is disabled',
    current: 10,
    desired: 100,
    behavior: up([pods(5)], 'Disabled'),
    want: 10,
    limited: 'True ScaleUpLimit',
  },
  {
    name: 'adds only the rest of what a period allows',
    current: 13,
    desired: 100,
    behavior: up([pods(5)]),
    changed: [[30, 3]],
    want: 15,
    limited: 'True ScaleUpLimit',
  },
  {
    name: 'adds nothing in a period that is used up',
    current: 15,
    desired: 100,
    behavior: up([pods(5)]),
    changed: [[59, 5]],
    want: 15,
    limited: 'True ScaleUpLimit',
  },
  {
    name: 'adds again when a change is as old as the period',
    current: 15,
    desired: 100,
    behavior: up([pods(5)]),
    changed: [[60, 5]],
    want: 20,
    limited: 'True ScaleUpLimit',
  },
  {
    name: 'adds more where some were taken in the period',
    current: 5,
    desired: 100,
    behavior: up([pods(5)]),
    changed: [[30, -5]],
    want: 15,
    limited: 'True ScaleUpLimit',
  },
  {
    name: 'counts percents from where the period began',
    current: 15,
    desired: 100,
    behavior: up([percent(100)]),
    changed: [[30, 5]],
    want: 20,
    limited: 'True ScaleUpLimit',
  },
  {
    name: 'leaves what is there already though a policy would not give it',
    current: 20,
    desired: 30,
    behavior: up([pods(1)]),
    changed: [[30, 15]],
    want: 20,
    limited: 'True ScaleUpLimit',
  },
  {
    name: 'looks at each policy with its own period',
    current: 20,
    desired: 100,
    behavior: up([pods(5, 15), percent(50, 120)], 'Min'),
    changed: [[30, 10]],
    want: 20,
    limited: 'True ScaleUpLimit',
  },
  {
    name: 'adds up to the maximum',
    current: 10,
    desired: 100,
    max: 12,
    behavior: up([pods(5)]),
    want: 12,
    limited: 'True TooManyReplicas',
  },
  // Down, by policies.
  {
    name: 'gives nothing back that was taken faster than a policy allows now',
    current: 10,
    desired: 5,
    behavior: down([pods(4)]),
    changed: [[30, -10]],
    want: 10,
    limited: 'True ScaleDownLimit',
  },
  {
    name: 'takes as many pods as a policy allows',
    current: 10,
    desired: 1,
    behavior: down([pods(3)]),
    want: 7,
    limited: 'True ScaleDownLimit',
  },
  {
    name: 'takes as many percent as a policy allows, rounded in favour of the change',
    current: 7,
    desired: 1,
    behavior: down([percent(50)]),
    want: 3,
    limited: 'True ScaleDownLimit',
  },
  {
    name: 'takes by the policy that allows most',
    current: 10,
    desired: 1,
    behavior: down([pods(3), percent(50)]),
    want: 5,
    limited: 'True ScaleDownLimit',
  },
  {
    name: 'takes by the policy that allows least',
    current: 10,
    desired: 1,
    behavior: down([pods(3), percent(50)], 'Min'),
    want: 7,
    limited: 'True ScaleDownLimit',
  },
  {
    name: 'takes nothing where that is disabled',
    current: 10,
    desired: 1,
    behavior: down([pods(3)], 'Disabled'),
    want: 10,
    limited: 'True ScaleDownLimit',
  },
  {
    name: 'takes only the rest of what a period allows',
    current: 8,
    desired: 1,
    behavior: down([pods(3)]),
    changed: [[30, -2]],
    want: 7,
    limited: 'True ScaleDownLimit',
  },
  {
    name: 'takes more where some were added in the period',
    current: 15,
    desired: 1,
    behavior: down([pods(3)]),
    changed: [[30, 5]],
    want: 7,
    limited: 'True ScaleDownLimit',
  },
  {
    name: 'takes nothing in a period that is used up',
    current: 7,
    desired: 1,
    behavior: down([pods(3)]),
    changed: [[30, -3]],
    want: 7,
    limited: 'True ScaleDownLimit',
  },
  {
    name: 'takes down to the minimum',
    current: 10,
    desired: 1,
    min: 9,
    behavior: down([pods(3)]),
    want: 9,
    limited: 'True TooFewReplicas',
  },
  {
    name: 'takes all but one at once by default',
    current: 10,
    desired: 1,
    behavior: { scaleDown: { stabilizationWindowSeconds: 0 } },
    want: 1,
    limited: 'False DesiredWithinRange',
  },
  // Windows.
  {
    name: 'waits as long as its window down says',
    current: 10,
    desired: 1,
    behavior: { scaleDown: { stabilizationWindowSeconds: 60 } },
    wished: [
      [59, 8],
      [61, 9],
    ],
    want: 8,
    able: 'ScaleDownStabilized',
    limited: 'False DesiredWithinRange',
  },
  {
    name: 'waits five minutes where its window down is not said',
    current: 10,
    desired: 1,
    behavior: { scaleDown: {} },
    wished: [[299, 8]],
    want: 8,
    able: 'ScaleDownStabilized',
    limited: 'False DesiredWithinRange',
  },
  {
    name: 'does not count a wish as old as the window',
    current: 10,
    desired: 1,
    behavior: { scaleDown: { stabilizationWindowSeconds: 60 } },
    wished: [[60, 8]],
    want: 1,
    able: 'ReadyForNewScale',
    limited: 'False DesiredWithinRange',
  },
  {
    name: 'follows the least wish of its window up',
    current: 2,
    desired: 9,
    behavior: { scaleUp: { stabilizationWindowSeconds: 60 } },
    wished: [[30, 3]],
    want: 3,
    able: 'ScaleUpStabilized',
    limited: 'False DesiredWithinRange',
  },
  {
    name: 'does not go down by its window up',
    current: 5,
    desired: 9,
    behavior: { scaleUp: { stabilizationWindowSeconds: 60 } },
    wished: [[30, 3]],
    want: 5,
    able: 'ScaleUpStabilized',
    limited: 'False DesiredWithinRange',
  },
  {
    name: 'has both windows',
    current: 5,
    desired: 4,
    behavior: {
      scaleUp: { stabilizationWindowSeconds: 60 },
      scaleDown: { stabilizationWindowSeconds: 60 },
    },
    wished: [[30, 8]],
    want: 5,
    able: 'ScaleDownStabilized',
    limited: 'False DesiredWithinRange',
  },
];

function historyOf({ current, wished = [], changed = [] }: Case): History {
  // Whatever it began with is long past.
  const history = new History(current, NOW - 3_000_000);
  for (const [secondsAgo, replicas] of wished) history.recommend(replicas, NOW - secondsAgo * 1000);
  for (const [secondsAgo, by] of changed) history.changed(by, NOW - secondsAgo * 1000);
  return history;
}

describe('decide()', () => {
  for (const one of CASES) {
    it(one.name, () => {
      const { current, desired, min = 1, max = 1000, behavior, want, able, limited } = one;
      const options = {
        history: historyOf(one),
        now: NOW,
        downscaleStabilizationMs: 300_000,
        behavior,
      };
      const decision = decide({ current, desired, min, max }, options);
      assert.equal(decision.replicas, want);
      assert.equal(`${decision.limited.status} ${decision.limited.reason}`, limited);
      if (able) assert.equal(decision.able.reason, able);
    });
  }
});

const anyPolicy = fc.record({
  type: fc.constantFrom('Pods', 'Percent'),
  value: fc.integer({ min: 1, max: 150 }),
  periodSeconds: fc.integer({ min: 1, max: 1800 }),
});
const anyRules = fc.record({
  policies: fc.array(anyPolicy, { minLength: 1, maxLength: 3 }),
  selectPolicy: fc.constantFrom('Max', 'Min', 'Disabled'),
  stabilizationWindowSeconds: fc.integer({ min: 0, max: 600 }),
});
const anySteps = fc.array(
  fc.record({
    seconds: fc.integer({ min: 1, max: 400 }),
    desired: fc.integer({ min: 0, max: 60 }),
  }),
  { maxLength: 60 },
);
const anyBounds = fc.tuple(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 0, max: 40 }));

describe('decide() with any wishes at any times', () => {
  it('stays within its bounds, and changes no faster than its policies allow', () => {
    fc.assert(
      fc.property(
        anyRules,
        anyRules,
        anyBounds,
        anySteps,
        (scaleUp, scaleDown, [min, room], steps) => {
          const max = min + room;
          const behavior = { scaleUp, scaleDown };
          let now = NOW;
          let current = min;
          const history = new History(current, now);
          const log = [{ at: now, replicas: current }];
          for (const { seconds, desired } of steps) {
            now += seconds * 1000;
            const options = { history, now, downscaleStabilizationMs: 300_000, behavior };
            const { replicas } = decide({ current, desired, min, max }, options);
            assert.ok(replicas >= min && replicas <= max, `${replicas} of ${min} to ${max}`);
            if (replicas !== current) {
              checkSpeed({
                log,
                now,
                to: replicas,
                rules: replicas > current ? scaleUp : scaleDown,
              });
              history.changed(replicas - current, now);
              current = replicas;
            }
            log.push({ at: now, replicas: current });
          }
        },
      ),
      { numRuns: 300 },
    );
  });

  it('without behavior stays within its bounds, at most doubles, and goes down only to what was wished', () => {
    fc.assert(
      fc.property(anyBounds, anySteps, ([min, room], steps) => {
        const max = min + room;
        let now = NOW;
        let current = min;
        const history = new History(current, now);
        const wishes: { at: number; desired: number }[] = [];
        for (const { seconds, desired } of steps) {
          now += seconds * 1000;
          wishes.push({ at: now, desired });
          const options = { history, now, downscaleStabilizationMs: 300_000, behavior: undefined };
          const { replicas } = decide({ current, desired, min, max }, options);
          assert.ok(replicas >= min && replicas <= max);
          assert.ok(replicas <= Math.max(2 * current, 4, min));
          const recent = wishes.filter(({ at }) => at >= now - 300_000);
          const greatest = Math.max(...recent.map(wish => wish.desired));
          assert.ok(replicas >= Math.min(current, greatest));
          current = replicas;
        }
      }),
      { numRuns: 300 },
    );
  });
});

interface Change {
  readonly log: readonly { readonly at: number; readonly replicas: number }[];
  readonly now: number;
  readonly to: number;
  readonly rules: HPAScalingRules;
}

/** By what there was when each period began, and not by what the code remembers. */
function checkSpeed({ log, now, to, rules }: Change): void {
  const { policies = [], selectPolicy } = rules;
  assert.notEqual(selectPolicy, 'Disabled');
  const from = log.at(-1)?.replicas ?? 0;
  const isAllowed = ({ type, value, periodSeconds }: HPAScalingPolicy) => {
    const began = log.findLast(({ at }) => at <= now - periodSeconds * 1000) ?? log[0];
    const start = began?.replicas ?? 0;
    const most = type === 'Pods' ? value : (start * value) / 100;
    return to > from ? to <= Math.ceil(start + most + 1e-9) : to >= Math.trunc(start - most - 1e-9);
  };
  const found = selectPolicy === 'Min' ? policies.every(isAllowed) : policies.some(isAllowed);
  assert.ok(found, `from ${from} to ${to} at ${now}`);
}
