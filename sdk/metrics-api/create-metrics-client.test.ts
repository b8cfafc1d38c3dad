import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ObjectRequest } from '../request.ts';
import { ApiError, unknownResource } from '../status.ts';
import { testContext } from '../testing/testing.ts';
import { createMetricsClient, guessedResource } from './create-metrics-client.ts';
import type { MetricValue } from './custom-metrics.ts';
import { PodMetrics } from './resource-metrics.ts';

const TIMESTAMP = '2026-01-01T00:00:15Z';
const AT = Date.parse(TIMESTAMP);

function podMetrics(name: string, usage: Record<string, Record<string, string>>): PodMetrics {
  const containers = Object.entries(usage).map(([name, usage]) => ({ name, usage }));
  const metadata = { name, namespace: 'default', labels: { app: 'web' } };
  return { metadata, timestamp: TIMESTAMP, window: '15s', containers };
}

describe('createMetricsClient() resource()', () => {
  const { kernel, context } = testContext();
  kernel.add(
    PodMetrics,
    podMetrics('a', { main: { cpu: '250m', memory: '1Mi' }, side: { cpu: '1500000n' } }),
    podMetrics('b', { main: { cpu: '1' } }),
    {
      ...podMetrics('c', { main: { cpu: '1' }, side: { cpu: '1500000n' } }),
      metadata: { name: 'c', namespace: 'default', labels: { alone: '' } },
    },
  );
  const client = createMetricsClient(context.objects);
  const cases = [
    { asks: { resource: 'cpu' }, gives: { a: 252, b: 1000 } },
    { asks: { resource: 'memory' }, gives: {} },
    { asks: { resource: 'memory', container: 'main' }, gives: { a: 1_048_576_000 } },
    { asks: { resource: 'cpu', container: 'side', podSelector: 'alone' }, gives: { c: 2 } },
  ];
  for (const { asks, gives } of cases) {
    it(`gives ${JSON.stringify(gives)} for ${JSON.stringify(asks)}`, async () => {
      const query = { namespace: 'default', podSelector: 'app=web', ...asks };
      const pods = await client.resource(query);
      assert.deepEqual(
        Object.fromEntries([...pods].map(([name, { milli }]) => [name, milli])),
        gives,
      );
      for (const { windowMs, timestamp } of pods.values()) {
        assert.deepEqual([windowMs, timestamp], [15_000, AT]);
      }
    });
  }

  for (const [asks, message] of [
    [{ podSelector: 'app=db' }, 'no metrics returned from resource metrics API'],
    [
      { container: 'side' },
      'failed to get container metrics: container side not present in metrics for pod default/b',
    ],
  ] as const) {
    it(`refuses ${JSON.stringify(asks)}`, async () => {
      const query = { namespace: 'default', podSelector: 'app=web', resource: 'cpu', ...asks };
      await assert.rejects(client.resource(query), { name: 'MetricError', message });
    });
  }
});

