import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { until } from './eventually.ts';
import { Wire } from './wire.ts';

/** What somebody sees who types `kernetes …`: the built program, in a process of its own. */
const PROGRAM = join(import.meta.dirname, '../../dist/kernetes.js');
const READY = /^ready in \d+ ms: (https:\/\/\S+) \(export KUBECONFIG=(\S+)\)$/m;

let folder: string;
const children = new Set<ChildProcess>();

before(() => {
  folder = mkdtempSync(join(tmpdir(), 'kernetes-start-'));
});

after(() => {
  for (const child of children) child.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

/** A run of the command; `exited` gives its code and what it wrote. */
class Run {
  out = '';
  err = '';
  readonly exited: Promise<number | null>;
  readonly #child: ChildProcess;

  constructor(...args: readonly string[]) {
    this.#child = spawn(process.execPath, [PROGRAM, ...args], { cwd: folder });
    children.add(this.#child);
    this.#child.stdout?.on('data', data => {
      this.out += data;
    });
    this.#child.stderr?.on('data', data => {
      this.err += data;
    });
    this.exited = once(this.#child, 'close').then(([code]) => {
      children.delete(this.#child);
      return code as number | null;
    });
  }

  async ready(): Promise<string> {
    await this.#shown(() => this.out.includes('ready in'));
    return READY.exec(this.out)?.[2] ?? assert.fail(`No line "ready in": ${this.out}`);
  }

  async applied(count: number): Promise<void> {
    await this.#shown(() => this.out.split('applied ').length > count || this.err !== '');
  }

  /** Resolves to the exit code; rejects when that takes longer than the command promises. */
  async stop(signal: 'SIGINT' | 'SIGTERM'): Promise<number | null> {
    const started = performance.now();
    this.#child.kill(signal);
    const code = await this.exited;
    assert.ok(performance.now() - started < 2_000, 'It took longer than 2 s to stop');
    return code;
  }

  kill(): Promise<number | null> {
    this.#child.kill('SIGKILL');
    return this.exited;
  }

  async #shown(condition: () => boolean): Promise<void> {
    const gone = this.exited.then(code => {
      assert.ok(condition(), `It ended with exit code ${code}: ${this.out}${this.err}`);
    });
    while (!condition()) {
      const streams = [this.#child.stdout, this.#child.stderr];
      await Promise.race([gone, ...streams.map(stream => stream && once(stream, 'data'))]);
    }
  }
}

function up(data: string, ...args: readonly string[]): Run {
  return new Run('up', '--listen', '127.0.0.1:0', '--data', join(folder, data), ...args);
}

/** Failed, with one line on standard error that matches. */
async function assertRefused(run: Run, expected: RegExp): Promise<void> {
  assert.equal(await run.exited, 1);
  assert.match(run.err, expected);
  assert.equal(run.err.trimEnd().split('\n').length, 1, run.err);
}

test('up serves until SIGTERM, and finds everything again at the next start', async () => {
  const first = up('kept');
  const kubeconfig = join(folder, await first.ready());
  assert.equal(statSync(kubeconfig).mode & 0o777, 0o600);
  const nodes = await listOf(kubeconfig, '/api/v1/nodes');
  assert.equal(nodes.length, 3);
  const service = await get(kubeconfig, '/api/v1/namespaces/default/services/kubernetes');
  assert.equal(service.spec?.clusterIP, '10.96.0.1');
  assert.equal(await first.stop('SIGTERM'), 0);
  assert.equal(first.err, '');

  const second = up('kept');
  const again = join(folder, await second.ready());
  assert.equal(again, kubeconfig);
  const kept = await get(kubeconfig, '/api/v1/namespaces/default/services/kubernetes');
  assert.equal(kept.metadata.uid, service.metadata.uid);
  assert.equal(kept.metadata.resourceVersion, service.metadata.resourceVersion);
  assert.equal(await second.stop('SIGINT'), 0);
});

