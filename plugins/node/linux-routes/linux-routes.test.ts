import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { describe, it, type TestContext } from 'node:test';
import type { Node } from 'kernetes/sdk';
import { node } from 'kernetes/sdk/testing';
import { type IpCommand, ipCommand } from './ip-command.ts';
import { LinuxRoutes, type LinuxRoutesConfig } from './linux-routes.ts';

const CONFIG: LinuxRoutesConfig = { table: 254, protocol: 75, nodeName: '', device: '' };
const CLUSTER = 'kubernetes';

function at(name: string, addresses: readonly string[], ...podCIDRs: string[]): Node {
  const internal = addresses.map(address => ({ type: 'InternalIP', address }));
  const more = [{ type: 'Hostname', address: name }, ...internal];
  return { ...node(name, { spec: { podCIDRs } }), status: { addresses: more } };
}

function newRoute({ metadata, status }: Node, destinationCidr: string) {
  const { name: targetNode = '' } = metadata;
  return { targetNode, targetNodeAddresses: status?.addresses ?? [], destinationCidr };
}

function setUp(ip: IpCommand, nodes: Node[], config: Partial<LinuxRoutesConfig> = {}) {
  return new LinuxRoutes({ config: { ...CONFIG, ...config }, ip, nodes: async () => nodes });
}

/** Notes what is run, and answers what the test says. */
function recording(answer: (args: string) => string = () => '') {
  const calls: string[] = [];
  const ip: IpCommand = async args => {
    calls.push(args.join(' '));
    return answer(args.join(' '));
  };
  return { calls, ip };
}

describe('LinuxRoutes', () => {
  const a = at('a', ['10.9.0.2', 'fd09::2'], '10.244.1.0/24', 'fd00:0:0:1::/64');

  it('adds a route to the address of the same family', async () => {
    const { calls, ip } = recording();
    const routes = setUp(ip, [a], { table: 100, device: 'eth0' });
    await routes.create(CLUSTER, 'uid', newRoute(a, '10.244.1.0/24'));
    await routes.create(CLUSTER, 'uid', newRoute(a, 'fd00:0:0:1::/64'));
    assert.deepEqual(calls, [
      'route replace 10.244.1.0/24 via 10.9.0.2 dev eth0 proto 75 table 100',
      'route replace fd00:0:0:1::/64 via fd09::2 dev eth0 proto 75 table 100',
    ]);
  });

  const refused: [string, Node, string, RegExp][] = [
    [
      'a node without an address of its family',
      at('b', ['fd09::3']),
      '10.0.0.0/24',
      /want an InternalIP/,
    ],
    ['what is no range', a, '-batch', /Cannot read "-batch" as a range/],
    ['an address that is none', at('b', ['-force']), '10.0.0.0/24', /want an InternalIP/],
  ];
  for (const [what, target, cidr, wanted] of refused) {
    it(`adds none for ${what}`, async () => {
      const { calls, ip } = recording();
      await assert.rejects(setUp(ip, []).create(CLUSTER, 'uid', newRoute(target, cidr)), wanted);
      assert.deepEqual(calls, []);
    });
  }

  it('has no route to the machine itself, and says that it has', async () => {
    const { calls, ip } = recording();
    const routes = setUp(ip, [a], { nodeName: 'a' });
    await routes.create(CLUSTER, 'uid', newRoute(a, '10.244.1.0/24'));
    const listed = await routes.list();
    assert.deepEqual(
      listed.map(({ targetNode, destinationCidr }) => `${targetNode} ${destinationCidr}`),
      ['a 10.244.1.0/24', 'a fd00:0:0:1::/64'],
    );
    assert.deepEqual(
      calls.filter(call => call.includes('replace')),
      [],
    );
  });

  it('reads what ip prints', async () => {
    const { ip } = recording(call =>
      call.includes('-4')
        ? JSON.stringify([
            { dst: '10.244.1.0/24', gateway: '10.9.0.2', dev: 'eth0', flags: [] },
            { dst: '10.244.2.1', gateway: '10.9.0.9', dev: 'eth0', flags: [] },
            { type: 'blackhole', dst: '10.244.3.0/24', flags: [] },
          ])
        : '[ ]',
    );
    assert.deepEqual(await setUp(ip, [a]).list(), [
      {
        name: '10.244.1.0/24',
        targetNode: 'a',
        destinationCidr: '10.244.1.0/24',
        gatewayAddress: '10.9.0.2',
      },
      {
        name: '10.244.2.1',
        targetNode: '',
        destinationCidr: '10.244.2.1/32',
        gatewayAddress: '10.9.0.9',
      },
      { name: '10.244.3.0/24', targetNode: '', destinationCidr: '10.244.3.0/24', blackhole: true },
    ]);
  });
});

