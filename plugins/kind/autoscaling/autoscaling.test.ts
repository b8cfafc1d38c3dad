import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { HorizontalPodAutoscaler, KubeObject, MetricSpec, MetricStatus } from 'kernetes/sdk';
import { createdAs } from 'kernetes/sdk/testing';
import { defaultV2, horizontalPodAutoscalers } from './horizontal-pod-autoscaler.ts';
import { targetsText } from './targets.ts';
import { fromV1, toV1 } from './v1.ts';
import { fromV2beta1, toV2beta1 } from './v2beta1.ts';
import { validateHpa } from './validation.ts';

const cpu = (averageUtilization: number) => ({
  type: 'Resource',
  resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization } },
});
const pods = {
  type: 'Pods',
  pods: { metric: { name: 'rps' }, target: { type: 'AverageValue', averageValue: '5' } },
};

function hpa(spec: Partial<HorizontalPodAutoscaler['spec']> = {}): HorizontalPodAutoscaler {
  return {
    kind: 'HorizontalPodAutoscaler',
    apiVersion: 'autoscaling/v2',
    metadata: { name: 'h', annotations: { mine: 'x' } },
    spec: { scaleTargetRef: { kind: 'Deployment', name: 'web' }, maxReplicas: 5, ...spec },
    status: { currentReplicas: 1, desiredReplicas: 2 },
  };
}

