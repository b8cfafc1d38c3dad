import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ContainerUsage, Node, Pod } from 'kernetes/sdk';
import { node, pod, running } from 'kernetes/sdk/testing';
import { podUsageSource } from './usage.ts';

interface PodOptions {
  readonly on?: string;
  readonly phase?: string;
  readonly containers?: readonly string[];
}

function podOn(
  name: string,
  { on = 'n1', phase = 'Running', containers = ['main'] }: PodOptions = {},
) {
  const containerStatuses = containers.map(each => ({
    ...{ name: each, image: '', imageID: '', ready: true, restartCount: 0 },
    state: { running: {} },
  }));
  return pod(name, {
    metadata: { uid: name, labels: { app: name }, annotations: { of: name } },
    spec: { nodeName: on, containers: [] },
    status: { ...running(), phase, containerStatuses },
  });
}

const PODS: readonly Pod[] = [
  podOn('a'),
  podOn('b', { containers: ['main', 'side'] }),
  podOn('half', { containers: ['main', 'new'] }),
  podOn('done', { phase: 'Succeeded' }),
  podOn('far', { on: 'n9' }),
  podOn('new'),
];
const NODES: readonly Node[] = [node('n1'), node('n2')];

/** By pod, the containers that were measured. */
const MEASURED: Readonly<Record<string, readonly string[]>> = {
  a: ['main'],
  b: ['main', 'side'],
  half: ['main'],
  far: ['main'],
};

function open() {
  const asked: string[][] = [];
  const source = podUsageSource({
    pods: {
      get: key => PODS.find(({ metadata }) => `default/${metadata.name}` === key),
      list: namespace => (namespace === 'x' ? [] : [...PODS]),
      byIndex: (_, name) => PODS.filter(({ spec }) => spec?.nodeName === name),
    },
    nodes: () => NODES,
    isServed: name => NODES.some(({ metadata }) => metadata.name === name),
    async usage(pods) {
      for (const { uid, annotations } of pods) assert.deepEqual(annotations, { of: uid });
      asked.push(pods.map(({ uid }) => uid));
      const measured = pods.map(({ uid }) => (MEASURED[uid] ?? []).map(usageOf));
      return { timestampMs: 30_000, windowMs: 15_000, pods: measured };
    },
  });
  return { source, asked };
}

function usageOf(name: string): ContainerUsage {
  return { name, cpuNanoCores: 1e6, memoryBytes: 1024, windowMs: 15_000 };
}

describe('podUsageSource() pods()', () => {
  const cases = [
    { asks: {}, gives: ['a', 'b'] },
    { asks: { labelSelector: 'app in (b,half)' }, gives: ['b'] },
    { asks: { namespace: 'x' }, gives: [] },
    { asks: { namespace: 'default', name: 'a' }, gives: ['a'] },
    { asks: { namespace: 'default', name: 'half' }, gives: [] },
    { asks: { namespace: 'default', name: 'none' }, gives: [] },
  ];
  for (const { asks, gives } of cases) {
    it(`gives [${gives}] for ${JSON.stringify(asks)}, in one question`, async () => {
      const { source, asked } = open();
      const { pods, timestampMs } = await source.pods({ namespace: '', ...asks });
      assert.deepEqual(
        pods.map(({ name }) => name),
        gives,
      );
      assert.equal(timestampMs, 30_000);
      assert.equal(asked.length, 1);
      assert.ok(!asked.flat().some(uid => uid === 'done' || uid === 'far'));
    });
  }
});

describe('podUsageSource() nodes()', () => {
  it('sums what runs on them, new pods too', async () => {
    const { source, asked } = open();
    const { nodes, windowMs } = await source.nodes({});
    assert.equal(windowMs, 15_000);
    const sums = nodes.map(({ name, cpuNanoCores, memoryBytes }) => [
      name,
      cpuNanoCores,
      memoryBytes,
    ]);
    assert.deepEqual(sums, [
      ['n1', 4e6, 4096],
      ['n2', 0, 0],
    ]);
    assert.equal(asked.length, 1);
  });

  it('gives those that are asked for', async () => {
    const { source } = open();
    const names = async (query: object) =>
      (await source.nodes(query)).nodes.map(({ name }) => name);
    assert.deepEqual(await names({ name: 'n2' }), ['n2']);
    assert.deepEqual(await names({ labelSelector: 'kubernetes.io/hostname=n1' }), ['n1']);
    assert.deepEqual(await names({ name: 'n9' }), []);
  });
});
