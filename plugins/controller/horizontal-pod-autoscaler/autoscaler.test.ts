import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  badRequest,
  conflict,
  forbidden,
  HorizontalPodAutoscaler,
  type HorizontalPodAutoscalerSpec,
  type HorizontalPodAutoscalerStatus,
  internalError,
  type MetricSpec,
  type MetricStatus,
  Pod,
  servedKindPoint,
  serviceUnavailable,
} from 'kernetes/sdk';
import { cpuTarget, hpa, readyPod, setUp } from './test-setup.ts';

const PERIOD_MS = 15_000;

interface Step {
  readonly name: string;
  /** Replicas of the target, each with a ready pod. */
  readonly replicas: number;
  readonly spec?: Partial<HorizontalPodAutoscalerSpec>;
  /** Of each pod, in thousandths of the core that it asks for. */
  readonly cpu?: number;
  readonly want: number;
  readonly able?: string;
  readonly active?: string;
  readonly limited?: string;
  readonly events?: readonly string[];
}

const ABLE =
  "True SucceededGetScale: the HPA controller was able to get the target's current scale";
const READY = 'True ReadyForNewScale: recommended size matches current size';
const VALID =
  'True ValidMetricFound: the HPA was able to successfully calculate a replica count from cpu resource utilization (percentage of request)';
const IN_RANGE = 'False DesiredWithinRange: the desired count is within the acceptable range';
const CPU = 'cpu resource utilization (percentage of request)';

const STEPS: readonly Step[] = [
  {
    name: 'scales up by the ratio of use and target',
    replicas: 3,
    cpu: 800,
    want: 5,
    able: 'True SucceededRescale: the HPA controller was able to update the target scale to 5',
    active: VALID,
    limited: IN_RANGE,
    events: [`Normal SuccessfulRescale New size: 5; reason: ${CPU} above target`],
  },
  {
    name: 'leaves what is at its target',
    replicas: 3,
    cpu: 500,
    want: 3,
    able: READY,
    active: VALID,
    limited: IN_RANGE,
    events: [],
  },
  {
    name: 'leaves what is within a tenth of its target',
    replicas: 3,
    cpu: 549,
    want: 3,
    able: READY,
    events: [],
  },
  {
    name: 'does not scale down at once',
    replicas: 6,
    cpu: 100,
    want: 6,
    able: 'True ScaleDownStabilized: recent recommendations were higher than current one, applying the highest recent recommendation',
    active: VALID,
    limited: IN_RANGE,
    events: [],
  },
  {
    name: 'at most doubles',
    replicas: 4,
    spec: { maxReplicas: 100 },
    cpu: 5_000,
    want: 8,
    limited:
      'True ScaleUpLimit: the desired replica count is increasing faster than the maximum scale rate',
  },
  {
    name: 'goes to four at once from one',
    replicas: 1,
    spec: { maxReplicas: 100 },
    cpu: 5_000,
    want: 4,
    limited:
      'True ScaleUpLimit: the desired replica count is increasing faster than the maximum scale rate',
  },
  {
    name: 'stops at the maximum',
    replicas: 6,
    spec: { maxReplicas: 7 },
    cpu: 900,
    want: 7,
    limited:
      'True TooManyReplicas: the desired replica count is more than the maximum replica count',
  },
  {
    name: 'stops at the minimum',
    replicas: 3,
    spec: { minReplicas: 2, behavior: { scaleDown: { stabilizationWindowSeconds: 0 } } },
    cpu: 10,
    want: 2,
    limited:
      'True TooFewReplicas: the desired replica count is less than the minimum replica count',
    events: ['Normal SuccessfulRescale New size: 2; reason: All metrics below target'],
  },
  {
    name: 'goes to the maximum from above, without a look at the metrics',
    replicas: 12,
    want: 10,
    able: 'True SucceededRescale: the HPA controller was able to update the target scale to 10',
    events: [
      'Normal SuccessfulRescale New size: 10; reason: Current number of replicas above Spec.MaxReplicas',
    ],
  },
  {
    name: 'goes to the maximum from just above it for that reason',
    replicas: 11,
    cpu: 900,
    want: 10,
    events: [
      'Normal SuccessfulRescale New size: 10; reason: Current number of replicas above Spec.MaxReplicas',
    ],
  },
  {
    name: 'goes to the minimum from below, without a look at the metrics',
    replicas: 1,
    spec: { minReplicas: 4 },
    want: 4,
    events: [
      'Normal SuccessfulRescale New size: 4; reason: Current number of replicas below Spec.MinReplicas',
    ],
  },
  {
    name: 'leaves a target that was scaled to zero',
    replicas: 0,
    want: 0,
    able: ABLE,
    active:
      'False ScalingDisabled: scaling is disabled since the replica count of the target is zero',
    events: [],
  },
  {
    name: 'has a minimum of one where none is said',
    replicas: 3,
    spec: {
      minReplicas: undefined as never,
      behavior: { scaleDown: { stabilizationWindowSeconds: 0 } },
    },
    cpu: 1,
    want: 1,
  },
  {
    name: 'leaves more where the tolerance up is greater',
    replicas: 3,
    spec: { behavior: { scaleUp: { tolerance: '700m' } } },
    cpu: 800,
    want: 3,
  },
  {
    name: 'follows less where the tolerance up is smaller',
    replicas: 3,
    spec: { behavior: { scaleUp: { tolerance: '0.01' } } },
    cpu: 530,
    want: 4,
  },
  {
    name: 'follows less where the tolerance down is smaller',
    replicas: 10,
    spec: { behavior: { scaleDown: { tolerance: '10m', stabilizationWindowSeconds: 0 } } },
    cpu: 460,
    want: 10,
  },
  {
    name: 'scales down at once where the window is empty',
    replicas: 6,
    spec: { behavior: { scaleDown: { stabilizationWindowSeconds: 0 } } },
    cpu: 100,
    want: 2,
  },
  {
    name: 'does not scale up where that is disabled',
    replicas: 3,
    spec: { behavior: { scaleUp: { selectPolicy: 'Disabled' } } },
    cpu: 900,
    want: 3,
    limited:
      'True ScaleUpLimit: the desired replica count is increasing faster than the maximum scale rate',
  },
  {
    name: 'does not scale down where that is disabled',
    replicas: 3,
    spec: { behavior: { scaleDown: { selectPolicy: 'Disabled', stabilizationWindowSeconds: 0 } } },
    cpu: 9,
    want: 3,
    limited:
      'True ScaleDownLimit: the desired replica count is decreasing faster than the maximum scale rate',
  },
];

