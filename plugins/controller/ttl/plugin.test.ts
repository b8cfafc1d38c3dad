import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Node, serviceUnavailable } from 'kernetes/sdk';
import { activate, fakeClock, node, TestKernel } from 'kernetes/sdk/testing';
import { ClusterSize } from './cluster-size.ts';
import plugin from './plugin.ts';

/** Nodes that come or go -> seconds. */
const steps: [number, number][] = [
  [100, 0],
  [1, 15],
  [-11, 15],
  [-1, 0],
  [11, 0],
  [1, 15],
  [399, 15],
  [1, 30],
  [-51, 30],
  [-1, 15],
  [1_551, 60],
  [1, 300],
  [-200, 300],
  [-2, 60],
  [3_201, 300],
  [-5_000, 0],
];

test('ClusterSize follows the table of upstream, with its overlaps', () => {
  const size = new ClusterSize();
  let nodes = 0;
  for (const [change, wanted] of steps) {
    const before = size.ttlSeconds;
    nodes += change;
    assert.equal(size.add(change), before !== wanted, `${nodes} nodes`);
    assert.equal(size.ttlSeconds, wanted, `${nodes} nodes`);
  }
});

async function setUp(count: number) {
  const clock = fakeClock();
  const kernel = new TestKernel({ clock });
  const add = (from: number, to: number) => {
    for (let i = from; i < to; i++) kernel.add(Node, node(`node-${i}`));
  };
  add(0, count);
  const start = () => activate(plugin, { kernel, clock });
  const { dispose } = await start();
  const ttls = () => [
    ...new Set(
      kernel
        .all(Node)
        .map(({ metadata }) => metadata.annotations?.['node.alpha.kubernetes.io/ttl']),
    ),
  ];
  const patches = () => kernel.requests.filter(({ verb }) => verb === 'patch').length;
  return { kernel, clock, start, dispose, add, ttls, patches };
}

test('controller.ttl tells each node, and all when the cluster has grown or shrunk', async () => {
  const { kernel, clock, add, ttls } = await setUp(3);
  assert.deepEqual(ttls(), ['0']);
  add(3, 101);
  await clock.step(10_000);
  assert.deepEqual(ttls(), ['15']);
  for (let i = 0; i < 20; i++) await kernel.objects.delete(Node, { name: `node-${i}` });
  await clock.step(10_000);
  assert.deepEqual(ttls(), ['0']);
});

test('controller.ttl writes each node once when many are there at the start, and nothing after a restart', async () => {
  const { clock, start, dispose, ttls, patches } = await setUp(600);
  assert.deepEqual(ttls(), ['30']);
  assert.equal(patches(), 600);
  await dispose();
  await start();
  await clock.step(60_000);
  assert.equal(patches(), 600);
});

test('controller.ttl writes each node once while the cluster grows step by step', async () => {
  const { clock, add, ttls, patches } = await setUp(100);
  for (let count = 100; count < 1_100; count += 50) {
    add(count, count + 50);
    await clock.step(100);
  }
  assert.deepEqual(ttls(), ['0', undefined]);
  await clock.step(10_000);
  assert.deepEqual(ttls(), ['60']);
  // And the one with which it began to grow, before it was counted.
  assert.equal(patches(), 100 + 1 + 1_100);
});

test('controller.ttl mends what somebody changed, and tries again', async () => {
  const { kernel, clock, ttls } = await setUp(1);
  kernel.fault = ({ verb }) => (verb === 'patch' ? serviceUnavailable('down') : undefined);
  kernel.modify(Node, 'node-0', ({ metadata }) => {
    metadata.annotations = { 'node.alpha.kubernetes.io/ttl': 'x' };
  });
  await clock.step(1_000);
  assert.deepEqual(ttls(), ['x']);
  kernel.fault = () => undefined;
  await clock.step(10_000);
  assert.deepEqual(ttls(), ['0']);
});
