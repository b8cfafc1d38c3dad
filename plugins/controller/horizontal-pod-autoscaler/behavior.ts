import type {
  HorizontalPodAutoscalerBehavior,
  HPAScalingPolicy,
  HPAScalingRules,
} from 'kernetes/sdk';
import type { History } from './history.ts';

/** What was asked for, and what is done. */
export interface Wish {
  readonly current: number;
  readonly desired: number;
  readonly min: number;
  readonly max: number;
}

export interface Decision {
  readonly replicas: number;
  readonly able: Finding;
  readonly limited: Finding & { readonly status: 'True' | 'False' };
}

export interface Finding {
  readonly reason: string;
  readonly message: string;
}

export interface DecideOptions {
  readonly history: History;
  readonly now: number;
  /** How far back a scale-down looks where its rules do not say. */
  readonly downscaleStabilizationMs: number;
  readonly behavior: HorizontalPodAutoscalerBehavior | undefined;
}

/**
 * Steadies a wish: first by what was wished lately, then by how fast the number may change and by
 * its bounds. The wish is remembered as it was. Without `behavior` it is upstream's older way: only
 * a scale-down is steadied, and a scale-up at most doubles, or goes to four.
 */
export function decide(wish: Wish, options: DecideOptions): Decision {
  const { history, now, behavior } = options;
  const rules = behavior && rulesOf(behavior, options.downscaleStabilizationMs);
  const stable = rules ? stabilize(wish, rules, options) : stabilizeDown(wish, options);
  history.recommend(wish.desired, now);
  const steady = { ...wish, desired: stable };
  const limited = rules ? limitByRules(steady, rules, options) : limitByDefault(steady);
  const stabilized = wish.desired >= wish.current && rules ? UP_STABILIZED : DOWN_STABILIZED;
  return {
    replicas: limited.replicas,
    able: stable === wish.desired ? READY : stabilized,
    limited: { ...limited.finding, status: limited.replicas === stable ? 'False' : 'True' },
  };
}

interface Rules {
  readonly up: Required<Omit<HPAScalingRules, 'tolerance'>>;
  readonly down: Required<Omit<HPAScalingRules, 'tolerance'>>;
}

interface Limited {
  readonly replicas: number;
  readonly finding: Finding;
}

/** The API server fills most of it in; what an older client's object lacks has the same defaults. */
function rulesOf(
  { scaleUp, scaleDown }: HorizontalPodAutoscalerBehavior,
  downscaleStabilizationMs: number,
): Rules {
  const stabilizationWindowSeconds = downscaleStabilizationMs / 1000;
  return {
    up: { ...SCALE_UP, ...scaleUp },
    down: { ...SCALE_DOWN, stabilizationWindowSeconds, ...scaleDown },
  };
}

/** No less than the least wish of the window up, no more than the greatest of the window down. */
function stabilize({ current, desired }: Wish, rules: Rules, options: DecideOptions): number {
  const { history, now } = options;
  const since = (window: number) => history.recommendedAfter(now - window * 1000);
  const least = Math.min(desired, ...since(rules.up.stabilizationWindowSeconds));
  const greatest = Math.max(desired, ...since(rules.down.stabilizationWindowSeconds));
  return Math.min(Math.max(current, least), greatest);
}

function stabilizeDown({ desired }: Wish, options: DecideOptions): number {
  const { history, now, downscaleStabilizationMs } = options;
  return Math.max(desired, ...history.recommendedSince(now - downscaleStabilizationMs));
}

function limitByDefault({ current, desired, min, max }: Wish): Limited {
  const fastest = Math.max(2 * current, UP_AT_ONCE);
  if (desired < min) return { replicas: min, finding: TOO_FEW };
  if (desired <= Math.min(max, fastest)) return { replicas: desired, finding: WITHIN_RANGE };
  return max > fastest
    ? { replicas: fastest, finding: UP_LIMIT }
    : { replicas: max, finding: TOO_MANY };
}

function limitByRules(wish: Wish, rules: Rules, options: DecideOptions): Limited {
  const { current, desired, min, max } = wish;
  if (desired > current) {
    // Not below: what is there already is not taken back by a policy.
    const fastest = Math.max(current, upLimit(current, rules.up, options));
    const bound =
      max > fastest
        ? { replicas: fastest, finding: UP_LIMIT }
        : { replicas: max, finding: TOO_MANY };
    if (desired > bound.replicas) return bound;
  }
  if (desired < current) {
    const fastest = Math.min(current, downLimit(current, rules.down, options));
    const bound =
      min < fastest
        ? { replicas: fastest, finding: DOWN_LIMIT }
        : { replicas: min, finding: TOO_FEW };
    if (desired < bound.replicas) return bound;
  }
  return { replicas: desired, finding: WITHIN_RANGE };
}

function upLimit(current: number, rules: Rules['up'], options: DecideOptions): number {
  if (rules.selectPolicy === 'Disabled') return current;
  const limits = rules.policies.map(policy => {
    const start = periodStart(current, policy, options);
    if (policy.type === 'Pods') return start + policy.value;
    // Up, or one pod would never become two.
    return Math.ceil(start * (1 + policy.value / 100));
  });
  return rules.selectPolicy === 'Min' ? Math.min(...limits) : Math.max(...limits);
}

function downLimit(current: number, rules: Rules['down'], options: DecideOptions): number {
  if (rules.selectPolicy === 'Disabled') return current;
  const limits = rules.policies.map(policy => {
    const start = periodStart(current, policy, options);
    if (policy.type === 'Pods') return start - policy.value;
    return Math.trunc(start * (1 - policy.value / 100));
  });
  // The least change leaves the most.
  return rules.selectPolicy === 'Min' ? Math.max(...limits) : Math.min(...limits);
}

/** How many there were when the policy's period began, as far as this autoscaler changed them. */
function periodStart(
  current: number,
  { periodSeconds }: HPAScalingPolicy,
  { history, now }: DecideOptions,
): number {
  return current - history.changedAfter(now - periodSeconds * 1000);
}

/** Upstream's: enough for a first burst. */
const UP_AT_ONCE = 4;
const SCALE_UP = {
  stabilizationWindowSeconds: 0,
  selectPolicy: 'Max',
  policies: [
    { type: 'Pods', value: 4, periodSeconds: 15 },
    { type: 'Percent', value: 100, periodSeconds: 15 },
  ],
};
const SCALE_DOWN = {
  selectPolicy: 'Max',
  policies: [{ type: 'Percent', value: 100, periodSeconds: 15 }],
};

const READY = { reason: 'ReadyForNewScale', message: 'recommended size matches current size' };
const UP_STABILIZED = {
  reason: 'ScaleUpStabilized',
  message:
    'recent recommendations were lower than current one, applying the lowest recent recommendation',
};
const DOWN_STABILIZED = {
  reason: 'ScaleDownStabilized',
  message:
    'recent recommendations were higher than current one, applying the highest recent recommendation',
};
const WITHIN_RANGE = {
  reason: 'DesiredWithinRange',
  message: 'the desired count is within the acceptable range',
};
const TOO_FEW = {
  reason: 'TooFewReplicas',
  message: 'the desired replica count is less than the minimum replica count',
};
const TOO_MANY = {
  reason: 'TooManyReplicas',
  message: 'the desired replica count is more than the maximum replica count',
};
const UP_LIMIT = {
  reason: 'ScaleUpLimit',
  message: 'the desired replica count is increasing faster than the maximum scale rate',
};
const DOWN_LIMIT = {
  reason: 'ScaleDownLimit',
  message: 'the desired replica count is decreasing faster than the maximum scale rate',
};
