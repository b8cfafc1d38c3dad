import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { type Cluster, createCluster, LoadError, type ProfileEntry } from 'kernetes';
import { ConfigMap, Deployment, Event, type LogFields, type Logger } from 'kernetes/sdk';

/**
 * A live cluster with one bad plugin: the rest serves all the time, and the bad one is told of by
 * name and started again.
 */
const TESTDATA = join(import.meta.dirname, 'testdata');

type Placement = 'worker' | 'process';
const BOTH: readonly Placement[] = ['worker', 'process'];

interface Failure {
  readonly how: string;
  readonly says: RegExp;
  readonly placements?: readonly Placement[];
}

/** While it is activated: there is no cluster then. */
const NO_STARTS: readonly Failure[] = [
  { how: 'throws', says: /my fault/ },
  { how: 'loops for ever', says: /did not answer for \d+ ms/ },
  { how: 'grows its heap', says: /memory/ },
  { how: 'never finishes', says: /not done within 10000 ms/, placements: ['worker'] },
];

/** It takes V8 a gigabyte to abort: the bound of the memory, or the time, may come first. */
const GIVEN_UP = /SIGABRT|SIGTRAP|bytes are resident|did not answer/;

/** Later. */
const FAILURES: readonly Failure[] = [
  { how: 'throws', says: /my fault/ },
  { how: 'rejects', says: /my fault/ },
  { how: 'loops for ever', says: /did not answer for \d+ ms/ },
  { how: 'grows its heap', says: /memory/ },
  // In a thread these would take the whole process with them.
  { how: 'makes V8 abort', says: GIVEN_UP, placements: ['process'] },
  { how: 'fills memory with buffers', says: /bytes are resident/, placements: ['process'] },
  { how: 'cannot be interrupted', says: /did not answer for \d+ ms/, placements: ['process'] },
];

// Most of it is waiting: for heartbeats that do not come, and for the back-off.
describe('a cluster with a failing plugin', { concurrency: 6 }, () => {
  for (const { how, says, placements = BOTH } of NO_STARTS) {
    for (const placement of placements) {
      it(`does not start when it ${how} while it is activated, in a ${placement}`, async () => {
        const { plugin, log } = failing({ how }, placement);
        const start = createCluster({ placement: 'default', nodes: 0, plugins: [plugin], log });
        await assert.rejects(start, (error: unknown) => {
          assert.ok(error instanceof LoadError);
          assert.match(error.message, /^plugin\/failing: [^\n]+$/);
          assert.match(error.message, says);
          return true;
        });
      });
    }
  }

  for (const { how, says, placements = BOTH } of FAILURES) {
    for (const placement of placements) {
      it(`serves, and starts it again, when it ${how}, in a ${placement}`, async () => {
        const { plugin, log } = failing({ how, later: true }, placement);
        await using cluster = await createCluster({ placement: 'default', plugins: [plugin], log });
        const serving = serve(cluster);
        // Only now, however slow the start was.
        await cluster.apply({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'fail' } });
        const lost = await log.line('A plugin host was lost');
        await rollOut(cluster);
        await log.line('A plugin host was started again');
        await serving.stop();
        assert.deepEqual(lost.plugins, ['failing']);
        assert.match(String((lost.error as Error).message), says);
      });
    }
  }

  for (const how of ['throws', 'dies', 'loops for ever', 'grows its heap']) {
    it(`schedules pods when a score ${how}`, async () => {
      const log = new RecordedLog();
      const plugin = { path: join(TESTDATA, 'failing-score.ts'), config: { how } };
      await using cluster = await createCluster({ placement: 'default', plugins: [plugin], log });
      const serving = serve(cluster);
      await rollOut(cluster, { bad: 'yes' });
      if (how !== 'dies') await eventOf(cluster, /^running plugin "Failing": /);
      if (how !== 'throws') {
        const { plugins } = await log.line('A plugin host was lost');
        assert.deepEqual(plugins, ['failing-score']);
        await log.line('A plugin host was started again');
      }
      await serving.stop();
    });
  }

  it('schedules pods when a contribution to the scheduler is nonsense', async () => {
    const { plugin, log } = failing({ how: 'contributes nonsense' }, 'worker');
    await using cluster = await createCluster({ placement: 'default', plugins: [plugin], log });
    await rollOut(cluster);
    const refused = log.find('Scheduler plugin cannot be used');
    assert.equal(refused?.reason, 'its points are no list of points');
    assert.equal(log.find('A plugin host was lost'), undefined);
  });
});

