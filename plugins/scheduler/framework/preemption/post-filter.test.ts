import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  Event,
  internalError,
  Node,
  Pod,
  type PodInfo,
  type PostFilterContext,
  type PostFilterResult,
  type PreemptionChoice,
  type SchedulerPlugin,
  verdict,
} from 'kernetes/sdk';
import { node, pod } from 'kernetes/sdk/testing';
import { POST_FILTER_MS_MAX } from '../limits.ts';
import { startScheduler } from '../test-setup.ts';

const ONE_EACH: SchedulerPlugin = {
  name: 'OneEach',
  requeueOn: ['NodeAdd', 'PodDelete'],
  filter: ({ node: { pods } }) =>
    pods.length > 0 ? verdict.unschedulable('Too many pods') : undefined,
};

/** Preempts the first pod of a lower priority without which the pod fits. */
function preempting(evict: (victims: readonly PodInfo[]) => Promise<void>): SchedulerPlugin {
  return {
    name: 'Preempting',
    async postFilter(context) {
      const choices: PreemptionChoice[] = [];
      for (const one of context.nodes) {
        const victims = one.pods.filter(({ priority }) => priority < context.pod.priority);
        const trial = context.trial(one);
        for (const victim of victims) trial.remove(victim);
        if (victims.length > 0 && trial.check() === undefined) {
          choices.push({ nodeName: one.name, victims, violations: 0 });
        }
      }
      const [best] = await context.narrow(choices);
      if (!best) return { nodeName: '', message: 'preemption: no victims' };
      await evict(best.victims);
      return { nodeName: best.nodeName };
    },
  };
}

function prioritized(name: string, priority: number, nodeName?: string) {
  return pod(name, { spec: { containers: [], priority, ...(nodeName && { nodeName }) } });
}

async function setUp(plugins: (kernel: () => Kernel) => readonly SchedulerPlugin[]) {
  let started: Awaited<ReturnType<typeof startScheduler>> | undefined;
  const kernel = () => (started as NonNullable<typeof started>).kernel;
  started = await startScheduler({ plugins: plugins(kernel) });
  const statusOf = (name: string) => started.kernel.get(Pod, `default/${name}`)?.status;
  const messages = () =>
    started.kernel
      .all(Event)
      .filter(({ reason }) => reason === 'FailedScheduling')
      .map(({ message }) => message);
  return { ...started, statusOf, messages };
}
type Kernel = Awaited<ReturnType<typeof startScheduler>>['kernel'];

test('a pod that fits nowhere is nominated where room is made, and runs there', async () => {
  const evicted: string[] = [];
  const { kernel, clock, nodeOf, statusOf, messages, dispose } = await setUp(ownKernel => [
    ONE_EACH,
    preempting(async victims => {
      for (const { name, namespace } of victims) {
        evicted.push(name);
        await ownKernel().objects.delete(Pod, { namespace, name });
      }
    }),
  ]);
  kernel.add(Node, node('n1'), node('n2'));
  kernel.add(Pod, prioritized('low', 1, 'n1'), prioritized('high', 100, 'n2'));
  await clock.step(10);
  kernel.add(Pod, prioritized('new', 50));
  await clock.step(100);
  assert.deepEqual(evicted, ['low']);
  assert.equal(statusOf('new')?.nominatedNodeName, 'n1');
  assert.equal(statusOf('new')?.conditions?.[0]?.reason, 'Unschedulable');
  assert.deepEqual(messages(), ['0/2 nodes are available: 2 Too many pods.']);
  kernel.add(Pod, prioritized('rival', 50));
  await clock.step(3000);
  assert.equal(nodeOf('new'), 'n1');
  assert.equal(nodeOf('rival'), undefined, 'what was cleared is not for others');
  await dispose();
});

