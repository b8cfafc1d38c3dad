import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  conflict,
  ELECTION_TIMES,
  Event,
  Lease,
  Node,
  Pod,
  serviceUnavailable,
} from 'kernetes/sdk';
import {
  activate,
  fakeClock,
  node,
  pod,
  running,
  SharedElections,
  seededRandom,
  TestKernel,
} from 'kernetes/sdk/testing';
import { DEFAULT_CONFIG } from './config.ts';
import plugin from './plugin.ts';

const SINCE = '2025-12-31T00:00:00Z';
const EVICTING = 'node.kubernetes.io/unreachable:NoExecute';
const KEEPING_OFF = 'node.kubernetes.io/unreachable:NoSchedule';

async function setUp(...names: string[]) {
  const clock = fakeClock();
  const kernel = new TestKernel({ clock });
  const all = names.length > 0 ? names : ['n1', 'n2', 'n3', 'n4'];
  for (const name of all) kernel.add(Node, reporting(name));
  const start = () => activate(plugin, { kernel, clock, config: DEFAULT_CONFIG });
  const { dispose } = await start();
  return { kernel, clock, start, dispose, ...looks(kernel), ...beats(kernel) };
}

/** With the conditions that a kubelet posts, as far as they matter. */
function reporting(name: string) {
  const conditions = [
    ...['Ready', 'MemoryPressure', 'DiskPressure', 'NetworkUnavailable'].map(type => ({
      type,
      status: type === 'Ready' ? 'True' : 'False',
      lastHeartbeatTime: SINCE,
      lastTransitionTime: SINCE,
    })),
  ];
  return { ...node(name), status: { conditions } };
}

function looks(kernel: TestKernel) {
  return {
    taintsOf: (name: string) =>
      kernel.get(Node, name)?.spec?.taints?.map(({ key, effect }) => `${key}:${effect}`) ?? [],
    readyOf: (name: string) =>
      kernel.get(Node, name)?.status?.conditions?.find(({ type }) => type === 'Ready')?.status,
    events: () =>
      kernel
        .all(Event)
        .map(({ involvedObject, reason, message, source }) => {
          return `${source?.component} ${involvedObject.name} ${reason}: ${message}`;
        })
        .sort(),
    writes: () =>
      kernel.requests
        .filter(({ verb, resource }) => verb !== 'list' && resource !== 'events')
        .map(({ verb, name, subresource }) => [verb, name, subresource].filter(Boolean).join(' ')),
  };
}

function beats(kernel: TestKernel) {
  let renewals = 0;
  return {
    /** Their Leases are renewed. */
    renew(...names: string[]) {
      for (const name of names) {
        const renewTime = String(++renewals);
        const key = `kube-node-lease/${name}`;
        const metadata = { name, namespace: 'kube-node-lease' };
        if (!kernel.get(Lease, key)) kernel.add(Lease, { metadata, spec: { renewTime } });
        else {
          kernel.modify(Lease, key, ({ spec }) => {
            if (spec) spec.renewTime = renewTime;
          });
        }
      }
    },
    /** As its kubelet. */
    post(name: string, status: string) {
      kernel.modify(Node, name, each => {
        const conditions = [{ type: 'Ready', status, lastHeartbeatTime: `${++renewals}` }];
        each.status = { conditions };
      });
    },
  };
}

type SetUp = Awaited<ReturnType<typeof setUp>>;

/** Time goes by, and only these nodes live. */
async function live({ clock, renew }: SetUp, seconds: number, ...names: string[]): Promise<void> {
  for (let passed = 0; passed < seconds; passed += 5) {
    renew(...names);
    await clock.step(5_000);
  }
}

