import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ELECTION_TIMES, Event, Lease, Node, serviceUnavailable } from 'kernetes/sdk';
import {
  activate,
  fakeClock,
  node,
  SharedElections,
  seededRandom,
  TestKernel,
} from 'kernetes/sdk/testing';
import { type Config, DEFAULT_CONFIG } from './config.ts';
import plugin from './plugin.ts';

/** Room for four nodes. */
const SMALL: Partial<Config> = { clusterCidr: '10.0.0.0/22' };

async function setUp(options: Partial<Config> = SMALL, ...nodes: Node[]) {
  const clock = fakeClock();
  const kernel = new TestKernel({ clock });
  kernel.add(Node, ...nodes);
  const config = { ...DEFAULT_CONFIG, ...options };
  const start = () => activate(plugin, { kernel, clock, config });
  const { dispose } = await start();
  const ranges = () =>
    kernel
      .all(Node)
      .map(({ metadata, spec }) => `${metadata.name} ${spec?.podCIDRs?.join() ?? ''}`);
  const add = async (...names: string[]) => {
    for (const name of names) kernel.add(Node, node(name));
    await clock.step(0);
  };
  const events = () =>
    kernel
      .all(Event)
      .map(({ source, reason, message }) => `${source?.component} ${reason}: ${message}`);
  return { kernel, clock, start, dispose, ranges, add, events };
}

const having = (name: string, podCIDR: string) =>
  node(name, { spec: { podCIDR, podCIDRs: [podCIDR] } });

describe('controller.node-ipam', () => {
  it('gives each node a range of its own', async () => {
    const { kernel, ranges, add } = await setUp();
    await add('a', 'b');
    assert.deepEqual(ranges(), ['a 10.0.0.0/24', 'b 10.0.1.0/24']);
    assert.equal(kernel.get(Node, 'a')?.spec?.podCIDR, '10.0.0.0/24');
  });

  it('gives one of each family', async () => {
    const { ranges, add } = await setUp({ clusterCidr: '10.244.0.0/16, fd00:10:244::/48' });
    await add('a', 'b');
    assert.deepEqual(ranges(), [
      'a 10.244.0.0/24,fd00:10:244::/64',
      'b 10.244.1.0/24,fd00:10:244:1::/64',
    ]);
  });

  it('leaves nodes theirs, and gives nobody else an address of it', async () => {
    const { kernel, ranges, add } = await setUp(SMALL, node('a'), having('b', '10.0.0.0/24'));
    kernel.add(Node, having('c', '10.0.2.0/25'));
    await add('d');
    assert.deepEqual(ranges(), [
      'a 10.0.1.0/24',
      'b 10.0.0.0/24',
      'c 10.0.2.0/25',
      'd 10.0.3.0/24',
    ]);
  });

  it('does not give away the range of services', async () => {
    const { ranges, add } = await setUp({ ...SMALL, serviceCidr: '10.0.0.0/23' });
    await add('a');
    assert.deepEqual(ranges(), ['a 10.0.2.0/24']);
  });

  it('tells when nothing is left, and gives what is freed', async () => {
    const { kernel, clock, ranges, add, events } = await setUp();
    await add('a', 'b', 'c', 'd', 'e');
    assert.equal(ranges()[4], 'e ');
    assert.deepEqual(events(), [
      'cidrAllocator CIDRNotAvailable: Node e status is now: CIDRNotAvailable',
    ]);
    await kernel.objects.delete(Node, { name: 'b' });
    await clock.step(0);
    assert.equal(ranges()[3], 'e 10.0.1.0/24');
  });

  it('tries the same range again when the write failed', async () => {
    const { kernel, clock, ranges, add, events } = await setUp();
    kernel.fault = ({ verb, name }) =>
      verb === 'patch' && name === 'a' ? serviceUnavailable('down') : undefined;
    await add('a', 'b');
    assert.deepEqual(ranges(), ['a ', 'b 10.0.1.0/24']);
    kernel.fault = () => undefined;
    await clock.step(1_000);
    assert.deepEqual(ranges(), ['a 10.0.0.0/24', 'b 10.0.1.0/24']);
    assert.deepEqual(events(), [
      'cidrAllocator CIDRAssignmentFailed: Node a status is now: CIDRAssignmentFailed',
    ]);
  });

  it('gives no range twice when the answer to a write is lost, also after a restart', async () => {
    const { kernel, clock, start, dispose, ranges, add } = await setUp();
    let lost = 0;
    const patch = kernel.objects.patch.bind(kernel.objects);
    kernel.fault = request => {
      if (request.verb !== 'patch' || lost++ > 0) return undefined;
      void patch(Node, { name: request.name ?? '' }, request.body);
      return serviceUnavailable('the answer is lost');
    };
    await add('a');
    await dispose();
    await start();
    await add('b');
    await clock.step(10_000);
    assert.deepEqual(ranges(), ['a 10.0.0.0/24', 'b 10.0.1.0/24']);
  });

  it('gives a node its range though it sees the nodes late', async () => {
    const { kernel, clock, ranges, add } = await setUp();
    await add('a');
    const release = kernel.holdWatches();
    kernel.add(Node, having('b', '10.0.1.0/24'), node('c'));
    await clock.step(1_000);
    release();
    await clock.step(1_000);
    assert.deepEqual(ranges(), ['a 10.0.0.0/24', 'b 10.0.1.0/24', 'c 10.0.2.0/24']);
  });

  it('frees a range when its node goes', async () => {
    const { kernel, clock, ranges, add } = await setUp({ clusterCidr: '10.0.0.0/24' });
    await add('a');
    await kernel.objects.delete(Node, { name: 'a' });
    await clock.step(0);
    await add('b');
    assert.deepEqual(ranges(), ['b 10.0.0.0/24']);
  });

  it('warns of a node with a range of none of the cluster', async () => {
    const { kernel } = await setUp(SMALL, having('a', '192.168.0.0/24'));
    const [warning] = kernel.logs.filter(({ level }) => level === 'warn');
    assert.equal(warning?.fields.node, 'a');
  });

  for (const options of [{ clusterCidr: '10.0.0.0' }, { ...SMALL, nodeCidrMaskSizeIPv4: 16 }]) {
    it(`does not start with ${JSON.stringify(options)}`, async () => {
      await assert.rejects(setUp(options), /Cannot (read|divide)/);
    });
  }
});

