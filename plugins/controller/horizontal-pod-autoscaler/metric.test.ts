import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  ApiError,
  MetricError,
  type MetricReading,
  type MetricSpec,
  type MetricStatus,
  type MetricsClient,
  type Pod,
} from 'kernetes/sdk';
import { evaluate } from './metric.ts';
import { FakeMetrics, readyPod } from './test-setup.ts';

const NOW = Date.UTC(2026, 0, 1, 12);
const PODS: readonly Pod[] = [readyPod('web-0'), readyPod('web-1'), readyPod('web-2')];

function contextOf(answers: Partial<MetricsClient>) {
  const client = new FakeMetrics();
  client.answers = answers;
  return {
    ...{ client, namespace: 'default', podSelector: 'app=web', pods: PODS },
    ...{ specReplicas: 3, statusReplicas: 3, tolerances: { down: 0.1, up: 0.1 } },
    times: { now: NOW, cpuInitializationMs: 300_000, readinessDelayMs: 30_000 },
  };
}

/** The same for each pod. */
async function ofEach(milli: number) {
  const reading: MetricReading = { milli, timestamp: NOW, windowMs: 30_000 };
  const pods = new Map(PODS.map(({ metadata }) => [metadata.name ?? '', reading]));
  return pods;
}

const external = async (...milli: number[]) => milli;
const object = async (milli: number) => ({ milli, timestamp: NOW, windowMs: 60_000 });
const metric = { name: 'qps' };
const selected = { name: 'qps', selector: { matchLabels: { b: '2', a: '1' } } };
const describedObject = { apiVersion: 'networking.k8s.io/v1', kind: 'Ingress', name: 'main' };
const averageValue = (value: string) => ({ type: 'AverageValue', averageValue: value });
const value = (text: string) => ({ type: 'Value', value: text });

