import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { Lease } from './api/types-coordination-v1.ts';
import { ConfigMap, Event, Node, Secret } from './api/types-core-v1.ts';
import { controller } from './controller.ts';
import { TestProcess, type TestProcessOptions } from './election-testing.ts';
import { keyOf } from './kind.ts';
import { ELECTION_TIMES } from './leadership.ts';
import { definePlugin, type PluginContext } from './plugin.ts';
import { runQueue } from './queue-runner.ts';
import { SharedElections } from './shared-elections.ts';
import { ApiError, forbidden } from './status.ts';
import { fakeClock } from './testing/fake-clock.ts';
import { seededRandom } from './testing/seeded-random.ts';
import { TestKernel } from './testing/test-kernel.ts';

const { leaseDurationMs, renewDeadlineMs, retryPeriodMs } = ELECTION_TIMES;
const NAME = 'managers';

function setUp(...identities: string[]) {
  const clock = fakeClock();
  const kernel = new TestKernel({ clock });
  const start = (identity: string, options: Partial<TestProcessOptions> = {}) =>
    new TestProcess(identity, { kernel, clock, ...options });
  const lease = (name = NAME) => kernel.get(Lease, `kube-system/${name}`)?.spec;
  return { clock, kernel, start, lease, processes: identities.map(name => start(name)) };
}

/** A plugin that does nothing but lead, and what it was told. */
function watcher(leader: true | string = NAME, name = 'watcher') {
  const told: string[] = [];
  let context: PluginContext | undefined;
  const plugin = definePlugin({
    name,
    leader,
    activate(ctx) {
      context = ctx;
      ctx.leadership.follow({ begin: () => told.push('begin'), end: () => void told.push('end') });
    },
  });
  const ctx = () => context as PluginContext;
  return { plugin, told, ctx, leads: () => ctx().leadership.isLeader };
}

const configMap = (name: string, data: Record<string, string> = {}): ConfigMap => ({
  metadata: { namespace: 'default', name },
  data,
});