describe('controller.horizontal-pod-autoscaler', () => {
  for (const { name, replicas, spec, cpu, want, able, active, limited, events } of STEPS) {
    it(name, async () => {
      const test = setUp();
      test.scaleTo(replicas);
      test.follow();
      test.metrics.cpu = () => cpu;
      test.kernel.add(HorizontalPodAutoscaler, hpa(spec));
      await test.start();
      assert.equal(test.replicas, want);
      const { currentReplicas, desiredReplicas, lastScaleTime, observedGeneration } =
        test.status() ?? {};
      assert.deepEqual([currentReplicas, desiredReplicas], [replicas, want]);
      assert.equal(lastScaleTime, want === replicas ? undefined : '2026-01-01T00:00:00Z');
      assert.equal(observedGeneration, 1);
      if (able) assert.equal(test.condition('AbleToScale'), able);
      if (active) assert.equal(test.condition('ScalingActive'), active);
      if (limited) assert.equal(test.condition('ScalingLimited'), limited);
      if (events) assert.deepEqual(test.events(), events);
    });
  }

  it('tells the metrics as they are now', async () => {
    const test = setUp();
    test.scaleTo(2);
    test.follow();
    test.metrics.cpu = pod => (pod === 'web-0' ? 300 : 401);
    test.kernel.add(HorizontalPodAutoscaler, hpa());
    await test.start();
    const current = { averageUtilization: 35, averageValue: '350m' };
    assert.deepEqual(test.status()?.currentMetrics, [
      { type: 'Resource', resource: { name: 'cpu', current } },
    ]);
  });

  it('looks at each autoscaler once in a period, whatever happens to it', async () => {
    const test = setUp();
    test.scaleTo(2);
    test.follow();
    let asked = 0;
    test.metrics.cpu = () => 500;
    test.metrics.podNames = () => {
      asked++;
      return ['web-0', 'web-1'];
    };
    test.kernel.add(HorizontalPodAutoscaler, hpa());
    await test.start();
    assert.equal(asked, 1);
    await test.clock.step(PERIOD_MS - 1);
    assert.equal(asked, 1);
    for (let i = 2; i < 10; i++) {
      await test.clock.step(i === 2 ? 1 : PERIOD_MS);
      assert.equal(asked, i);
    }
  });

  it('does not write a status that says the same', async () => {
    const test = setUp();
    test.scaleTo(2);
    test.follow();
    test.metrics.cpu = () => 500;
    test.kernel.add(HorizontalPodAutoscaler, hpa());
    await test.start();
    const writes = () =>
      test.kernel.requests.filter(({ subresource }) => subresource === 'status').length;
    assert.equal(writes(), 1);
    await test.clock.step(4 * PERIOD_MS);
    assert.equal(writes(), 1);
  });

  it('keeps when a condition became what it is', async () => {
    const test = setUp();
    test.scaleTo(2);
    test.follow();
    test.metrics.cpu = () => undefined;
    test.kernel.add(HorizontalPodAutoscaler, hpa());
    await test.start();
    test.metrics.cpu = () => 500;
    await test.clock.step(PERIOD_MS);
    test.metrics.cpu = () => 800;
    await test.clock.step(PERIOD_MS);
    const times = test.status()?.conditions?.map(each => [each.type, each.lastTransitionTime]);
    assert.deepEqual(times, [
      ['AbleToScale', '2026-01-01T00:00:00Z'],
      ['ScalingActive', '2026-01-01T00:00:15Z'],
      ['ScalingLimited', '2026-01-01T00:00:15Z'],
    ]);
  });

  it('goes on at the same pace while metrics are missing, and scales when they come', async () => {
    const test = setUp();
    test.scaleTo(3);
    test.follow();
    test.kernel.add(HorizontalPodAutoscaler, hpa());
    await test.start();
    await test.clock.step(40 * PERIOD_MS);
    test.metrics.cpu = () => 800;
    await test.clock.step(PERIOD_MS);
    assert.equal(test.replicas, 5);
  });

  it('scales the deployment again and again up to what the load needs', async () => {
    const test = setUp();
    test.scaleTo(1);
    test.metrics.cpu = () => 9_000 / (test.kernel.all(Pod).length || 1);
    test.kernel.add(HorizontalPodAutoscaler, hpa({ maxReplicas: 30 }));
    test.follow();
    await test.start();
    const seen = [test.replicas];
    for (let i = 0; i < 4; i++) {
      test.follow();
      await test.clock.step(PERIOD_MS);
      seen.push(test.replicas);
    }
    assert.deepEqual(seen, [4, 8, 16, 18, 18]);
  });

  it('scales down to the greatest wish of the last five minutes, as they pass', async () => {
    const test = setUp();
    test.scaleTo(10);
    test.follow();
    test.kernel.add(HorizontalPodAutoscaler, hpa());
    const wishes = [400, 300, 100, 100];
    test.metrics.cpu = () => wishes[0];
    await test.start();
    for (const cpu of wishes.slice(1)) {
      test.metrics.cpu = () => cpu;
      await test.clock.step(PERIOD_MS);
    }
    assert.equal(test.replicas, 10);
    await test.clock.step(300_000 - 3 * PERIOD_MS);
    assert.equal(test.replicas, 10, 'what was there at the start still counts');
    const seen: (number | undefined)[] = [];
    for (let i = 0; i < 3; i++) {
      await test.clock.step(PERIOD_MS);
      seen.push(test.replicas);
    }
    assert.deepEqual(seen, [6, 2, 2]);
  });

  it('takes two pods a minute where a policy says so', async () => {
    const test = setUp();
    test.scaleTo(8);
    test.follow();
    const policies = [{ type: 'Pods', value: 2, periodSeconds: 60 }];
    const behavior = {
      scaleDown: { stabilizationWindowSeconds: 0, policies, selectPolicy: 'Max' },
    };
    test.kernel.add(HorizontalPodAutoscaler, hpa({ behavior }));
    test.metrics.cpu = () => 10;
    await test.start();
    const seen = [test.replicas];
    for (let i = 0; i < 12; i++) {
      test.follow();
      await test.clock.step(PERIOD_MS);
      seen.push(test.replicas);
    }
    assert.deepEqual(seen, [6, 6, 6, 6, 4, 4, 4, 4, 2, 2, 2, 2, 1]);
  });

  it('waits with more pods until a window of wishes says so', async () => {
    const test = setUp();
    test.scaleTo(2);
    test.follow();
    const behavior = { scaleUp: { stabilizationWindowSeconds: 60 } };
    test.kernel.add(HorizontalPodAutoscaler, hpa({ behavior }));
    test.metrics.cpu = () => 1_000;
    await test.start();
    assert.match(
      test.condition('AbleToScale') ?? '',
      /^True ScaleUpStabilized: recent recommendations were lower/,
    );
    await test.clock.step(3 * PERIOD_MS);
    assert.equal(test.replicas, 2);
    await test.clock.step(PERIOD_MS);
    assert.equal(test.replicas, 4);
  });

  it('begins its windows anew after a restart, with what is there', async () => {
    const first = setUp();
    first.scaleTo(6);
    first.follow();
    first.kernel.add(HorizontalPodAutoscaler, hpa());
    first.metrics.cpu = () => 100;
    await first.start();
    await first.clock.step(280_000);
    await first.dispose();
    const { kernel, scales } = first;
    const second = setUp({ kernel, scales });
    second.metrics.cpu = () => 100;
    await second.start();
    await second.clock.step(300_000);
    assert.equal(second.replicas, 6);
    await second.clock.step(PERIOD_MS);
    assert.equal(second.replicas, 2);
  });

  it('forgets what it did for an autoscaler that is gone', async () => {
    const test = setUp();
    test.scaleTo(6);
    test.follow();
    test.kernel.add(HorizontalPodAutoscaler, hpa());
    test.metrics.cpu = () => 100;
    await test.start();
    await test.clock.step(200_000);
    await test.kernel.objects.delete(HorizontalPodAutoscaler, {
      namespace: 'default',
      name: 'web',
    });
    test.kernel.add(HorizontalPodAutoscaler, hpa());
    await test.clock.step(299_000);
    assert.equal(test.replicas, 6);
    await test.clock.step(2 * PERIOD_MS);
    assert.equal(test.replicas, 2);
  });

  it('does not undo a scale that somebody else made while it computed', async () => {
    const test = setUp();
    test.scaleTo(3);
    test.follow();
    test.kernel.add(HorizontalPodAutoscaler, hpa());
    test.metrics.cpu = () => 800;
    let writes = 0;
    test.scales.fault = ({ verb }) => {
      if (verb === 'update' && writes++ === 0) test.scaleTo(3);
      return undefined;
    };
    await test.start();
    assert.equal(writes, 2);
    assert.equal(test.replicas, 5);
  });

  it('counts a change whose answer was lost for what its policies allow', async () => {
    const test = setUp();
    test.scaleTo(2);
    test.follow();
    const policies = [{ type: 'Pods', value: 2, periodSeconds: 60 }];
    test.kernel.add(HorizontalPodAutoscaler, hpa({ behavior: { scaleUp: { policies } } }));
    test.metrics.cpu = () => 2_000;
    test.scales.fault = request => {
      if (request.verb !== 'update') return undefined;
      test.scales.fault = () => undefined;
      test.scales.request(request);
      return serviceUnavailable('lost');
    };
    await test.start();
    const seen = [test.replicas];
    for (let i = 0; i < 5; i++) {
      test.follow();
      await test.clock.step(PERIOD_MS);
      seen.push(test.replicas);
    }
    assert.deepEqual(seen, [4, 4, 4, 4, 6, 6]);
  });

  it('counts a change that others took back at once for what its policies allow', async () => {
    const test = setUp();
    test.scaleTo(2);
    test.follow();
    const policies = [{ type: 'Pods', value: 2, periodSeconds: 60 }];
    test.kernel.add(HorizontalPodAutoscaler, hpa({ behavior: { scaleUp: { policies } } }));
    test.metrics.cpu = () => 2_000;
    await test.start();
    assert.equal(test.replicas, 4);
    test.scaleTo(3);
    test.follow();
    await test.clock.step(PERIOD_MS);
    assert.equal(test.replicas, 3);
  });

  it('makes a change again that was not made', async () => {
    const test = setUp();
    test.scaleTo(2);
    test.follow();
    const policies = [{ type: 'Pods', value: 2, periodSeconds: 60 }];
    test.kernel.add(HorizontalPodAutoscaler, hpa({ behavior: { scaleUp: { policies } } }));
    test.metrics.cpu = () => 2_000;
    test.scales.fault = ({ verb }) => (verb === 'update' ? serviceUnavailable('down') : undefined);
    await test.start();
    assert.equal(test.replicas, 2);
    test.scales.fault = () => undefined;
    await test.clock.step(PERIOD_MS);
    assert.equal(test.replicas, 4);
  });

  it('does not scale twice for pods and a status that it does not see yet', async () => {
    const test = setUp();
    test.scaleTo(3);
    test.follow();
    test.metrics.cpu = () => 800;
    test.kernel.add(HorizontalPodAutoscaler, hpa());
    await test.start();
    assert.equal(test.replicas, 5);
    const release = test.kernel.holdWatches();
    test.follow();
    test.metrics.cpu = () => 480;
    await test.clock.step(3 * PERIOD_MS);
    assert.equal(test.replicas, 5);
    release();
    await test.clock.step(PERIOD_MS);
    assert.equal(test.status()?.currentReplicas, 5);
    assert.match(
      test.condition('AbleToScale') ?? '',
      /^True (ReadyForNewScale|ScaleDownStabilized)/,
    );
  });

  it('scales whatever has a scale, custom resources too, by group and kind alone', async () => {
    const test = setUp();
    const crontabs = {
      group: 'stable.example.com',
      version: 'v1',
      kind: 'CronTab',
      resource: 'crontabs',
      namespaced: true,
      verbs: [],
      expires: false,
    };
    test.context.provide(servedKindPoint, crontabs, 'crontabs');
    const id = 'crontabs.stable.example.com/mine';
    test.scales.set(id, 2);
    test.follow(2);
    test.metrics.cpu = () => 800;
    const scaleTargetRef = {
      apiVersion: 'stable.example.com/v1beta7',
      kind: 'CronTab',
      name: 'mine',
    };
    test.kernel.add(HorizontalPodAutoscaler, hpa({ scaleTargetRef }));
    await test.start();
    assert.equal(test.scales.replicas(id), 4);
  });

  it('leaves the pods of an autoscaler that was made anew, for something else, to others', async () => {
    const test = setUp();
    test.scaleTo(3);
    test.follow();
    test.metrics.cpu = () => 500;
    test.kernel.add(HorizontalPodAutoscaler, hpa({}, 'first'));
    await test.start();
    await test.kernel.objects.delete(HorizontalPodAutoscaler, {
      ...{ namespace: 'default', name: 'first' },
    });
    await test.clock.step(PERIOD_MS);
    const scaleTargetRef = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'none' };
    test.kernel.add(HorizontalPodAutoscaler, hpa({ scaleTargetRef }, 'first'), hpa({}, 'second'));
    await test.clock.step(PERIOD_MS);
    assert.match(test.condition('ScalingActive', 'second') ?? '', /^True ValidMetricFound/);
  });

  it('scales from zero where the minimum is zero', async () => {
    const test = setUp();
    test.scaleTo(0);
    test.metrics.answers = { external: async () => [30_000] };
    const external = { metric: { name: 'queue' }, target: { type: 'Value', value: '10' } };
    const metrics = [{ type: 'External', external }];
    test.kernel.add(HorizontalPodAutoscaler, hpa({ minReplicas: 0, metrics }));
    await test.start();
    assert.equal(test.replicas, 3);
  });

  it('refuses to act on pods that two autoscalers have', async () => {
    const test = setUp();
    test.scaleTo(3);
    test.follow();
    test.metrics.cpu = () => 800;
    test.scales.set('deployments.apps/other', 3, 'app in (web,other)');
    const scaleTargetRef = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'other' };
    test.kernel.add(HorizontalPodAutoscaler, hpa(), hpa({ scaleTargetRef }, 'other'));
    await test.start();
    const message =
      'pods by selector app in (web,other) are controlled by multiple HPAs: [default/other default/web]';
    const told = message.replace('app in (web,other)', 'app=web');
    await test.clock.step(PERIOD_MS);
    assert.ok(test.events().includes(`Warning AmbiguousSelector ${told}`));
    assert.equal(test.condition('ScalingActive'), `False AmbiguousSelector: ${told}`);
    assert.ok(test.condition('ScalingActive', 'other')?.startsWith('False AmbiguousSelector'));

    await test.kernel.objects.delete(HorizontalPodAutoscaler, {
      namespace: 'default',
      name: 'other',
    });
    await test.clock.step(PERIOD_MS);
    assert.equal(test.condition('ScalingActive'), VALID);
  });

  it('lets autoscalers of other pods, and of other namespaces, be', async () => {
    const test = setUp();
    test.scaleTo(3);
    test.follow();
    test.metrics.cpu = () => 500;
    test.scales.set('deployments.apps/other', 1, 'app=other');
    test.kernel.add(Pod, readyPod('other-0', { app: 'other' }));
    const scaleTargetRef = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'other' };
    const elsewhere = hpa();
    elsewhere.metadata.namespace = 'elsewhere';
    test.kernel.add(HorizontalPodAutoscaler, elsewhere, hpa(), hpa({ scaleTargetRef }, 'other'));
    await test.start();
    await test.clock.step(PERIOD_MS);
    for (const name of ['web', 'other']) assert.equal(test.condition('ScalingActive', name), VALID);
  });
});

