import {
  ApiError,
  type Clock,
  type ControllerView,
  type EventRecorder,
  type EventType,
  HorizontalPodAutoscaler,
  keyOf,
  type Logger,
  type MetricStatus,
  type MetricsClient,
  type ObjectClient,
  parseQuantity,
} from 'kernetes/sdk';
import { decide, type Finding } from './behavior.ts';
import { History } from './history.ts';
import type { MetricContext, MetricResult } from './metric-context.ts';
import { originOf } from './metric-failure.ts';
import { evaluateAll } from './metrics.ts';
import type { Tolerances } from './replicas.ts';
import { type ScaleTarget, type ScaleTargets, UnknownTarget } from './scale-target.ts';
import { selectPods } from './selected-pods.ts';
import { SelectorClaims } from './selector-claims.ts';
import { StatusDraft } from './status.ts';

/** All times in milliseconds. */
export interface AutoscalerTuning {
  readonly tolerance: number;
  readonly downscaleStabilizationMs: number;
  readonly cpuInitializationMs: number;
  readonly readinessDelayMs: number;
}

export interface AutoscalerOptions extends AutoscalerTuning {
  readonly targets: ScaleTargets;
  readonly metrics: MetricsClient;
  readonly objects: ObjectClient;
  readonly events: EventRecorder;
  readonly clock: Clock;
  readonly log: Logger;
}

/** The metrics or the target are not as they should be. Status and events say so already. */
export class NotFollowed extends Error {
  override name = 'NotFollowed';
}

/**
 * Brings the replicas of what autoscalers point at to what their metrics ask for. What it remembers
 * between two calls only makes it slower: an autoscaler that is new to it begins with what is there.
 */
export class Autoscaler {
  readonly #options: AutoscalerOptions;
  readonly #claims = new SelectorClaims();
  /** By key; of that object, not of an earlier one of its name. */
  readonly #histories = new Map<string, { readonly uid: string; readonly history: History }>();

  constructor(options: AutoscalerOptions) {
    this.#options = options;
  }

  /** The autoscaler is gone. */
  forget(key: string): void {
    this.#claims.release(key);
    this.#histories.delete(key);
  }

  /** Rejects with a `NotFollowed` where it could not do, or not on all grounds, what it should. */
  async sync(hpa: HorizontalPodAutoscaler, view: ControllerView): Promise<void> {
    const { clock } = this.#options;
    const run = { hpa, view, draft: new StatusDraft(hpa, clock.now()) };
    const target = await this.#readScale(run);
    const wanted = await this.#desired(run, target);
    const current = target.scale.spec?.replicas ?? 0;
    run.draft.setReplicas(current, wanted.replicas);
    run.draft.setMetrics(wanted.metrics);
    if (wanted.replicas !== current) await this.#rescale(run, target, wanted);
    await this.#write(run);
    if (wanted.error)
      throw new NotFollowed(wanted.error.message, { cause: originOf(wanted.error) });
  }