const RESULTS: readonly {
  readonly name: string;
  readonly spec: MetricSpec;
  readonly answers: Partial<MetricsClient>;
  readonly replicas: number;
  readonly shown: string;
  readonly status: MetricStatus;
}[] = [
  {
    name: 'a part of what pods ask for',
    spec: {
      type: 'Resource',
      resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 40 } },
    },
    answers: { resource: () => ofEach(600) },
    replicas: 5,
    shown: 'cpu resource utilization (percentage of request)',
    status: {
      type: 'Resource',
      resource: { name: 'cpu', current: { averageUtilization: 60, averageValue: '600m' } },
    },
  },
  {
    name: 'an amount of a resource for each pod',
    spec: { type: 'Resource', resource: { name: 'memory', target: averageValue('1Gi') } },
    answers: { resource: () => ofEach(2 * 1024 ** 3 * 1000) },
    replicas: 6,
    shown: 'memory resource',
    status: { type: 'Resource', resource: { name: 'memory', current: { averageValue: '2Gi' } } },
  },
  {
    name: 'a part of what one container asks for',
    spec: {
      type: 'ContainerResource',
      containerResource: {
        name: 'cpu',
        container: 'main',
        target: { type: 'Utilization', averageUtilization: 40 },
      },
    },
    answers: {
      resource: query => {
        assert.equal(query.container, 'main');
        return ofEach(600);
      },
    },
    replicas: 5,
    shown: 'cpu container resource utilization (percentage of request)',
    status: {
      type: 'ContainerResource',
      containerResource: {
        name: 'cpu',
        container: 'main',
        current: { averageUtilization: 60, averageValue: '600m' },
      },
    },
  },
  {
    name: 'an amount of a resource for one container',
    spec: {
      type: 'ContainerResource',
      containerResource: { name: 'cpu', container: 'main', target: averageValue('300m') },
    },
    answers: { resource: () => ofEach(600) },
    replicas: 6,
    shown: 'cpu resource',
    status: {
      type: 'ContainerResource',
      containerResource: { name: 'cpu', container: 'main', current: { averageValue: '600m' } },
    },
  },
  {
    name: 'a metric of each pod',
    spec: { type: 'Pods', pods: { metric, target: averageValue('10') } },
    answers: {
      pods: query => {
        assert.deepEqual(query, {
          namespace: 'default',
          metric: 'qps',
          metricSelector: '',
          podSelector: 'app=web',
        });
        return ofEach(20_000);
      },
    },
    replicas: 6,
    shown: 'pods metric qps',
    status: { type: 'Pods', pods: { metric, current: { averageValue: '20' } } },
  },
  {
    name: 'a metric of another object',
    spec: { type: 'Object', object: { metric: selected, describedObject, target: value('10k') } },
    answers: {
      object: query => {
        assert.deepEqual(query, {
          namespace: 'default',
          metric: 'qps',
          metricSelector: 'a=1,b=2',
          object: describedObject,
        });
        return object(20_000_000);
      },
    },
    replicas: 6,
    shown: 'Ingress metric qps',
    status: {
      type: 'Object',
      object: { metric: selected, describedObject, current: { value: '20k' } },
    },
  },
  {
    name: 'a share for each pod of a metric of another object',
    spec: { type: 'Object', object: { metric, describedObject, target: averageValue('2') } },
    answers: { object: () => object(20_000) },
    replicas: 10,
    shown: 'external metric qps(nil)',
    status: {
      type: 'Object',
      object: { metric, describedObject, current: { averageValue: '6667m' } },
    },
  },
  {
    name: 'the sum of what is outside',
    spec: { type: 'External', external: { metric: selected, target: value('10') } },
    answers: { external: () => external(12_000, 8_000) },
    replicas: 6,
    shown:
      'external metric qps(&LabelSelector{MatchLabels:map[string]string{a: 1,b: 2,},MatchExpressions:[]LabelSelectorRequirement{},})',
    status: { type: 'External', external: { metric: selected, current: { value: '20' } } },
  },
  {
    name: 'a share for each pod of what is outside',
    spec: { type: 'External', external: { metric, target: averageValue('5') } },
    answers: { external: () => external(12_000, 8_000) },
    replicas: 4,
    shown: 'external metric qps(nil)',
    status: { type: 'External', external: { metric, current: { averageValue: '6667m' } } },
  },
];