describe('controller.node-lifecycle', () => {
  it('lets pods come to a node that is ready, with one request', async () => {
    const kernel = new TestKernel();
    const taints = [{ key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' }];
    const labels = { 'kubernetes.io/os': 'linux', 'kubernetes.io/arch': 'arm64' };
    kernel.add(Node, node('n1', { metadata: { labels }, spec: { taints } }), node('n2'));
    await activate(plugin, { kernel, config: DEFAULT_CONFIG });
    assert.deepEqual(looks(kernel).taintsOf('n1'), []);
    assert.deepEqual(looks(kernel).writes(), ['patch n1']);
    const { metadata } = kernel.get(Node, 'n1') ?? {};
    assert.equal(metadata?.labels?.['beta.kubernetes.io/os'], 'linux');
    assert.equal(metadata?.labels?.['beta.kubernetes.io/arch'], 'arm64');
  });

  it('follows the conditions of a node', async () => {
    const { kernel, clock, taintsOf } = await setUp();
    for (const [status, wanted] of [
      ['Unknown', [KEEPING_OFF]],
      ['True', []],
    ] as const) {
      kernel.modify(Node, 'n2', ({ status: of }) => {
        if (of) of.conditions = [{ type: 'Ready', status }];
      });
      await clock.step(0);
      assert.deepEqual(taintsOf('n2'), wanted);
    }
  });

  it('does it again when somebody else was quicker', async () => {
    const { kernel, clock, taintsOf } = await setUp();
    const about = { group: '', resource: 'nodes' };
    kernel.fault = ({ verb }) => (verb === 'patch' ? conflict(about, 'n2') : undefined);
    kernel.modify(Node, 'n2', ({ spec }) => {
      if (spec) spec.unschedulable = true;
    });
    await clock.step(0);
    assert.deepEqual(taintsOf('n2'), []);
    kernel.fault = () => undefined;
    await clock.step(1_000);
    assert.deepEqual(taintsOf('n2'), ['node.kubernetes.io/unschedulable:NoSchedule']);
  });

  it('takes nothing back that was written while it saw the nodes late', async () => {
    const { kernel, clock, taintsOf } = await setUp();
    kernel.modify(Node, 'n2', ({ spec }) => {
      if (spec) spec.unschedulable = true;
    });
    const release = kernel.holdWatches();
    kernel.modify(Node, 'n2', ({ spec }) => {
      if (spec) spec.taints = [{ key: 'example.com/mine', effect: 'NoSchedule' }];
    });
    await clock.step(1_000);
    release();
    await clock.step(1_000);
    const wanted = ['example.com/mine:NoSchedule', 'node.kubernetes.io/unschedulable:NoSchedule'];
    assert.deepEqual(taintsOf('n2'), wanted);
  });

  it('tells of nodes that come and go, once', async () => {
    const { kernel, clock, events } = await setUp('n1');
    await kernel.objects.delete(Node, { name: 'n1' });
    await clock.step(0);
    assert.deepEqual(events(), [
      'node-controller n1 RegisteredNode: Node n1 event: Registered Node n1 in Controller',
      'node-controller n1 RemovingNode: Node n1 event: Removing Node n1 from Controller',
    ]);
  });

  it('says of a node that it is not heard of 40 s after its last sign of life', async () => {
    const the = await setUp();
    await live(the, 35, 'n2', 'n3', 'n4');
    assert.equal(the.readyOf('n1'), 'True');
    await live(the, 5, 'n2', 'n3', 'n4');
    const conditions = the.kernel.get(Node, 'n1')?.status?.conditions ?? [];
    const told = conditions.map(({ type, status, reason, message }) => {
      return `${type}=${status} ${reason}: ${message}`;
    });
    const stopped = 'NodeStatusUnknown: Kubelet stopped posting node status.';
    assert.deepEqual(told, [
      `Ready=Unknown ${stopped}`,
      `MemoryPressure=Unknown ${stopped}`,
      `DiskPressure=Unknown ${stopped}`,
      'PIDPressure=Unknown NodeStatusNeverUpdated: Kubelet never posted node status.',
    ]);
    assert.equal(conditions[0]?.lastHeartbeatTime, SINCE);
    assert.ok(
      the.events().includes('node-controller n1 NodeNotReady: Node n1 status is now: NodeNotReady'),
    );
    assert.deepEqual(the.taintsOf('n1'), [KEEPING_OFF]);
    await live(the, 5, 'n2', 'n3', 'n4');
    assert.deepEqual(the.taintsOf('n1'), [KEEPING_OFF, EVICTING]);
    for (const name of ['n2', 'n3', 'n4']) assert.equal(the.readyOf(name), 'True');
  });

  it('writes nothing while all are well', async () => {
    const the = await setUp();
    the.kernel.requests.length = 0;
    await live(the, 300, 'n1', 'n2', 'n3', 'n4');
    assert.deepEqual(the.writes(), []);
  });

  it('takes the taints away when the node is back', async () => {
    const the = await setUp();
    await live(the, 60, 'n2', 'n3', 'n4');
    assert.equal(the.taintsOf('n1').length, 2);
    the.post('n1', 'True');
    await the.clock.step(0);
    assert.deepEqual(the.taintsOf('n1'), []);
  });

  it('exchanges the taint at once when a silent node says that it is not ready', async () => {
    const the = await setUp();
    await live(the, 60, 'n2', 'n3', 'n4');
    the.post('n1', 'False');
    await the.clock.step(0);
    const wanted = ['NoSchedule', 'NoExecute'].map(each => `node.kubernetes.io/not-ready:${each}`);
    assert.deepEqual(the.taintsOf('n1'), wanted);
  });

  it('gives a node that never posted a status 60 s', async () => {
    const the = await setUp('n1');
    the.kernel.add(Node, { metadata: { name: 'new' } });
    await live(the, 55, 'n1');
    assert.equal(the.readyOf('new'), undefined);
    await live(the, 5, 'n1');
    const ready = the.kernel.get(Node, 'new')?.status?.conditions?.[0];
    assert.deepEqual(
      [ready?.status, ready?.reason, ready?.lastHeartbeatTime],
      ['Unknown', 'NodeStatusNeverUpdated', '2026-01-01T00:00:00Z'],
    );
  });

  it('evicts from one node of a zone at a time', async () => {
    const the = await setUp('n1', 'n2', 'n3', 'n4', 'n5');
    await live(the, 50, 'n3', 'n4', 'n5');
    const evicted = () => ['n1', 'n2'].filter(name => the.taintsOf(name).includes(EVICTING));
    assert.deepEqual(evicted(), ['n1']);
    await live(the, 10, 'n3', 'n4', 'n5');
    assert.deepEqual(evicted(), ['n1', 'n2']);
  });

  it('evicts nobody when no node is heard of, and takes back what it began', async () => {
    const the = await setUp();
    await live(the, 60, 'n2', 'n3', 'n4');
    assert.ok(the.taintsOf('n1').includes(EVICTING));
    await the.clock.step(600_000);
    for (const name of ['n1', 'n2', 'n3', 'n4']) {
      assert.deepEqual(the.taintsOf(name), [KEEPING_OFF], name);
    }
    the.post('n4', 'True');
    await live(the, 10, 'n4');
    assert.deepEqual(the.taintsOf('n4'), []);
    // Three of four are down: a small zone that is partly down waits.
    await live(the, 100, 'n4');
    assert.deepEqual(the.taintsOf('n1'), [KEEPING_OFF]);
    the.post('n3', 'True');
    await live(the, 30, 'n3', 'n4');
    assert.deepEqual(the.taintsOf('n1'), [KEEPING_OFF, EVICTING]);
  });
});

describe('controller.node-lifecycle, one of two processes,', () => {
  const LEASE = 'kube-system/kube-controller-manager';

  async function elected() {
    const the = await setUp('n1', 'n2', 'n3');
    await the.dispose();
    const settings = { identity: 'us', ...ELECTION_TIMES };
    const { clock, kernel } = the;
    const elections = new SharedElections({ settings, clock, random: seededRandom() });
    const { dispose } = await activate(plugin, {
      kernel,
      clock,
      config: DEFAULT_CONFIG,
      elections,
    });
    const holder = () => kernel.get(Lease, LEASE)?.spec?.holderIdentity;
    const other = (renewTime: string) =>
      kernel.modify(Lease, LEASE, ({ spec }) => {
        if (spec) Object.assign(spec, { holderIdentity: 'other', renewTime });
      });
    assert.equal(holder(), 'us');
    return { ...the, dispose, holder, other };
  }

  it('begins anew when it leads again: nodes that went meanwhile do not count', async () => {
    const the = await elected();
    the.other('1');
    await live(the, 5, 'n1', 'n2', 'n3');
    for (const name of ['n2', 'n3']) await the.kernel.objects.delete(Node, { name });
    await live(the, 20, 'n1');
    assert.equal(the.holder(), 'us');
    // All that there are.
    the.post('n1', 'False');
    await live(the, 10, 'n1');
    assert.deepEqual(the.taintsOf('n1'), ['node.kubernetes.io/not-ready:NoSchedule']);
  });

  it('takes no turns from when it led before', async () => {
    const the = await elected();
    the.kernel.add(Node, reporting('n4'), reporting('n5'));
    await live(the, 45, 'n3', 'n4', 'n5');
    const evicted = () => ['n1', 'n2'].filter(name => the.taintsOf(name).includes(EVICTING));
    assert.deepEqual(evicted(), ['n1']);
    // The turn of the next is ten seconds later, when another leads.
    for (let passed = 0; passed < 60; passed += 5) {
      the.other(`${passed}`);
      await live(the, 5, 'n3', 'n4', 'n5');
    }
    for (let passed = 0; the.holder() !== 'us' && passed < 30; passed++) {
      await the.clock.step(1_000);
    }
    assert.equal(the.holder(), 'us');
    assert.deepEqual(evicted(), ['n1']);
    await live(the, 10, 'n3', 'n4', 'n5');
    assert.deepEqual(evicted(), ['n1', 'n2']);
  });
});

describe('controller.node-lifecycle, of pods on a node that is not heard of,', () => {
  const on = (name: string, nodeName: string, since = SINCE) =>
    pod(name, {
      spec: { nodeName, containers: [{ name: 'main' }] },
      status: running({ nodeName, since }),
    });
  const readyPods = (kernel: TestKernel) =>
    kernel
      .all(Pod)
      .filter(({ status }) => status?.conditions?.[0]?.status === 'True')
      .map(({ metadata }) => metadata.name);

  it('says that they are not ready', async () => {
    const the = await setUp();
    the.kernel.add(Pod, on('a', 'n1'), on('b', 'n2'), pod('waits'));
    await live(the, 45, 'n2', 'n3', 'n4');
    assert.deepEqual(readyPods(the.kernel), ['b']);
    assert.ok(the.events().includes('node-controller a NodeNotReady: Node is not ready'));
  });

  it('does so after a crash between the node and its pods', async () => {
    const the = await setUp();
    the.kernel.add(Pod, on('a', 'n1'));
    the.kernel.fault = ({ resource, verb }) =>
      resource === 'pods' && verb === 'patch' ? serviceUnavailable('down') : undefined;
    await live(the, 45, 'n2', 'n3', 'n4');
    assert.equal(the.readyOf('n1'), 'Unknown');
    assert.deepEqual(readyPods(the.kernel), ['a']);
    await the.dispose();
    the.kernel.fault = () => undefined;
    await the.start();
    assert.deepEqual(readyPods(the.kernel), []);
  });

  it('believes one that became ready since', async () => {
    const the = await setUp();
    await live(the, 45, 'n2', 'n3', 'n4');
    the.kernel.add(Pod, on('a', 'n1', '2026-01-01T00:10:00Z'));
    await the.clock.step(0);
    assert.deepEqual(readyPods(the.kernel), ['a']);
  });
});
