import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { startTestHost, testdata } from './pool-testing.ts';

const SECRET = 'the-canary-sings';
const SECRET_ENV = 'KERNETES_TEST_CANARY';

/** Things in reach of an attack, and whether it reached them. */
async function openCanaries() {
  const folder = mkdtempSync(join(tmpdir(), 'kernetes-canary-'));
  const file = join(folder, 'secret');
  writeFileSync(file, SECRET);
  process.env[SECRET_ENV] = SECRET;
  let connections = 0;
  const server = createServer(socket => {
    connections++;
    socket.destroy();
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  const marker = join(folder, 'marker');
  return {
    folder,
    targets: { file, port, marker, addon: findAddon(), env: SECRET_ENV },
    assertUntouched() {
      assert.equal(connections, 0, 'a socket was opened');
      assert.equal(existsSync(marker), false, 'a process ran');
    },
    close() {
      server.close();
      rmSync(folder, { recursive: true });
      delete process.env[SECRET_ENV];
    },
  };
}

/** A real addon: what is refused must be able to load. */
function findAddon(): string {
  const scope = new URL('../../node_modules/@lmdb/', import.meta.url).pathname;
  for (const folder of readdirSync(scope)) {
    const addon = readdirSync(join(scope, folder)).find(name => name.endsWith('.node'));
    if (addon) return join(scope, folder, addon);
  }
  throw new Error('Cannot find an addon: the package lmdb is not installed');
}

/** Errors that Node or V8 throws before a guard of ours is asked. */
const NOT_OURS = [
  'ERR_VM_DYNAMIC_IMPORT_CALLBACK_MISSING',
  'ERR_VM_DYNAMIC_IMPORT_CALLBACK_MISSING_FLAG',
];

for (const placement of ['worker', 'process'] as const) {
  test(`a plugin without grants reaches nothing (${placement})`, async t => {
    const canaries = await openCanaries();
    t.after(() => canaries.close());
    const { host, link, exits } = await startTestHost({
      files: { 'test.attacker': testdata('attacker.ts') },
      placement,
    });
    await host.activate('test.attacker', canaries.targets);
    await host.deactivate('test.attacker');
    canaries.assertUntouched();
    assert.deepEqual(exits, []);
    assert.ok(link.logs.length > 130);
    for (const { message, fields } of link.logs) {
      await t.test(message, () => {
        assert.doesNotMatch(JSON.stringify(fields), new RegExp(SECRET));
        if (message === 'through console') return;
        if (fields.loot === '') return;
        assert.equal(fields.loot, undefined, 'the attack got something');
        if (message.startsWith('patch of')) return;
        if (message.includes('with require') || message.includes('mainModule')) return;
        if (message.includes('set anew')) return;
        if (NOT_OURS.includes(String(fields.code))) return;
        assert.equal(fields.code, 'ERR_NOT_CAPABLE', String(fields.message));
        assert.match(String(fields.message), /^Plugin "test.attacker" cannot /);
      });
    }
    await host.stop();
  });
}
