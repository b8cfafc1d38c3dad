import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  ApiError,
  type CustomMetricQuery,
  type CustomMetricsSource,
  customMetricsPoint,
  type ExternalMetricQuery,
  type ExternalMetricValueList,
  type KindDefinition,
  kindPoint,
  type MetricValueList,
  type ObjectRequest,
  Pod,
  type PodUsageSource,
  podUsagePoint,
  remoteVersionPoint,
  schemaOf,
  type VirtualKind,
} from 'kernetes/sdk';
import { activate, checkKind, kindsOf, pod, rowOf } from 'kernetes/sdk/testing';
import plugin from './plugin.ts';

const AT = Date.UTC(2026, 0, 1, 0, 0, 15);
const USER = { name: 'alice', groups: [] };

const usage: PodUsageSource = {
  async pods({ namespace, name, labelSelector = '' }) {
    assert.ok(labelSelector === '' || labelSelector === 'app=web');
    const all = ['b', 'a'].map(each => ({
      ...{ namespace: 'default', name: each, labels: { app: 'web' } },
      containers: [
        { name: 'main', cpuNanoCores: 4_293_846.6, memoryBytes: 23_441_408.4, windowMs: 15_000 },
        { name: 'side', cpuNanoCores: 250_000_000, memoryBytes: 1000, windowMs: 12_500 },
      ],
    }));
    const isAsked = (each: { readonly name: string }) => name === undefined || each.name === name;
    return { timestampMs: AT, pods: namespace === 'x' ? [] : all.filter(isAsked) };
  },
  async nodes({ name }) {
    const nodes = [
      { name: 'n1', labels: { zone: 'a' }, cpuNanoCores: 2e9, memoryBytes: 2 ** 30 },
    ].filter(each => name === undefined || each.name === name);
    return { timestampMs: AT, windowMs: 15_000, nodes };
  },
};

for (const kind of await kindsOf(plugin)) {
  it(`${kind.kind} keeps to what kinds must`, () => checkKind(kind));
}

/** The kind of that name, with usage to tell of. */
async function metricsKind(resource: string) {
  const { context } = await activate(plugin);
  context.provide(podUsagePoint, usage);
  const kinds = context.contributions(kindPoint).list();
  const kind = kinds.find(({ value }) => value.resource === resource)?.value;
  assert.ok(kind?.virtual);
  const { virtual } = kind;
  const asked = (namespace: string, options = {}) => ({ user: USER, namespace, options });
  return { kind, virtual: virtual as Required<VirtualKind>, asked };
}

describe('metrics.k8s.io', () => {
  it('pods are sorted, with labels, quantities and the shortest window', async () => {
    const { virtual, asked, kind } = await metricsKind('pods');
    const items = await virtual.list(asked('', { labelSelector: 'app=web' }));
    assert.deepEqual(
      items.map(({ metadata }) => metadata.name),
      ['a', 'b'],
    );
    assert.deepEqual(items[0], {
      metadata: {
        name: 'a',
        namespace: 'default',
        creationTimestamp: '2026-01-01T00:00:00Z',
        labels: { app: 'web' },
      },
      timestamp: '2026-01-01T00:00:15Z',
      window: '12.5s',
      containers: [
        { name: 'main', usage: { cpu: '4293847n', memory: '22892Ki' } },
        { name: 'side', usage: { cpu: '250m', memory: '1k' } },
      ],
    });
    assert.deepEqual(rowOf(kind, 'v1beta1', { object: items[0] ?? assert.fail(), now: 0 }), {
      Name: 'a',
      cpu: '254293847n',
      memory: '23442408',
      Window: '12.5s',
    });
  });

  it('one pod is got by its name, or is NotFound', async () => {
    const { virtual, asked } = await metricsKind('pods');
    assert.equal((await virtual.get('b', asked('default'))).metadata.name, 'b');
    await assert.rejects(async () => virtual.get('b', asked('x')), {
      message: 'podmetrics.metrics.k8s.io "x/b" not found',
    });
  });

  it('nodes have their sums', async () => {
    const { virtual, asked, kind } = await metricsKind('nodes');
    const [first] = await virtual.list(asked(''));
    const cells = { Name: 'n1', cpu: '2', memory: '1Gi', Window: '15s' };
    assert.deepEqual(rowOf(kind, 'v1beta1', { object: first ?? assert.fail(), now: 0 }), cells);
    assert.deepEqual((await virtual.get('n1', asked(''))).metadata.labels, { zone: 'a' });
    await assert.rejects(async () => virtual.get('n9', asked('')), {
      message: 'nodemetrics.metrics.k8s.io "n9" not found',
    });
  });
});

