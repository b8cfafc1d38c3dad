import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type ClusterChange,
  Node,
  Pod,
  provideSchedulerPlugin,
  type SchedulerPlugin,
  verdict,
  type Wake,
} from 'kernetes/sdk';
import { node, pod } from 'kernetes/sdk/testing';
import { startScheduler } from '../test-setup.ts';

/** Refuses all pods; the hint of each case says what they wait for. */
function refusing(plugin: Partial<SchedulerPlugin>): SchedulerPlugin & { attempts: string[] } {
  const attempts: string[] = [];
  return {
    name: 'Refusing',
    attempts,
    filter({ pod: { name } }) {
      attempts.push(name);
      return verdict.unschedulable('no');
    },
    ...plugin,
  };
}

async function setUp(plugins: readonly SchedulerPlugin[]) {
  const started = await startScheduler({ plugins });
  started.kernel.add(Node, node('n1'));
  return started;
}

const EVENTS: readonly {
  readonly event: ClusterChange['event'];
  readonly cause: (kernel: Awaited<ReturnType<typeof setUp>>['kernel']) => unknown;
  readonly about: string;
}[] = [
  { event: 'NodeAdd', cause: kernel => kernel.add(Node, node('n2')), about: 'n2' },
  {
    event: 'NodeLabel',
    cause: kernel => kernel.modify(Node, 'n1', ({ metadata }) => (metadata.labels = { a: 'b' })),
    about: 'n1',
  },
  {
    event: 'NodeAnnotation',
    cause: kernel =>
      kernel.modify(Node, 'n1', ({ metadata }) => (metadata.annotations = { a: 'b' })),
    about: 'n1',
  },
  {
    event: 'NodeTaint',
    cause: kernel => kernel.modify(Node, 'n1', one => (one.spec = { unschedulable: true })),
    about: 'n1',
  },
  {
    event: 'NodeCondition',
    cause: kernel =>
      kernel.modify(Node, 'n1', one => {
        one.status = { ...one.status, conditions: [{ type: 'Ready', status: 'False' }] };
      }),
    about: 'n1',
  },
  {
    event: 'NodeAllocatable',
    cause: kernel =>
      kernel.modify(Node, 'n1', one => {
        one.status = { ...one.status, allocatable: { cpu: '77' } };
      }),
    about: 'n1',
  },
  { event: 'PodAdd', cause: kernel => kernel.add(Pod, running('other')), about: 'n1 other' },
  {
    event: 'PodUpdate',
    cause: kernel =>
      kernel.modify(Pod, 'default/there', ({ metadata }) => (metadata.labels = { a: 'b' })),
    about: 'n1 there',
  },
  {
    event: 'PodDelete',
    cause: kernel => kernel.objects.delete(Pod, { namespace: 'default', name: 'there' }),
    about: 'n1 there',
  },
  {
    event: 'PodDelete',
    cause: kernel =>
      kernel.modify(Pod, 'default/there', one => (one.status = { phase: 'Succeeded' })),
    about: 'n1 there',
  },
];

function running(name: string) {
  return pod(name, { metadata: { uid: `u-${name}` }, spec: { containers: [], nodeName: 'n1' } });
}

for (const { event, cause, about } of EVENTS) {
  test(`a hint of ${event} gets the change, and only what it picks is tried again`, async () => {
    const changes: string[] = [];
    const plugin = refusing({
      requeueOn: [
        {
          on: event,
          fits(change) {
            const { pod: one, node: at, other } = change;
            assert.equal(change.event, event);
            changes.push([one.name, at?.name, other?.name].filter(Boolean).join(' '));
            return one.name === 'a';
          },
        },
      ],
    });
    const { kernel, clock, dispose } = await setUp([plugin]);
    kernel.add(Pod, running('there'));
    await clock.step(10);
    kernel.add(Pod, pod('a'), pod('b'));
    await clock.step(2000);
    assert.deepEqual(plugin.attempts, ['a', 'b']);
    await cause(kernel);
    await clock.step(2000);
    assert.deepEqual(changes, [`a ${about}`, `b ${about}`]);
    // With a second node there are two to ask about.
    assert.deepEqual([...new Set(plugin.attempts.slice(2))], ['a']);
    await dispose();
  });
}

test('a hint that throws counts as one that says yes, and is logged', async () => {
  const plugin = refusing({
    requeueOn: [
      {
        on: 'NodeLabel',
        fits() {
          throw new Error('no idea');
        },
      },
    ],
  });
  const { kernel, clock, dispose } = await setUp([plugin]);
  kernel.add(Pod, pod('a'));
  await clock.step(2000);
  kernel.modify(Node, 'n1', ({ metadata }) => (metadata.labels = { a: 'b' }));
  await clock.step(2000);
  assert.deepEqual(plugin.attempts, ['a', 'a']);
  assert.ok(kernel.logs.some(({ message }) => /failed to say whether a pod may fit/.test(message)));
  await dispose();
});

