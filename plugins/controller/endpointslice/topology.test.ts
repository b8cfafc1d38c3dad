import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { EndpointSlice, Event, Node, Pod, Service } from 'kernetes/sdk';
import { activate, node, pod, running, service, TestKernel } from 'kernetes/sdk/testing';
import plugin from './plugin.ts';

const MODE = 'service.kubernetes.io/topology-mode';
const READY = [{ type: 'Ready', status: 'True' }];

function machine(name: string, zone: string, cpu = '4'): Node {
  const metadata = { labels: { 'topology.kubernetes.io/zone': zone } };
  return { ...node(name, { metadata }), status: { allocatable: { cpu }, conditions: READY } };
}

/** So many pods on each of the nodes. */
function podsOn(counts: Record<string, number>): Pod[] {
  return Object.entries(counts).flatMap(([nodeName, count], n) =>
    Array.from({ length: count }, (_, i) =>
      pod(`${nodeName}-${i}`, {
        metadata: { labels: { app: 'web' }, uid: `${nodeName}-${i}` },
        spec: { nodeName, containers: [] },
        status: running({ ip: `10.0.${n}.${i}` }),
      }),
    ),
  );
}

async function setUp(
  nodes: Node[],
  pods: Pod[],
  annotations: Record<string, string> = { [MODE]: 'Auto' },
) {
  const kernel = new TestKernel();
  kernel.add(Node, ...nodes);
  kernel.add(Service, service('web', { ports: [{ port: 80 }] }, { annotations }));
  kernel.add(Pod, ...pods);
  const test = await activate(plugin, { kernel });
  /** How many endpoints are for each zone. */
  const hints = () => {
    const counts: Record<string, number> = {};
    for (const { endpoints = [] } of kernel.all(EndpointSlice)) {
      for (const { hints: found } of endpoints) {
        const zone = found?.forZones?.map(({ name }) => name).join() ?? '-';
        counts[zone] = (counts[zone] ?? 0) + 1;
      }
    }
    return counts;
  };
  const events = () =>
    kernel.all(Event).map(({ type, reason, message }) => `${type} ${reason} ${message}`);
  return { ...test, hints, events };
}

const TWO = [machine('a', 'east'), machine('b', 'west')];
const THREE = [...TWO, machine('c', 'north')];