describe('LeaderElection', () => {
  it('has one leader of two candidates, for as long as it renews', async () => {
    const { clock, lease, processes } = setUp('a', 'b');
    const [one, two] = [watcher(), watcher()];
    await processes[0]?.run(one.plugin);
    await clock.step(0);
    await processes[1]?.run(two.plugin);
    for (let i = 0; i < 30; i++) {
      await clock.step(1_000);
      assert.deepEqual([one.leads(), two.leads()], [true, false]);
    }
    assert.equal(lease()?.leaseTransitions, 0);
    assert.equal(lease()?.leaseDurationSeconds, 15);
    assert.deepEqual([one.told, two.told], [['begin'], []]);
  });

  it('renews between four fifths of the retry period and all of it', async () => {
    const { clock, kernel, processes } = setUp('a');
    await processes[0]?.run(watcher().plugin);
    await clock.step(0);
    kernel.requests.length = 0;
    await clock.step(20 * retryPeriodMs);
    assert.ok(kernel.requests.length >= 20 && kernel.requests.length <= 25);
  });

  it('gives the lease back on a clean stop: the next leads at once', async () => {
    const { clock, lease, processes } = setUp('a', 'b');
    const [one, two] = [watcher(), watcher()];
    const life = await processes[0]?.run(one.plugin);
    await clock.step(0);
    await processes[1]?.run(two.plugin);
    await clock.step(5_000);
    await life?.dispose();
    await clock.step(0);
    assert.equal(two.leads(), true);
    assert.equal(lease()?.holderIdentity, 'b');
    assert.equal(lease()?.leaseTransitions, 1);
  });

  for (const skewMs of [0, 3_600_000, -3_600_000]) {
    it(`gives a dead leader's lease on after its time, with a clock ${skewMs} ms ahead`, async () => {
      const { clock, lease, start } = setUp();
      const [one, two] = [watcher(), watcher()];
      const first = start('a');
      await first.run(one.plugin);
      await clock.step(0);
      await start('b', { skewMs }).run(two.plugin);
      await clock.step(7_000);
      first.pause();
      await clock.step(leaseDurationMs - retryPeriodMs - 1);
      assert.equal(two.leads(), false);
      await clock.step(retryPeriodMs);
      assert.equal(two.leads(), true);
      assert.equal(lease()?.leaseTransitions, 1);
    });
  }

  it('of several that take a lease at the same time one has it', async () => {
    const { clock, lease, processes } = setUp('a', 'b', 'c', 'd');
    const watchers = processes.map(() => watcher());
    for (const [i, process] of processes.entries()) {
      await process.run(watchers[i]?.plugin ?? watcher().plugin);
      await clock.step(0);
    }
    processes[0]?.pause();
    await clock.step(2 * leaseDurationMs);
    const leading = watchers.slice(1).filter(({ leads }) => leads());
    assert.equal(leading.length, 1);
    assert.equal(lease()?.leaseTransitions, 1);
  });

  it('of several that begin at the same time one leads', async () => {
    const { clock, lease, processes } = setUp('a', 'b', 'c');
    const watchers = processes.map(() => watcher());
    await Promise.all(processes.map((each, i) => each.run((watchers[i] ?? watcher()).plugin)));
    await clock.step(5_000);
    assert.equal(watchers.filter(({ leads }) => leads()).length, 1);
    assert.equal(lease()?.leaseTransitions, 0);
  });

  it('ends before its lease does when renewals are not answered', async () => {
    const { clock, kernel, processes } = setUp('a', 'b');
    const [one, two] = [watcher(), watcher()];
    await processes[0]?.run(one.plugin);
    await clock.step(0);
    await processes[1]?.run(two.plugin);
    await clock.step(2_500);
    kernel.fault = (request, plugin) =>
      plugin.startsWith('a/') && request.resource === 'leases'
        ? new ApiError({ message: 'down', code: 503, reason: 'ServiceUnavailable' })
        : undefined;
    await clock.step(renewDeadlineMs);
    assert.deepEqual([one.leads(), two.leads()], [false, false]);
    await clock.step(leaseDurationMs - renewDeadlineMs);
    assert.deepEqual([one.leads(), two.leads()], [false, true]);
    kernel.fault = () => undefined;
    await clock.step(leaseDurationMs);
    assert.deepEqual([one.leads(), two.leads()], [false, true]);
  });

  it('leads on when a renewal was done and its answer lost', async () => {
    const { clock, lease, processes } = setUp('a');
    const one = watcher();
    await processes[0]?.run(one.plugin);
    await clock.step(0);
    for (const losesAnswers of [true, false, true, false]) {
      Object.assign(processes[0] ?? {}, { losesAnswers });
      await clock.step(3_000);
      assert.equal(one.leads(), true);
    }
    assert.equal(lease()?.leaseTransitions, 0);
    assert.deepEqual(one.told, ['begin']);
  });

  it('begins anew with another term when its Lease is deleted', async () => {
    const { clock, kernel, processes } = setUp('a');
    const one = watcher();
    await processes[0]?.run(one.plugin);
    await clock.step(1_000);
    await kernel.objects.delete(Lease, { namespace: 'kube-system', name: NAME });
    await clock.step(0);
    assert.deepEqual(one.told, ['begin', 'end', 'begin']);
  });

  it('tells by events who leads', async () => {
    const { clock, kernel, processes } = setUp('a', 'b');
    const life = await processes[0]?.run(watcher().plugin);
    await clock.step(0);
    await processes[1]?.run(watcher().plugin);
    await clock.step(0);
    await life?.dispose();
    await clock.step(0);
    const events = kernel.all(Event).map(({ reason, message, source, involvedObject }) => {
      return [reason, message, source?.component, involvedObject.kind, involvedObject.name];
    });
    const about = [NAME, 'Lease', NAME];
    assert.deepEqual(events.sort(), [
      ['LeaderElection', 'a became leader', ...about],
      ['LeaderElection', 'a stopped leading', ...about],
      ['LeaderElection', 'b became leader', ...about],
    ]);
  });

  it('is one for all plugins of a thread that name the same Lease', async () => {
    const { clock, kernel, processes } = setUp('a');
    const plugins = [watcher(NAME, 'p1'), watcher(NAME, 'p2'), watcher(true, 'p3')];
    for (const { plugin } of plugins) await processes[0]?.run(plugin);
    await clock.step(0);
    assert.deepEqual(
      kernel.all(Lease).map(({ metadata }) => metadata.name),
      [NAME, 'p3'],
    );
    assert.ok(plugins.every(({ leads }) => leads()));
  });

  it('goes on over the line of another plugin when the first is unloaded', async () => {
    const { clock, processes } = setUp('a');
    const [one, two] = [watcher(NAME, 'p1'), watcher(NAME, 'p2')];
    const life = await processes[0]?.run(one.plugin);
    await processes[0]?.run(two.plugin);
    await clock.step(1_000);
    await life?.dispose();
    await clock.step(10 * leaseDurationMs);
    assert.deepEqual(two.told, ['begin']);
  });

  it('goes over the line of a plugin that may, when the first may not', async () => {
    const { clock, kernel, processes } = setUp('a');
    const subject = { group: 'coordination.k8s.io', resource: 'leases' };
    kernel.fault = ({ resource }, plugin) =>
      resource === 'leases' && plugin === 'a/p1' ? forbidden(subject, NAME, 'no') : undefined;
    const [one, two] = [watcher(NAME, 'p1'), watcher(NAME, 'p2')];
    await processes[0]?.run(one.plugin);
    await processes[0]?.run(two.plugin);
    await clock.step(5_000);
    assert.deepEqual([one.leads(), two.leads()], [true, true]);
  });

  it('lets all threads of a process lead together, and one of them renew', async () => {
    const { clock, kernel, lease, processes } = setUp('a');
    const [one, two] = [watcher(), watcher()];
    const thread = new SharedElections({
      settings: { identity: 'a', ...ELECTION_TIMES },
      clock,
      random: seededRandom(7),
    });
    await processes[0]?.run(one.plugin);
    await clock.step(0);
    await processes[0]?.run(two.plugin, thread);
    await clock.step(0);
    kernel.requests.length = 0;
    await clock.step(20 * retryPeriodMs);
    assert.deepEqual([one.told, two.told], [['begin'], ['begin']]);
    assert.equal(lease()?.leaseTransitions, 0);
    assert.ok(kernel.requests.length <= 30, `${kernel.requests.length} requests`);
    const told = kernel.all(Event).map(({ message }) => message);
    assert.deepEqual(told, ['a became leader']);
  });
});

