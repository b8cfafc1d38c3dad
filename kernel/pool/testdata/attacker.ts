import * as childProcess from 'node:child_process';
import * as fs from 'node:fs';
import * as nodeModule from 'node:module';
import * as net from 'node:net';
import * as workers from 'node:worker_threads';
import { definePlugin } from 'kernetes/sdk';

interface Targets {
  readonly file: string;
  readonly port: number;
  readonly marker: string;
  readonly addon: string;
  readonly env: string;
}

type Way = (name: string) => unknown;
// biome-ignore lint/suspicious/noExplicitAny: the attacker takes what it gets.
type Loot = any;

const STATIC: Record<string, unknown> = {
  fs,
  net,
  child_process: childProcess,
  worker_threads: workers,
  module: nodeModule,
};

const LITERAL: Record<string, () => Promise<unknown>> = {
  fs: () => import('node:fs'),
  net: () => import('node:net'),
  child_process: () => import('node:child_process'),
  worker_threads: () => import('node:worker_threads'),
  module: () => import('node:module'),
};

/** How a plugin could come by a module. */
const WAYS: Record<string, Way> = {
  'static import': name => STATIC[name],
  'literal dynamic import': name => LITERAL[name]?.(),
  'computed dynamic import': name => import(`node:${name}`),
  getBuiltinModule: name => process.getBuiltinModule(`node:${name}` as never),
  'process.binding': name => (process as Loot).binding(name === 'net' ? 'tcp_wrap' : name),
  'process._linkedBinding': name => (process as Loot)._linkedBinding(name),
  createRequire: name => nodeModule.createRequire('/tmp/x.js')(`node:${name}`),
  'Function with import': name => Function('name', 'return import(name)')(`node:${name}`),
  'Function with getBuiltinModule': name =>
    Function('name', 'return process.getBuiltinModule(name)')(name),
  'Function with require': name => Function('name', 'return require(name)')(name),
  // biome-ignore lint/security/noGlobalEval: that is the attack.
  'direct eval with import': name => eval(`import('node:${name}')`),
  'indirect eval with import': name => (0, eval)(`import('node:${name}')`),
  'eval as a timer': name => asCallback(done => setTimeout(eval, 0, done(name))),
  'eval as a tick': name => asCallback(done => process.nextTick(eval, done(name))),
  'eval as a reaction': name =>
    asCallback(done => Promise.resolve(done(name)).then(eval as never)),
  'Function by map': name =>
    [`return import('node:${name}')`].map(code => Reflect.construct(Function, [code]))[0]?.(),
  'AsyncFunction of a host function': name =>
    (async () => {}).constructor('name', 'return import(name)')(`node:${name}`),
  'constructor of a host function': name =>
    (process.nextTick as Loot).constructor('return process')().getBuiltinModule(name),
  'mainModule.require': name => (process as Loot).mainModule.require(name),
  'Module._load': name => (nodeModule as Loot)._load(name),
};

function asCallback(start: (code: (name: string) => string) => void): Promise<unknown> {
  return new Promise((resolve, reject) => {
    Object.assign(globalThis, { resolveLoot: resolve, rejectLoot: reject });
    start(name => `import('node:${name}').then(resolveLoot, rejectLoot)`);
  });
}

/** What it then does with the module. */
const EFFECTS: Record<string, { module: string; run(module: Loot, targets: Targets): unknown }> = {
  'reads a file': { module: 'fs', run: (m, { file }) => m.readFileSync(file, 'utf8') },
  'opens a socket': {
    module: 'net',
    run: (m, { port }) =>
      new Promise((resolve, reject) => {
        const socket = m.connect(port, '127.0.0.1', () => resolve('connected'));
        socket.on('error', reject);
      }),
  },
  'spawns a process': {
    module: 'child_process',
    run: (m, { marker }) => m.execFileSync('touch', [marker]),
  },
  'starts a worker': {
    module: 'worker_threads',
    run: m => new m.Worker('0', { eval: true }) && 'started',
  },
  'loads an addon': {
    module: 'module',
    run: (m, { addon }) => m.createRequire('/tmp/x.js')(addon) && 'loaded',
  },
};