interface Refusal {
  readonly name: string;
  readonly prepare: (test: ReturnType<typeof setUp>) => void;
  readonly spec?: Partial<HorizontalPodAutoscalerSpec>;
  readonly condition: readonly [string, string];
  /** What the status says of metrics; without it what it said before. */
  readonly metrics?: readonly MetricStatus[] | 'none';
  readonly events: readonly string[];
  readonly log: string;
}

/** What an autoscaler said that was followed once. */
const BEFORE: HorizontalPodAutoscalerStatus = {
  currentReplicas: 9,
  desiredReplicas: 8,
  currentMetrics: [{ type: 'Resource', resource: { name: 'cpu', current: { averageValue: '7' } } }],
};

const CURRENT: readonly MetricStatus[] = [
  {
    type: 'Resource',
    resource: { name: 'cpu', current: { averageValue: '800m', averageUtilization: 80 } },
  },
];
const GET_FAILED =
  "False FailedGetScale: the HPA controller was unable to get the target's current scale:";
const NOT_FETCHED =
  'failed to get cpu utilization: unable to get metrics for resource cpu: unable to fetch metrics from resource metrics API: the server could not find the requested resource (get pods.metrics.k8s.io)';
const COULD_NOT = 'the HPA was unable to compute the replica count:';
const COMPUTE =
  'failed to compute desired number of replicas based on listed metrics for Deployment/default/web:';