const PODS: KindDefinition = {
  ...{ group: '', kind: 'Pod', resource: 'pods', singular: 'pod', namespaced: true },
  storage: { prefix: 'registry/pods', version: 'v1' },
  versions: [{ name: 'v1', schema: schemaOf('', 'v1', 'Pod') ?? assert.fail() }],
  strategy: {},
};
const NAMESPACES: KindDefinition = {
  ...PODS,
  ...{ kind: 'Namespace', resource: 'namespaces', singular: 'namespace', namespaced: false },
};

/** The plugin, and a source that tells what it was asked. */
async function withSource() {
  const { context, kernel } = await activate(plugin);
  for (const kind of [PODS, NAMESPACES]) context.provide(kindPoint, kind, kind.resource);
  kernel.add(Pod, ...['a', 'b'].map(name => pod(name, { metadata: { labels: { app: name } } })));
  const asked: (CustomMetricQuery | ExternalMetricQuery)[] = [];
  const reading = { milli: 2500, timestamp: AT, windowMs: 15_000 };
  const source: CustomMetricsSource = {
    metrics: [
      { type: 'custom', resource: 'pods', namespaced: true, name: 'rps' },
      { type: 'custom', resource: 'namespaces', namespaced: false, name: 'rps' },
      { type: 'external', name: 'queue' },
      { type: 'custom', resource: 'pods', namespaced: true, name: 'load' },
    ],
    async custom(query) {
      asked.push(query);
      return query.names.filter(name => name !== 'none').map(name => ({ name, ...reading }));
    },
    async external(query) {
      asked.push(query);
      return [{ labels: { name: 'mail' }, ...reading }];
    },
  };
  const withdraw = context.provide(customMetricsPoint, source);
  const versions = context.contributions(remoteVersionPoint);
  const served = () => versions.list().map(({ value }) => `${value.group}/${value.version}`);
  const ask = async <T = MetricValueList>(
    group: string,
    version: string,
    of: Partial<ObjectRequest>,
  ) => {
    const all = versions.list().map(({ value }) => value);
    const found = all.find(each => each.group === group && each.version === version);
    const request = { verb: 'get', group, version, resource: '', ...of } as const;
    return (await found?.request?.(USER, request)) as T;
  };
  return { asked, ask, served, versions, withdraw };
}

const CUSTOM = 'custom.metrics.k8s.io';
const EXTERNAL = 'external.metrics.k8s.io';