test('up goes on after SIGKILL', async () => {
  const first = up('killed', '--nodes', '0');
  const kubeconfig = join(folder, await first.ready());
  const body = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' } };
  const path = '/api/v1/namespaces/default/configmaps';
  const { code } = await new Wire(kubeconfig).send('POST', path, body);
  assert.equal(code, 201);
  await first.kill();
  const second = up('killed', '--nodes', '0');
  await second.ready();
  assert.equal((await get(kubeconfig, `${path}/a`)).metadata.name, 'a');
  assert.equal(await second.stop('SIGTERM'), 0);
});

const STUCK = `
  import { pbkdf2Sync } from 'node:crypto';
  const activate = () => void setTimeout(() => pbkdf2Sync('a', 'b', 2 ** 31 - 1, 64, 'sha512'), 1);
  export default { name: 'stuck', activate };`;

test('up ends, and says so, when a thread of a plugin cannot be ended', async () => {
  writeFileSync(join(folder, 'stuck.ts'), STUCK);
  const first = up('stuck', '--nodes', '0', '--plugin', 'stuck.ts');
  await first.ready();
  assert.notEqual(await first.exited, 0);
  assert.match(
    first.err,
    /^kernetes: Host "stuck" did not terminate within 5000 ms; .*start again/m,
  );
  // Everything was closed: there is nothing to wait for or to repair.
  const second = up('stuck', '--nodes', '0', '--plugin', 'stuck.ts');
  await second.ready();
  assert.notEqual(await second.stop('SIGTERM'), 0, 'it had to be killed');
});

test('up --memory keeps nothing, and writes the kubeconfig where it is told', async () => {
  const kubeconfig = join(folder, 'some/where/kubeconfig');
  const run = new Run('up', '--listen', '127.0.0.1:0', '--memory', '--kubeconfig', kubeconfig);
  await run.ready();
  assert.ok(existsSync(kubeconfig));
  assert.ok(!existsSync(join(folder, '.kernetes')));
  assert.equal(await run.stop('SIGINT'), 0);
});

test('up --apply says what it applied, and goes on after what it cannot', async () => {
  const manifest = join(folder, 'manifest.yaml');
  writeFileSync(
    manifest,
    'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: a }\n---\n' +
      'apiVersion: v1\nkind: Nothing\nmetadata: { name: b }\n',
  );
  const run = up('apply', '--nodes', '0', '--apply', manifest);
  await run.ready();
  await run.applied(2);
  assert.match(run.err, /^kernetes: Cannot apply \S+manifest.yaml: .*no kind Nothing of v1/);
  assert.equal(await run.stop('SIGTERM'), 0);
});

test('up --quiet prints nothing', async () => {
  const kubeconfig = join(folder, 'quiet/kubeconfig');
  const run = up('quiet', '--nodes', '0', '--quiet');
  await until(async () => existsSync(kubeconfig));
  assert.equal(await run.stop('SIGTERM'), 0);
  assert.equal(run.out + run.err, '');
});

test('a second up on the same data is refused', async () => {
  const first = up('locked', '--nodes', '0');
  await first.ready();
  await assertRefused(up('locked'), /Cannot open the database in \S+: process \d+ uses it$/m);
  assert.equal(await first.stop('SIGTERM'), 0);
});

test('a port in use is refused', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  const run = new Run('up', '--memory', '--listen', `127.0.0.1:${port}`);
  await assertRefused(
    run,
    /Cannot listen on 127.0.0.1:\d+: the port is in use; choose another address with --listen$/m,
  );
  server.close();
});