const REFUSALS: readonly Refusal[] = [
  {
    name: 'a target that is not there',
    prepare: () => {},
    spec: { scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'none' } },
    condition: ['AbleToScale', `${GET_FAILED} deployments/scale.apps "none" not found`],
    events: ['Warning FailedGetScale deployments/scale.apps "none" not found'],
    log: 'failed to query scale subresource for Deployment/default/none: deployments/scale.apps "none" not found',
  },
  {
    name: 'a target of an unknown kind',
    prepare: () => {},
    spec: { scaleTargetRef: { apiVersion: 'v1', kind: 'Deployment', name: 'web' } },
    condition: ['AbleToScale', `${GET_FAILED} no matches for kind "Deployment" in group ""`],
    events: ['Warning FailedGetScale no matches for kind "Deployment" in group ""'],
    log: 'failed to query scale subresource for Deployment/default/web: no matches for kind "Deployment" in group ""',
  },
  {
    name: 'a target of an impossible version',
    prepare: () => {},
    spec: { scaleTargetRef: { apiVersion: 'a/b/c', kind: 'Deployment', name: 'web' } },
    condition: ['AbleToScale', `${GET_FAILED} unexpected GroupVersion string: a/b/c`],
    events: ['Warning FailedGetScale unexpected GroupVersion string: a/b/c'],
    log: 'failed to query scale subresource for Deployment/default/web: unexpected GroupVersion string: a/b/c',
  },
  {
    name: 'a target without a selector',
    prepare: test => test.scaleTo(3, ''),
    condition: [
      'ScalingActive',
      "False InvalidSelector: the HPA target's scale is missing a selector",
    ],
    metrics: 'none',
    events: [
      'Warning FailedComputeMetricsReplicas selector is required',
      'Warning SelectorRequired selector is required',
    ],
    log: `${COMPUTE} selector is required`,
  },
  {
    name: 'metrics that nobody serves',
    prepare: test => {
      test.metrics.answers = { resource: test.metrics.pods.bind(test.metrics) as never };
    },
    condition: ['ScalingActive', `False FailedGetResourceMetric: ${COULD_NOT} ${NOT_FETCHED}`],
    metrics: [{ type: '' }],
    events: [
      `Warning FailedComputeMetricsReplicas invalid metrics (1 invalid out of 1), first error is: failed to get cpu resource metric value: ${NOT_FETCHED}`,
      `Warning FailedGetResourceMetric ${NOT_FETCHED}`,
    ],
    log: `${COMPUTE} invalid metrics (1 invalid out of 1), first error is: failed to get cpu resource metric value: ${NOT_FETCHED}`,
  },
  {
    name: 'metrics of no pod',
    prepare: test => {
      test.metrics.cpu = () => undefined;
    },
    condition: [
      'ScalingActive',
      `False FailedGetResourceMetric: ${COULD_NOT} failed to get cpu utilization: unable to get metrics for resource cpu: no metrics returned from resource metrics API`,
    ],
    metrics: [{ type: '' }],
    events: [
      'Warning FailedComputeMetricsReplicas invalid metrics (1 invalid out of 1), first error is: failed to get cpu resource metric value: failed to get cpu utilization: unable to get metrics for resource cpu: no metrics returned from resource metrics API',
      'Warning FailedGetResourceMetric failed to get cpu utilization: unable to get metrics for resource cpu: no metrics returned from resource metrics API',
    ],
    log: `${COMPUTE} invalid metrics (1 invalid out of 1), first error is: failed to get cpu resource metric value: failed to get cpu utilization: unable to get metrics for resource cpu: no metrics returned from resource metrics API`,
  },
  {
    name: 'a scale that may not be written',
    prepare: test => {
      test.metrics.cpu = () => 800;
      test.scales.fault = ({ verb }) =>
        verb === 'update'
          ? forbidden({ group: 'apps', resource: 'deployments' }, 'web', 'no')
          : undefined;
    },
    condition: [
      'AbleToScale',
      'False FailedUpdateScale: the HPA controller was unable to update the target scale: deployments.apps "web" is forbidden: no',
    ],
    events: [
      `Warning FailedRescale New size: 5; reason: ${CPU} above target; error: deployments.apps "web" is forbidden: no`,
    ],
    log: 'failed to rescale Deployment/default/web: deployments.apps "web" is forbidden: no',
  },
  {
    name: 'a scale that others write all the time',
    prepare: test => {
      test.metrics.cpu = () => 800;
      test.scales.fault = ({ verb }) =>
        verb === 'update'
          ? conflict({ group: 'apps', resource: 'deployments' }, 'web', 'busy')
          : undefined;
    },
    condition: [
      'AbleToScale',
      'False FailedUpdateScale: the HPA controller was unable to update the target scale: Operation cannot be fulfilled on deployments.apps "web": busy',
    ],
    events: [
      `Warning FailedRescale New size: 5; reason: ${CPU} above target; error: Operation cannot be fulfilled on deployments.apps "web": busy`,
    ],
    log: 'failed to rescale Deployment/default/web: Operation cannot be fulfilled on deployments.apps "web": busy',
  },
];

