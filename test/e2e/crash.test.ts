import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { type Client, inParallel } from '../bench/client.ts';
import { Server } from '../bench/server.ts';

/** More with KERNETES_CRASH_ROUNDS: each round starts two servers. */
const ROUNDS = Number(process.env.KERNETES_CRASH_ROUNDS ?? 2);
const CREATES = 10_000;
const CONNECTIONS = 32;

interface ConfigMap {
  readonly metadata: {
    readonly name: string;
    readonly uid: string;
    readonly resourceVersion: string;
  };
  readonly data: Readonly<Record<string, string>>;
}

/** Creates until the connection breaks; what was acknowledged, by name. */
async function createUntilKilled(client: Client, onEach: (count: number) => void) {
  const acknowledged = new Map<string, ConfigMap>();
  let broken: unknown;
  await inParallel(CREATES, CONNECTIONS, async index => {
    if (broken) return;
    const name = `cm-${index}`;
    const body = {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name },
      data: { index: String(index), filler: 'x'.repeat(512) },
    };
    try {
      const answer = await client.call('POST', '/api/v1/namespaces/default/configmaps', body);
      // In lists objects stand without their kind.
      const { kind: _, apiVersion: __, ...object } = JSON.parse(answer.toString());
      acknowledged.set(name, object as ConfigMap);
      onEach(acknowledged.size);
    } catch (error) {
      broken ??= error;
    }
  });
  return { acknowledged, broken };
}

/** Those that the test made. */
async function listAll(client: Client): Promise<Map<string, ConfigMap>> {
  const answer = await client.call('GET', '/api/v1/namespaces/default/configmaps');
  const { items } = JSON.parse(answer.toString()) as { items: ConfigMap[] };
  // The cluster has one of its own there, its root certificate.
  const own = items.filter(({ metadata }) => metadata.name.startsWith('cm-'));
  return new Map(own.map(item => [item.metadata.name, item]));
}

for (let round = 1; round <= ROUNDS; round++) {
  // The rounds are spread over the work: early, in the middle, late.
  const killAt = Math.round((CREATES * (round - 0.5)) / ROUNDS);

  it(`SIGKILL after ${killAt} of ${CREATES} creates loses nothing acknowledged and halves nothing`, async () => {
    const folder = mkdtempSync(join(tmpdir(), 'kernetes-crash-'));
    const args = ['--nodes', '0'];
    try {
      const first = await Server.start({ folder, args, fromSource: true });
      const client = first.client(CONNECTIONS);
      let killing: Promise<void> | undefined;
      const { acknowledged, broken } = await createUntilKilled(client, count => {
        if (count >= killAt) killing ??= first.kill();
      });
      await (killing ?? first.kill());
      client.close();
      assert.ok(acknowledged.size >= killAt, String(broken));

      const second = await Server.start({ folder, args, fromSource: true });
      const after = second.client(CONNECTIONS);
      try {
        const found = await listAll(after);
        for (const [name, wanted] of acknowledged) assert.deepEqual(found.get(name), wanted);
        for (const { metadata, data } of found.values()) {
          assert.equal(data.filler?.length, 512);
          assert.equal(metadata.name, `cm-${data.index}`);
          assert.ok(metadata.uid && metadata.resourceVersion);
        }
        // At most what was under way, unanswered, is there beside it.
        assert.ok(found.size <= acknowledged.size + CONNECTIONS);
      } finally {
        after.close();
        await second.stop();
      }
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
}
