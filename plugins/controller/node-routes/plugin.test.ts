import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  Event,
  type NewNodeRoute,
  Node,
  type NodeRoute,
  type Routes,
  routesPoint,
  serviceUnavailable,
} from 'kernetes/sdk';
import { activate, fakeClock, node, TestKernel } from 'kernetes/sdk/testing';
import plugin from './plugin.ts';

/** A routing table in memory. */
class Table implements Routes {
  routes: NodeRoute[] = [];
  readonly calls: string[] = [];
  fault: (call: string) => void = () => {};

  list(clusterName: string): NodeRoute[] {
    assert.equal(clusterName, 'kubernetes');
    this.fault('list');
    return [...this.routes];
  }

  create(_clusterName: string, nameHint: string, route: NewNodeRoute): void {
    const { targetNode, destinationCidr, targetNodeAddresses } = route;
    const call = `create ${targetNode} ${destinationCidr}`;
    this.calls.push(call);
    this.fault(call);
    const gatewayAddress = targetNodeAddresses[0]?.address ?? '';
    this.routes.push({ name: nameHint, targetNode, destinationCidr, gatewayAddress });
  }

  delete(_clusterName: string, { targetNode, destinationCidr }: NodeRoute): void {
    const call = `delete ${targetNode} ${destinationCidr}`;
    this.calls.push(call);
    this.fault(call);
    this.routes = this.routes.filter(route => {
      return route.targetNode !== targetNode || route.destinationCidr !== destinationCidr;
    });
  }
}

function at(name: string, address: string, ...podCIDRs: string[]): Node {
  const made = node(name, { spec: { podCIDRs } });
  return { ...made, status: { addresses: [{ type: 'InternalIP', address }] } };
}

const CONFIG = {
  clusterName: 'kubernetes',
  clusterCidr: '10.0.0.0/16,fd00::/48',
  routeReconciliationPeriodMs: 10_000,
  provider: '',
};

async function setUp(table: Table, ...nodes: Node[]) {
  const clock = fakeClock();
  const kernel = new TestKernel({ clock });
  const link = kernel.link('table');
  link.provide(routesPoint, 'table', table);
  kernel.add(Node, ...nodes);
  const start = (config = CONFIG) => activate(plugin, { kernel, clock, config });
  const { dispose } = await start();
  const conditionOf = (name: string) => {
    const [condition] = kernel.get(Node, name)?.status?.conditions ?? [];
    return (
      condition && `${condition.type}=${condition.status} ${condition.reason}: ${condition.message}`
    );
  };
  return { kernel, clock, start, dispose, conditionOf };
}

const CREATED = 'NetworkUnavailable=False RouteCreated: RouteController created a route';
const NOT_CREATED =
  'NetworkUnavailable=True NoRouteCreated: RouteController failed to create a route';

function routeTo(targetNode: string, destinationCidr: string, gatewayAddress: string): NodeRoute {
  return { name: 'r', targetNode, destinationCidr, gatewayAddress };
}