describe('controller.horizontal-pod-autoscaler tells of', () => {
  for (const { name, prepare, spec, condition, metrics, events, log } of REFUSALS) {
    it(name, async () => {
      const test = setUp();
      test.scaleTo(3);
      test.follow();
      test.kernel.add(HorizontalPodAutoscaler, { ...hpa(spec), status: BEFORE });
      prepare(test);
      await test.start();
      assert.equal(test.replicas, 3);
      assert.equal(test.condition(condition[0]), condition[1]);
      const { currentReplicas, desiredReplicas, currentMetrics } = test.status() ?? {};
      // Nothing is known of a target whose scale is not to be had.
      const isUnread = condition[0] === 'AbleToScale' && condition[1].includes('FailedGetScale');
      assert.deepEqual([currentReplicas, desiredReplicas], [isUnread ? 9 : 3, 8]);
      const known = isUnread ? BEFORE.currentMetrics : CURRENT;
      assert.deepEqual(currentMetrics, metrics === 'none' ? undefined : (metrics ?? known));
      assert.deepEqual(test.events().sort(), events);
      const errors = test.kernel.logs.map(
        ({ fields }) => (fields.error as Error | undefined)?.message,
      );
      assert.deepEqual(errors, [log]);
    });
  }

  it('a status that it may not write, and scales all the same', async () => {
    const test = setUp();
    test.scaleTo(3);
    test.follow();
    test.metrics.cpu = () => 800;
    test.kernel.add(HorizontalPodAutoscaler, hpa());
    test.kernel.fault = ({ subresource }) =>
      subresource === 'status' ? serviceUnavailable('down') : undefined;
    await test.start();
    assert.equal(test.replicas, 5);
    assert.ok(test.events().includes('Warning FailedUpdateStatus down'));
    test.kernel.fault = () => undefined;
    test.metrics.cpu = () => 500;
    test.follow();
    await test.clock.step(PERIOD_MS);
    assert.equal(test.status()?.currentReplicas, 5);
  });

  it('the first thing that went wrong when telling it goes wrong too', async () => {
    const test = setUp();
    test.kernel.add(HorizontalPodAutoscaler, hpa());
    test.kernel.fault = ({ subresource }) =>
      subresource === 'status' ? badRequest('no') : undefined;
    await test.start();
    assert.deepEqual(
      test.kernel.logs.map(({ message }) => message),
      ['Status not written', 'Autoscaler not followed'],
    );
  });

  it('nothing but the log where it is a bug', async () => {
    const test = setUp();
    test.scaleTo(3);
    test.follow();
    test.metrics.answers = { resource: () => Promise.reject(new TypeError('oops')) };
    test.kernel.add(HorizontalPodAutoscaler, hpa());
    await test.start();
    assert.deepEqual(test.events(), []);
    assert.deepEqual(
      test.kernel.logs.map(({ fields }) => (fields.error as Error).message),
      ['oops'],
    );
  });
});