describe('custom.metrics.k8s.io', () => {
  it('and external.metrics.k8s.io are served for as long as there is a source', async () => {
    const { served, withdraw, versions } = await withSource();
    assert.deepEqual(served(), [`${CUSTOM}/v1beta2`, `${CUSTOM}/v1beta1`, `${EXTERNAL}/v1beta1`]);
    const discovered = versions
      .list()
      .map(({ value: { discovery } }) =>
        discovery?.resources.map(({ resource, scope, responseKind, subresources }) => [
          ...[resource, scope, responseKind.kind],
          ...(subresources ?? []).map(({ subresource }) => subresource),
        ]),
      );
    const custom = [
      ['pods', 'Namespaced', '', 'rps', 'load'],
      ['namespaces', 'Cluster', '', 'rps'],
    ];
    const external = [['queue', 'Namespaced', 'ExternalMetricValueList']];
    assert.deepEqual(discovered, [custom, custom, external]);
    await withdraw();
    assert.deepEqual(served(), []);
  });

  it('gives the metric of the pods that the labels choose', async () => {
    const { ask, asked } = await withSource();
    const options = { labelSelector: 'app=b', metricLabelSelector: 'path=x' };
    const place = { namespace: 'default', resource: 'pods', name: '*', subresource: 'rps' };
    const { items, ...list } = await ask(CUSTOM, 'v1beta2', { ...place, options });
    assert.deepEqual(list, {
      kind: 'MetricValueList',
      apiVersion: `${CUSTOM}/v1beta2`,
      metadata: {},
    });
    assert.deepEqual(items, [
      {
        describedObject: { kind: 'Pod', namespace: 'default', name: 'b', apiVersion: 'v1' },
        metric: { name: 'rps', selector: null },
        timestamp: '2026-01-01T00:00:15Z',
        windowSeconds: 15,
        value: '2500m',
      },
    ]);
    const query = { resource: 'pods', namespace: 'default', names: ['b'], metric: 'rps' };
    assert.deepEqual(asked, [{ ...query, metricSelector: 'path=x' }]);
  });

  it('gives that of a namespace where those of objects in it stand, in the older form too', async () => {
    const { ask } = await withSource();
    const place = { namespace: 'default', resource: 'metrics', name: 'rps' };
    const { items } = await ask(CUSTOM, 'v1beta1', place);
    const [{ describedObject, metricName, metric } = assert.fail()] = items;
    const object = { kind: 'Namespace', name: 'default', apiVersion: 'v1' };
    assert.deepEqual([describedObject, metricName, metric], [object, 'rps', undefined]);
  });

  const place = { namespace: 'default', resource: 'pods', name: 'a', subresource: 'rps' };
  const cases: { what: string; of: Partial<ObjectRequest>; reason: string; message?: string }[] = [
    {
      what: 'a metric that nobody has',
      of: { subresource: 'nope', name: '*' },
      reason: 'NotFound',
      message: 'the server could not find the metric nope for pods',
    },
    {
      what: 'an object that has none',
      of: { name: 'none' },
      reason: 'NotFound',
      message: 'the server could not find the metric rps for pods none',
    },
    { what: 'a resource that there is not', of: { resource: 'trees' }, reason: 'NotFound' },
    { what: 'no metric', of: { subresource: '' }, reason: 'NotFound' },
    { what: 'a bad selector', of: { options: { labelSelector: 'a in' } }, reason: 'BadRequest' },
    { what: 'a write', of: { verb: 'create' }, reason: 'MethodNotAllowed' },
  ];
  for (const { what, of, reason, message } of cases) {
    it(`refuses ${what} as ${reason}`, async () => {
      const { ask } = await withSource();
      await assert.rejects(ask(CUSTOM, 'v1beta2', { ...place, ...of }), (error: unknown) => {
        assert.ok(ApiError.is(error) && error.reason === reason, `${error}`);
        if (message) assert.equal(error.message, message);
        return true;
      });
    });
  }
});

describe('external.metrics.k8s.io', () => {
  it('gives the series that the labels choose', async () => {
    const { ask, asked } = await withSource();
    const options = { labelSelector: 'name=mail' };
    const place = { namespace: 'default', resource: 'queue', options };
    const { items } = await ask<ExternalMetricValueList>(EXTERNAL, 'v1beta1', place);
    assert.deepEqual(items, [
      {
        metricName: 'queue',
        metricLabels: { name: 'mail' },
        timestamp: '2026-01-01T00:00:15Z',
        window: 15,
        value: '2500m',
      },
    ]);
    const query = { namespace: 'default', metric: 'queue', metricSelector: 'name=mail' };
    assert.deepEqual(asked, [query]);
  });

  it('refuses a metric that nobody has as NotFound', async () => {
    const { ask } = await withSource();
    const asked = ask(EXTERNAL, 'v1beta1', { namespace: 'default', resource: 'nope' });
    await assert.rejects(asked, { message: 'the server could not find the metric nope' });
  });
});
