import {
  conflict,
  Deployment,
  Event,
  HorizontalPodAutoscaler,
  type HorizontalPodAutoscalerSpec,
  MetricError,
  type MetricReading,
  type MetricSpec,
  type MetricsClient,
  notFound,
  type ObjectRequest,
  Pod,
  type PodReadings,
  type Scale,
  servedKindPoint,
} from 'kernetes/sdk';
import { pod, type TestKernel, testContext } from 'kernetes/sdk/testing';
import { autoscale } from './plugin.ts';

export const CONFIG = {
  syncPeriod: '15s',
  downscaleStabilization: '5m',
  tolerance: 0.1,
  cpuInitializationPeriod: '5m',
  initialReadinessDelay: '30s',
};

/** One CPU metric with a target in percent. */
export function cpuTarget(averageUtilization: number): MetricSpec {
  const target = { type: 'Utilization', averageUtilization };
  return { type: 'Resource', resource: { name: 'cpu', target } };
}

/** Scales the Deployment `web` at 50 % of its CPU. */
export function hpa(
  spec: Partial<HorizontalPodAutoscalerSpec> = {},
  name = 'web',
): HorizontalPodAutoscaler {
  return {
    metadata: { name, namespace: 'default' },
    spec: {
      scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' },
      minReplicas: 1,
      maxReplicas: 10,
      metrics: [cpuTarget(50)],
      ...spec,
    },
  };
}

/** The `scale` of things: what an API server makes of them, without the things. */
export class FakeScales {
  readonly #scales = new Map<string, Scale>();
  #revision = 0;
  /** Asked before each request; what it returns is thrown. */
  fault: (request: ObjectRequest) => Error | undefined = () => undefined;

  set(id: string, replicas: number, selector = 'app=web', status = replicas): void {
    const [, name = ''] = id.split('/');
    this.#scales.set(id, {
      metadata: { name, namespace: 'default', resourceVersion: String(++this.#revision) },
      spec: { replicas },
      status: { replicas: status, ...(selector && { selector }) },
    });
  }

  replicas(id: string): number | undefined {
    return this.#scales.get(id)?.spec?.replicas;
  }

  request(request: ObjectRequest): Scale {
    const fault = this.fault(request);
    if (fault) throw fault;
    const { resource, group, name = '', body } = request;
    const id = `${resource}.${group}/${name}`;
    const scale = this.#scales.get(id);
    const subject = { group, resource: `${resource}/scale` };
    if (!scale) throw notFound(subject, name);
    if (request.verb === 'get') return scale;
    const { metadata, spec } = body as Scale;
    if (metadata.resourceVersion !== scale.metadata.resourceVersion) throw conflict(subject, name);
    this.set(id, spec?.replicas ?? 0, scale.status?.selector);
    return this.#scales.get(id) as Scale;
  }
}

/** Says what the test says; where that is nothing, as if nobody served the metric. */
export class FakeMetrics implements MetricsClient {
  /** Of each pod, in thousandths of a core. */
  cpu: (pod: string) => number | undefined = () => undefined;
  answers: Partial<MetricsClient> = {};
  now: () => number = () => 0;
  podNames: () => readonly string[] = () => [];

  async resource(query: Parameters<MetricsClient['resource']>[0]): Promise<PodReadings> {
    if (this.answers.resource) return this.answers.resource(query);
    const pods = new Map<string, MetricReading>();
    for (const name of this.podNames()) {
      const milli = this.cpu(name);
      if (milli !== undefined) pods.set(name, { milli, timestamp: this.now(), windowMs: 30_000 });
    }
    if (pods.size > 0) return pods;
    throw new MetricError('no metrics returned from resource metrics API');
  }

  pods(query: Parameters<MetricsClient['pods']>[0]) {
    return (this.answers.pods ?? notServed)(query);
  }

  object(query: Parameters<MetricsClient['object']>[0]) {
    return (this.answers.object ?? notServed)(query);
  }

  external(query: Parameters<MetricsClient['external']>[0]) {
    return (this.answers.external ?? notServed)(query);
  }
}

export async function notServed(): Promise<never> {
  const error = notFound({ group: '', resource: '' }, '');
  error.message = 'the server could not find the requested resource';
  throw error;
}

const WEB = 'deployments.apps/web';

export interface SetUpOptions {
  readonly kernel?: TestKernel;
  readonly scales?: FakeScales;
  readonly config?: Partial<typeof CONFIG>;
}

/** The controller, with a Deployment `web` whose pods the test makes. */
export function setUp({ kernel: known, scales = new FakeScales(), config }: SetUpOptions = {}) {
  const test = testContext({
    name: 'controller.horizontal-pod-autoscaler',
    config: { ...CONFIG, ...config },
    ...(known && { kernel: known }),
  });
  const { context, kernel, clock } = test;
  const metrics = new FakeMetrics();
  metrics.now = () => clock.now();
  metrics.podNames = () => kernel.all(Pod).map(({ metadata }) => metadata.name ?? '');
  const served = { ...Deployment, verbs: [], expires: false };
  context.provide(servedKindPoint, served, 'deployments');
  const request = async <T>(asked: ObjectRequest): Promise<T> =>
    asked.subresource === 'scale'
      ? (scales.request(asked) as T)
      : context.objects.request<T>(asked);
  const start = () => {
    autoscale({ ...context, objects: { ...context.objects, request } }, metrics);
    return clock.step(0);
  };
  const current = (name = 'web') => kernel.get(HorizontalPodAutoscaler, `default/${name}`);
  return {
    ...{ ...test, kernel, metrics, scales, start, context },
    /** As many ready pods, each of one core, as there are replicas wanted, since long ago. */
    follow(replicas = scales.replicas(WEB) ?? 0) {
      const there = kernel.all(Pod);
      for (let i = there.length; i < replicas; i++) kernel.add(Pod, readyPod(`web-${i}`));
      for (const { metadata } of there.slice(replicas)) {
        void kernel.objects.delete(Pod, { namespace: 'default', name: metadata.name ?? '' });
      }
    },
    get replicas() {
      return scales.replicas(WEB);
    },
    scaleTo: (replicas: number, selector?: string) => scales.set(WEB, replicas, selector),
    status: (name?: string) => current(name)?.status,
    condition: (type: string, name?: string) => {
      const found = current(name)?.status?.conditions?.find(each => each.type === type);
      return found && `${found.status} ${found.reason}: ${found.message}`;
    },
    events: () =>
      kernel.all(Event).map(({ type, reason, message }) => `${type} ${reason} ${message}`),
  };
}

export function readyPod(name: string, labels: Record<string, string> = { app: 'web' }): Pod {
  const since = '2025-01-01T00:00:00Z';
  return pod(name, {
    metadata: { labels },
    spec: { containers: [{ name: 'main', resources: { requests: { cpu: '1' } } }] },
    status: {
      phase: 'Running',
      startTime: since,
      conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: since }],
    },
  });
}
