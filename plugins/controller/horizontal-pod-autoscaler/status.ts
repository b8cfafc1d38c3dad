import { isDeepStrictEqual } from 'node:util';
import {
  type HorizontalPodAutoscaler,
  type HorizontalPodAutoscalerStatus,
  type MetricStatus,
  toTime,
} from 'kernetes/sdk';

export type ConditionType = 'AbleToScale' | 'ScalingActive' | 'ScalingLimited';

/** The status that an autoscaler is to have; conditions that are not spoken of stay. */
export class StatusDraft {
  readonly #hpa: HorizontalPodAutoscaler;
  readonly #time: string;
  #status: HorizontalPodAutoscalerStatus;

  constructor(hpa: HorizontalPodAutoscaler, now: number) {
    this.#hpa = hpa;
    this.#time = toTime(now);
    const { generation } = hpa.metadata;
    this.#status = {
      currentReplicas: 0,
      desiredReplicas: 0,
      ...structuredClone(hpa.status),
      ...(generation !== undefined && { observedGeneration: generation }),
    };
  }

  /** The whole object, or undefined where nothing would change. */
  get changed(): HorizontalPodAutoscaler | undefined {
    if (isDeepStrictEqual(this.#status, this.#hpa.status)) return undefined;
    return { ...this.#hpa, status: this.#status };
  }

  setCondition(
    type: ConditionType,
    status: 'True' | 'False',
    { reason, message }: { readonly reason: string; readonly message: string },
  ): void {
    const { conditions = [] } = this.#status;
    const old = conditions.find(condition => condition.type === type);
    const lastTransitionTime = (old?.status === status && old.lastTransitionTime) || this.#time;
    const condition = { type, status, lastTransitionTime, reason, message };
    this.#status.conditions = old
      ? conditions.map(each => (each === old ? condition : each))
      : [...conditions, condition];
  }

  /** `desired` absent: as it was. */
  setReplicas(current: number, desired = this.#status.desiredReplicas): void {
    this.#status.currentReplicas = current;
    this.#status.desiredReplicas = desired;
  }

  /** None: what was known of them is known no more. */
  setMetrics(metrics: readonly MetricStatus[] | undefined): void {
    const { currentMetrics: _, ...rest } = this.#status;
    this.#status = { ...rest, ...(metrics && { currentMetrics: [...metrics] }) };
  }

  setScaled(): void {
    this.#status.lastScaleTime = this.#time;
  }
}