test('a pod placed here is told of to those that wait for pods', async () => {
  const plugin: SchedulerPlugin = {
    name: 'Together',
    requeueOn: [{ on: 'PodAdd', fits: ({ other }) => other?.name === 'leader' }],
    filter: ({ pod: { name }, node: { pods } }) =>
      name === 'follower' && !pods.some(other => other.name === 'leader')
        ? verdict.unschedulable('no leader')
        : undefined,
  };
  const { kernel, clock, nodeOf, dispose } = await setUp([plugin]);
  kernel.add(Pod, pod('follower'));
  await clock.step(2000);
  kernel.add(Pod, pod('leader'));
  await clock.step(100);
  assert.deepEqual([nodeOf('leader'), nodeOf('follower')], ['n1', 'n1']);
  await dispose();
});

test('an event of the time of an attempt counts if its hint says so', async () => {
  const settle: (() => void)[] = [];
  const plugin = refusing({
    filter: () => undefined,
    requeueOn: [{ on: 'NodeLabel', fits: ({ node: at }) => at?.labels.good === 'yes' }],
    permit: async ({ pod: { name } }) => {
      plugin.attempts.push(name);
      await new Promise<void>(resolve => settle.push(resolve));
      return verdict.unschedulable('not yet');
    },
  });
  for (const [good, attempts] of [
    ['no', 1],
    ['yes', 2],
  ] as const) {
    plugin.attempts.length = 0;
    settle.length = 0;
    const { kernel, clock, dispose } = await setUp([plugin]);
    kernel.add(Pod, pod('a'));
    await clock.step(10);
    kernel.modify(Node, 'n1', ({ metadata }) => (metadata.labels = { good }));
    await clock.step(10);
    settle[0]?.();
    await clock.step(5000);
    assert.equal(plugin.attempts.length, attempts, `good: ${good}`);
    await dispose();
  }
});

test('a pod that changes itself is tried again', async () => {
  const plugin = refusing({ requeueOn: [] });
  const { kernel, clock, dispose } = await setUp([plugin]);
  kernel.add(Pod, pod('a'));
  await clock.step(2000);
  kernel.modify(Pod, 'default/a', one => (one.status = { ...one.status, phase: 'Pending' }));
  await clock.step(2000);
  assert.equal(plugin.attempts.length, 1, 'its status is no change');
  for (const change of ['labels', 'annotations'] as const) {
    const before: number = plugin.attempts.length;
    kernel.modify(Pod, 'default/a', ({ metadata }) => (metadata[change] = { a: 'b' }));
    await clock.step(20_000);
    assert.equal(plugin.attempts.length, before + 1, change);
  }
  await dispose();
});

test('a gated pod is asked again when it changes, when its plugin says so, when plugins do', async () => {
  let open = new Set<string>();
  let wake: Wake = () => assert.fail();
  const asked: string[] = [];
  const gate: SchedulerPlugin = {
    name: 'Gate',
    watch(given) {
      wake = given;
      return () => {};
    },
    preEnqueue({ pod: { name } }) {
      asked.push(name);
      return open.has(name) ? undefined : verdict.unschedulable('gated');
    },
  };
  const { kernel, clock, nodeOf, context, dispose } = await setUp([gate]);
  kernel.add(Pod, pod('a'), pod('b'), pod('c'));
  await clock.step(1000);
  kernel.add(Node, node('n2'));
  await clock.step(1000);
  assert.deepEqual(asked.splice(0), ['a', 'b', 'c'], 'events of the cluster are not its business');
  open = new Set(['a', 'b', 'c']);
  kernel.modify(Pod, 'default/a', ({ metadata }) => (metadata.labels = { a: 'b' }));
  await clock.step(100);
  assert.deepEqual([nodeOf('a') !== undefined, nodeOf('b')], [true, undefined]);
  wake(({ name }) => name === 'b');
  await clock.step(100);
  assert.deepEqual([nodeOf('b') !== undefined, nodeOf('c')], [true, undefined]);
  provideSchedulerPlugin(context, { name: 'New', filter: () => undefined });
  await clock.step(100);
  assert.notEqual(nodeOf('c'), undefined);
  await dispose();
});

test('a preEnqueue that throws keeps the pod out and tells, or is ignored if it says so', async () => {
  for (const onFailure of ['fail', 'ignore'] as const) {
    const gate: SchedulerPlugin = {
      name: 'Gate',
      onFailure,
      preEnqueue() {
        throw new Error('broken');
      },
    };
    const { kernel, clock, nodeOf, dispose } = await setUp([gate]);
    kernel.add(Pod, pod('a'));
    await clock.step(1000);
    assert.equal(nodeOf('a'), onFailure === 'ignore' ? 'n1' : undefined);
    assert.ok(kernel.logs.some(({ message }) => message === 'Scheduler plugin failed'));
    await dispose();
  }
});