describe('controller.node-routes', () => {
  it('makes a route for each range of each node, and tells the node', async () => {
    const table = new Table();
    const nodes = [at('a', '1.1.1.1', '10.0.0.0/24', 'fd00::/64'), at('b', '2.2.2.2')];
    const { kernel, clock, conditionOf } = await setUp(table, ...nodes);
    assert.deepEqual(table.calls, ['create a 10.0.0.0/24', 'create a fd00::/64']);
    assert.equal(conditionOf('a'), CREATED);
    assert.equal(conditionOf('b'), undefined);
    const before = kernel.requests.length;
    await clock.step(60_000);
    assert.equal(table.calls.length, 2);
    assert.equal(kernel.requests.length, before);
  });

  it('follows nodes that come, go and get their range later', async () => {
    const table = new Table();
    const { kernel, clock, conditionOf } = await setUp(table, at('a', '1.1.1.1', '10.0.0.0/24'));
    await kernel.objects.delete(Node, { name: 'a' });
    kernel.add(Node, at('b', '2.2.2.2'));
    await clock.step(1_000);
    kernel.modify(Node, 'b', ({ spec }) => {
      if (spec) spec.podCIDRs = ['10.0.0.0/24'];
    });
    await clock.step(1_000);
    assert.deepEqual(table.calls.slice(1), ['delete a 10.0.0.0/24', 'create b 10.0.0.0/24']);
    assert.equal(conditionOf('b'), CREATED);
  });

  it('makes a route anew when the node has another address', async () => {
    const table = new Table();
    const { kernel, clock } = await setUp(table, at('a', '1.1.1.1', '10.0.0.0/24'));
    kernel.modify(Node, 'a', ({ status }) => {
      if (status) status.addresses = [{ type: 'InternalIP', address: '9.9.9.9' }];
    });
    await clock.step(1_000);
    assert.deepEqual(table.calls.slice(1), ['delete a 10.0.0.0/24', 'create a 10.0.0.0/24']);
    assert.equal(table.routes[0]?.gatewayAddress, '9.9.9.9');
  });

  it('takes the routes of a node without ranges away, and tells it', async () => {
    const table = new Table();
    const { kernel, clock, conditionOf } = await setUp(table, at('a', '1.1.1.1', '10.0.0.0/24'));
    kernel.modify(Node, 'a', ({ spec }) => {
      if (spec) spec.podCIDRs = [];
    });
    await clock.step(1_000);
    assert.deepEqual(table.calls.slice(1), ['delete a 10.0.0.0/24']);
    assert.equal(conditionOf('a'), NOT_CREATED);
  });

  it('makes the routes of more nodes than it serves at a time', async () => {
    const table = new Table();
    const nodes = Array.from({ length: 402 }, (_, i) =>
      at(`n${i}`, '1.1.1.1', `10.0.${Math.floor(i / 256)}.${i % 256}/32`),
    );
    await setUp(table, ...nodes);
    assert.equal(new Set(table.calls).size, 402);
  });

  it('makes the others’ routes although one cannot be deleted, and tries that again', async () => {
    const table = new Table();
    table.routes = [routeTo('gone', '10.0.1.0/24', '3.3.3.3')];
    table.fault = call => {
      if (call.startsWith('delete')) throw new Error('not now');
    };
    const { clock, conditionOf } = await setUp(table, at('a', '1.1.1.1', '10.0.0.0/24'));
    assert.deepEqual(table.calls, ['delete gone 10.0.1.0/24', 'create a 10.0.0.0/24']);
    assert.equal(conditionOf('a'), CREATED);
    table.fault = () => {};
    await clock.step(10_000);
    assert.deepEqual(table.calls.slice(2), ['delete gone 10.0.1.0/24']);
    assert.equal(table.routes.length, 1);
  });

  it('does not look at the routes for a heartbeat', async () => {
    const table = new Table();
    const { kernel, clock } = await setUp(table, at('a', '1.1.1.1', '10.0.0.0/24'));
    await clock.step(1_000);
    let lists = 0;
    table.fault = call => {
      if (call === 'list') lists++;
    };
    kernel.modify(Node, 'a', ({ metadata }) => {
      metadata.annotations = { heart: 'beat' };
    });
    await clock.step(1_000);
    assert.equal(lists, 0);
  });

  it('makes a route anew that somebody said is not there', async () => {
    const table = new Table();
    const { kernel, clock, conditionOf } = await setUp(table, at('a', '1.1.1.1', '10.0.0.0/24'));
    kernel.modify(Node, 'a', ({ status }) => {
      for (const each of status?.conditions ?? []) each.status = 'True';
    });
    await clock.step(1_000);
    assert.equal(conditionOf('a'), CREATED);
  });

  it('deletes stale routes in the ranges of the cluster, and no others', async () => {
    const table = new Table();
    table.routes = [
      routeTo('a', '10.0.0.0/24', '1.1.1.1'),
      routeTo('a', '10.0.7.0/24', '1.1.1.1'),
      routeTo('gone', '10.0.1.0/24', '3.3.3.3'),
      routeTo('', '10.0.2.0/24', '4.4.4.4'),
      { ...routeTo('a', '10.0.3.0/24', ''), blackhole: true },
      routeTo('gone', '192.168.0.0/24', '3.3.3.3'),
      routeTo('gone', 'default', '3.3.3.3'),
    ];
    await setUp(table, at('a', '1.1.1.1', '10.0.0.0/24'));
    assert.deepEqual(table.calls, [
      'delete a 10.0.7.0/24',
      'delete gone 10.0.1.0/24',
      'delete  10.0.2.0/24',
      'delete a 10.0.3.0/24',
    ]);
  });

  it('says of a node without its route that it has none, and why', async () => {
    const table = new Table();
    table.fault = call => {
      if (call.startsWith('create a')) throw new Error('no way there');
    };
    const nodes = [at('a', '1.1.1.1', '10.0.0.0/24'), at('b', '2.2.2.2', '10.0.1.0/24')];
    const { kernel, clock, conditionOf } = await setUp(table, ...nodes);
    assert.equal(conditionOf('a'), NOT_CREATED);
    assert.equal(conditionOf('b'), CREATED);
    const [event] = kernel.all(Event);
    const uid = kernel.get(Node, 'a')?.metadata.uid;
    assert.deepEqual(
      [event?.type, event?.reason, event?.message, event?.source?.component],
      [
        'Warning',
        'FailedToCreateRoute',
        `Could not create route ${uid} 10.0.0.0/24 for node a after 0ms: no way there`,
        'route_controller',
      ],
    );
    table.fault = () => {};
    await clock.step(10_000);
    assert.equal(conditionOf('a'), CREATED);
  });

  it('goes on after a provider that fails, a lost status and a restart', async () => {
    const table = new Table();
    table.fault = call => {
      if (call === 'list') throw new Error('not now');
    };
    const the = await setUp(table, at('a', '1.1.1.1', '10.0.0.0/24'));
    assert.deepEqual(table.calls, []);
    table.fault = () => {};
    the.kernel.fault = ({ verb }) => (verb === 'patch' ? serviceUnavailable('down') : undefined);
    await the.clock.step(10_000);
    assert.deepEqual(table.calls, ['create a 10.0.0.0/24']);
    await the.dispose();
    the.kernel.fault = () => undefined;
    await the.start();
    assert.deepEqual(table.calls, ['create a 10.0.0.0/24']);
    assert.equal(the.conditionOf('a'), CREATED);
  });

  it('uses the provider that it is told, and none where it cannot know which', async () => {
    const table = new Table();
    const { kernel, clock, start, dispose } = await setUp(table);
    const other = new Table();
    kernel.link('other').provide(routesPoint, 'other', other);
    kernel.add(Node, at('a', '1.1.1.1', '10.0.0.0/24'));
    await clock.step(1_000);
    const [warning] = kernel.logs;
    assert.deepEqual(warning?.fields, { wanted: '', known: 'table,other' });
    await dispose();
    await start({ ...CONFIG, provider: 'other' });
    assert.deepEqual([table.calls.length, other.calls.length], [0, 1]);
  });

  it('does not start with a range that is none', async () => {
    const config = { ...CONFIG, clusterCidr: 'all' };
    await assert.rejects(activate(plugin, { config }), /Cannot read "all" as a range/);
  });
});