describe('controller.node-ipam, one of two processes,', () => {
  async function elected() {
    const the = await setUp();
    await the.dispose();
    const { clock, kernel } = the;
    const settings = { identity: 'us', ...ELECTION_TIMES };
    const elections = new SharedElections({ settings, clock, random: seededRandom() });
    const config = { ...DEFAULT_CONFIG, ...SMALL };
    await activate(plugin, { kernel, clock, config, elections });
    const key = 'kube-system/kube-controller-manager';
    const holder = () => kernel.get(Lease, key)?.spec?.holderIdentity;
    /** Leads for a while, and then we again. */
    const meanwhile = async (act: () => void) => {
      kernel.modify(Lease, key, ({ spec }) => {
        if (spec) Object.assign(spec, { holderIdentity: 'other', renewTime: 'another' });
      });
      await clock.step(5_000);
      assert.equal(holder(), 'other');
      act();
      for (let waited = 0; holder() !== 'us' && waited < 30; waited++) await clock.step(1_000);
      assert.equal(holder(), 'us');
    };
    return { ...the, meanwhile };
  }

  it('gives away nothing that the other gave, though it does not see it yet', async () => {
    const { kernel, ranges, add, meanwhile } = await elected();
    await add('a');
    await meanwhile(() => kernel.silently(() => kernel.add(Node, having('b', '10.0.1.0/24'))));
    await add('c');
    assert.deepEqual(ranges(), ['a 10.0.0.0/24', 'b 10.0.1.0/24', 'c 10.0.2.0/24']);
  });

  it('does not come back to what it could not write, and the other gave away', async () => {
    const { kernel, clock, ranges, add, meanwhile } = await elected();
    kernel.fault = ({ verb, resource }) =>
      verb === 'patch' && resource === 'nodes' ? serviceUnavailable('down') : undefined;
    await add('a');
    await meanwhile(() => {
      kernel.fault = () => undefined;
      kernel.add(Node, having('b', '10.0.0.0/24'));
    });
    await clock.step(5_000);
    assert.deepEqual(ranges(), ['a 10.0.1.0/24', 'b 10.0.0.0/24']);
  });

  it('asks again before it gives anything when the server did not tell', async () => {
    const { kernel, clock, ranges, add, meanwhile } = await elected();
    await meanwhile(() => kernel.silently(() => kernel.add(Node, having('b', '10.0.0.0/24'))));
    kernel.fault = ({ verb, resource }) =>
      verb === 'list' && resource === 'nodes' ? serviceUnavailable('down') : undefined;
    await add('c');
    assert.deepEqual(ranges(), ['b 10.0.0.0/24', 'c ']);
    kernel.fault = () => undefined;
    await clock.step(1_000);
    assert.deepEqual(ranges(), ['b 10.0.0.0/24', 'c 10.0.1.0/24']);
  });
});