const POD = { metric: { name: 'qps' }, target: { type: 'AverageValue', averageValue: '10' } };
const qps = (averageValue: string): MetricSpec => ({
  type: 'Pods',
  pods: { ...POD, target: { ...POD.target, averageValue } },
});

describe('controller.horizontal-pod-autoscaler with several metrics', () => {
  const setUpTwo = async (cpu: number | undefined, qpsMilli: number | undefined) => {
    const test = setUp();
    test.scaleTo(4);
    test.follow();
    test.metrics.cpu = () => cpu;
    test.metrics.answers = {
      async pods() {
        if (qpsMilli === undefined) throw internalError(new Error('broken'));
        const reading = { milli: qpsMilli, timestamp: 1, windowMs: 60_000 };
        const pods = test.kernel.all(Pod);
        return new Map(pods.map(({ metadata }) => [metadata.name ?? '', reading]));
      },
    };
    const behavior = { scaleDown: { stabilizationWindowSeconds: 0 } };
    test.kernel.add(
      HorizontalPodAutoscaler,
      hpa({ metrics: [cpuTarget(50), qps('10')], behavior }),
    );
    await test.start();
    return test;
  };

  it('follows the one that asks for most', async () => {
    const test = await setUpTwo(600, 17_000);
    assert.equal(test.replicas, 7);
    assert.deepEqual(test.events(), [
      'Normal SuccessfulRescale New size: 7; reason: pods metric qps above target',
    ]);
  });

  it('scales down to the greater of both', async () => {
    const test = await setUpTwo(200, 7_000);
    assert.equal(test.replicas, 3);
  });

  it('scales up though one of them failed, and tells of it', async () => {
    const test = await setUpTwo(800, undefined);
    assert.equal(test.replicas, 7);
    assert.match(test.condition('ScalingActive') ?? '', /^True ValidMetricFound/);
    assert.ok(
      test
        .events()
        .includes(
          'Warning FailedGetPodsMetric unable to get metric qps: unable to fetch metrics from custom metrics API: Internal error occurred: broken',
        ),
    );
    assert.deepEqual(
      test.status()?.currentMetrics?.map(({ type }) => type),
      ['Resource', ''],
    );
    const [entry] = test.kernel.logs;
    assert.match(
      (entry?.fields.error as Error | undefined)?.message ?? '',
      /^invalid metrics \(1 invalid out of 2\), first error is: failed to get pods metric value/,
    );
  });

  it('is active while one of them failed and another wants as many as there are', async () => {
    const test = await setUpTwo(500, undefined);
    assert.equal(test.replicas, 4);
    assert.match(test.condition('ScalingActive') ?? '', /^True ValidMetricFound/);
  });

  it('names the last of those that want none, as upstream', async () => {
    const test = await setUpTwo(0, 0);
    assert.equal(test.replicas, 1);
    assert.match(test.condition('ScalingActive') ?? '', /from pods metric qps$/);
  });

  it('does not scale down while one of them fails', async () => {
    const test = await setUpTwo(100, undefined);
    assert.equal(test.replicas, 4);
    assert.match(
      test.condition('ScalingActive') ?? '',
      /^False FailedGetPodsMetric: the HPA was unable to compute the replica count: unable to get metric qps/,
    );
    assert.equal(
      test.events().filter(text => text.includes('FailedComputeMetricsReplicas')).length,
      1,
    );
  });

  it('names the first of all that failed', async () => {
    const test = await setUpTwo(undefined, undefined);
    assert.match(test.condition('ScalingActive') ?? '', /^False FailedGetResourceMetric/);
    assert.ok(
      test
        .events()
        .some(text =>
          text.includes(
            'invalid metrics (2 invalid out of 2), first error is: failed to get cpu resource metric value',
          ),
        ),
    );
  });
});

describe('controller.horizontal-pod-autoscaler refuses', () => {
  for (const [field, value] of [
    ['syncPeriod', '0s'],
    ['syncPeriod', 'soon'],
    ['downscaleStabilization', '-1s'],
  ] as const) {
    it(`to start with a ${field} of ${value}`, () => {
      const message = `Cannot use ${field} "${value}": it must be a time such as 15s`;
      assert.throws(() => void setUp({ config: { [field]: value } }).start(), { message });
    });
  }
});
