import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { backendConformance } from './backend-conformance.ts';
import { Collector, commitOne, list, put } from './backend-testing.ts';
import { LockedError } from './directory-lock.ts';
import { openLmdb } from './lmdb.ts';

const CHILD = fileURLToPath(new URL('./lmdb-child.ts', import.meta.url));
/** How often the crash test kills; more with KERNETES_CRASH_ROUNDS. */
const CRASH_ROUNDS = Number(process.env.KERNETES_CRASH_ROUNDS ?? 3);

backendConformance(
  'lmdb',
  async () => {
    const path = await makeDirectory();
    let backend = await openLmdb({ path });
    return {
      backend,
      prefix: '/test/',
      reopen: async () => {
        await backend.close();
        backend = await openLmdb({ path });
        return backend;
      },
      dispose: async () => {
        await backend.close();
        await rm(path, { recursive: true });
      },
    };
  },
  { histories: 20 },
);

describe('lmdb', () => {
  const test = (
    title: string,
    body: (path: string) => Promise<void>,
    skip: string | false = false,
  ) =>
    it(title, { skip, timeout: 120_000 }, async () => {
      const path = await makeDirectory();
      try {
        await body(path);
      } finally {
        await rm(path, { recursive: true, force: true });
      }
    });

  const noStrace = spawnSync('strace', ['-V']).status === 0 ? false : 'there is no strace here';
  test('acknowledges after the flush to disk', flushesFirst, noStrace);
  test(`keeps what it acknowledged when it is killed, ${CRASH_ROUNDS} times`, survivesKills);
  test('fails for good when the disk is full, and keeps what it acknowledged', survivesFullDisk);
  test('keeps a second opener out', locks);
  test('takes over from a dead process', takesOver);
  test('says what is wrong with a directory', refusesBadDirectories);
  test('does not grow for ever', reusesSpace);
});

/** Every acknowledgement has a flush of the pages and a synchronous write of the root before it. */
async function flushesFirst(path: string): Promise<void> {
  const trace = join(path, 'trace');
  const calls = 'trace=fdatasync,fsync,msync,openat,pwrite64,pwritev,write,writev';
  const program = [process.execPath, '--import', 'tsx', CHILD, join(path, 'data'), '1', '40'];
  const args = ['-f', '-s', '16', '-o', trace, '-e', calls, ...program];
  const { status } = spawnSync('strace', args, { env: process.env });
  assert.equal(status, 0);
  const steps = readTrace(await readFile(trace, 'utf8'));
  const acknowledged = steps.split('A').slice(1, -1);
  assert.equal(steps.split('A').length - 1, 40);
  for (const before of acknowledged) assert.match(before, /P+F+R$/);
}