  async #readScale(run: Run): Promise<ScaleTarget> {
    const { scaleTargetRef } = run.hpa.spec;
    try {
      const target = await this.#options.targets.read(scaleTargetRef, namespaceOf(run.hpa));
      const message = "the HPA controller was able to get the target's current scale";
      run.draft.setCondition('AbleToScale', 'True', { reason: 'SucceededGetScale', message });
      return target;
    } catch (error) {
      if (!ApiError.is(error) && !(error instanceof UnknownTarget)) throw error;
      this.#event(run, 'Warning', 'FailedGetScale', error.message);
      const what = "the HPA controller was unable to get the target's current scale";
      const finding = { reason: 'FailedGetScale', message: `${what}: ${error.message}` };
      run.draft.setCondition('AbleToScale', 'False', finding);
      throw await this.#failed(run, `failed to query scale subresource for ${nameOf(run)}`, error);
    }
  }

  async #desired(run: Run, target: ScaleTarget): Promise<Wanted> {
    const { minReplicas: min = 1, maxReplicas: max } = run.hpa.spec;
    const current = target.scale.spec?.replicas ?? 0;
    const history = this.#historyOf(run.hpa, current);
    history.found(current);
    if (current === 0 && min !== 0) {
      run.draft.setCondition('ScalingActive', 'False', SCALING_DISABLED);
      return { replicas: 0, reason: '' };
    }
    if (current > max) {
      return { replicas: max, reason: 'Current number of replicas above Spec.MaxReplicas' };
    }
    if (current < min) {
      return { replicas: min, reason: 'Current number of replicas below Spec.MinReplicas' };
    }
    return this.#byMetrics(run, target, history);
  }

  async #byMetrics(run: Run, target: ScaleTarget, history: History): Promise<Wanted> {
    const { spec } = run.hpa;
    const current = target.scale.spec?.replicas ?? 0;
    const context = await this.#metricContext(run, target);
    const { best, statuses, failures, error } = await evaluateAll(spec.metrics ?? [], context);
    for (const { reason, finding } of failures) this.#event(run, 'Warning', reason, finding);
    if (!best) {
      const [failure] = failures;
      const message = `the HPA was unable to compute the replica count: ${failure?.finding}`;
      const reason = failure?.reason ?? '';
      if (failure) run.draft.setCondition('ScalingActive', 'False', { reason, message });
      run.draft.setMetrics(statuses);
      return this.#notComputed(run, current, error ?? new Error('no metrics'));
    }
    const message = `the HPA was able to successfully calculate a replica count from ${best.name}`;
    run.draft.setCondition('ScalingActive', 'True', { reason: 'ValidMetricFound', message });

    const { minReplicas: min = 1, maxReplicas: max, behavior } = spec;
    const wish = { current, desired: best.replicas, min, max };
    const { downscaleStabilizationMs, clock } = this.#options;
    const now = clock.monotonic();
    const decision = decide(wish, { history, now, downscaleStabilizationMs, behavior });
    run.draft.setCondition('AbleToScale', 'True', decision.able);
    run.draft.setCondition('ScalingLimited', decision.limited.status, decision.limited);
    const reason = reasonOf(best, current);
    return { replicas: decision.replicas, reason, metrics: statuses, ...(error && { error }) };
  }

  async #metricContext(run: Run, { scale }: ScaleTarget): Promise<MetricContext> {
    const { hpa, draft } = run;
    const current = scale.spec?.replicas ?? 0;
    const podSelector = scale.status?.selector ?? '';
    const { metrics: client, clock, cpuInitializationMs, readinessDelayMs } = this.#options;
    const claim = { key: keyOf(hpa), namespace: namespaceOf(hpa), podSelector };
    const selection = selectPods(claim, { view: run.view, claims: this.#claims });
    if ('condition' in selection) {
      const { event, condition } = selection;
      this.#event(run, 'Warning', event.reason, event.message);
      draft.setCondition('ScalingActive', 'False', condition);
      draft.setMetrics(undefined);
      return this.#notComputed(run, current, new Error(event.message));
    }
    return {
      ...{ client, podSelector, pods: selection.pods, specReplicas: current },
      namespace: claim.namespace,
      statusReplicas: scale.status?.replicas ?? 0,
      tolerances: tolerancesOf(hpa.spec.behavior, this.#options.tolerance),
      times: { now: clock.now(), cpuInitializationMs, readinessDelayMs },
    };
  }

  async #notComputed(run: Run, current: number, error: Error): Promise<never> {
    run.draft.setReplicas(current);
    const what = 'failed to compute desired number of replicas based on listed metrics for';
    const failure = await this.#failed(run, `${what} ${nameOf(run)}`, error);
    this.#event(run, 'Warning', 'FailedComputeMetricsReplicas', error.message);
    throw failure;
  }

  async #rescale(run: Run, target: ScaleTarget, { replicas, reason }: Wanted): Promise<void> {
    const { targets, clock } = this.#options;
    const { hpa, draft } = run;
    const current = target.scale.spec?.replicas ?? 0;
    const what = `New size: ${replicas}; reason: ${reason}`;
    this.#historyOf(hpa, current).attempt(current, replicas, clock.monotonic());
    try {
      await targets.write(target, replicas);
    } catch (error) {
      if (!ApiError.is(error)) throw error;
      this.#event(run, 'Warning', 'FailedRescale', `${what}; error: ${error.message}`);
      const message = `the HPA controller was unable to update the target scale: ${error.message}`;
      draft.setCondition('AbleToScale', 'False', { reason: 'FailedUpdateScale', message });
      draft.setReplicas(current, hpa.status?.desiredReplicas ?? 0);
      throw await this.#failed(run, `failed to rescale ${nameOf(run)}`, error);
    }
    const message = `the HPA controller was able to update the target scale to ${replicas}`;
    draft.setCondition('AbleToScale', 'True', { reason: 'SucceededRescale', message });
    draft.setScaled();
    this.#event(run, 'Normal', 'SuccessfulRescale', what);
    this.#historyOf(hpa, current).found(replicas);
  }

  /** Tells the status; the error to go on with is the first one, whatever becomes of that. */
  async #failed(run: Run, what: string, why: Error): Promise<Error> {
    try {
      await this.#write(run);
    } catch (error) {
      this.#options.log.warn('Status not written', { autoscaler: keyOf(run.hpa), error });
    }
    return new NotFollowed(`${what}: ${why.message}`, { cause: originOf(why) });
  }

  async #write(run: Run): Promise<void> {
    const { changed } = run.draft;
    if (!changed) return;
    try {
      await this.#options.objects.updateStatus(HorizontalPodAutoscaler, changed);
    } catch (error) {
      if (ApiError.is(error)) this.#event(run, 'Warning', 'FailedUpdateStatus', error.message);
      throw error;
    }
  }

  #historyOf(hpa: HorizontalPodAutoscaler, current: number): History {
    const key = keyOf(hpa);
    const { uid = '' } = hpa.metadata;
    const known = this.#histories.get(key);
    if (known?.uid === uid) return known.history;
    const history = new History(current, this.#options.clock.monotonic());
    this.#histories.set(key, { uid, history });
    return history;
  }

  #event({ hpa }: Run, type: EventType, reason: string, message: string): void {
    this.#options.events.event(hpa, type, reason, message, SOURCE);
  }
}