test('what postFilters say of their failure is joined to the message', async () => {
  const { kernel, clock, messages, statusOf, dispose } = await setUp(() => [
    ONE_EACH,
    preempting(async () => {}),
    { name: 'More', postFilter: async () => ({ message: 'more: neither' }) },
  ]);
  kernel.add(Node, node('n1'));
  kernel.add(Pod, prioritized('high', 100, 'n1'));
  await clock.step(10);
  kernel.add(Pod, prioritized('new', 50));
  await clock.step(10);
  const text = 'preemption: no victims, more: neither';
  assert.deepEqual(messages(), [`0/1 nodes are available: 1 Too many pods. ${text}`]);
  assert.equal(statusOf('new')?.nominatedNodeName, undefined);
  await dispose();
});

test('pods are served one by one, and see what was promised to those before', async () => {
  const seen: string[] = [];
  const releases: (() => void)[] = [];
  const { kernel, clock, dispose } = await setUp(() => [
    ONE_EACH,
    {
      name: 'Slow',
      async postFilter({ pod: { name }, nodes, nominations }) {
        const promised = [...nominations.values()].flat().map(other => other.name);
        seen.push(`${name} after ${promised.join('+') || 'nobody'}`);
        await new Promise<void>(resolve => releases.push(resolve));
        return { nodeName: nodes[seen.length - 1]?.name ?? '' };
      },
    },
  ]);
  kernel.add(Node, node('n1'), node('n2'));
  kernel.add(Pod, prioritized('x', 100, 'n1'), prioritized('y', 100, 'n2'));
  await clock.step(10);
  kernel.add(Pod, prioritized('a', 50), prioritized('b', 50));
  await clock.step(10);
  assert.deepEqual(seen, ['a after nobody']);
  releases[0]?.();
  await clock.step(10);
  assert.deepEqual(seen, ['a after nobody', 'b after a']);
  await dispose();
});

test('a pod that fits by the time its turn comes is scheduled instead', async () => {
  const releases: (() => void)[] = [];
  const asked: string[] = [];
  const { kernel, clock, nodeOf, dispose } = await setUp(() => [
    ONE_EACH,
    {
      name: 'Slow',
      async postFilter({ pod: { name } }) {
        asked.push(name);
        await new Promise<void>(resolve => releases.push(resolve));
        return undefined;
      },
    },
  ]);
  kernel.add(Node, node('n1'));
  kernel.add(Pod, prioritized('x', 100, 'n1'));
  await clock.step(10);
  kernel.add(Pod, prioritized('a', 50), prioritized('b', 50));
  await clock.step(10);
  kernel.add(Node, node('n2'));
  await clock.step(10);
  releases[0]?.();
  await clock.step(10);
  assert.deepEqual([asked, nodeOf('b')], [['a'], 'n2']);
  await dispose();
});

test('clearNominations() takes nominations back, and those pods are tried again', async () => {
  const { kernel, clock, statusOf, nodeOf, dispose } = await setUp(() => [
    ONE_EACH,
    {
      name: 'Clearing',
      async postFilter(context) {
        const { pod: one, nominations, clearNominations } = context;
        if (one.name === 'first') return { nodeName: 'n1' };
        clearNominations([...nominations.values()].flat());
        return { nodeName: 'n1' };
      },
    },
  ]);
  kernel.add(Node, node('n1'));
  kernel.add(Pod, prioritized('x', 100, 'n1'));
  await clock.step(10);
  kernel.add(Pod, prioritized('first', 10));
  await clock.step(10);
  assert.equal(statusOf('first')?.nominatedNodeName, 'n1');
  kernel.add(Pod, prioritized('second', 20));
  await clock.step(10);
  assert.equal(statusOf('first')?.nominatedNodeName, undefined);
  assert.equal(statusOf('second')?.nominatedNodeName, 'n1');
  await kernel.objects.delete(Pod, { namespace: 'default', name: 'x' });
  await clock.step(20_000);
  assert.equal(nodeOf('second'), 'n1');
  await dispose();
});

interface BadCase {
  readonly does: string;
  readonly postFilter?: (context: PostFilterContext) => Promise<PostFilterResult | undefined>;
  readonly preempt?: SchedulerPlugin['preempt'];
  readonly says: RegExp;
}

