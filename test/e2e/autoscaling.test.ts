import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import {
  type autoscalingV1,
  ConfigMap,
  Deployment,
  HorizontalPodAutoscaler,
  type HorizontalPodAutoscalerSpec,
} from 'kernetes/sdk';
import { fakeClock } from 'kernetes/sdk/testing';
import { withoutKubectl } from './kubectl.ts';
import { startCluster } from './start-cluster.ts';
import { wholeMinute } from './whole-minute.ts';

function workload(name: string, load: string): string {
  return `
apiVersion: apps/v1
kind: Deployment
metadata: { name: ${name} }
spec:
  replicas: 2
  selector: { matchLabels: { app: ${name} } }
  template:
    metadata: { labels: { app: ${name} } }
    spec:
      containers: [{ name: main, image: nginx, resources: { requests: { cpu: 200m } } }]
---
apiVersion: v1
kind: ConfigMap
metadata: { name: ${name}, labels: { sim.kubernetes.dev/load: "true" } }
data: { selector: app=${name}, ${load} }
`;
}

const WORKERS = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: { name: workers.example.com }
spec:
  group: example.com
  names: { kind: Worker, plural: workers }
  scope: Namespaced
  versions:
    - name: v1
      served: true
      storage: true
      schema: { openAPIV3Schema: { type: object, x-kubernetes-preserve-unknown-fields: true } }
      subresources:
        status: {}
        scale:
          specReplicasPath: .spec.replicas
          statusReplicasPath: .status.replicas
          labelSelectorPath: .status.selector
`;

const NO_WAITING = { stabilizationWindowSeconds: 0 };

/** On simulated load, as their users see them. */
describe('autoscalers', { timeout: 120_000 }, async () => {
  const clock = fakeClock(wholeMinute());
  const { cluster, http, kubectl } = await startCluster({ nodes: 2, clock });
  after(() => cluster.close());

  const at = (name: string) => ({ namespace: 'default', name });
  const replicasOf = async (name: string) =>
    (await cluster.objects.get(Deployment, at(name))).spec?.replicas;
  const statusOf = async (name: string) =>
    (await cluster.objects.get(HorizontalPodAutoscaler, at(name))).status;
  const autoscale = (name: string, spec: Omit<HorizontalPodAutoscalerSpec, 'scaleTargetRef'>) =>
    cluster.objects.create(HorizontalPodAutoscaler, {
      metadata: at(name),
      spec: { scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name }, ...spec },
    });
  const load = (name: string, data: Record<string, string>) =>
    cluster.objects.patch(ConfigMap, at(name), { data });

  it('kubectl autoscale makes a Deployment follow its CPU', {
    skip: withoutKubectl(),
  }, async () => {
    await cluster.apply(workload('web', 'cpu: 900m'));
    await clock.step(60_000);
    const made = await kubectl.run('autoscale deployment web --min=2 --max=12 --cpu-percent=50');
    assert.equal(made.trim(), 'horizontalpodautoscaler.autoscaling/web autoscaled');
    await clock.step(120_000);
    assert.equal(await replicasOf('web'), 9);
    const row = await kubectl.run('get hpa web --no-headers');
    assert.match(row, /^web\s+Deployment\/web\s+cpu: 50%\/50%\s+2\s+12\s+9\s/);
    const text = (await kubectl.run('describe hpa web')).replace(/ +/g, ' ');
    for (const line of [
      'Reference: Deployment/web',
      ' resource cpu on pods (as a percentage of request): 50% (100m) / 50%',
      'Deployment pods: 9 current / 9 desired',
      ' AbleToScale True ReadyForNewScale recommended size matches current size',
      ' ScalingLimited False DesiredWithinRange the desired count is within the acceptable range',
    ]) {
      assert.ok(text.includes(`\n${line}\n`), `${line} in:\n${text}`);
    }
    assert.match(
      text,
      / Normal SuccessfulRescale .* horizontal-pod-autoscaler New size: 4; reason: cpu/,
    );
  });

  it('v1 shows what it has no fields for in annotations', async () => {
    const path = '/apis/autoscaling/v1/namespaces/default/horizontalpodautoscalers/web';
    const hpa = await http.json<autoscalingV1.HorizontalPodAutoscaler>('GET', path);
    assert.equal(hpa.spec?.targetCPUUtilizationPercentage, 50);
    assert.equal(hpa.status?.currentCPUUtilizationPercentage, 50);
    const { annotations = {} } = hpa.metadata;
    const prefix = 'autoscaling.alpha.kubernetes.io/';
    assert.deepEqual(JSON.parse(annotations[`${prefix}current-metrics`] ?? ''), [
      {
        type: 'Resource',
        resource: { name: 'cpu', currentAverageUtilization: 50, currentAverageValue: '100m' },
      },
    ]);
    const conditions = JSON.parse(annotations[`${prefix}conditions`] ?? '') as { type: string }[];
    assert.deepEqual(
      conditions.map(({ type }) => type),
      ['AbleToScale', 'ScalingActive', 'ScalingLimited'],
    );
  });

  it('follow a metric of their pods, no faster than their policies allow', async () => {
    await cluster.apply(workload('api', 'pods.rps: "130"'));
    await clock.step(30_000);
    const policies = [{ type: 'Pods', value: 3, periodSeconds: 60 }];
    const target = { type: 'AverageValue', averageValue: '10' };
    await autoscale('api', {
      ...{ minReplicas: 1, maxReplicas: 20 },
      metrics: [{ type: 'Pods', pods: { metric: { name: 'rps' }, target } }],
      behavior: { scaleUp: { policies }, scaleDown: { ...NO_WAITING, policies } },
    });
    await clock.step(1_000);
    const seen = [await replicasOf('api')];
    for (let minute = 0; minute < 4; minute++) {
      await clock.step(60_000);
      seen.push(await replicasOf('api'));
    }
    assert.deepEqual(seen, [5, 8, 11, 13, 13]);
    await load('api', { 'pods.rps': '50' });
    await clock.step(60_000);
    assert.equal(await replicasOf('api'), 10);
    await clock.step(180_000);
    assert.equal(await replicasOf('api'), 5);
  });

  it('follow metrics of other objects and from outside, whichever asks for more', async () => {
    const metrics = '"object.requests": "services/mail: 30", "external.queue": "name=mail: 12"';
    await cluster.apply(workload('mail', metrics));
    await cluster.apply(`