describe('an elected plugin', () => {
  it('reads but does not write while another leads; its events are written', async () => {
    const { clock, kernel, processes } = setUp('a', 'b');
    const two = watcher();
    await processes[0]?.run(watcher().plugin);
    await clock.step(0);
    await processes[1]?.run(two.plugin);
    await clock.step(0);
    const [stored] = kernel.add(ConfigMap, configMap('there'));
    kernel.requests.length = 0;
    const { objects, events } = two.ctx();
    await objects.get(ConfigMap, { namespace: 'default', name: 'there' });
    await objects.list(ConfigMap);
    events.event(stored as ConfigMap, 'Normal', 'Seen', 'it is there');
    const refused = objects.create(ConfigMap, configMap('mine'));
    await assert.rejects(refused, (error: unknown) => {
      assert.ok(ApiError.is(error, 'Conflict'));
      assert.match(error.message, /plugin "watcher" is not the leader/);
      return true;
    });
    await assert.rejects(
      objects.batch([{ verb: 'delete', group: '', version: 'v1', resource: 'configmaps' }]),
    );
    await clock.step(0);
    const verbs = kernel.requests.map(({ verb, resource }) => `${verb} ${resource}`);
    assert.deepEqual(verbs, ['get configmaps', 'list configmaps', 'create events']);
  });

  it('that was paused has its writes refused once another leads, and follows then', async () => {
    const { clock, kernel, processes } = setUp('a', 'b');
    const [one, two] = [watcher(), watcher()];
    await processes[0]?.run(one.plugin);
    await clock.step(0);
    await processes[1]?.run(two.plugin);
    await clock.step(1_000);
    processes[0]?.pause();
    await clock.step(leaseDurationMs + 1_000);
    assert.equal(two.leads(), true);
    // What it wrote as the first thing on waking up, before it could know.
    const write = one.ctx().objects.create(ConfigMap, configMap('late'));
    const unfenced = kernel.link('x').request([
      {
        ...{ verb: 'create', group: '', version: 'v1', resource: 'configmaps' },
        body: { ...configMap('unfenced'), kind: 'ConfigMap', apiVersion: 'v1' },
      },
    ]);
    processes[0]?.resume();
    await assert.rejects(write, (error: unknown) => {
      assert.ok(ApiError.is(error, 'Conflict'));
      assert.match(error.message, /fenced by leases "kube-system\/managers"/);
      return true;
    });
    await unfenced;
    await clock.step(0);
    assert.deepEqual(kernel.all(ConfigMap).map(keyOf), ['default/unfenced']);
    assert.equal(one.leads(), false);
    assert.deepEqual(one.told, ['begin', 'end']);
  });

  it('has its writes done while its lease is renewed', async () => {
    const { clock, kernel, processes } = setUp('a');
    const one = watcher();
    await processes[0]?.run(one.plugin);
    await clock.step(0);
    for (let i = 0; i < 20; i++) {
      const write = one.ctx().objects.create(ConfigMap, configMap(`n${i}`));
      kernel.modify(Lease, `kube-system/${NAME}`, lease => {
        lease.metadata.labels = { touched: `${i}` };
      });
      await write;
      await clock.step(500);
    }
    assert.deepEqual(one.told, ['begin']);
  });

  it('cannot write under a later term what it began under an earlier one', async () => {
    const { clock, kernel, processes } = setUp('a', 'b');
    const gates: (() => void)[] = [];
    const outcomes: string[] = [];
    const plugin = controller<ConfigMap>({
      name: 'slow',
      leader: NAME,
      for: ConfigMap,
      async reconcile({ name }, { objects }) {
        await new Promise<void>(resolve => gates.push(resolve));
        const body = { metadata: { name: `${name}-${outcomes.length}` } };
        outcomes.push(
          await objects.create(Node, body).then(
            () => 'done',
            () => 'refused',
          ),
        );
        return undefined;
      },
    });
    kernel.add(ConfigMap, configMap('key'));
    await processes[0]?.run(plugin);
    await clock.step(0);
    const two = watcher();
    const life = await processes[1]?.run(two.plugin);
    assert.equal(gates.length, 1);
    processes[0]?.pause();
    await clock.step(leaseDurationMs + retryPeriodMs);
    assert.equal(two.leads(), true);
    processes[0]?.resume();
    await life?.dispose();
    await clock.step(5_000);
    // It holds the lease again, and waits for what it began.
    assert.equal(kernel.get(Lease, `kube-system/${NAME}`)?.spec?.holderIdentity, 'a');
    assert.equal(gates.length, 1);
    gates[0]?.();
    await clock.step(0);
    assert.deepEqual(outcomes, ['refused']);
    await clock.step(100);
    gates[1]?.();
    await clock.step(0);
    assert.deepEqual(outcomes, ['refused', 'done']);
  });

  it('works on all keys whenever it begins to lead, and on none while it does not', async () => {
    const { clock, kernel, processes } = setUp('a', 'b');
    const worked: string[] = [];
    const plugin = (by: string) =>
      controller<ConfigMap, unknown, [Secret]>({
        name: 'keys',
        leader: NAME,
        for: ConfigMap,
        watches: [{ kind: Secret, map: ({ metadata }) => [{ name: `of-${metadata.name}` }] }],
        reconcile: ({ name }) => {
          worked.push(`${by} ${name}`);
          return undefined;
        },
      });
    kernel.add(ConfigMap, configMap('x'), configMap('y'));
    kernel.add(Secret, { metadata: { namespace: 'default', name: 's' } });
    const life = await processes[0]?.run(plugin('a'));
    await clock.step(0);
    await processes[1]?.run(plugin('b'));
    await clock.step(100);
    assert.deepEqual(worked.splice(0), ['a x', 'a y', 'a of-s']);
    kernel.add(ConfigMap, configMap('z'));
    await clock.step(0);
    assert.deepEqual(worked.splice(0), ['a z']);
    await life?.dispose();
    await clock.step(100);
    assert.deepEqual(worked.splice(0), ['b x', 'b y', 'b z', 'b of-s']);
  });

  it('keeps the keys of a queue of its own until it leads', async () => {
    const { clock, processes } = setUp('a', 'b');
    const worked: string[] = [];
    const plugin = definePlugin({
      name: 'own-queue',
      leader: NAME,
      activate(ctx) {
        const queue = runQueue(ctx, { work: key => void worked.push(key) as undefined });
        queue.start();
        queue.add('key');
        queue.add('key');
      },
    });
    const life = await processes[0]?.run(watcher().plugin);
    await clock.step(0);
    await processes[1]?.run(plugin);
    await clock.step(1_000);
    assert.deepEqual(worked, []);
    await life?.dispose();
    await clock.step(0);
    assert.deepEqual(worked, ['key']);
  });

  it('that is absent is activated when it leads and disposed when it does not', async () => {
    const { clock, processes } = setUp('a', 'b');
    const log: string[] = [];
    const plugin = (by: string) =>
      definePlugin({
        name: 'absent',
        leader: NAME,
        standby: 'absent',
        activate(ctx) {
          log.push(`${by} on`);
          ctx.onDispose(() => void log.push(`${by} off`));
        },
      });
    const first = await processes[0]?.run(plugin('a'));
    await clock.step(0);
    await processes[1]?.run(plugin('b'));
    await clock.step(1_000);
    assert.deepEqual(log.splice(0), ['a on']);
    processes[0]?.pause();
    await clock.step(leaseDurationMs);
    processes[0]?.resume();
    await clock.step(0);
    assert.deepEqual(log.splice(0), ['b on', 'a off']);
    await first?.dispose();
    assert.deepEqual(log, []);
  });

  it('that is absent is activated again when that failed', async () => {
    const { clock, kernel, processes } = setUp('a');
    let attempts = 0;
    await processes[0]?.run(
      definePlugin({
        name: 'failing',
        leader: NAME,
        standby: 'absent',
        activate() {
          if (++attempts < 3) throw new Error('not yet');
        },
      }),
    );
    await clock.step(10_000);
    assert.equal(attempts, 3);
    const errors = kernel.logs.filter(({ level }) => level === 'error');
    assert.equal(errors.length, 2);
  });

  it('stops what it does before it gives the lease back', async () => {
    const { clock, kernel, processes } = setUp('a');
    let finish = () => {};
    const plugin = controller<ConfigMap>({
      name: 'busy',
      leader: NAME,
      for: ConfigMap,
      reconcile: async () => {
        await new Promise<void>(resolve => {
          finish = resolve;
        });
        return undefined;
      },
    });
    kernel.add(ConfigMap, configMap('key'));
    const life = await processes[0]?.run(plugin);
    await clock.step(0);
    const disposed = life?.dispose();
    await clock.step(0);
    const holder = () => kernel.get(Lease, `kube-system/${NAME}`)?.spec?.holderIdentity;
    assert.equal(holder(), 'a');
    finish();
    await disposed;
    assert.equal(holder(), '');
  });
});

