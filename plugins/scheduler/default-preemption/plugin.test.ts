import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  ApiError,
  Event,
  type NodeState,
  type NodeTrial,
  Pod,
  type PodInfo,
  type PostFilterContext,
  type PreemptionChoice,
  podInfoOf,
  type Refusal,
  type SchedulerPlugin,
  schedulerPoint,
  verdict,
} from 'kernetes/sdk';
import {
  activate,
  node,
  nodeStates,
  pod,
  running,
  TestKernel,
  testSchedulerPlugin,
} from 'kernetes/sdk/testing';
import plugin from './plugin.ts';
import { candidatesWanted } from './preemption.ts';

testSchedulerPlugin(plugin);

const FULL = verdict.unschedulable('Insufficient cpu');
const TAINTED = verdict.unresolvable('node(s) had untolerated taint(s)');
const CONFIG = { minCandidateNodesPercentage: 10, minCandidateNodesAbsolute: 100 };

interface Options {
  readonly spec?: Partial<Pod['spec']>;
  readonly refusals?: Record<string, Refusal>;
  readonly nominations?: Record<string, PodInfo[]>;
  readonly config?: typeof CONFIG;
  /** A pod that permits hold. */
  readonly held?: string;
  narrow?(choices: readonly PreemptionChoice[]): readonly PreemptionChoice[];
}

const apiPod = (name: string, priority: number, rest: Partial<Pod> = {}): Pod => {
  const spec = { containers: [{ name: 'main' }], priority, ...rest.spec };
  return pod(name, { status: running(), ...rest, metadata: { uid: name, ...rest.metadata }, spec });
};

/** Nodes that hold one pod each; a pod by name and priority: `{ n1: { low: 0 } }`. */
async function setUp(there: Record<string, Record<string, number>>) {
  const kernel = new TestKernel();
  const states = nodeStates(Object.keys(there).map(name => node(name)));
  const test = await activate(plugin, { kernel, config: CONFIG });
  const [contribution] = test.context.contributions(schedulerPoint).list();
  const own = contribution?.value.local as SchedulerPlugin<typeof CONFIG>;
  const tracker = own.track?.();
  const stateOf = (name: string) => states.find(state => state.name === name) as NodeState;
  const place = (one: Pod, on: string) => {
    const info = podInfoOf(kernel.add(Pod, one)[0] as Pod);
    stateOf(on).addPod(info);
    tracker?.podAdded?.(info, stateOf(on));
    return info;
  };
  for (const [on, pods] of Object.entries(there)) {
    for (const [name, priority] of Object.entries(pods)) place(apiPod(name, priority), on);
  }
  await test.clock.step(0);
  const cleared: string[] = [];
  const contextOf = (one: Pod, options: Options = {}): PostFilterContext<typeof CONFIG> => ({
    pod: podInfoOf(one),
    config: options.config ?? CONFIG,
    state: undefined,
    nodes: states,
    refusals: new Map(states.map(({ name }) => [name, options.refusals?.[name] ?? FULL] as const)),
    trial: state => trialOf(state as NodeState),
    trialScope: states,
    nominations: new Map(Object.entries(options.nominations ?? {})),
    clearNominations: pods => void cleared.push(...pods.map(({ name }) => name)),
    reject: ({ name }) => options.held === name,
    narrow: async choices => options.narrow?.(choices) ?? choices,
  });
  const preempt = (priority: number, options: Options = {}) => {
    const rest = options.spec ? { spec: options.spec as NonNullable<Pod['spec']> } : {};
    return own.postFilter?.(contextOf(apiPod('urgent', priority, rest), options));
  };
  const gate = (name = 'urgent') => {
    const context = { ...contextOf(apiPod(name, 0)) };
    const said = own.preEnqueue?.(context);
    return said && 'reasons' in said ? said.reasons[0] : undefined;
  };
  return { ...test, kernel, own, place, preempt, gate, cleared };
}

/** The pod fits on a node where no other is. */
function trialOf(state: NodeState): NodeTrial {
  const [copy] = nodeStates([node(state.name)]);
  assert.ok(copy);
  for (const one of state.pods) copy.addPod(one);
  return {
    node: copy,
    add: one => copy.addPod(one),
    remove: one => void copy.removePod(one.key),
    check: () => (copy.pods.length > 0 ? FULL : undefined),
  };
}

