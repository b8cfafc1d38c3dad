import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  createSchedulerContribution,
  Event,
  internalError,
  Node,
  Pod,
  provideSchedulerPlugin,
  type SchedulerPlugin,
  schedulerPoint,
  type Verdict,
  verdict,
} from 'kernetes/sdk';
import { fakeClock, node, pod } from 'kernetes/sdk/testing';
import { OPTIONAL_GRACE_MS, PLUGIN_GRACE_MS, SLICE_PODS_MAX } from './limits.ts';
import framework from './plugin.ts';
import type { PluginSetting } from './profile/profile.ts';
import { bareScheduler, local, startScheduler } from './test-setup.ts';

const ANY: SchedulerPlugin = { name: 'Any', filter: () => undefined };
const ONE_EACH: SchedulerPlugin = {
  name: 'OneEach',
  requeueOn: ['NodeAdd', 'PodDelete'],
  filter: ({ node: { pods } }) =>
    pods.length > 0 ? verdict.unschedulable('Too many pods') : undefined,
};

test('a pod gets a node, and an event tells', async () => {
  const { kernel, clock, nodeOf, dispose } = await startScheduler({ plugins: [ANY] });
  kernel.add(Node, node('n1'));
  kernel.add(Pod, pod('web'));
  await clock.step(2000);
  assert.equal(nodeOf('web'), 'n1');
  const [event] = kernel.all(Event);
  assert.equal(event?.reason, 'Scheduled');
  assert.equal(event?.message, 'Successfully assigned default/web to n1');
  assert.equal(event?.source?.component, 'default-scheduler');
  await dispose();
});

test('pods of other schedulers, deleted ones and finished ones are left alone', async () => {
  const { kernel, clock, nodeOf, dispose } = await startScheduler({ plugins: [ANY] });
  kernel.add(Node, node('n1'));
  const gone = { deletionTimestamp: '2026-01-01T00:00:00Z', finalizers: ['x/y'] };
  kernel.add(
    Pod,
    pod('other', { spec: { containers: [], schedulerName: 'mine' } }),
    pod('gone', { metadata: gone }),
    pod('done', { status: { phase: 'Succeeded' } }),
  );
  await clock.step(2000);
  for (const name of ['other', 'gone', 'done']) assert.equal(nodeOf(name), undefined, name);
  await dispose();
});

test('a refused pod gets a condition and an event, and a node as soon as there is one', async () => {
  const { kernel, clock, nodeOf, dispose } = await startScheduler({ plugins: [ONE_EACH] });
  kernel.add(Node, node('n1'));
  kernel.add(Pod, pod('a', { spec: { containers: [], nodeName: 'n1' } }), pod('b'));
  await clock.step(2000);
  const condition = kernel.get(Pod, 'default/b')?.status?.conditions?.[0];
  const message = '0/1 nodes are available: 1 Too many pods.';
  assert.deepEqual(
    [condition?.type, condition?.status, condition?.reason, condition?.message],
    ['PodScheduled', 'False', 'Unschedulable', message],
  );
  const failed = kernel.all(Event).filter(({ reason }) => reason === 'FailedScheduling');
  assert.deepEqual(
    failed.map(({ type, message: text }) => [type, text]),
    [['Warning', message]],
  );

  await kernel.objects.delete(Pod, { namespace: 'default', name: 'a' });
  await clock.step(2000);
  assert.equal(nodeOf('b'), 'n1');
  await dispose();
});

test('without nodes a pod waits for the first', async () => {
  const { kernel, clock, nodeOf, dispose } = await startScheduler({ plugins: [ONE_EACH] });
  kernel.add(Pod, pod('a'));
  await clock.step(2000);
  assert.match(kernel.all(Event)[0]?.message ?? '', /no nodes available to schedule pods/);
  kernel.add(Node, node('n1'));
  await clock.step(2000);
  assert.equal(nodeOf('a'), 'n1');
  await dispose();
});

test('what is assumed counts at once: two pods never share a place', async () => {
  const { kernel, clock, nodeOf, dispose } = await startScheduler({ plugins: [ONE_EACH] });
  for (let i = 0; i < 20; i++) kernel.add(Node, node(`n${i}`));
  for (let i = 0; i < 30; i++) kernel.add(Pod, pod(`p${i}`));
  await clock.step(2000);
  const used = Array.from({ length: 30 }, (_, i) => nodeOf(`p${i}`)).filter(Boolean);
  assert.equal(used.length, 20);
  assert.equal(new Set(used).size, 20);
  await dispose();
});