describe('HorizontalPodAutoscaler', () => {
  it('defaults to one replica and 80 % of CPU; behavior fills its gaps', () => {
    const object = hpa({ behavior: { scaleUp: { stabilizationWindowSeconds: 60 } } });
    defaultV2(object);
    assert.equal(object.spec.minReplicas, 1);
    assert.deepEqual(object.spec.metrics, [cpu(80)]);
    assert.equal(object.spec.behavior?.scaleUp?.stabilizationWindowSeconds, 60);
    assert.equal(object.spec.behavior?.scaleUp?.policies?.length, 2);
    assert.equal(object.spec.behavior?.scaleDown?.policies?.length, 1);
  });

  it('travels through v1 without loss: what has no field there is in annotations', () => {
    const object = hpa({
      metrics: [pods, cpu(60)],
      behavior: { scaleDown: { selectPolicy: 'Min' } },
    });
    const conditions = [{ type: 'AbleToScale', status: 'True' }];
    object.status = { currentReplicas: 1, desiredReplicas: 2, conditions };
    const old = toV1(structuredClone(object));
    assert.equal(old.spec.targetCPUUtilizationPercentage, 60);
    assert.deepEqual(Object.keys(old.metadata.annotations ?? {}).sort(), [
      'autoscaling.alpha.kubernetes.io/behavior',
      'autoscaling.alpha.kubernetes.io/conditions',
      'autoscaling.alpha.kubernetes.io/metrics',
      'mine',
    ]);
    assert.deepEqual(fromV1(old), object);
  });

  it('v1 has annotations as upstream writes them', () => {
    const object = hpa({
      metrics: [cpu(60), pods],
      behavior: {
        scaleUp: { selectPolicy: 'Max', policies: [{ type: 'Pods', value: 4, periodSeconds: 15 }] },
      },
    });
    const resource = { name: 'cpu', current: { averageUtilization: 7, averageValue: '15m' } };
    const currentMetrics = [{ type: 'Resource', resource }, { type: '' }];
    object.status = { currentReplicas: 1, desiredReplicas: 2, currentMetrics };
    const { metadata, status } = toV1(object);
    const { mine, ...annotations } = metadata.annotations ?? {};
    assert.deepEqual(
      Object.fromEntries(Object.entries(annotations).map(([key, text]) => [key, JSON.parse(text)])),
      {
        'autoscaling.alpha.kubernetes.io/metrics': [
          { type: 'Pods', pods: { metricName: 'rps', targetAverageValue: '5' } },
        ],
        'autoscaling.alpha.kubernetes.io/current-metrics': [
          {
            type: 'Resource',
            resource: { name: 'cpu', currentAverageUtilization: 7, currentAverageValue: '15m' },
          },
          { type: '' },
        ],
        'autoscaling.alpha.kubernetes.io/behavior': {
          ScaleUp: {
            StabilizationWindowSeconds: null,
            SelectPolicy: 'Max',
            Policies: [{ Type: 'Pods', Value: 4, PeriodSeconds: 15 }],
          },
          ScaleDown: null,
        },
      },
    );
    assert.equal(status?.currentCPUUtilizationPercentage, 7);
    object.spec.metrics?.reverse();
    assert.deepEqual(fromV1(toV1(object)), object, 'the CPU is the last metric then, as upstream');
  });

  it('reads behavior from an annotation with names in either case', () => {
    const rules = { selectPolicy: 'Min', stabilizationWindowSeconds: 5 };
    const old = toV1(hpa());
    old.metadata.annotations = {
      'autoscaling.alpha.kubernetes.io/behavior': JSON.stringify({ scaleDown: rules }),
    };
    assert.deepEqual(fromV1(old).spec.behavior, { scaleDown: rules });
  });

  it('travels through v2beta1 without loss', () => {
    const describedObject = { kind: 'Ingress', name: 'main' };
    const metric = { name: 'rps', selector: { matchLabels: { a: 'b' } } };
    const sources: MetricSpec[] = [
      cpu(60),
      pods,
      {
        type: 'Object',
        object: { describedObject, metric, target: { type: 'Value', value: '9' } },
      },
      {
        type: 'Object',
        object: { describedObject, metric, target: { type: 'AverageValue', averageValue: '9' } },
      },
      {
        type: 'External',
        external: { metric, target: { type: 'AverageValue', averageValue: '9' } },
      },
      { type: 'External', external: { metric, target: { type: 'Value', value: '9' } } },
    ];
    const currentMetrics: MetricStatus[] = [
      {
        type: 'Resource',
        resource: { name: 'cpu', current: { averageUtilization: 5, averageValue: '3' } },
      },
      { type: 'Pods', pods: { metric, current: { averageValue: '4' } } },
      { type: 'Object', object: { describedObject, metric, current: { value: '7' } } },
    ];
    const object = hpa({ metrics: sources, behavior: { scaleDown: { selectPolicy: 'Min' } } });
    object.status = { currentReplicas: 1, desiredReplicas: 2, currentMetrics };
    const given = structuredClone(object);
    const old = toV2beta1(object);
    assert.equal(old.spec?.metrics?.[0]?.resource?.targetAverageUtilization, 60);
    assert.equal(old.spec?.metrics?.[2]?.object?.metricName, 'rps');
    assert.deepEqual(fromV2beta1(old), object);
    assert.deepEqual(object, given);
  });

  for (const [version, field] of [
    ['v1', 'targetCPUUtilizationPercentage'],
    ['v2beta1', 'minReplicas'],
  ] as const) {
    it(`an object of ${version} is validated as what it is in v2`, () => {
      const spec = { ...hpa().spec, [field]: 0 };
      const body = { ...hpa(), apiVersion: `autoscaling/${version}`, spec } as KubeObject;
      const { errors } = createdAs(horizontalPodAutoscalers, version, body);
      assert.equal(errors.length, 1);
    });
  }

  for (const nonsense of [
    ...['{', '5', '[5]', '{}', 'null', '[{"type":7}]', '[{"type":"Pods","pods":7}]'],
    '[{"type":"Pods","pods":{"metricName":"x","targetAverageValue":"garbage"}}]',
    '[{"type":"Pods","pods":{"metricName":"x","targetAverageValue":5}}]',
    '[{"type":"Resource","resource":{"name":"cpu","targetAverageUtilization":"5"}}]',
    '[{"type":"Pods","pods":{"metricName":"x","selector":{"matchLabels":{"a":1}}}}]',
  ]) {
    it(`an annotation that is nonsense stays an annotation: ${nonsense}`, () => {
      const old = toV1(hpa());
      old.metadata.annotations = { 'autoscaling.alpha.kubernetes.io/metrics': nonsense };
      assert.deepEqual(fromV1(old).metadata.annotations, old.metadata.annotations);
    });
  }

  it('behavior that is nonsense is none', () => {
    for (const nonsense of [
      ...['5', '[5]', '{}', 'null', '{"ScaleUp":5}', '{"ScaleUp":{"Policies":"x"}}'],
      ...['{"ScaleUp":{"Tolerance":"x"}}', '{"ScaleUp":{"Policies":[{"Value":"x"}]}}'],
    ]) {
      const old = toV1(hpa());
      old.metadata.annotations = { 'autoscaling.alpha.kubernetes.io/behavior': nonsense };
      assert.equal(fromV1(old).spec.behavior, undefined);
    }
  });

  const target = { type: 'AverageValue', averageValue: '5' };
  const metric = { name: 'rps' };
  const policy = { type: 'Pods', value: 1, periodSeconds: 1 };
  const wrong: {
    title: string;
    spec?: object;
    /** The only one. */
    metric?: object;
    /** That of scaling up. */
    rules?: object;
    errors: string[];
  }[] = [
    { title: 'nothing', errors: [] },
    {
      title: 'more replicas at least than at most',
      spec: { minReplicas: 6 },
      errors: [
        'spec.maxReplicas: Invalid value: 5: must be greater than or equal to `minReplicas`',
      ],
    },
    {
      title: 'no replicas at all',
      spec: { minReplicas: 0, maxReplicas: 0 },
      errors: [
        'spec.minReplicas: Invalid value: 0: must be greater than or equal to 1',
        'spec.maxReplicas: Invalid value: 0: must be greater than 0',
      ],
    },
    {
      title: 'a target that can be in no path',
      spec: { scaleTargetRef: { kind: '..', name: '' } },
      errors: [
        `spec.scaleTargetRef.kind: Invalid value: "..": may not be '..'`,
        'spec.scaleTargetRef.name: Required value',
      ],
    },
    {
      title: 'a metric type that is none',
      metric: { type: 'X' },
      errors: [
        'type: Unsupported value: "X": supported values: "ContainerResource", "External", "Object", "Pods", "Resource"',
      ],
    },
    {
      title: 'a metric without its source',
      metric: { type: 'Pods' },
      errors: ['pods: Required value: must populate information for the given metric source'],
    },
    {
      title: 'a metric with two sources',
      metric: { ...pods, resource: { name: 'cpu', target } },
      errors: ['resource: Forbidden: must populate the given metric source only'],
    },
    {
      title: 'targets that are not positive',
      metric: {
        type: 'Object',
        object: {
          describedObject: { kind: 'Service', name: 'web' },
          metric,
          target: { type: 'Value', value: '-1n', averageValue: '0' },
        },
      },
      errors: [
        'object.target.value: Invalid value: "-1n": must be positive',
        'object.target.averageValue: Invalid value: "0": must be positive',
      ],
    },
    {
      title: 'a metric of something nameless, without a target',
      metric: {
        type: 'Object',
        object: { describedObject: { kind: 'X' }, metric: {}, target: {} },
      },
      errors: [
        'object.describedObject.name: Required value',
        'object.metric.name: Required value: must specify a metric name',
        'object.target.type: Required value: must specify a metric target type',
        'object.target.type: Invalid value: "": must be either Utilization, Value, or AverageValue',
        'object.target.averageValue: Required value: must set either a target value or averageValue',
      ],
    },
    {
      title: 'a metric whose name is no part of a path',
      metric: {
        type: 'Pods',
        pods: { metric: { name: 'a/b' }, target: { type: 'Value', value: '1' } },
      },
      errors: [
        `pods.metric.name: Invalid value: "a/b": may not contain '/'`,
        'pods.target.averageValue: Required value: must specify a positive target averageValue',
      ],
    },
    {
      title: 'two targets of an external metric',
      metric: { type: 'External', external: { metric, target: { ...target, value: '1' } } },
      errors: [
        'external.target.value: Forbidden: may not set both a target value for metric and a per-pod target',
      ],
    },
    {
      title: 'no target of an external metric',
      metric: {
        type: 'External',
        external: { metric, target: { type: 'Utilization', averageUtilization: 0 } },
      },
      errors: [
        'external.target.averageUtilization: Invalid value: 0: must be greater than 0',
        'external.target.averageValue: Required value: must set either a target value for metric or a per-pod target',
      ],
    },
    {
      title: 'two targets of a resource',
      metric: {
        type: 'Resource',
        resource: { name: '', target: { ...target, averageUtilization: 5 } },
      },
      errors: [
        'resource.name: Required value: must specify a resource name',
        'resource.target.averageValue: Forbidden: may not set both a target raw value and a target utilization',
      ],
    },
    {
      title: 'a resource of no container',
      metric: {
        type: 'ContainerResource',
        containerResource: { name: 'cpu', container: '', target: { type: 'Value', value: '1' } },
      },
      errors: [
        'containerResource.container: Required value: must specify a container',
        'containerResource.target.averageUtilization: Required value: must set either a target raw value or a target utilization',
      ],
    },
    {
      title: 'behavior without policies',
      rules: {},
      errors: ['policies: Required value: must specify at least one Policy'],
    },
    {
      title: 'behavior beyond its bounds',
      rules: {
        ...{ stabilizationWindowSeconds: 3601, selectPolicy: 'Any', tolerance: '-1m' },
        policies: [
          { type: 'X', value: 0, periodSeconds: 1801 },
          { ...policy, periodSeconds: 0 },
        ],
      },
      errors: [
        'stabilizationWindowSeconds: Invalid value: 3601: must be less than or equal to 3600',
        'selectPolicy: Unsupported value: "Any": supported values: "Disabled", "Max", "Min"',
        'policies[0].type: Unsupported value: "X": supported values: "Percent", "Pods"',
        'policies[0].value: Invalid value: 0: must be greater than zero',
        'policies[0].periodSeconds: Invalid value: 1801: must be less than or equal to 1800',
        'policies[1].periodSeconds: Invalid value: 0: must be greater than zero',
        'tolerance: Invalid value: "-1m": must be greater than or equal to 0',
      ],
    },
    {
      title: 'a window that ended before it began',
      rules: { stabilizationWindowSeconds: -1, policies: [policy] },
      errors: [
        'stabilizationWindowSeconds: Invalid value: -1: must be greater than or equal to zero',
      ],
    },
  ];
  for (const { title, spec, metric, rules, errors } of wrong) {
    it(`validate() finds ${errors.length} errors in ${title}`, () => {
      const at = metric ? 'spec.metrics[0].' : rules ? 'spec.behavior.scaleUp.' : '';
      const given = {
        ...spec,
        ...(metric && { metrics: [metric as MetricSpec] }),
        ...(rules && { behavior: { scaleUp: rules } }),
      };
      assert.deepEqual(
        validateHpa(hpa(given)).map(({ field, message }) => `${field}: ${message}`),
        errors.map(error => at + error),
      );
    });
  }

  it('validate() wants counts in the status', () => {
    const object = hpa();
    object.status = { currentReplicas: -1, desiredReplicas: -2 };
    assert.deepEqual(
      validateHpa(object).map(({ field }) => field),
      ['status.currentReplicas', 'status.desiredReplicas'],
    );
  });

  it('rows show targets as kubectl expects them, in every version', () => {
    const object = hpa({ metrics: [cpu(80), pods, pods], minReplicas: 1 });
    const current = {
      type: 'Resource',
      resource: { name: 'cpu', current: { averageUtilization: 7 } },
    };
    assert.equal(
      targetsText(object.spec.metrics ?? [], [current]),
      'cpu: 7%/80%, <unknown>/5 + 1 more...',
    );
    const [v2, v1] = horizontalPodAutoscalers.versions;
    const row = v2?.row?.(object, 0);
    assert.deepEqual(v1?.row?.(toV1(structuredClone(object)), 0), row);
    assert.equal(row?.[1], 'Deployment/web');
    object.spec.metrics = [pods, cpu(80)];
    object.status = {
      currentReplicas: 1,
      desiredReplicas: 1,
      currentMetrics: [{ type: '' }, current],
    };
    assert.deepEqual(v1?.row?.(toV1(structuredClone(object)), 0), v2?.row?.(object, 0));
  });
});
