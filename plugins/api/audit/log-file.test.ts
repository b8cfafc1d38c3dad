import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fakeClock } from 'kernetes/sdk/testing';
import { LogFile } from './log-file.ts';

const log = { debug() {}, info() {}, warn() {}, error() {} };

describe('LogFile', () => {
  let folder = '';
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'audit-'));
  });
  after(() => rm(folder, { recursive: true, force: true }));

  const open = (name: string, more: object = {}) =>
    LogFile.open({
      path: join(folder, name, 'audit.log'),
      maxBytes: 0,
      maxBackups: 0,
      clock: fakeClock(),
      log,
      dropped: () => undefined,
      ...more,
    });

  it('has every line, in order, when it is closed', async () => {
    const file = await open('order');
    const lines = Array.from({ length: 1_000 }, (_, index) => `${index}\n`);
    for (const line of lines) file.write(line);
    await file.close();
    const text = await readFile(join(folder, 'order/audit.log'), 'utf8');
    assert.equal(text, lines.join(''));
  });

  it('puts a large file aside, and keeps so many', async () => {
    for (let round = 0; round < 4; round++) {
      const file = await open('rotate', { maxBytes: 10, maxBackups: 2 });
      file.write(`round ${round}\n`);
      await file.close();
    }
    const names = await readdir(join(folder, 'rotate'));
    assert.equal(names.filter(name => name.startsWith('audit-')).length, 2);
    assert.equal(await readFile(join(folder, 'rotate/audit.log'), 'utf8'), 'round 3\n');
  });

  it('counts each line that a broken rotation loses, and writes the next', async () => {
    await (await open('broken')).close();
    await writeFile(join(folder, 'broken/audit.log'), 'full');
    let lost = 0;
    let tell: () => void = () => undefined;
    const told = new Promise<void>(resolve => {
      tell = resolve;
    });
    const dropped = () => {
      if (++lost === 2) tell();
    };
    const file = await open('broken', { maxBytes: 5, dropped });
    await rm(join(folder, 'broken'), { recursive: true });
    file.write('lost 1\n');
    file.write('lost 2\n');
    await told;
    file.write('kept\n');
    await file.close();
    assert.equal(await readFile(join(folder, 'broken/audit.log'), 'utf8'), 'kept\n');
  });

  it('drops what would not fit into memory, and counts it', async () => {
    let dropped = 0;
    const file = await open('slow', {
      dropped: () => {
        dropped++;
      },
    });
    const line = 'x'.repeat(30 * 1024 * 1024);
    for (let n = 0; n < 3; n++) file.write(line);
    assert.equal(dropped, 1);
    await file.close();
  });

  it('says so when it cannot be written', async () => {
    await assert.rejects(
      LogFile.open({
        path: '/dev/null/audit.log',
        maxBytes: 0,
        maxBackups: 0,
        clock: fakeClock(),
        log,
        dropped: () => undefined,
      }),
    );
  });
});
