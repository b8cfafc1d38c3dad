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
      metrics: [cpu(60), pods],
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
    assert.deepEqual(fromV1(toV1(object)), object);
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

  for (const nonsense of ['{', '5', '[5]', '{}', 'null']) {
    it(`an annotation that is nonsense stays an annotation: ${nonsense}`, () => {
      const old = toV1(hpa());
      old.metadata.annotations = { 'autoscaling.alpha.kubernetes.io/metrics': nonsense };
      assert.deepEqual(fromV1(old).metadata.annotations, old.metadata.annotations);
    });
  }

  it('behavior that is nonsense is none', () => {
    for (const nonsense of ['5', '[5]', '{}', 'null']) {
      const old = toV1(hpa());
      old.metadata.annotations = { 'autoscaling.alpha.kubernetes.io/behavior': nonsense };
      assert.equal(fromV1(old).spec.behavior, undefined);
    }
  });

  const wrong: {
    title: string;
    spec: Partial<HorizontalPodAutoscaler['spec']>;
    fields: string[];
  }[] = [
    { title: 'nothing', spec: {}, fields: [] },
    {
      title: 'more replicas at least than at most',
      spec: { minReplicas: 6 },
      fields: ['spec.maxReplicas'],
    },
    {
      title: 'no replicas at all',
      spec: { minReplicas: 0, maxReplicas: 0 },
      fields: ['spec.minReplicas', 'spec.maxReplicas'],
    },
    {
      title: 'a metric type that is none',
      spec: { metrics: [{ type: 'X' }] },
      fields: ['spec.metrics[0].type'],
    },
    {
      title: 'a metric without its source',
      spec: { metrics: [{ type: 'Pods' }] },
      fields: ['spec.metrics[0].pods'],
    },
    {
      title: 'behavior without policies',
      spec: { behavior: { scaleUp: {} } },
      fields: ['spec.behavior.scaleUp.policies'],
    },
  ];
  for (const { title, spec, fields } of wrong) {
    it(`validate() finds ${fields.length} errors in ${title}`, () => {
      assert.deepEqual(
        validateHpa(hpa(spec)).map(({ field }) => field),
        fields,
      );
    });
  }

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
  });
});