const broken = 'export default { name: "broken", activate() { throw new Error("my fault"); } };';
const REFUSED: { name: string; args: string[]; files?: Record<string, string>; says: RegExp }[] = [
  {
    name: 'an unknown flag',
    args: ['--nope'],
    says: /Unknown option '--nope': see kernetes --help/,
  },
  { name: 'a number that is none', args: ['--nodes', 'x'], says: /--nodes <n>' argument 'x'/ },
  {
    name: 'a profile that is not there',
    args: ['--profile', 'no.yaml'],
    says: /Cannot read the profile \S+no.yaml: ENOENT/,
  },
  {
    name: 'a profile that is none',
    args: ['--profile', 'wrong.yaml'],
    files: { 'wrong.yaml': 'plugin: []' },
    says: /Profile \S+wrong.yaml is wrong: /,
  },
  {
    name: 'a plugin that is not in the package',
    args: ['--profile', 'other.yaml'],
    files: { 'other.yaml': 'plugins: [{ name: no.such }]' },
    says: /There is no built-in plugin "no.such"/,
  },
  {
    name: 'a plugin that is not there',
    args: ['--plugin', 'no.ts'],
    says: /Cannot load the plugin \S+no.ts: there is no such file/,
  },
  {
    name: 'a plugin with a mistake of syntax',
    args: ['--plugin', 'syntax.ts'],
    files: { 'syntax.ts': 'export default {' },
    says: /Cannot bundle syntax: \S*syntax.ts:1: /,
  },
  {
    name: 'a plugin that is none',
    args: ['--plugin', 'empty.ts'],
    files: { 'empty.ts': 'export default 1' },
    says: /plugin\/empty: .*no plugin definition/,
  },
  {
    name: 'a plugin that throws when it is activated',
    args: ['--plugin', 'broken.ts'],
    files: { 'broken.ts': broken },
    says: /plugin\/broken: my fault/,
  },
  {
    name: 'a grant to nobody',
    args: ['--grant', 'nobody'],
    says: /Something is granted to "nobody": there are only the plugins /,
  },
  {
    name: 'ranges that overlap',
    args: ['--service-cidr', '10.244.128.0/17'],
    says: /The service CIDR 10.244.128.0\/17 and the pod network CIDR 10.244.0.0\/16 overlap/,
  },
  {
    name: 'a range that is none',
    args: ['--pod-network-cidr', 'fd00::/8'],
    says: /The pod network CIDR is "fd00::\/8": want an IPv4 range/,
  },
  {
    name: 'an address that is none',
    args: ['--listen', 'x:y:z'],
    says: /The address to listen on is "x:y:z": want HOST:PORT/,
  },
  { name: 'two places to keep the data', args: ['--etcd', 'http://x'], says: /--data and --etcd/ },
];

for (const { name, args, files = {}, says } of REFUSED) {
  test(`up refuses ${name} in one line`, async () => {
    for (const [file, text] of Object.entries(files)) writeFileSync(join(folder, file), text);
    const run = up('refused', '--nodes', '0', ...args);
    await assertRefused(run, says);
    assert.doesNotMatch(run.err, /^ {4}at /m);
  });
}

test('an unknown command is refused, and --version and --help are answered', async () => {
  await assertRefused(new Run('down'), /Unknown command 'down': see kernetes --help/);
  const version = new Run('--version');
  assert.equal(await version.exited, 0);
  const { version: wanted } = JSON.parse(
    readFileSync(join(import.meta.dirname, '../../package.json'), 'utf8'),
  ) as { version: string };
  assert.equal(version.out, `${wanted}\n`);
  const help = new Run('up', '--help');
  assert.equal(await help.exited, 0);
  assert.match(help.out, /--pod-network-cidr/);
});

interface Seen {
  readonly metadata: {
    readonly name: string;
    readonly uid: string;
    readonly resourceVersion: string;
  };
  readonly spec?: { readonly clusterIP?: string };
}

async function get(kubeconfig: string, path: string): Promise<Seen> {
  const { code, body } = await new Wire(kubeconfig).send('GET', path);
  assert.equal(code, 200, JSON.stringify(body));
  return body as Seen;
}

async function listOf(kubeconfig: string, path: string): Promise<Seen[]> {
  const { body } = await new Wire(kubeconfig).send('GET', path);
  return (body as { items: Seen[] }).items;
}
