import { Console } from 'node:console';
import { Writable } from 'node:stream';
import { format } from 'node:util';
import type { LogLevel } from '../../sdk/logger.ts';
import type { Guard } from './guard.ts';

type Log = (level: LogLevel, message: string) => void;

/** `process` for plugins: facts about Node, the clock, the granted environment, refusals. */
export function guardedProcess(
  real: NodeJS.Process,
  {
    guard,
    env,
    log,
  }: {
    readonly guard: Guard;
    readonly env: Readonly<Record<string, string>>;
    readonly log: Log;
  },
): Record<string, unknown> {
  const guarded: Record<string, unknown> = {};
  for (const name of Object.keys(real)) guarded[name] = guard.refusing(`process.${name}`);
  const { version, versions, arch, platform, release, features, hrtime, nextTick, uptime } = real;
  const nothing = () => guarded;
  return Object.assign(guarded, {
    version,
    versions: { ...versions },
    arch,
    platform,
    release: { ...release },
    features: { ...features },
    title: 'plugin',
    pid: 1,
    ppid: 0,
    argv: ['node', 'plugin'],
    argv0: 'node',
    execArgv: [],
    execPath: 'node',
    exitCode: undefined,
    config: {},
    env: { ...env },
    report: undefined,
    permission: undefined,
    mainModule: undefined,
    domain: null,
    hrtime,
    nextTick,
    uptime: uptime.bind(real),
    memoryUsage: real.memoryUsage,
    cwd: () => '/',
    umask: () => 0o022,
    emitWarning: (warning: unknown) => log('warn', String(warning)),
    stdin: null,
    stdout: lineStream('info', log),
    stderr: lineStream('error', log),
    // Nobody's events come here, so listening does nothing.
    on: nothing,
    once: nothing,
    off: nothing,
    addListener: nothing,
    removeListener: nothing,
    removeAllListeners: nothing,
    prependListener: nothing,
    emit: () => false,
    listeners: () => [],
    listenerCount: () => 0,
    setMaxListeners: nothing,
  });
}

/** `console` for plugins: everything goes to their log, and the streams behind it do no more. */
export function guardedConsole(log: Log): Console {
  const stdout = lineStream('info', log);
  const guarded = new Console({ stdout, stderr: lineStream('error', log) });
  const levels = {
    debug: 'debug',
    log: 'info',
    info: 'info',
    warn: 'warn',
    error: 'error',
  } as const;
  for (const [name, level] of Object.entries(levels)) {
    const write = (...args: unknown[]) => log(level, format(...args));
    Object.defineProperty(guarded, name, { value: write, writable: true, configurable: true });
  }
  return guarded;
}

function lineStream(level: LogLevel, log: Log): Writable {
  return new Writable({
    decodeStrings: false,
    write(chunk, _encoding, done) {
      log(level, String(chunk).replace(/\n$/, ''));
      done();
    },
  });
}