function failing(config: { how: string; later?: boolean }, placement: Placement) {
  const objects = [{ groups: [''], resources: ['configmaps'], verbs: ['list', 'watch'] }];
  const path = join(TESTDATA, 'failing.ts');
  const plugin: ProfileEntry = { path, config, placement, grants: { objects } };
  return { plugin, log: new RecordedLog() };
}

/** Two versions of a Deployment come up, one after the other. */
async function rollOut(cluster: Cluster, labels: Readonly<Record<string, string>> = {}) {
  for (const image of ['nginx:1', 'nginx:2']) {
    await cluster.apply({
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'web' },
      spec: {
        replicas: 2,
        selector: { matchLabels: { app: 'web' } },
        template: {
          metadata: { labels: { app: 'web', ...labels } },
          spec: { containers: [{ name: 'web', image }] },
        },
      },
    });
    await cluster.until({ kind: Deployment, name: 'web' }, ({ metadata, status = {} }) => {
      const { observedGeneration, updatedReplicas, availableReplicas, replicas } = status;
      if (observedGeneration !== metadata.generation) return false;
      return updatedReplicas === 2 && availableReplicas === 2 && replicas === 2;
    });
  }
}

/** Events come some time after what they tell of. */
async function eventOf(cluster: Cluster, message: RegExp): Promise<void> {
  const reason = ({ reason }: Event) => reason === 'SchedulerPluginFailed';
  for (;;) {
    const { items } = await cluster.objects.list(Event, { namespace: 'default' });
    const found = items.find(reason);
    if (found !== undefined) return assert.match(found.message ?? '', message);
    await pause();
  }
}

/** Writes and reads without a pause; `stop` rejects when one of it failed or had to wait. */
function serve(cluster: Cluster) {
  let isStopped = false;
  const work = async () => {
    let slowestMs = 0;
    for (let i = 0; !isStopped; i++) {
      const started = performance.now();
      const metadata = { namespace: 'default', name: `serve-${i}` };
      await cluster.objects.create(ConfigMap, { metadata });
      await cluster.objects.get(ConfigMap, metadata);
      slowestMs = Math.max(slowestMs, performance.now() - started);
      // The test's own plugins share the machine with it.
      await pause();
    }
    return slowestMs;
  };
  const working = work();
  working.catch(() => undefined);
  return {
    async stop() {
      isStopped = true;
      const slowestMs = await working;
      assert.ok(slowestMs < ANSWER_MS_MAX, `An answer took ${slowestMs} ms`);
    },
  };
}

function pause(): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, 10));
}

/** A heartbeat is missed three times, two seconds apart: who waited for the plugin waited longer. */
const ANSWER_MS_MAX = 4_000;

class RecordedLog implements Logger {
  readonly lines: (LogFields & { readonly message: string })[] = [];
  readonly #waiting = new Set<() => void>();

  debug(): void {}
  info(): void {}

  warn(message: string, fields: LogFields = {}): void {
    this.lines.push({ ...fields, message });
    for (const look of this.#waiting) look();
  }

  error(message: string, fields: LogFields = {}): void {
    this.warn(message, fields);
  }

  find(message: string): LogFields | undefined {
    return this.lines.find(line => line.message === message);
  }

  /** The first line that says this, when it comes. */
  line(message: string): Promise<LogFields> {
    return new Promise(resolve => {
      const look = () => {
        const line = this.find(message);
        if (line === undefined) return;
        this.#waiting.delete(look);
        resolve(line);
      };
      this.#waiting.add(look);
      look();
    });
  }
}