type Step =
  | { readonly type: 'wait'; readonly ms: number }
  | {
      readonly type: 'pause' | 'resume' | 'lose' | 'answer' | 'stop' | 'touch';
      readonly process: number;
    };

const PROCESSES = ['a', 'b', 'c'];

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    fc.record({ type: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 20_000 }) }),
    fc.record({
      type: fc.constantFrom('pause', 'resume', 'lose', 'answer', 'stop', 'touch'),
      process: fc.nat({ max: PROCESSES.length - 1 }),
    }),
  ),
  { maxLength: 25 },
);

/** It writes all the time, after a pause in which much can happen. */
function scribbler() {
  return controller<ConfigMap>({
    name: 'scribbler',
    leader: NAME,
    for: ConfigMap,
    async reconcile(key, { objects, clock }) {
      await new Promise<void>(resolve => clock.setTimeout(resolve, 700));
      await objects.patch(ConfigMap, key, { data: { at: String(clock.now()) } });
      return { requeueAfter: 800 };
    },
  });
}

it('no write of who does not hold the lease is ever done, however processes pause and fail', async () => {
  await fc.assert(
    fc.asyncProperty(steps, async history => {
      const { clock, kernel, start } = setUp();
      const wrong: string[] = [];
      let done = 0;
      const processes = PROCESSES.map((identity, i) =>
        start(identity, {
          skewMs: i * 60_000,
          onWrite({ request, ok, by, holder }) {
            if (!ok || request.resource !== 'configmaps') return;
            done++;
            if (holder(NAME) !== by) wrong.push(`${by} while ${holder(NAME)} holds the lease`);
          },
        }),
      );
      kernel.add(ConfigMap, configMap('key'));
      const lives = [];
      for (const process of processes) lives.push(await process.run(scribbler()));
      for (const step of history) {
        if (step.type === 'wait') {
          await clock.step(step.ms);
          continue;
        }
        const process = processes[step.process];
        if (step.type === 'pause') process?.pause();
        else if (step.type === 'resume') process?.resume();
        else if (step.type === 'lose' && process) process.losesAnswers = true;
        else if (step.type === 'answer' && process) process.losesAnswers = false;
        else if (step.type === 'touch') {
          kernel.modify(ConfigMap, 'default/key', object => {
            object.metadata.labels = { touched: String(clock.now()) };
          });
        } else if (step.type === 'stop' && lives[step.process]) {
          void lives[step.process]?.dispose();
          await clock.step(0);
          lives[step.process] = await (process as TestProcess).run(scribbler());
        }
      }
      assert.deepEqual(wrong, []);
      for (const process of processes) {
        process.losesAnswers = false;
        process.resume();
      }
      await clock.step(2 * leaseDurationMs);
      const before = done;
      await clock.step(leaseDurationMs);
      assert.ok(done > before, 'in the end somebody leads');
      assert.deepEqual(wrong, []);
    }),
    { numRuns: 20 },
  );
});
