import type { Guard } from './guard.ts';

/**
 * Makes Node's own objects refuse, in place, what plugins must not do: should one of them leak
 * into a plugin's hands by some path that the guards missed, it is of no use. Sockets above all,
 * since the permission model knows nothing of them.
 */
export function closeWaysOut({
  guard,
  load,
  realProcess,
}: {
  readonly guard: Guard;
  readonly load: (name: string) => unknown;
  readonly realProcess: object;
}): void {
  keepEmitter(realProcess, load('events') as { prototype: object });
  close(realProcess, PROCESS_MEMBERS, 'process', guard);
  for (const [module, members] of MODULE_MEMBERS) close(load(module), members, module, guard);
  for (const [module, classes] of CLASS_MEMBERS) {
    const exported = load(module) as Record<string, { prototype?: unknown } | undefined>;
    for (const [name, members] of Object.entries(classes)) {
      close(exported[name]?.prototype, members, `${module}.${name}`, guard);
    }
  }
}

/**
 * Node emits on `process` when a thread fails and ends, and what throws there ends all threads.
 * So `process` gets for its own the methods that plugins can change on the emitter's prototype.
 */
function keepEmitter(realProcess: object, { prototype }: { prototype: object }): void {
  for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(prototype))) {
    if (typeof value !== 'function' || name === 'constructor') continue;
    Object.defineProperty(realProcess, name, { value, writable: false, configurable: false });
  }
}

function close(target: unknown, members: readonly string[], path: string, guard: Guard): void {
  if ((typeof target !== 'object' && typeof target !== 'function') || target === null) return;
  for (const name of members) {
    if (!(name in target)) continue;
    const value = guard.refusing(`${path}.${name}`);
    Object.defineProperty(target, name, { value, writable: false, configurable: false });
  }
}

/**
 * Those that Node's internals need are left. `exit` is one: a thread that fails calls it to end
 * itself, and where it then throws the whole process ends.
 */
const PROCESS_MEMBERS = [
  '_debugEnd',
  '_debugProcess',
  '_eval',
  '_getActiveHandles',
  '_getActiveRequests',
  '_kill',
  '_linkedBinding',
  '_preload_modules',
  '_startProfilerIdleNotifier',
  '_stopProfilerIdleNotifier',
  'abort',
  'binding',
  'chdir',
  'dlopen',
  'execve',
  'getActiveResourcesInfo',
  'getBuiltinModule',
  'getegid',
  'geteuid',
  'getgid',
  'getgroups',
  'getuid',
  'initgroups',
  'kill',
  'loadEnvFile',
  'mainModule',
  'openStdin',
  'report',
  'setegid',
  'seteuid',
  'setgid',
  'setgroups',
  'setuid',
  'setUncaughtExceptionCaptureCallback',
  'stdin',
  'title',
  'umask',
];

const MODULE_MEMBERS: readonly (readonly [string, readonly string[]])[] = [
  ['module', ['_load', 'createRequire', 'register', 'registerHooks', 'runMain']],
  ['net', ['connect', 'createConnection', 'createServer', '_createServerHandle']],
  ['dgram', ['createSocket', '_createSocketHandle']],
];

const CLASS_MEMBERS: readonly (readonly [string, Readonly<Record<string, readonly string[]>>])[] = [
  ['module', { Module: ['require', 'load', '_compile'] }],
  ['net', { Socket: ['connect'], Server: ['listen'] }],
  ['dgram', { Socket: ['bind', 'connect', 'send', 'addMembership'] }],
];