describe('createMetricsClient()', () => {
  const query = { namespace: 'default', metric: 'rps', metricSelector: 'path=x' };
  const value = (name: string, text: string): MetricValue => {
    return { describedObject: { name }, timestamp: TIMESTAMP, windowSeconds: 15, value: text };
  };
  /** A client whose requests `answer` answers. */
  const clientOf = (answer: (request: ObjectRequest) => readonly unknown[]) => {
    const asked: ObjectRequest[] = [];
    const request = async <T>(each: ObjectRequest) => {
      asked.push(each);
      return { items: answer(each) } as T;
    };
    const list = () => Promise.reject(new Error('nobody lists'));
    return { asked, client: createMetricsClient({ request, list }) };
  };

  it('pods() asks for all pods that the selector chooses', async () => {
    const { asked, client } = clientOf(() => [value('a', '2500m'), value('b', '1')]);
    const pods = await client.pods({ ...query, podSelector: 'app=web' });
    const reading = { timestamp: AT, windowMs: 15_000 };
    assert.deepEqual(
      pods,
      new Map([
        ['a', { milli: 2500, ...reading }],
        ['b', { milli: 1000, ...reading }],
      ]),
    );
    const [{ verb, version, resource, name, subresource, options } = {} as ObjectRequest] = asked;
    assert.deepEqual(
      [verb, version, resource, name, subresource],
      ['get', 'v1beta2', 'pods', '*', 'rps'],
    );
    assert.deepEqual(options, { labelSelector: 'app=web', metricLabelSelector: 'path=x' });
  });

  it('pods() asks an adapter that has the older version for that', async () => {
    const { client } = clientOf(({ version }) => {
      if (version === 'v1beta2') throw unknownResource();
      return [value('a', '1')];
    });
    assert.equal((await client.pods({ ...query, podSelector: '' })).size, 1);
  });

  it('object() names the object by its resource, and a namespace by its metrics', async () => {
    const { asked, client } = clientOf(() => [value('main', '3')]);
    const ingress = { apiVersion: 'networking.k8s.io/v1', kind: 'Ingress', name: 'main' };
    assert.deepEqual(await client.object({ ...query, object: ingress }), {
      milli: 3000,
      timestamp: AT,
      windowMs: 15_000,
    });
    await client.object({ ...query, object: { kind: 'Namespace', name: 'default' } });
    const paths = asked.map(({ resource, name, subresource }) => [resource, name, subresource]);
    assert.deepEqual(paths, [
      ['ingresses.networking.k8s.io', 'main', 'rps'],
      ['metrics', 'rps', undefined],
    ]);
  });

  it('external() gives the values of all series, and refuses when there are none', async () => {
    const { asked, client } = clientOf(({ resource }) =>
      resource === 'rps' ? [value('', '3'), value('', '500m')] : [],
    );
    assert.deepEqual(await client.external(query), [3000, 500]);
    assert.deepEqual(asked[0]?.options, { labelSelector: 'path=x' });
    const none = client.external({ ...query, metric: 'none' });
    await assert.rejects(none, { name: 'MetricError', message: /^no metrics returned from ext/ });
  });

  const describedObject = { name: 'a' };
  for (const [answer, message] of [
    [{}, 'no metrics returned from custom metrics API'],
    [{ items: 'all' }, 'no metrics returned from custom metrics API'],
    [{ items: [{ describedObject }] }, 'the value undefined is no quantity'],
    [
      { items: [{ describedObject, value: 'NaN', timestamp: TIMESTAMP }] },
      'the value "NaN" is no quantity',
    ],
    [
      { items: [{ describedObject, value: '1', timestamp: 'now' }] },
      'the timestamp "now" is no time',
    ],
  ] as const) {
    it(`refuses what an adapter should not answer: ${JSON.stringify(answer)}`, async () => {
      const client = createMetricsClient({
        request: async <T>() => answer as T,
        list: () => Promise.reject(new Error('nobody lists')),
      });
      const asked = client.pods({ ...query, podSelector: '' });
      await assert.rejects(asked, { name: 'MetricError', message });
    });
  }

  it('tells the first refusal when nobody serves the metric', async () => {
    const { client } = clientOf(({ version }) => {
      throw new ApiError({ message: version, reason: 'NotFound', code: 404 });
    });
    const asked = client.pods({ ...query, podSelector: '' });
    await assert.rejects(asked, { message: 'v1beta2' });
  });
});

describe('guessedResource()', () => {
  for (const [kind, apiVersion, resource] of [
    ['Pod', 'v1', 'pods'],
    ['Endpoints', 'v1', 'endpoints'],
    ['NetworkPolicy', 'networking.k8s.io/v1', 'networkpolicies.networking.k8s.io'],
    ['StorageClass', 'storage.k8s.io/v1', 'storageclasses.storage.k8s.io'],
  ] as const) {
    it(`gives ${resource}`, () => {
      assert.equal(guessedResource({ kind, apiVersion, name: 'x' }), resource);
    });
  }
});