test('a failed binding frees the place and is tried again after its back-off', async () => {
  let broken = true;
  const log: string[] = [];
  const flaky: SchedulerPlugin = {
    name: 'Flaky',
    reserve: ({ pod: { name } }) => void log.push(`reserve ${name}`),
    unreserve: ({ pod: { name } }) => void log.push(`unreserve ${name}`),
    bind: async bindings =>
      bindings.map(() => (broken ? verdict.unschedulable('binding rejected: no') : verdict.skip)),
  };
  const { kernel, clock, nodeOf, dispose } = await startScheduler({ plugins: [ONE_EACH, flaky] });
  kernel.add(Node, node('n1'));
  kernel.add(Pod, pod('a'));
  await clock.step(500);
  assert.equal(nodeOf('a'), undefined);
  assert.deepEqual(log, ['reserve a', 'unreserve a']);
  const failed = kernel.all(Event).find(({ reason }) => reason === 'FailedScheduling');
  assert.equal(failed?.message, 'binding rejected: no');
  broken = false;
  await clock.step(2000);
  assert.equal(nodeOf('a'), 'n1');
  await dispose();
});

test('a binder whose call fails altogether loses no pod', async () => {
  let calls = 0;
  const cut: SchedulerPlugin = {
    name: 'Cut',
    async bind(bindings) {
      if (calls++ === 0) throw new Error('the line is cut');
      return bindings.map(() => verdict.skip);
    },
  };
  const { kernel, clock, nodeOf, dispose } = await startScheduler({ plugins: [ANY, cut] });
  kernel.add(Node, node('n1'));
  kernel.add(Pod, pod('a'), pod('b'));
  await clock.step(5000);
  assert.deepEqual([nodeOf('a'), nodeOf('b')], ['n1', 'n1']);
  await dispose();
});

test('permit() holds a pod; its place stays taken; a refusal gives it back', async () => {
  let decide: (outcome: Verdict | undefined) => void = () => {};
  const gate: SchedulerPlugin = {
    name: 'Gate',
    permit: ({ pod: { name } }) => {
      if (name !== 'held') return undefined;
      return verdict.wait(new Promise(resolve => (decide = resolve)), 60_000);
    },
  };
  const { kernel, clock, nodeOf, dispose } = await startScheduler({ plugins: [ONE_EACH, gate] });
  kernel.add(Node, node('n1'));
  kernel.add(Pod, pod('held'));
  await clock.step(1000);
  kernel.add(Pod, pod('next'));
  await clock.step(1000);
  assert.deepEqual([nodeOf('held'), nodeOf('next')], [undefined, undefined]);
  decide(verdict.unschedulable('not today'));
  await clock.step(1500);
  assert.deepEqual([nodeOf('held'), nodeOf('next')], [undefined, 'n1']);
  await dispose();
});

test('permit() that never settles is refused after its time', async () => {
  const never: SchedulerPlugin = {
    name: 'Never',
    permit: () => verdict.wait(new Promise(() => {}), 30_000),
  };
  const { kernel, clock, dispose } = await startScheduler({ plugins: [ANY, never] });
  kernel.add(Node, node('n1'));
  kernel.add(Pod, pod('a'));
  await clock.step(32_000);
  const failed = kernel.all(Event).find(({ reason }) => reason === 'FailedScheduling');
  const text = '1 rejected due to timeout after waiting 30s at plugin Never';
  assert.equal(failed?.message, `0/1 nodes are available: ${text}.`);
  await dispose();
});

test('the points come in their order, with the state that preFilter made', async () => {
  const calls: string[] = [];
  const note = (point: string) => (context: { state: unknown }) => {
    calls.push(`${point} ${context.state ?? ''}`.trim());
    return undefined;
  };
  const all: SchedulerPlugin = {
    name: 'All',
    preEnqueue: note('preEnqueue'),
    preFilter(context) {
      context.state = `of ${context.pod.name}`;
      return note('preFilter')(context);
    },
    filter: note('filter'),
    preScore: note('preScore'),
    score: context => note('score')(context) ?? 0,
    normalize: (_scores, context) => void note('normalize')(context),
    reserve: note('reserve'),
    permit: async context => note('permit')(context),
    preBind: async context => note('preBind')(context),
    postBind: async context => void note('postBind')(context),
  };
  const { kernel, clock, dispose } = await startScheduler({ plugins: [all] });
  kernel.add(Node, node('n1'), node('n2'));
  kernel.add(Pod, pod('p'));
  await clock.step(2000);
  assert.deepEqual(calls, [
    'preEnqueue',
    ...'preFilter filter filter preScore score score normalize reserve permit preBind postBind'
      .split(' ')
      .map(point => `${point} of p`),
  ]);
  await dispose();
});

