import type * as FileSystem from 'node:fs';
import type { BrokerClient } from './broker-client.ts';
import { closeWaysOut } from './closed-ways.ts';
import { Guard } from './guard.ts';
import { guardedFs } from './guarded-fs.ts';
import { GuardedModules } from './guarded-modules.ts';
import { guardedFetch, guardedNet } from './guarded-net.ts';
import { guardedConsole, guardedProcess } from './guarded-process.ts';
import { guardedRun } from './guarded-run.ts';
import { harden } from './harden.ts';
import type { HostStart } from './host-api.ts';

/**
 * What makes a thread a plugin's: takes away, before any of its code runs, all that reaches out of
 * it, and gives guarded forms of it. Layers, each of which should hold alone:
 *
 * 1. Code in the thread has no way to a module but `require` here: the host's script and the
 *    bundle are compiled without an import callback, so `import()` in them, and in what `eval` and
 *    `Function` make, is refused by V8; `process.getBuiltinModule` and its like are gone.
 * 2. Node's permission model (`permission-flags.ts`): files, processes, threads, addons, WASI,
 *    inspector, whoever asks.
 * 3. What of Node could still do harm if somebody got hold of it, above all sockets, about which
 *    the permission model knows nothing, refuses by itself (`closed-ways.ts`).
 * 4. Frozen intrinsics, and the other globals frozen here, so that the host's half of the thread
 *    runs its own code whatever plugins change.
 *
 * The plugins get no `vm` context of their own. Each object that the host hands in would lead back
 * by its constructor to the outer `Function`, so the outer realm has to be harmless all the same;
 * a second one would add a layer only where nothing at all is handed in, and classes that are not
 * equal everywhere else.
 */
export function confine(
  start: HostStart,
  { load, broker, log }: ConfineOptions,
): { readonly require: (specifier: unknown) => unknown; readonly importMeta: object } {
  const guard = new Guard(start.name, start.grants);
  const realProcess = process;
  const plugged = guardedProcess(realProcess, { guard, env: start.env, log });
  const special = new Map<string, (real: () => unknown) => unknown>([
    ['process', () => plugged],
    ['console', () => console],
    ['fs', real => guardedFs(real() as typeof FileSystem, guard, modules)],
    ['fs/promises', () => (modules.require('fs') as { promises: unknown }).promises],
    [
      'net',
      real => guardedNet(real() as Parameters<typeof guardedNet>[0], { guard, broker, modules }),
    ],
    ['child_process', () => guardedRun({ guard, broker, modules })],
    ...partlyFree(guard, name => modules.guarded(name)),
  ]);
  const modules = new GuardedModules({ guard, load, special });
  plugged.getBuiltinModule = modules.require;

  closeWaysOut({ guard, load, realProcess });
  harden({
    guard,
    replacements: {
      process: plugged,
      console: guardedConsole(log),
      fetch: guardedFetch(guard, broker),
    },
  });
  const importMeta = Object.freeze({
    url: `file:///${start.name}.js`,
    filename: `/${start.name}.js`,
    dirname: '/',
  });
  return { require: modules.require, importMeta };
}

export interface ConfineOptions {
  /** Node's own `require`. */
  readonly load: (name: string) => unknown;
  readonly broker: BrokerClient;
  /** Where `console` goes. */
  readonly log: (level: 'debug' | 'info' | 'warn' | 'error', message: string) => void;
}

type Members = Record<string, unknown>;

/** Guarded modules of which some members are harmless, and often used. */
function partlyFree(
  guard: Guard,
  guarded: (name: string) => unknown,
): [string, (real: () => unknown) => unknown][] {
  const pick = (
    name: string,
    members: readonly string[],
  ): [string, (real: () => unknown) => unknown] => [
    name,
    real => {
      const copy = guarded(name) as Members;
      for (const member of members) copy[member] = (real() as Members)[member];
      return copy;
    },
  ];
  return [
    // Hooks would see the host's ports.
    pick('async_hooks', ['AsyncLocalStorage', 'AsyncResource']),
    pick('perf_hooks', ['performance']),
    pick('util', []),
    ['util', real => without(real() as Members, ['setTraceSigInt'], 'util', guard)],
    // These change the process, not the thread.
    ['crypto', real => without(real() as Members, ['setEngine', 'setFips'], 'crypto', guard)],
    ['os', real => guardedOs(real() as Members, guarded('os') as Members, guard)],
    [
      'module',
      real => {
        const { builtinModules, isBuiltin } = real() as Members;
        return Object.assign(guarded('module') as Members, { builtinModules, isBuiltin });
      },
    ],
    ['tty', () => Object.assign(guarded('tty') as Members, { isatty: () => false })],
    [
      'worker_threads',
      () =>
        Object.assign(guarded('worker_threads') as Members, {
          isMainThread: false,
          threadId: 0,
          parentPort: null,
          workerData: null,
          resourceLimits: {},
        }),
    ],
    [
      'diagnostics_channel',
      real => privateChannels(real() as Channels, guarded('diagnostics_channel') as Members),
    ],
  ];
}

/** A copy of the whole module, but for these. */
function without(real: Members, names: readonly string[], module: string, guard: Guard): Members {
  const copy: Members = Object.defineProperties({}, Object.getOwnPropertyDescriptors(real));
  for (const name of names) {
    const value = guard.refusing(`${module}.${name}`);
    if (name in real) Object.defineProperty(copy, name, { value, configurable: true });
  }
  return copy;
}

function guardedOs(real: Members, copy: Members, guard: Guard): Members {
  const free = ['EOL', 'devNull', 'arch', 'availableParallelism', 'endianness', 'platform', 'type'];
  for (const name of [...free, ...(guard.grants.sys ?? [])]) {
    if (Object.hasOwn(real, name)) copy[name] = real[name];
  }
  return Object.assign(copy, { tmpdir: () => '/tmp' });
}

interface Channels {
  channel(name: string): unknown;
  hasSubscribers(name: string): boolean;
  subscribe(name: string, handler: unknown): void;
  unsubscribe(name: string, handler: unknown): boolean;
  tracingChannel(name: string): unknown;
}

/** Node publishes its own sockets and requests on channels: plugins get names of their own. */
function privateChannels(real: Channels, copy: Members): Members {
  const own = (name: unknown) => `plugin:${String(name)}`;
  return Object.assign(copy, {
    channel: (name: unknown) => real.channel(own(name)),
    hasSubscribers: (name: unknown) => real.hasSubscribers(own(name)),
    subscribe: (name: unknown, handler: unknown) => real.subscribe(own(name), handler),
    unsubscribe: (name: unknown, handler: unknown) => real.unsubscribe(own(name), handler),
    tracingChannel: (name: unknown) => real.tracingChannel(own(name)),
  });
}