const BAD: readonly BadCase[] = [
  {
    does: 'throws',
    postFilter: () => {
      throw new Error('no luck');
    },
    says: /running plugin "Bad": no luck/,
  },
  {
    does: 'never settles',
    postFilter: () => new Promise(() => {}),
    says: /running plugin "Bad": Plugin did not answer/,
  },
  {
    does: 'gives nonsense',
    postFilter: async () => ({ nodeName: 7 }) as never,
    says: /running plugin "Bad": postFilter gave no result/,
  },
  {
    does: 'names a node that is not there',
    postFilter: async () => ({ nodeName: 'gone' }),
    says: /^0\/1 nodes are available: 1 Too many pods\.$/,
  },
  {
    does: 'has a preempt that thinks of others',
    postFilter: async ({ narrow }) => {
      await narrow([{ nodeName: 'n1', victims: [], violations: 0 }]);
      return undefined;
    },
    preempt: async () => [{ nodeName: 'n1', victims: [{ uid: 'x' } as PodInfo], violations: 0 }],
    says: /running plugin "Bad": preempt chose others/,
  },
];

for (const { does, postFilter, preempt, says } of BAD) {
  test(`a postFilter that ${does} does not stop the line`, async () => {
    const bad: SchedulerPlugin = {
      name: 'Bad',
      ...(postFilter && { postFilter }),
      ...(preempt && { preempt }),
    };
    const { kernel, clock, messages, nodeOf, dispose } = await setUp(() => [ONE_EACH, bad]);
    kernel.add(Node, node('n1'));
    kernel.add(Pod, prioritized('x', 100, 'n1'));
    await clock.step(10);
    kernel.add(Pod, prioritized('a', 50));
    await clock.step(POST_FILTER_MS_MAX + 10);
    assert.match(messages()[0] ?? '', says);
    await kernel.objects.delete(Pod, { namespace: 'default', name: 'x' });
    await clock.step(POST_FILTER_MS_MAX + 30_000);
    assert.equal(nodeOf('a'), 'n1');
    await dispose();
  });
}

test('a nomination known from before counts from the start', async () => {
  const { kernel, clock, nodeOf, dispose } = await setUp(() => [ONE_EACH]);
  kernel.add(Node, node('n1'));
  const waiting = { ...prioritized('vip', 100), status: { nominatedNodeName: 'n1' } };
  waiting.spec = { containers: [], priority: 100, schedulingGates: [{ name: 'x/y' }] } as never;
  kernel.add(Pod, waiting, prioritized('low', 1));
  await clock.step(3000);
  assert.equal(nodeOf('low') ?? nodeOf('vip'), 'n1');
  assert.equal(nodeOf('low'), undefined);
  await kernel.objects.delete(Pod, { namespace: 'default', name: 'vip' });
  await clock.step(20_000);
  assert.equal(nodeOf('low'), 'n1', 'who is gone keeps no place');
  await dispose();
});

test('a pod that permits hold can be taken off its node, which others then have', async () => {
  const rejected: [name: string, done: boolean][] = [];
  const { kernel, clock, nodeOf, dispose } = await setUp(() => [
    ONE_EACH,
    {
      name: 'Holder',
      permit: ({ pod: { name } }) =>
        name === 'held' ? verdict.wait(new Promise(() => {}), 600_000) : undefined,
    },
    {
      name: 'Rejecting',
      async postFilter({ nodes, reject }) {
        for (const other of nodes.flatMap(({ pods }) => pods)) {
          rejected.push([other.name, reject(other)]);
        }
        return { nodeName: 'n1' };
      },
    },
  ]);
  kernel.add(Node, node('n1'), node('n2'));
  kernel.add(Pod, prioritized('runs', 1, 'n2'));
  await clock.step(10);
  kernel.add(Pod, prioritized('held', 1));
  await clock.step(10);
  kernel.add(Pod, prioritized('new', 50));
  await clock.step(5_000);
  assert.deepEqual(rejected.slice(0, 2).sort(), [
    ['held', true],
    ['runs', false],
  ]);
  assert.equal(nodeOf('new'), 'n1');
  assert.equal(nodeOf('held'), undefined);
  await dispose();
});