apiVersion: v1
kind: Service
metadata: { name: mail }
spec: { selector: { app: mail }, ports: [{ port: 80 }] }
`);
    await clock.step(30_000);
    const describedObject = { apiVersion: 'v1', kind: 'Service', name: 'mail' };
    const selector = { matchLabels: { name: 'mail' } };
    const averageValue = (value: string) => ({ type: 'AverageValue', averageValue: value });
    const requests = { metric: { name: 'requests' }, describedObject };
    await autoscale('mail', {
      maxReplicas: 10,
      metrics: [
        { type: 'Object', object: { ...requests, target: averageValue('10') } },
        {
          type: 'External',
          external: { metric: { name: 'queue', selector }, target: averageValue('3') },
        },
      ],
      behavior: { scaleDown: NO_WAITING },
    });
    await clock.step(60_000);
    assert.equal(await replicasOf('mail'), 4);
    await load('mail', { 'object.requests': 'services/mail: 70' });
    await clock.step(60_000);
    assert.equal(await replicasOf('mail'), 7);
    const current = (await statusOf('mail'))?.currentMetrics?.map(
      ({ object, external }) => (object ?? external)?.current.averageValue,
    );
    assert.deepEqual(current, ['10', '1715m']);
  });

  it('scale custom resources', async () => {
    await cluster.apply(WORKERS);
    await clock.step(1_000);
    await cluster.apply(`
apiVersion: example.com/v1
kind: Worker
metadata: { name: mine }
spec: { replicas: 1 }
`);
    const path = '/apis/example.com/v1/namespaces/default/workers/mine';
    const status = { replicas: 1, selector: 'app=mine' };
    await http.json('PATCH', `${path}/status`, { status }, 'application/merge-patch+json');
    await cluster.objects.create(HorizontalPodAutoscaler, {
      metadata: at('mine'),
      spec: {
        scaleTargetRef: { apiVersion: 'example.com/v1', kind: 'Worker', name: 'mine' },
        ...{ minReplicas: 3, maxReplicas: 5 },
      },
    });
    await clock.step(1_000);
    const worker = await http.json<{ spec: { replicas: number } }>('GET', path);
    assert.equal(worker.spec.replicas, 3);
    const [able] = (await statusOf('mine'))?.conditions ?? [];
    assert.equal(able?.reason, 'SucceededRescale');
  });

  it('leave a Deployment that was scaled to zero', async () => {
    await cluster.objects.patch(Deployment, at('mail'), { spec: { replicas: 0 } });
    await clock.step(60_000);
    assert.equal(await replicasOf('mail'), 0);
    const active = (await statusOf('mail'))?.conditions?.find(
      ({ type }) => type === 'ScalingActive',
    );
    assert.equal(active?.reason, 'ScalingDisabled');
  });
});