describe('DefaultPreemption finds', () => {
  it('a node whose pod matters less, and nominates it', async () => {
    const { preempt } = await setUp({ n1: { a: 50 }, n2: { b: 5 } });
    assert.deepEqual(await preempt(10), { nodeName: 'n2' });
  });

  it('the node whose victims matter least', async () => {
    const { preempt } = await setUp({ n1: { a: 3 }, n2: { b: 2 }, n3: { c: 4 } });
    assert.deepEqual(await preempt(10), { nodeName: 'n2' });
  });

  const nothing: [name: string, priority: number, options: Options, said: string][] = [
    [
      'no node where no pod matters less',
      0,
      { refusals: { n2: TAINTED } },
      '0/2 nodes are available: 1 No preemption victims found for incoming pod, 1 Preemption is not helpful for scheduling.',
    ],
    [
      'no node where pods that matter less are not in the way',
      7,
      { refusals: { n1: TAINTED, n2: TAINTED } },
      '0/2 nodes are available: 2 Preemption is not helpful for scheduling.',
    ],
    [
      'no node where those that stay are in the way',
      4,
      {},
      '0/2 nodes are available: 1 Insufficient cpu, 1 No preemption victims found for incoming pod.',
    ],
  ];
  for (const [name, priority, options, said] of nothing) {
    it(name, async () => {
      const { preempt, kernel, clock } = await setUp({ n1: { a: 3, b: 9 }, n2: { c: 9 } });
      const before = kernel.requests.length;
      assert.deepEqual(await preempt(priority, options), {
        nodeName: '',
        message: `preemption: ${said}`,
      });
      await clock.step(0);
      assert.equal(kernel.requests.length, before);
    });
  }

  it('no node for a pod that must not preempt', async () => {
    const { preempt } = await setUp({ n1: { a: 3 } });
    assert.deepEqual(await preempt(10, { spec: { preemptionPolicy: 'Never' } }), {
      message: 'preemption: not eligible due to preemptionPolicy=Never.',
    });
  });

  it('no node that others do not let pass, and with fewer victims if they say so', async () => {
    const { preempt, kernel, clock } = await setUp({ n1: { a: 1 }, n2: { b: 2, c: 2 } });
    const none = 'preemption: no candidate node for preemption';
    assert.deepEqual(await preempt(10, { narrow: () => [] }), { message: none });
    const fewer = (choices: readonly PreemptionChoice[]) =>
      choices
        .filter(({ nodeName }) => nodeName === 'n2')
        .map(choice => ({ ...choice, victims: choice.victims.slice(0, 1) }));
    assert.deepEqual(await preempt(10, { narrow: fewer }), { nodeName: 'n2' });
    await clock.step(0);
    assert.equal(kernel.all(Pod).length, 2);
  });

  it('no more nodes than it is told to', async () => {
    const { preempt } = await setUp({ n1: { a: 1 }, n2: { b: 1 }, n3: { c: 1 } });
    const seen: number[] = [];
    const narrow = (choices: readonly PreemptionChoice[]) => {
      seen.push(choices.length);
      return [];
    };
    for (const [percentage, absolute] of [
      [10, 2],
      [70, 0],
      [10, 100],
      [10, 0],
    ] as const) {
      const config = {
        minCandidateNodesPercentage: percentage,
        minCandidateNodesAbsolute: absolute,
      };
      await preempt(10, { narrow, config });
    }
    assert.deepEqual(seen, [2, 2, 3, 1]);
  });

  it('as many candidates as upstream wants', () => {
    const table: [nodes: number, wanted: number][] = [
      [1, 1],
      [50, 50],
      [500, 100],
      [5000, 500],
    ];
    for (const [nodes, wanted] of table) assert.equal(candidatesWanted(nodes, CONFIG), wanted);
  });
});

describe('DefaultPreemption waits', () => {
  const preempted = (name: string): Pod => {
    const reason = 'PreemptionByScheduler';
    const conditions = [{ type: 'DisruptionTarget', status: 'True', reason }];
    const metadata = { deletionTimestamp: '2026-01-01T00:00:00Z', finalizers: ['x'] };
    return apiPod(name, 1, { metadata, status: { ...running(), conditions } });
  };
  const WAITS = 'preemption: not eligible due to a terminating pod on the nominated node.';

  it('for victims on the node that it is nominated to', async () => {
    const { place, preempt, clock } = await setUp({ n1: {}, n2: { b: 1 } });
    place(preempted('a'), 'n1');
    await clock.step(0);
    const nominations = { n1: [podInfoOf(apiPod('urgent', 10))] };
    assert.deepEqual(await preempt(10, { nominations }), { message: WAITS });
    const elsewhere = await preempt(10, { nominations, refusals: { n1: TAINTED } });
    assert.deepEqual(elsewhere, { nodeName: 'n2' });
  });

  it('not for pods that go for another reason', async () => {
    const { place, preempt, clock } = await setUp({ n1: {}, n2: { b: 1 } });
    place({ ...preempted('a'), status: running() }, 'n1');
    await clock.step(0);
    const nominations = { n1: [podInfoOf(apiPod('urgent', 10))] };
    assert.notEqual((await preempt(10, { nominations }))?.nodeName, undefined);
  });

  it('for victims that it has not yet seen go', async () => {
    const { preempt, kernel, clock } = await setUp({ n1: { a: 1 } });
    kernel.modify(Pod, 'default/a', ({ metadata }) => {
      metadata.finalizers = ['x'];
    });
    await clock.step(0);
    assert.deepEqual(await preempt(10), { nodeName: 'n1' });
    const release = kernel.holdWatches({ resource: 'pods' });
    await clock.step(0);
    const nominations = { n1: [podInfoOf(apiPod('urgent', 10))] };
    assert.deepEqual(await preempt(10, { nominations }), { message: WAITS });
    release();
    await clock.step(0);
    assert.deepEqual(await preempt(10, { nominations }), { message: WAITS });
  });

  it('in the queue until the requests are made', async () => {
    const { preempt, gate, own, clock } = await setUp({ n1: { a: 1 } });
    const woken: boolean[] = [];
    own.watch?.(concerns => woken.push(concerns?.(podInfoOf(apiPod('urgent', 10))) ?? true));
    assert.equal(gate(), undefined);
    await preempt(10);
    assert.equal(gate(), 'waiting for the preemption for this pod to be finished');
    assert.equal(gate('other'), undefined);
    await clock.step(0);
    assert.equal(gate(), undefined);
    assert.deepEqual(woken, [true]);
  });
});