/** A letter a call: P a page, F a flush, R the root, A an acknowledgement. */
function readTrace(trace: string): string {
  let root = '';
  let data: string[] = [];
  let steps = '';
  for (const line of trace.split('\n')) {
    // A call that another thread interrupts counts when it has returned.
    if (line.includes('<unfinished')) {
      data.push(line.replace(/ *<unfinished.*/, ''));
      continue;
    }
    const thread = line.split(' ')[0];
    const begun = line.includes(' resumed>') && data.find(one => one.startsWith(`${thread} `));
    data = data.filter(one => one !== begun);
    const call = begun ? begun : line;
    const descriptor = call.match(/(?:pwrite64|pwritev|writev)\((\d+)/)?.[1];
    if (/openat.*data\.mdb.*O_DSYNC/.test(call)) root = line.match(/= (\d+)$/)?.[1] ?? root;
    else if (/ (fdatasync|fsync)\(/.test(call)) steps += 'F';
    else if (descriptor !== undefined) steps += descriptor === root ? 'R' : 'P';
    else if (/ write\(1, "\d+-\d+\\n/.test(call)) steps += 'A';
  }
  return steps;
}

async function survivesKills(path: string): Promise<void> {
  const acknowledged: string[] = [];
  for (let round = 0; round < CRASH_ROUNDS; round++) {
    const child = runChild(path, '32');
    let count = 0;
    for await (const line of createInterface({ input: child.stdout as NodeJS.ReadableStream })) {
      assert.match(line, /^open \d+$|^\d+-\d+$/);
      if (!line.startsWith('open')) acknowledged.push(line);
      if (++count === 1_000 + round * 37) child.kill('SIGKILL');
    }
    if (child.signalCode === null) await once(child, 'exit');
    assert.equal(child.signalCode, 'SIGKILL');
    await checkPairs(path, acknowledged);
  }
}

/** Every acknowledged pair is there, and none of the others is half there. */
async function checkPairs(path: string, acknowledged: readonly string[]): Promise<void> {
  const backend = await openLmdb({ path });
  const [a, b] = await Promise.all(['/a/', '/b/'].map(prefix => list(backend, prefix)));
  const rows = (prefix: string, items: unknown[][] = []) =>
    items.map(([key, ...rest]) => [String(key).slice(prefix.length), ...rest]);
  assert.deepEqual(rows('/a/', a), rows('/b/', b));
  const present = new Set(rows('/a/', a).map(([pair]) => pair));
  for (const pair of acknowledged) assert.ok(present.has(pair), `${pair} is lost`);
  const revisions = rows('/a/', a).map(row => Number(row[3]));
  const revision = await backend.revision();
  assert.deepEqual(
    revisions.sort((x, y) => x - y),
    Array.from({ length: revision - 1 }, (_, index) => index + 2),
  );
  await backend.close();
}

async function survivesFullDisk(path: string): Promise<void> {
  const command = `ulimit -f 4096; exec "$0" --import tsx "${CHILD}" "${path}" 8`;
  const child = spawn('bash', ['-c', command, process.execPath], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const acknowledged: string[] = [];
  let last = '';
  for await (const line of createInterface({ input: child.stdout })) {
    if (/^\d+-\d+$/.test(line)) acknowledged.push(line);
    last = line;
  }
  assert.match(last, new RegExp(`^Error: Cannot write to the database in ${path}: .+`));
  assert.ok(acknowledged.length > 100);
  await checkPairs(path, acknowledged);
}

async function locks(path: string): Promise<void> {
  const backend = await openLmdb({ path });
  await assert.rejects(openLmdb({ path }), (error: unknown) => {
    assert.ok(error instanceof LockedError);
    assert.equal(
      error.message,
      `Cannot open the database in ${path}: process ${process.pid} uses it`,
    );
    return error.pid === process.pid;
  });
  const child = runChild(path);
  const [line] = await once(
    createInterface({ input: child.stdout as NodeJS.ReadableStream }),
    'line',
  );
  assert.equal(
    line,
    `LockedError: Cannot open the database in ${path}: process ${process.pid} uses it`,
  );
  if (child.exitCode === null) await once(child, 'exit');
  await commitOne(backend, [put('/a', '1')]);
  await backend.close();
  const again = await openLmdb({ path });
  await again.close();
  assert.deepEqual(
    (await readdir(path)).filter(name => name.startsWith('held-by-')),
    [],
  );
}

async function takesOver(path: string): Promise<void> {
  const child = runChild(path);
  await once(createInterface({ input: child.stdout as NodeJS.ReadableStream }), 'line');
  await assert.rejects(openLmdb({ path }), new RegExp(`process ${child.pid} uses it`));
  child.kill('SIGKILL');
  await once(child, 'exit');
  // This process lives, but did not live when the claim with its pid was made.
  await writeFile(join(path, `held-by-${process.pid}-1-0-1`), '');
  const backend = await openLmdb({ path });
  assert.equal((await readdir(path)).filter(name => name.startsWith('held-by-')).length, 1);
  await backend.close();
}

async function refusesBadDirectories(path: string): Promise<void> {
  const file = join(path, 'file');
  await writeFile(file, 'text');
  await assert.rejects(openLmdb({ path: file }), message(file));
  const noise = join(path, 'noise');
  await (await openLmdb({ path: noise })).close();
  await writeFile(join(noise, 'data.mdb'), Buffer.alloc(65_536, 'noise'));
  await assert.rejects(openLmdb({ path: noise }), message(noise));
  const short = join(path, 'short');
  const backend = await openLmdb({ path: short });
  await commitOne(backend, [{ put: '/a', value: Buffer.alloc(100_000, 'a') }]);
  await backend.close();
  await truncate(join(short, 'data.mdb'), 40_960);
  await assert.rejects(async () => {
    const damaged = await openLmdb({ path: short });
    await damaged.range('/', '0').finally(() => damaged.close());
  }, /damaged|CORRUPTED|PAGE_NOTFOUND/);
  assert.deepEqual(
    (await readdir(short)).filter(name => name.startsWith('held-by-')),
    [],
  );
}

async function reusesSpace(path: string): Promise<void> {
  const backend = await openLmdb({ path });
  const churn = async () => {
    for (let i = 0; i < 2_000; i += 100) {
      const keys = Array.from({ length: 100 }, (_, index) =>
        put(`/a/${i + index}`, 'x'.repeat(1_000)),
      );
      await commitOne(backend, keys);
      await commitOne(
        backend,
        keys.map(one => ('put' in one ? { delete: one.put } : one)),
      );
    }
    await backend.compact(await backend.revision());
    return (await stat(join(path, 'data.mdb'))).size;
  };
  const collector = new Collector();
  const watch = backend.watch('/', await backend.revision(), collector);
  await churn();
  const settled = await churn();
  for (let round = 0; round < 5; round++) assert.ok((await churn()) <= settled * 1.25);
  await collector.until(await backend.revision());
  assert.equal(collector.ended, undefined);
  watch.close();
  await backend.close();
}

function runChild(path: string, committers = '1'): ChildProcess {
  const args = ['--import', 'tsx', CHILD, path, committers];
  return spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
}

function makeDirectory(): Promise<string> {
  return mkdtemp(join(tmpdir(), 'kernetes-lmdb-'));
}

function message(path: string): RegExp {
  return new RegExp(`^Error: Cannot open the database in ${path}: .+`);
}