test('a pod that is nominated elsewhere, or no more, lets others try', async () => {
  const gate: SchedulerPlugin = {
    name: 'Gate',
    preEnqueue: ({ pod: { name } }) => (name === 'vip' ? verdict.unschedulable('no') : undefined),
  };
  const { kernel, clock, nodeOf, dispose } = await setUp(() => [ONE_EACH, gate]);
  kernel.add(Node, node('n1'));
  kernel.add(Pod, { ...prioritized('vip', 100), status: { nominatedNodeName: 'n1' } });
  await clock.step(10);
  kernel.add(Pod, prioritized('a', 0));
  await clock.step(60_000);
  assert.equal(nodeOf('a'), undefined);
  kernel.modify(Pod, 'default/vip', object => {
    object.status = { nominatedNodeName: 'n2' };
  });
  await clock.step(100);
  assert.equal(nodeOf('a'), 'n1');
  await dispose();
});

test('no room is made by a scheduler that has ended, and nothing is told', async () => {
  const asked: string[] = [];
  let finish = () => {};
  const { kernel, clock, messages, statusOf, dispose } = await setUp(() => [
    ONE_EACH,
    {
      name: 'Slow',
      async postFilter({ pod: { name } }) {
        asked.push(name);
        await new Promise<void>(resolve => {
          finish = resolve;
        });
        return { nodeName: 'n1' };
      },
    },
  ]);
  kernel.add(Node, node('n1'));
  kernel.add(Pod, prioritized('x', 0, 'n1'), prioritized('a', 50), prioritized('b', 50));
  await clock.step(10);
  await dispose();
  finish();
  await clock.step(60_000);
  assert.deepEqual([asked, messages(), clock.pending], [['a'], [], 0]);
  assert.equal(statusOf('a')?.nominatedNodeName, undefined);
});

test('a nomination that could not be written is written with the next attempt', async () => {
  const { kernel, clock, statusOf, dispose } = await setUp(() => [
    ONE_EACH,
    { name: 'Slow', postFilter: async () => ({ nodeName: 'n1' }) },
  ]);
  kernel.add(Node, node('n1'));
  kernel.add(Pod, prioritized('x', 0, 'n1'));
  await clock.step(10);
  kernel.fault = ({ subresource }) =>
    subresource === 'status' ? internalError(new Error('disk full')) : undefined;
  kernel.add(Pod, prioritized('a', 50));
  await clock.step(10);
  assert.equal(statusOf('a')?.nominatedNodeName, undefined);
  kernel.fault = () => undefined;
  kernel.add(Node, node('n2'));
  kernel.add(Pod, prioritized('y', 100, 'n2'));
  await clock.step(10_000);
  assert.equal(
    statusOf('a')?.nominatedNodeName ?? kernel.get(Pod, 'default/a')?.spec?.nodeName,
    'n1',
  );
  await dispose();
});

test('a nomination ends when no room can be made any more', async () => {
  let nodeName = 'n1';
  const { kernel, clock, nodeOf, statusOf, dispose } = await setUp(() => [
    ONE_EACH,
    { name: 'Fickle', postFilter: async () => ({ nodeName }) },
  ]);
  kernel.add(Node, node('n1'));
  kernel.add(Pod, prioritized('x', 0, 'n1'), prioritized('a', 50));
  await clock.step(10);
  assert.equal(statusOf('a')?.nominatedNodeName, 'n1');
  nodeName = '';
  kernel.add(Node, node('n2'));
  kernel.add(Pod, prioritized('y', 0, 'n2'));
  kernel.modify(Pod, 'default/a', ({ metadata }) => (metadata.labels = { a: 'b' }));
  await clock.step(10_000);
  assert.equal(nodeOf('a') ?? statusOf('a')?.nominatedNodeName, undefined);
  await dispose();
});