test('pods wait for plugins of the profile; in the end the event names what is missing', async () => {
  const settings = [{ name: 'Any' }, { name: 'Late' }];
  const started = await startScheduler({ plugins: [ANY], settings });
  const { kernel, clock, nodeOf, dispose } = started;
  kernel.add(Node, node('n1'));
  kernel.add(Pod, pod('a'));
  await clock.step(PLUGIN_GRACE_MS - 1);
  assert.deepEqual(kernel.all(Event), []);
  await clock.step(2000);
  assert.match(kernel.all(Event)[0]?.message ?? '', /profile are not there: "Late"/);
  provideSchedulerPlugin(started.context, { ...ANY, name: 'Late' });
  await clock.step(12_000);
  assert.equal(nodeOf('a'), 'n1');
  await dispose();
});

test('an optional plugin is waited for once, then left out with one line in the log', async () => {
  const settings = [{ name: 'Any' }, { name: 'Late', optional: true }];
  const started = await startScheduler({ plugins: [ANY], settings });
  const { kernel, clock, nodeOf, dispose } = started;
  kernel.add(Node, node('n1'));
  kernel.add(Pod, pod('a'));
  await clock.step(OPTIONAL_GRACE_MS - 1);
  assert.equal(nodeOf('a'), undefined);
  await clock.step(100);
  assert.equal(nodeOf('a'), 'n1');
  // Others that come and go do not make pods wait for it anew.
  provideSchedulerPlugin(started.context, { ...ANY, name: 'Other' });
  kernel.add(Pod, pod('b'));
  await clock.step(100);
  assert.equal(nodeOf('b'), 'n1');
  const warnings = kernel.logs.filter(({ level }) => level === 'warn');
  assert.deepEqual(
    warnings.map(({ fields }) => fields),
    [{ plugins: 'Late' }],
  );
  provideSchedulerPlugin(started.context, { ...ONE_EACH, name: 'Late' });
  kernel.add(Pod, pod('c'));
  await clock.step(100);
  assert.equal(nodeOf('c'), undefined);
  await dispose();
});

test('pods are held when a plugin goes between two slices', async () => {
  const settings = [{ name: 'Any' }, { name: 'Late', optional: true }];
  const started = await startScheduler({ plugins: [ANY], settings });
  const { kernel, clock, nodeOf, dispose } = started;
  const late = createSchedulerContribution({ ...ANY, name: 'Late' }, {});
  const withdraw = started.context.provide(schedulerPoint, late, 'Late');
  kernel.add(Node, node('n1'));
  await clock.step(0);
  kernel.add(Pod, ...Array.from({ length: SLICE_PODS_MAX + 1 }, (_, i) => pod(`p${i}`)));
  // The first slice is over, the second planned.
  for (let i = 0; i < 100 && nodeOf('p0') === undefined; i++) await Promise.resolve();
  assert.equal(nodeOf('p0'), 'n1');
  await withdraw();
  await clock.step(100);
  assert.equal(nodeOf(`p${SLICE_PODS_MAX}`), undefined);
  await clock.step(OPTIONAL_GRACE_MS);
  assert.equal(nodeOf(`p${SLICE_PODS_MAX}`), 'n1');
  await dispose();
});

test('a profile without scheduler.volume-binding places pods with the default plugins', async () => {
  const { properties } = framework.config as {
    properties: { plugins: { default: PluginSetting[] } };
  };
  const defaults = properties.plugins.default;
  const settings = defaults.filter(({ name }) => name !== 'DefaultBinder');
  const others = settings.filter(({ name }) => name !== 'VolumeBinding');
  const plugins = others.map(({ name }): SchedulerPlugin => ({ ...ANY, name }));
  const { kernel, clock, nodeOf, dispose } = await startScheduler({ plugins, settings });
  kernel.add(Node, node('n1'));
  kernel.add(Pod, pod('a'));
  await clock.step(OPTIONAL_GRACE_MS + 100);
  assert.equal(nodeOf('a'), 'n1');
  await dispose();
});