describe('evaluate()', () => {
  for (const { name, spec, answers, replicas, shown, status } of RESULTS) {
    it(`follows ${name}`, async () => {
      const result = await evaluate(spec, contextOf(answers));
      assert.deepEqual(result, { replicas, name: shown, status });
    });
  }

  const broken = async () => {
    throw new ApiError({ message: 'broken', reason: 'InternalError', code: 500 });
  };
  const fetching = (api: string) => `unable to fetch metrics from ${api} metrics API: broken`;
  const FAILURES: readonly {
    readonly name: string;
    readonly spec: MetricSpec;
    readonly answers?: Partial<MetricsClient>;
    readonly reason: string;
    readonly finding: string;
    /** Before the finding, in what is told of all metrics. */
    readonly around: string;
  }[] = [
    {
      name: 'an amount of a resource',
      spec: { type: 'Resource', resource: { name: 'cpu', target: averageValue('1') } },
      answers: { resource: broken },
      reason: 'FailedGetResourceMetric',
      finding: `failed to get cpu usage: unable to get metrics for resource cpu: ${fetching('resource')}`,
      around: 'failed to get cpu resource metric value: ',
    },
    {
      name: 'a resource without a target',
      spec: { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization' } } },
      reason: 'FailedGetResourceMetric',
      finding:
        'invalid resource metric source: neither an average utilization target nor an average value (usage) target was set',
      around: 'failed to get cpu resource metric value: ',
    },
    {
      name: 'a container that no pod has',
      spec: {
        type: 'ContainerResource',
        containerResource: {
          name: 'cpu',
          container: 'side',
          target: { type: 'Utilization', averageUtilization: 40 },
        },
      },
      answers: { resource: () => ofEach(1) },
      reason: 'FailedGetContainerResourceMetric',
      finding: 'failed to get cpu utilization: container side not found in Pod web-0',
      around: 'failed to get side container metric value: ',
    },
    {
      name: 'a metric of pods that has no values',
      spec: { type: 'Pods', pods: { metric, target: averageValue('1') } },
      answers: {
        async pods() {
          throw new MetricError('no metrics returned from custom metrics API');
        },
      },
      reason: 'FailedGetPodsMetric',
      finding: 'unable to get metric qps: no metrics returned from custom metrics API',
      around: 'failed to get pods metric value: ',
    },
    {
      name: 'a metric with a selector that is none',
      spec: {
        type: 'Pods',
        pods: {
          metric: { name: 'qps', selector: { matchExpressions: [{ key: 'a', operator: 'Like' }] } },
          target: averageValue('1'),
        },
      },
      reason: 'FailedGetPodsMetric',
      finding: '"Like" is not a valid label selector operator',
      around: 'failed to get pods metric value: ',
    },
    {
      name: 'a metric of an object',
      spec: { type: 'Object', object: { metric, describedObject, target: value('1') } },
      answers: { object: broken },
      reason: 'FailedGetObjectMetric',
      finding: `unable to get metric qps on Ingress default/main: ${fetching('custom')}`,
      around: 'failed to get object metric value: ',
    },
    {
      name: 'a share of a metric of an object',
      spec: { type: 'Object', object: { metric, describedObject, target: averageValue('1') } },
      answers: { object: broken },
      reason: 'FailedGetObjectMetric',
      finding: `unable to get metric qps on Ingress default/main: ${fetching('custom')}`,
      around: 'failed to get object metric value: failed to get qps object metric: ',
    },
    {
      name: 'a metric of an object without a target',
      spec: { type: 'Object', object: { metric, describedObject, target: { type: 'Value' } } },
      reason: 'FailedGetObjectMetric',
      finding:
        'invalid object metric source: neither a value target nor an average value target was set',
      around: 'failed to get object metric value: ',
    },
    {
      name: 'what is outside',
      spec: { type: 'External', external: { metric, target: value('1') } },
      answers: { external: broken },
      reason: 'FailedGetExternalMetric',
      finding: `unable to get external metric default/qps/nil: ${fetching('external')}`,
      around: 'failed to get qps external metric value: failed to get external metric qps: ',
    },
    {
      name: 'a share of what is outside, of which nothing is known',
      spec: { type: 'External', external: { metric, target: averageValue('1') } },
      answers: {
        external: async () => {
          throw new MetricError('no metrics returned from external metrics API');
        },
      },
      reason: 'FailedGetExternalMetric',
      finding:
        'unable to get external metric default/qps/nil: no metrics returned from external metrics API',
      around: 'failed to get qps external metric value: failed to get qps external metric: ',
    },
    {
      name: 'what is outside without a target',
      spec: { type: 'External', external: { metric, target: { type: 'Value' } } },
      reason: 'FailedGetExternalMetric',
      finding:
        'invalid external metric source: neither a value target nor an average value target was set',
      around: 'failed to get qps external metric value: ',
    },
    {
      name: 'a type that there is not',
      spec: { type: 'Magic' },
      reason: 'InvalidMetricSourceType',
      finding: 'unknown metric source type "Magic"',
      around: '',
    },
    {
      name: 'a target of nothing',
      spec: { type: 'Pods', pods: { metric, target: averageValue('0') } },
      answers: { pods: () => ofEach(1) },
      reason: 'FailedGetPodsMetric',
      finding: 'the target value must be positive, is 0',
      around: 'failed to get pods metric value: ',
    },
  ];
  for (const { name, spec, answers = {}, reason, finding, around } of FAILURES) {
    it(`fails for ${name}`, async () => {
      const failure = { name: 'MetricFailure', reason, finding, message: `${around}${finding}` };
      await assert.rejects(evaluate(spec, contextOf(answers)), failure);
    });
  }
});
