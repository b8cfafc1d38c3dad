import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Node, type PluginDefinition, Pod } from 'kernetes/sdk';
import { pod, seededRandom, TestKernel } from 'kernetes/sdk/testing';
import { systemClock } from '../../kernel/clock.ts';
import { type AgentConfig, DEFAULT_CONFIG } from '../../plugins/node/agent/config.ts';
import agent from '../../plugins/node/agent/plugin.ts';
import type { BehaviourConfig } from '../../plugins/runtime/sim/behaviour.ts';
import sim from '../../plugins/runtime/sim/plugin.ts';
import { createContext } from '../../sdk/context.ts';
import { SharedInformers } from '../../sdk/shared-informers.ts';

/**
 * The node agent and the simulated runtime on a kernel that only keeps objects: from bound pods to
 * ready ones. NODES and PODS choose the size; small by default, so that it runs as a test. Prints
 * one JSON line.
 */
const NODES = Number(process.env.NODES ?? 20);
const PODS = Number(process.env.PODS ?? 500);

test(`node agent makes ${PODS} pods ready on ${NODES} nodes`, async () => {
  const clock = systemClock();
  const kernel = new TestKernel({ clock, random: seededRandom() });
  const simConfig = { pullMs: 0, startMs: 0, stopMs: 0, images: [] };
  const agentConfig = { ...DEFAULT_CONFIG, nodes: NODES, podCidr: '10.0.0.0/8' };
  const disposeSim = await start<BehaviourConfig>(sim, simConfig, kernel);

  const joining = clock.monotonic();
  const disposeAgent = await start<AgentConfig>(agent, agentConfig, kernel);
  await until(() => kernel.all(Node).length === NODES);
  const joinMs = clock.monotonic() - joining;

  let ready = 0;
  kernel.link('bench').watch(Pod, {
    onEvents(events) {
      for (const { object } of events) if (isReady(object as Pod)) ready++;
    },
    onEnd: error => assert.fail(error),
  });
  const heapBefore = process.memoryUsage().heapUsed;
  const cpuBefore = process.cpuUsage();
  const starting = clock.monotonic();
  for (let i = 0; i < PODS; i++) kernel.add(Pod, boundPod(i));
  await until(() => ready >= PODS);
  const readyMs = clock.monotonic() - starting;
  const { user, system } = process.cpuUsage(cpuBefore);
  const statusWrites = kernel.requests.filter(({ subresource }) => subresource === 'status').length;
  const heapBytes = process.memoryUsage().heapUsed - heapBefore;
  const result = {
    bench: 'node-agent',
    nodes: NODES,
    pods: PODS,
    joinMs: Math.round(joinMs),
    readyMs: Math.round(readyMs),
    podsPerSecond: Math.round((PODS * 1000) / readyMs),
    cpuUsPerPod: Math.round((user + system) / PODS),
    statusWritesPerPod: statusWrites / PODS,
    heapBytesPerPod: Math.round(heapBytes / PODS),
  };
  console.log(JSON.stringify(result));
  await disposeAgent();
  await disposeSim();
  assert.ok(result.statusWritesPerPod < 1.5, 'a pod that starts at once is written once');
});

async function start<C>(
  plugin: PluginDefinition<C>,
  config: C,
  kernel: TestKernel,
): Promise<() => Promise<void>> {
  const { name } = plugin;
  const times = { clock: systemClock(), random: seededRandom() };
  const shared = new SharedInformers(times);
  const link = kernel.link(name);
  const { context, dispose } = createContext<C>({ name, config, link, shared, ...times });
  await plugin.activate(context);
  return dispose;
}

function boundPod(i: number): Pod {
  const containers = [{ name: 'main', image: 'nginx:1.14' }];
  return pod(`web-${i}`, { spec: { nodeName: `node-${(i % NODES) + 1}`, containers } });
}

function isReady({ status }: Pod): boolean {
  return (
    status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false
  );
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise(resolve => setImmediate(resolve));
}