test('a plugin that comes in time is used for the first pod already', async () => {
  const settings = [{ name: 'OneEach' }];
  const started = await startScheduler({ plugins: [], settings });
  const { kernel, clock, nodeOf, dispose } = started;
  kernel.add(Node, node('n1'));
  kernel.add(Pod, pod('a'), pod('b'));
  await clock.step(1000);
  provideSchedulerPlugin(started.context, ONE_EACH);
  await clock.step(1000);
  assert.equal([nodeOf('a'), nodeOf('b')].filter(Boolean).length, 1);
  await dispose();
});

test('a disabled plugin is not asked', async () => {
  const settings = [{ name: 'OneEach', disabled: true }];
  const { kernel, clock, nodeOf, dispose } = await startScheduler({
    plugins: [ONE_EACH],
    settings,
  });
  kernel.add(Node, node('n1'));
  kernel.add(Pod, pod('a'), pod('b'));
  await clock.step(1000);
  assert.deepEqual([nodeOf('a'), nodeOf('b')], ['n1', 'n1']);
  await dispose();
});

test('a pod deleted while it is bound is not bound again, and its place is free', async () => {
  const { kernel, clock, nodeOf, dispose } = await startScheduler({ plugins: [ONE_EACH] });
  kernel.add(Node, node('n1'));
  kernel.add(Pod, pod('a'));
  await clock.step(1000);
  assert.equal(nodeOf('a'), 'n1');
  await kernel.objects.delete(Pod, { namespace: 'default', name: 'a' });
  kernel.add(Pod, pod('a'));
  await clock.step(3000);
  assert.equal(nodeOf('a'), 'n1');
  await dispose();
});

test('a condition that could not be written is written with the next attempt', async () => {
  const { kernel, clock, dispose } = await startScheduler({ plugins: [ONE_EACH] });
  kernel.fault = request =>
    request.subresource === 'status' ? internalError(new Error('disk full')) : undefined;
  kernel.add(Pod, pod('a'));
  await clock.step(1000);
  assert.equal(kernel.get(Pod, 'default/a')?.status?.conditions, undefined);
  assert.ok(kernel.logs.some(({ message }) => message === 'Cannot update pod status'));
  kernel.fault = () => undefined;
  kernel.add(Node, node('n1'));
  kernel.add(Pod, pod('b', { spec: { containers: [], nodeName: 'n1' } }));
  await clock.step(10_000);
  const condition = kernel.get(Pod, 'default/a')?.status?.conditions?.[0];
  assert.equal(condition?.message, '0/1 nodes are available: 1 Too many pods.');
  await dispose();
});

test('nothing is left after its end', async () => {
  const { kernel, clock, nodeOf, dispose } = await startScheduler({ plugins: [ONE_EACH] });
  kernel.add(Pod, pod('a'));
  await clock.step(500);
  await dispose();
  kernel.add(Node, node('n1'));
  await clock.step(60_000);
  assert.equal(nodeOf('a'), undefined);
  assert.equal(clock.pending, 0);
});

test('a binding that ends late touches no other pod of the same name', async () => {
  for (const answer of [undefined, verdict.unschedulable('binding rejected: gone')]) {
    const ends: (() => void)[] = [];
    const slow: SchedulerPlugin = {
      name: 'Slow',
      async bind(bindings) {
        if (ends.length > 0) return bindings.map(() => verdict.skip);
        await new Promise<void>(resolve => ends.push(resolve));
        return bindings.map(() => answer);
      },
    };
    const full = { ...ONE_EACH, requeueOn: ['NodeTaint'] } as const;
    const { kernel, clock, nodeOf, dispose } = await startScheduler({ plugins: [full, slow] });
    kernel.add(Node, node('n1'));
    kernel.add(Pod, pod('a', { metadata: { uid: 'first' } }));
    await clock.step(10);
    await kernel.objects.delete(Pod, { namespace: 'default', name: 'a' });
    kernel.add(Pod, pod('x', { spec: { containers: [], nodeName: 'n1' } }));
    kernel.add(Pod, pod('a', { metadata: { uid: 'second' } }));
    await clock.step(10);
    ends[0]?.();
    await clock.step(10);
    await kernel.objects.delete(Pod, { namespace: 'default', name: 'x' });
    kernel.modify(Node, 'n1', object => {
      if (object.spec) object.spec.taints = [{ key: 'k', effect: 'PreferNoSchedule' }];
    });
    await clock.step(20_000);
    assert.equal(nodeOf('a'), 'n1', answer?.code ?? 'bound');
    await dispose();
  }
});

