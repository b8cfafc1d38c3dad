import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { createCluster } from 'kernetes';
import { Namespace } from 'kernetes/sdk';
import { seededRandom } from 'kernetes/sdk/testing';
import { hasEtcd, startEtcd } from '../../kernel/store/etcd-testing.ts';
import { Server } from '../bench/server.ts';
import type { History } from './history.ts';
import { violations } from './history-checker.ts';
import { Recorder } from './history-recorder.ts';
import { apiOnly } from './profiles.ts';

/** A failure is looked for again with the seed that it printed; its timing is another. */
const SEED = Number(process.env.KERNETES_LINEARIZABILITY_SEED ?? 1);
const OPERATIONS = Number(process.env.KERNETES_LINEARIZABILITY_OPERATIONS ?? 3_000);
const RESTARTS = Number(process.env.KERNETES_LINEARIZABILITY_RESTARTS ?? 1);
const WRITERS = 8;

describe(`what clients see is one sequence of changes (seed ${SEED})`, { timeout: 600_000 }, () => {
  it('through clients that drop connections, and servers that are killed', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'kernetes-linearizability-'));
    const args = ['--nodes', '0'];
    const start = () => Server.start({ folder, args, fromSource: true });
    let server = await start();
    const recorder = new Recorder([server.kubeconfig], seededRandom(SEED));
    try {
      const restart = async () => {
        recorder.pause();
        await server.kill();
        server = await start();
        recorder.resume();
      };
      const restartAt = Array.from({ length: RESTARTS }, (_, i) =>
        Math.round((OPERATIONS * (i + 1)) / (RESTARTS + 1)),
      );
      await recorder.run({ operations: OPERATIONS, writers: WRITERS, restart, restartAt });
      assertSeen(recorder);
    } finally {
      recorder.close();
      await server.stop();
      rmSync(folder, { recursive: true, force: true });
    }
  });

  const skip = hasEtcd() ? false : 'there is no etcd';
  it('through two kernels on one etcd', { skip }, async () => {
    const etcd = await startEtcd();
    const options = { profile: apiOnly(), etcd: [etcd.endpoint] };
    const clusters = [await createCluster(options), await createCluster(options)] as const;
    await clusters[0].objects.create(Namespace, { metadata: { name: 'default' } });
    const recorder = new Recorder(
      await Promise.all(clusters.map(cluster => cluster.kubeconfig())),
      seededRandom(SEED),
    );
    try {
      await recorder.run({ operations: Math.ceil(OPERATIONS / 2), writers: WRITERS });
      assertSeen(recorder);
    } finally {
      recorder.close();
      await Promise.all(clusters.map(cluster => cluster.close()));
      await etcd.dispose();
    }
  });
});

function assertSeen(recorder: Recorder): void {
  assert.deepEqual(violations(recorder.history), [], `seed ${SEED}`);
  assert.notDeepEqual(violations(withoutOneEvent(recorder.history)), [], 'The checker is blind');
  // A run in which nothing happened would show nothing.
  const counts = recorder.counts();
  assert.ok(Math.min(...Object.values(counts)) > 0, JSON.stringify(counts));
}

/** As if one watch had missed something. */
function withoutOneEvent({ calls, segments: [first, ...others] }: History): History {
  if (first === undefined) return assert.fail('Nothing was watched');
  const middle = Math.floor(first.events.length / 2);
  const events = first.events.filter((_, index) => index !== middle);
  return { calls, segments: [{ ...first, events }, ...others] };
}