const WITHOUT_MODULE: Record<string, (targets: Targets) => unknown> = {
  'environment: process.env': ({ env }) => process.env[env],
  'environment: Function': ({ env }) => Function('env', 'return process.env[env]')(env),
  'environment: os.userInfo': async () => (await import('node:os')).userInfo().homedir,
  'console: its streams': () => {
    const stream = (console as Loot)._stdout;
    if (stream.fd !== undefined || stream._handle) return 'a real stream';
    return new stream.constructor().fd;
  },
  'console: Console of the real module': async () =>
    Object.keys(await import('node:console')).includes('_real') ? 'real' : undefined,
  'process.stdout': () => (process.stdout as Loot).fd,
  'process.report': () => (process as Loot).report?.getReport(),
  'process.dlopen': ({ addon }) => (process as Loot).dlopen({ exports: {} }, addon) ?? 'loaded',
  'process.kill': () => process.kill(process.ppid, 'SIGKILL'),
  'process.exit': () => process.exit(0),
  'process.abort': () => process.abort(),
  'process.chdir': () => process.chdir('/tmp'),
  fetch: async ({ port }) => (await fetch(`http://127.0.0.1:${port}/`)).status,
  'undici dispatcher': ({ port }) =>
    (globalThis as Loot)[Symbol.for('undici.globalDispatcher.1')].dispatch(
      { origin: `http://127.0.0.1:${port}`, path: '/', method: 'GET' },
      {},
    ),
  'undici dispatcher set anew': () => {
    void new Request('http://127.0.0.1/');
    Object.defineProperty(globalThis, Symbol.for('undici.globalDispatcher.1'), { value: 1 });
    return 'set';
  },
  WebSocket: ({ port }) =>
    new (globalThis as Loot).WebSocket(`ws://127.0.0.1:${port}/`) && 'opened',
  BroadcastChannel: () => new (globalThis as Loot).BroadcastChannel('x') && 'opened',
  MessageChannel: () => new (globalThis as Loot).MessageChannel() && 'opened',
  'http.get': async ({ port }) => (await import('node:http')).get(`http://127.0.0.1:${port}/`),
  'http2.connect': async ({ port }) =>
    (await import('node:http2')).connect(`http://127.0.0.1:${port}/`),
  'tls.connect': async ({ port }) => (await import('node:tls')).connect(port),
  'dgram.createSocket': async () => (await import('node:dgram')).createSocket('udp4') && 'made',
  'dns.lookup': async () => (await import('node:dns')).promises.lookup('localhost'),
  'net.Socket by fd': () => new net.Socket({ fd: 0 }) && 'made',
  'net.createServer': () => net.createServer().listen(0),
  'fs.promises': async ({ file }) => fs.promises.readFile(file, 'utf8'),
  'fs.openSync': ({ file }) => fs.openSync(file, 'r'),
  'fs.readSync of a descriptor': () => fs.readSync(0, new Uint8Array(1)),
  'fs by createReadStream': async ({ file }) => {
    for await (const chunk of fs.createReadStream(file)) return String(chunk);
    return undefined;
  },
  'fs by process.loadEnvFile': ({ file }) => (process as Loot).loadEnvFile(file) ?? 'loaded',
  'vm.runInNewContext': async () => (await import('node:vm')).runInThisContext('1'),
  'v8.setFlagsFromString': async () =>
    (await import('node:v8')).setFlagsFromString('--allow-natives-syntax') ?? 'set',
  'v8.writeHeapSnapshot': async () => (await import('node:v8')).writeHeapSnapshot('/tmp/x'),
  inspector: async () => new (await import('node:inspector')).Session().connect() ?? 'connected',
  cluster: async () => (await import('node:cluster')).default.fork(),
  WASI: async () => new (await import('node:wasi')).WASI({ version: 'preview1' }) && 'made',
  'async_hooks.createHook': async () =>
    (await import('node:async_hooks')).createHook({}).enable() && 'enabled',
  'diagnostics_channel of Node': async () => {
    const { channel } = await import('node:diagnostics_channel');
    return channel('net.client.socket').name === 'net.client.socket' ? 'shared' : undefined;
  },
  'crypto.setFips': async () => (await import('node:crypto')).setFips(true) ?? 'set',
  'node:sqlite': async () => {
    const { DatabaseSync } = process.getBuiltinModule('node:sqlite' as never) as Loot;
    return new DatabaseSync('/tmp/kernetes-attack.db') && 'opened';
  },
};

/** Changes to shared objects; they may be refused or not, but must not get at anything. */
const PATCHES: Record<string, () => unknown> = {
  'Function.prototype.apply': () => {
    Function.prototype.apply = function (this: Loot, ...args: Loot[]) {
      seen.push(this, ...args);
    } as never;
  },
  'Function.prototype.call': () => {
    Function.prototype.call = function (this: Loot, ...args: Loot[]) {
      seen.push(this, ...args);
    } as never;
  },
  'Promise.prototype.then': () => {
    const own = Promise.prototype.then;
    // biome-ignore lint/suspicious/noThenProperty: that is the attack.
    Promise.prototype.then = function (this: Loot, ...args: Loot[]) {
      seen.push(this);
      return Reflect.apply(own, this, args);
    } as never;
  },
  'Array.prototype setter': () => {
    Object.defineProperty(Array.prototype, '0', {
      set(value) {
        seen.push(value);
      },
    });
  },
  'Object.prototype.toJSON': () => {
    Object.defineProperty(Object.prototype, 'toJSON', { value: () => ({ type: 'unwatch', id: 1 }) });
  },
  'EventTarget.prototype.dispatchEvent': () => {
    EventTarget.prototype.dispatchEvent = function (this: Loot) {
      seen.push(this);
      return true;
    };
  },
  'Map.prototype.get': () => {
    Map.prototype.get = () => undefined;
  },
};

const seen: unknown[] = [];

export default definePlugin<Targets>({
  name: 'test.attacker',
  async activate({ config, log }) {
    const report = async (name: string, attack: () => unknown) => {
      try {
        const loot = await attack();
        log.info(name, { loot: loot === undefined ? '' : `${typeof loot}: ${String(loot)}` });
      } catch (error) {
        const { code, message } = error as { code?: string; message: string };
        log.info(name, { code: code ?? '', message });
      }
    };
    for (const [effect, { module, run }] of Object.entries(EFFECTS)) {
      for (const [way, load] of Object.entries(WAYS)) {
        await report(`${effect} by ${way}`, async () => run(await load(module), config));
      }
    }
    for (const [name, attack] of Object.entries(WITHOUT_MODULE)) {
      await report(name, () => attack(config));
    }
    for (const [name, patch] of Object.entries(PATCHES)) {
      await report(`patch of ${name}`, patch);
    }
    console.log('through', 'console');
    await report('seen by patches', () => (seen.length > 0 ? seen : undefined));
  },
});