describe('service.kubernetes.io/topology-mode: Auto', () => {
  const cases: {
    name: string;
    nodes: Node[];
    pods: Record<string, number>;
    hints: Record<string, number>;
    event: string;
  }[] = [
    {
      name: 'every endpoint is for its own zone where each has its share',
      nodes: THREE,
      pods: { a: 2, b: 2, c: 2 },
      hints: { east: 2, west: 2, north: 2 },
      event:
        'Normal TopologyAwareHintsEnabled Topology Aware Hints has been enabled, addressType: IPv4',
    },
    {
      name: 'a zone that has too many gives to one that has too few',
      nodes: TWO,
      pods: { a: 5, b: 1 },
      hints: { east: 3, west: 3 },
      event:
        'Normal TopologyAwareHintsEnabled Topology Aware Hints has been enabled, addressType: IPv4',
    },
    {
      name: 'a zone has by its processors',
      nodes: [machine('a', 'east', '6'), machine('b', 'west', '2')],
      pods: { a: 4, b: 4 },
      hints: { east: 6, west: 2 },
      event:
        'Normal TopologyAwareHintsEnabled Topology Aware Hints has been enabled, addressType: IPv4',
    },
    {
      name: 'fewer endpoints than zones: none',
      nodes: THREE,
      pods: { a: 2 },
      hints: { '-': 2 },
      event:
        'Warning TopologyAwareHintsDisabled Insufficient number of endpoints (2 endpoints, 3 zones), addressType: IPv4',
    },
    {
      name: 'an overload: none',
      nodes: THREE,
      pods: { a: 4 },
      hints: { '-': 4 },
      event:
        'Warning TopologyAwareHintsDisabled Unable to allocate minimum required endpoints to each zone without exceeding overload threshold (4 endpoints, 3 zones), addressType: IPv4',
    },
    {
      name: 'a node without a zone: none',
      nodes: [...TWO, { ...node('c'), status: { allocatable: { cpu: '1' }, conditions: READY } }],
      pods: { a: 2, b: 2 },
      hints: { '-': 4 },
      event:
        'Warning TopologyAwareHintsDisabled Insufficient Node information: allocatable CPU or zone not specified on one or more nodes, addressType: IPv4',
    },
    {
      name: 'nodes that are not ready, and control planes, do not count',
      nodes: [
        ...TWO,
        { ...node('c'), status: {} },
        {
          ...node('d', { metadata: { labels: { 'node-role.kubernetes.io/control-plane': '' } } }),
          status: { conditions: READY },
        },
      ],
      pods: { a: 1, b: 1 },
      hints: { east: 1, west: 1 },
      event:
        'Normal TopologyAwareHintsEnabled Topology Aware Hints has been enabled, addressType: IPv4',
    },
    {
      name: 'an endpoint without a zone: none',
      nodes: [...TWO, { ...node('c'), status: {} }],
      pods: { a: 2, b: 1, c: 1 },
      hints: { '-': 4 },
      event:
        'Warning TopologyAwareHintsDisabled One or more endpoints do not have a zone specified, addressType: IPv4',
    },
  ];
  for (const { name, nodes, pods, hints, event } of cases) {
    it(name, async () => {
      const test = await setUp(nodes, podsOn(pods));
      assert.deepEqual(test.hints(), hints);
      assert.deepEqual(test.events(), [event]);
      test.kernel.requests.length = 0;
      test.kernel.modify(Service, 'default/web', ({ metadata }) => {
        metadata.annotations = { ...metadata.annotations, other: 'change' };
      });
      await test.clock.step(1_000);
      const written = test.kernel.requests.filter(
        ({ verb, resource }) => verb !== 'list' && resource !== 'events',
      );
      assert.deepEqual(written, []);
    });
  }

  it('goes by what the nodes become', async () => {
    const { kernel, clock, hints } = await setUp(TWO, podsOn({ a: 4, b: 4 }));
    assert.deepEqual(hints(), { east: 4, west: 4 });
    kernel.add(Node, machine('c', 'north', '8'));
    await clock.step(1_000);
    assert.deepEqual(hints(), { east: 2, west: 2, north: 4 });
    for (const name of ['a', 'c']) {
      kernel.modify(Node, name, ({ status }) => {
        if (status) status.conditions = [{ type: 'Ready', status: 'False' }];
      });
    }
    await clock.step(1_000);
    assert.deepEqual(hints(), { '-': 8 });
  });

  it('is told to be off when the annotation goes, and its older name goes before it', async () => {
    const { kernel, clock, hints, events } = await setUp(TWO, podsOn({ a: 1, b: 1 }));
    kernel.modify(Service, 'default/web', ({ metadata }) => {
      metadata.annotations = {
        [MODE]: 'Auto',
        'service.kubernetes.io/topology-aware-hints': 'Disabled',
      };
    });
    await clock.step(1_000);
    assert.deepEqual(hints(), { '-': 2 });
    assert.equal(
      events()[1],
      'Warning TopologyAwareHintsDisabled Topology Aware Hints has been disabled, addressType: IPv4',
    );
  });

  it('is not told again after a start, and goes before trafficDistribution', async () => {
    const { kernel, clock, dispose, hints, events } = await setUp(TWO, podsOn({ a: 5, b: 1 }));
    kernel.modify(Service, 'default/web', ({ spec }) => {
      if (spec) spec.trafficDistribution = 'PreferClose';
    });
    await clock.step(1_000);
    await dispose();
    await activate(plugin, { kernel });
    assert.deepEqual(hints(), { east: 3, west: 3 });
    assert.equal(events().length, 1);
  });
});