describe('DefaultPreemption deletes', () => {
  it('its victims, saying why on the pod and by an event', async () => {
    const { preempt, kernel, clock } = await setUp({ n1: { a: 1 } });
    kernel.modify(Pod, 'default/a', ({ metadata }) => {
      metadata.finalizers = ['x'];
    });
    await preempt(10);
    await clock.step(1000);
    const a = kernel.get(Pod, 'default/a');
    assert.ok(a?.metadata.deletionTimestamp);
    const { lastTransitionTime, ...condition } = a.status?.conditions?.[0] ?? {};
    assert.ok(lastTransitionTime);
    assert.deepEqual(condition, {
      type: 'DisruptionTarget',
      status: 'True',
      reason: 'PreemptionByScheduler',
      message: 'default-scheduler: preempting to accommodate a higher priority pod',
    });
    const [event] = kernel.all(Event);
    assert.equal(event?.message, 'Preempted by pod urgent on node n1');
    assert.equal(event?.involvedObject?.name, 'a');
    assert.deepEqual([event?.type, event?.reason], ['Normal', 'Preempted']);
    assert.equal(event?.source?.component, 'default-scheduler');
  });

  it('those of several pods in the same two batches', async () => {
    const { preempt, kernel, clock } = await setUp({ n1: { a: 1 }, n2: { b: 1 } });
    await preempt(10, { refusals: { n2: TAINTED } });
    await preempt(10, { refusals: { n1: TAINTED } });
    const from = kernel.requests.length;
    await clock.step(0);
    const verbs = kernel.requests.slice(from).map(({ verb, name }) => `${verb} ${name}`);
    assert.deepEqual(verbs.slice(0, 4), ['patch a', 'patch b', 'delete a', 'delete b']);
  });

  it('not those that go already, and not another pod of the name', async () => {
    const { preempt, kernel, clock, cleared } = await setUp({ n1: { a: 1 } });
    await kernel.objects.delete(Pod, { namespace: 'default', name: 'a' });
    kernel.add(Pod, apiPod('a', 1, { metadata: { uid: 'another' } }));
    await preempt(10);
    await clock.step(0);
    assert.equal(kernel.get(Pod, 'default/a')?.metadata.uid, 'another');
    assert.deepEqual(cleared, []);
  });

  it('nothing twice for two pods that need the same room', async () => {
    const { preempt, kernel, clock } = await setUp({ n1: { a: 1 } });
    kernel.modify(Pod, 'default/a', ({ metadata }) => {
      metadata.finalizers = ['x'];
    });
    const from = kernel.requests.length;
    await preempt(10);
    await preempt(11);
    await clock.step(0);
    const deletes = kernel.requests.slice(from).filter(({ verb }) => verb === 'delete');
    assert.equal(deletes.length, 1);
  });

  it('not a pod that permits hold: that is taken off its node', async () => {
    const { preempt, gate, kernel, clock } = await setUp({ n1: { a: 1 } });
    const from = kernel.requests.length;
    assert.deepEqual(await preempt(10, { held: 'a' }), { nodeName: 'n1' });
    assert.equal(gate(), undefined);
    await clock.step(1000);
    assert.ok(kernel.get(Pod, 'default/a'));
    const [request] = kernel.requests.slice(from);
    assert.equal(request?.resource, 'events');
  });

  it('and takes back the nominations of pods that matter less', async () => {
    const { preempt, cleared } = await setUp({ n1: { a: 1 } });
    const nominated = [apiPod('lower', 5), apiPod('higher', 50)].map(podInfoOf);
    await preempt(10, { nominations: { n1: nominated } });
    assert.deepEqual(cleared, ['lower']);
  });

  it('and gives the pod its nomination up when the API refuses', async () => {
    const { preempt, gate, kernel, clock, cleared } = await setUp({ n1: { a: 1 } });
    kernel.fault = ({ verb }) =>
      verb === 'delete' ? new ApiError({ message: 'no', code: 500 }) : undefined;
    await preempt(10);
    await clock.step(0);
    assert.deepEqual(cleared, ['urgent']);
    assert.equal(gate(), undefined);
    assert.ok(kernel.logs.some(({ message }) => message === 'Cannot preempt pod'));
    kernel.fault = () => undefined;
    assert.deepEqual(await preempt(10), { nodeName: 'n1' });
    await clock.step(0);
    assert.equal(kernel.get(Pod, 'default/a'), undefined);
  });
});