test('a pod that waits for what another had reserved is tried when that is given back', async () => {
  const reserved = new Set<string>();
  const one: SchedulerPlugin = {
    name: 'One',
    requeueOn: ['PodDelete'],
    filter: () => (reserved.size > 0 ? verdict.unschedulable('reserved') : undefined),
    reserve: ({ pod: { name } }) => void reserved.add(name),
    unreserve: ({ pod: { name } }) => void reserved.delete(name),
    preBind: ({ pod: { name } }) => (name === 'a' ? new Promise(() => {}) : undefined),
  };
  const { kernel, clock, nodeOf, dispose } = await startScheduler({ plugins: [one] });
  kernel.add(Node, node('n1'));
  kernel.add(Pod, pod('a'));
  await clock.step(10);
  kernel.add(Pod, pod('b'));
  await clock.step(20_000);
  assert.equal(nodeOf('b'), undefined);
  await kernel.objects.delete(Pod, { namespace: 'default', name: 'a' });
  await clock.step(10_000);
  assert.equal(nodeOf('b'), 'n1');
  await dispose();
});

test('an older version of a bound pod that comes late is not tried', async () => {
  const clock = fakeClock();
  const placed = new Map<string, string>();
  const tried: string[] = [];
  const counting: SchedulerPlugin = {
    name: 'Counting',
    filter: ({ pod: { name } }) => void tried.push(name),
  };
  const scheduler = bareScheduler([local(counting)], { clock, placed, nodes: [node('n1')] });
  const one = pod('a', { metadata: { uid: 'u' } });
  scheduler.setPod(one);
  await clock.step(10);
  assert.equal(placed.get('a'), 'n1');
  scheduler.setPod({ ...one, metadata: { ...one.metadata, labels: { late: 'yes' } } });
  await clock.step(60_000);
  assert.deepEqual(tried, ['a']);
  scheduler.stop();
});

test('a pod that somebody else bound elsewhere leaves the place that was meant for it', async () => {
  const clock = fakeClock();
  const placed = new Map<string, string>();
  const waits: SchedulerPlugin = {
    name: 'Waits',
    permit: ({ pod: { name } }) =>
      name === 'a' ? verdict.wait(new Promise(() => {}), 600_000) : undefined,
  };
  const first = local({ ...ONE_EACH, requeueOn: ['PodDelete'] as const });
  const options = { clock, placed, nodes: [node('n1')] };
  const scheduler = bareScheduler([first, local(waits)], options);
  const one = pod('a', { metadata: { uid: 'u' } });
  scheduler.setPod(one);
  await clock.step(10);
  scheduler.setPod(pod('b', { metadata: { uid: 'v' } }));
  await clock.step(60_000);
  assert.equal(placed.size, 0);
  scheduler.setPod({ ...one, spec: { containers: [], nodeName: 'elsewhere' } });
  await clock.step(60_000);
  assert.equal(placed.get('b'), 'n1');
  scheduler.stop();
});

test('a pod that asks for less of anything lets others try', async () => {
  const asking = (gpu: string) => {
    const resources = { requests: { cpu: '1', memory: '1Gi', 'example.com/gpu': gpu } };
    return [{ name: 'main', image: 'i', resources }];
  };
  const clock = fakeClock();
  const placed = new Map<string, string>();
  const gpus: SchedulerPlugin = {
    name: 'Gpus',
    requeueOn: ['PodUpdate'],
    filter: ({ node: { requested } }) =>
      (requested.scalar.get('example.com/gpu') ?? 0) > 1 ? verdict.unschedulable('no') : undefined,
  };
  const scheduler = bareScheduler([local(gpus)], { clock, placed, nodes: [node('n1')] });
  const runs = (gpu: string) =>
    pod('x', { metadata: { uid: 'x' }, spec: { containers: asking(gpu), nodeName: 'n1' } });
  scheduler.setPod(runs('2'));
  scheduler.setPod(pod('a', { metadata: { uid: 'u' } }));
  await clock.step(60_000);
  assert.equal(placed.size, 0);
  scheduler.setPod(runs('1'));
  await clock.step(10_000);
  assert.equal(placed.get('a'), 'n1');
  scheduler.stop();
});