describe('LinuxRoutes in a network namespace', () => {
  for (const table of [254, 1_000]) {
    it(`adds, lists and deletes its routes in table ${table}, and no others`, async t => {
      const namespace = makeNamespace(t);
      if (namespace === undefined) return;
      const ip = ipCommand(namespace);
      const nodes = [at('a', ['10.9.0.2', 'fd09::2']), at('b', ['10.9.0.3'])];
      const [a, b] = nodes as [Node, Node];
      const routes = setUp(ip, nodes, { table });
      await ip(['route', 'add', '10.244.9.0/24', 'via', '10.9.0.9', 'table', String(table)]);
      await routes.create(CLUSTER, 'uid', newRoute(a, '10.244.1.0/24'));
      await routes.create(CLUSTER, 'uid', newRoute(a, 'fd00:0:0:1::/64'));
      await routes.create(CLUSTER, 'uid', newRoute(b, '10.244.2.0/24'));
      await routes.create(CLUSTER, 'uid', newRoute(a, '10.244.2.0/24'));
      const list = async () =>
        (await routes.list()).map(each => {
          return `${each.targetNode} ${each.destinationCidr} ${each.gatewayAddress}`;
        });
      assert.deepEqual(await list(), [
        'a 10.244.1.0/24 10.9.0.2',
        'a 10.244.2.0/24 10.9.0.2',
        'a fd00:0:0:1::/64 fd09::2',
      ]);
      const all = await routes.list();
      for (const route of [...all, ...all]) await routes.delete(CLUSTER, route);
      assert.deepEqual(await list(), []);
      const left = await ip(['route', 'show', 'table', String(table)]);
      assert.match(left, /10\.244\.9\.0\/24 via 10\.9\.0\.9/);
    });
  }

  it('says why a route cannot be', async t => {
    const namespace = makeNamespace(t);
    if (namespace === undefined) return;
    const routes = setUp(ipCommand(namespace), []);
    const far = at('far', ['203.0.113.1']);
    await assert.rejects(
      routes.create(CLUSTER, 'uid', newRoute(far, '10.244.1.0/24')),
      /Nexthop has invalid gateway|Network is unreachable/,
    );
  });

  it('has no routes in a table that is not there', async t => {
    const namespace = makeNamespace(t);
    if (namespace === undefined) return;
    assert.deepEqual(await setUp(ipCommand(namespace), [], { table: 4_242 }).list(), []);
  });
});

let namespaces = 0;

/** With an interface in 10.9.0.0/24 and fd09::/64; undefined, and the test skipped, where we may not. */
function makeNamespace(t: TestContext): string | undefined {
  const name = `kernetes-test-${process.pid}-${++namespaces}`;
  const run = (...args: string[]) => execFileSync('ip', args, { stdio: 'pipe' });
  try {
    run('netns', 'add', name);
  } catch (error) {
    t.skip(`no network namespace can be made here: ${(error as Error).message.trim()}`);
    return undefined;
  }
  t.after(() => run('netns', 'del', name));
  try {
    run('-n', name, 'link', 'add', 'd0', 'type', 'veth', 'peer', 'name', 'd1');
    run('-n', name, 'link', 'set', 'd1', 'up');
    run('-n', name, 'addr', 'add', '10.9.0.1/24', 'dev', 'd0');
    run('-n', name, 'addr', 'add', 'fd09::1/64', 'dev', 'd0', 'nodad');
    run('-n', name, 'link', 'set', 'd0', 'up');
  } catch (error) {
    t.skip(`no interface can be made in a network namespace: ${(error as Error).message.trim()}`);
    return undefined;
  }
  return name;
}