/** One look at an autoscaler. */
interface Run {
  readonly hpa: HorizontalPodAutoscaler;
  readonly view: ControllerView;
  readonly draft: StatusDraft;
}

interface Wanted {
  readonly replicas: number;
  /** Of a change. */
  readonly reason: string;
  readonly metrics?: readonly MetricStatus[];
  /** Some metrics failed, but not so that nothing could be done. */
  readonly error?: Error;
}

/** Of the metrics, not of what becomes of it: earlier wishes may bring a change of another kind. */
function reasonOf({ replicas, name }: MetricResult, current: number): string {
  if (replicas > current) return `${name} above target`;
  return replicas < current ? 'All metrics below target' : '';
}

function tolerancesOf(
  behavior: HorizontalPodAutoscaler['spec']['behavior'],
  tolerance: number,
): Tolerances {
  const { scaleDown, scaleUp } = behavior ?? {};
  return {
    down: scaleDown?.tolerance === undefined ? tolerance : fraction(scaleDown.tolerance),
    up: scaleUp?.tolerance === undefined ? tolerance : fraction(scaleUp.tolerance),
  };
}

function fraction(text: string): number {
  const { mantissa, scale } = parseQuantity(text);
  return Number(`${mantissa}e${scale}`);
}

function namespaceOf({ metadata }: HorizontalPodAutoscaler): string {
  return metadata.namespace ?? '';
}

/** As upstream names a target. */
function nameOf({ hpa }: Run): string {
  const { kind, name } = hpa.spec.scaleTargetRef;
  return `${kind}/${namespaceOf(hpa)}/${name}`;
}

const SCALING_DISABLED: Finding = {
  reason: 'ScalingDisabled',
  message: 'scaling is disabled since the replica count of the target is zero',
};
/** The name that this controller has upstream. */
const SOURCE = { component: 'horizontal-pod-autoscaler' };
