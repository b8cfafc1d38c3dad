import type {
  autoscalingV2beta1,
  MetricIdentifier,
  MetricSpec,
  MetricStatus,
  MetricTarget,
  MetricValueStatus,
} from 'kernetes/sdk';

/**
 * Metrics as they were before v2 had identifiers and targets: in v2beta1, and to this day in the
 * annotations of v1. None changes its argument.
 */
export type OldSpec = autoscalingV2beta1.MetricSpec;
export type OldStatus = autoscalingV2beta1.MetricStatus;

export function oldSpec({
  type,
  object,
  pods,
  resource,
  containerResource,
  external,
}: MetricSpec): OldSpec {
  return present({
    type,
    object: object && {
      ...oldName(object.metric),
      target: object.describedObject,
      // The field is required there, so a target that is only an average leaves it zero.
      targetValue: object.target?.value ?? NO_VALUE,
      ...present({ averageValue: object.target?.averageValue }),
    },
    pods: pods && {
      ...oldName(pods.metric),
      targetAverageValue: pods.target?.averageValue ?? NO_VALUE,
    },
    resource: resource && { name: resource.name, ...oldTarget(resource.target) },
    containerResource: containerResource && {
      container: containerResource.container,
      name: containerResource.name,
      ...oldTarget(containerResource.target),
    },
    external: external && {
      ...present({
        metricName: external.metric?.name ?? '',
        metricSelector: external.metric?.selector,
      }),
      ...present({
        targetValue: external.target?.value,
        targetAverageValue: external.target?.averageValue,
      }),
    },
  });
}

export function newSpec({
  type,
  object,
  pods,
  resource,
  containerResource,
  external,
}: OldSpec): MetricSpec {
  return present({
    type,
    object: object && {
      describedObject: object.target,
      metric: newName(object),
      target: valueTarget(
        object.averageValue !== undefined && object.targetValue === NO_VALUE
          ? undefined
          : object.targetValue,
        object.averageValue,
      ),
    },
    pods: pods && {
      metric: newName(pods),
      target: { type: 'AverageValue', averageValue: pods.targetAverageValue },
    },
    resource: resource && { name: resource.name, target: resourceTarget(resource) },
    containerResource: containerResource && {
      container: containerResource.container,
      name: containerResource.name,
      target: resourceTarget(containerResource),
    },
    external: external && {
      metric: present({ name: external.metricName, selector: external.metricSelector }),
      target: valueTarget(external.targetValue, external.targetAverageValue),
    },
  });
}

export function oldStatus(status: MetricStatus): OldStatus {
  const { type, object, pods, resource, containerResource, external } = status;
  return present({
    type,
    object: object && {
      ...oldName(object.metric),
      target: object.describedObject,
      currentValue: object.current?.value ?? NO_VALUE,
      ...present({ averageValue: object.current?.averageValue }),
    },
    pods: pods && {
      ...oldName(pods.metric),
      currentAverageValue: pods.current?.averageValue ?? NO_VALUE,
    },
    resource: resource && { name: resource.name, ...oldCurrent(resource.current) },
    containerResource: containerResource && {
      container: containerResource.container,
      name: containerResource.name,
      ...oldCurrent(containerResource.current),
    },
    external: external && {
      ...present({
        metricName: external.metric?.name ?? '',
        metricSelector: external.metric?.selector,
      }),
      currentValue: external.current?.value ?? NO_VALUE,
      ...present({ currentAverageValue: external.current?.averageValue }),
    },
  });
}

export function newStatus(status: OldStatus): MetricStatus {
  const { type, object, pods, resource, containerResource, external } = status;
  return present({
    type,
    object: object && {
      describedObject: object.target,
      metric: newName(object),
      current: present({ value: object.currentValue, averageValue: object.averageValue }),
    },
    pods: pods && {
      metric: newName(pods),
      current: present({ averageValue: pods.currentAverageValue }),
    },
    resource: resource && { name: resource.name, current: newCurrent(resource) },
    containerResource: containerResource && {
      container: containerResource.container,
      name: containerResource.name,
      current: newCurrent(containerResource),
    },
    external: external && {
      metric: present({ name: external.metricName, selector: external.metricSelector }),
      current: present({
        value: external.currentValue,
        averageValue: external.currentAverageValue,
      }),
    },
  });
}

function oldName(metric: MetricIdentifier | undefined) {
  return present({ metricName: metric?.name ?? '', selector: metric?.selector });
}

function newName({
  metricName,
  selector,
}: Pick<autoscalingV2beta1.PodsMetricSource, 'metricName' | 'selector'>) {
  return present({ name: metricName, selector });
}

function oldTarget(target: MetricTarget | undefined) {
  return present({
    targetAverageUtilization: target?.averageUtilization,
    targetAverageValue: target?.averageValue,
  });
}

function resourceTarget(
  source: Omit<autoscalingV2beta1.ResourceMetricSource, 'name'>,
): MetricTarget {
  const { targetAverageUtilization: averageUtilization, targetAverageValue: averageValue } = source;
  const type = averageUtilization === undefined ? 'AverageValue' : 'Utilization';
  return present({ type, averageUtilization, averageValue });
}

function valueTarget(value: string | undefined, averageValue: string | undefined): MetricTarget {
  return present({
    type: averageValue === undefined ? 'Value' : 'AverageValue',
    value,
    averageValue,
  });
}

function oldCurrent(current: MetricValueStatus | undefined) {
  return {
    ...present({ currentAverageUtilization: current?.averageUtilization }),
    currentAverageValue: current?.averageValue ?? NO_VALUE,
  };
}

function newCurrent(status: Omit<autoscalingV2beta1.ResourceMetricStatus, 'name'>) {
  return present({
    averageUtilization: status.currentAverageUtilization,
    averageValue: status.currentAverageValue,
  });
}

/** The members that are there. */
export function present<T extends object>(members: T): Present<T> {
  const kept = Object.entries(members).filter(([, value]) => value !== undefined);
  return Object.fromEntries(kept) as Present<T>;
}

/** `T` whose members that may be undefined may be absent instead. */
type Present<T> = {
  [K in keyof T as undefined extends T[K] ? never : K]: T[K];
} & {
  [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined>;
};

const NO_VALUE = '0';
