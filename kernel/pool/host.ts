import type { Clock, Timer } from '../../sdk/clock.ts';
import type { ElectionSettings } from '../../sdk/leadership.ts';
import type { JsonSchema } from '../../sdk/plugin.ts';
import { Broker } from './broker.ts';
import type { EncodedLink } from './encoded-link.ts';
import { type Grants, resolveGrants } from './grants.ts';
import type { BodyEnd, HostBody } from './host-body.ts';
import { PoolLimits } from './limits.ts';
import { LinkServer } from './link-server.ts';
import { LogGate } from './log-gate.ts';
import { permissionFlags } from './permission-flags.ts';
import { startProcess } from './process-body.ts';
import { mapStack } from './source-map.ts';
import { startThread } from './thread-body.ts';
import {
  decodeFrame,
  type HostCommand,
  type HostReport,
  Outbox,
  type PluginMessage,
} from './wire.ts';
import { checkHostReport } from './wire-check.ts';
import { fromWireError } from './wire-error.ts';

export interface HostOptions {
  /** Names the host in messages and errors: the plugin's name, or the group's. */
  readonly name: string;
  readonly placement: 'worker' | 'process';
  /** Those in one host can do to each other what they like: they need the same grants. */
  readonly plugins: readonly HostedPlugin[];
  /** From `bundlePlugins`, with an entry for each plugin. */
  readonly script: HostScript;
  readonly limits: HostLimits;
  /** The plugin's line into the kernel; a new one for every start. */
  readonly linkFor: (plugin: string) => EncodedLink;
  readonly clock: Clock;
  /** Absent: nobody is elected, and all may act. */
  readonly elections?: ElectionSettings;
  /** Called once, when the host is gone: also after `stop`. */
  readonly onExit: (exit: HostExit) => void;
}

export interface HostedPlugin {
  readonly name: string;
  readonly grants: Grants;
}

export interface HostScript {
  readonly code: string;
  /** The source map; read when a stack is first told. */
  readonly map: () => string;
  /** Both from `bundleHost`. */
  readonly hostCode: string;
  readonly relayCode: string;
}

export interface HostLimits {
  readonly heapMb: number;
  readonly activateTimeoutMs: number;
  readonly heartbeatMs: number;
}

export interface HostExit {
  /**
   * - `stopped`: by `stop`.
   * - `crashed`: it threw outside of any call, or ended itself.
   * - `out-of-memory`: heap (worker), resident memory (process).
   * - `hung`: it did not answer.
   * - `misbehaved`: too many messages that break the rules.
   * - `not-terminated`: a thread goes on although it was ended; the kernel should restart itself.
   */
  readonly reason:
    | 'stopped'
    | 'crashed'
    | 'out-of-memory'
    | 'hung'
    | 'misbehaved'
    | 'not-terminated';
  readonly error: Error;
}

export interface LoadedDefinition {
  readonly name: string;
  readonly config?: JsonSchema;
  readonly leader?: true | string;
}

export interface HostStats {
  /** Of the last heartbeat. */
  readonly heapUsed: number;
  /** Of a process. */
  readonly resident: number | undefined;
  readonly badMessages: number;
}

/** Resolves when the host's thread or process stands; nothing of the plugins has run then. */
export async function startHost(options: HostOptions): Promise<PluginHost> {
  assertSameGrants(options);
  const host = new PluginHost(options);
  try {
    await host.ready;
  } catch (error) {
    // That it cannot be ended is told by `onExit`.
    await host.stop().catch(() => undefined);
    throw error;
  }
  return host;
}

/** One long-lived worker or child process for one or more plugins, from the kernel's side. */
export class PluginHost {
  readonly name: string;
  readonly ready: Promise<void>;
  readonly #options: HostOptions;
  readonly #body: HostBody;
  readonly #servers: readonly LinkServer[];
  readonly #broker: Broker;
  readonly #console: LogGate;
  readonly #outbox: Outbox<HostCommand>;
  readonly #commands = new Map<string, PendingCommand>();
  readonly #over: Promise<HostExit>;
  #settleOver: (exit: HostExit) => void = () => undefined;
  #ended: HostExit | undefined;
  #gone = false;
  #reported = false;
  #heartbeat: Timer | undefined;
  #memoryWatch: Timer | undefined;
  #pingLast = 0;
  #pongLast = 0;
  #heapUsed = 0;
  #badMessages = 0;

  constructor(options: HostOptions) {
    const { name, plugins, script, limits, placement, elections } = options;
    this.name = name;
    this.#options = options;
    this.#over = new Promise(resolve => {
      this.#settleOver = resolve;
    });
    const start = {
      name,
      plugins: plugins.map(plugin => ({ name: plugin.name })),
      code: script.code,
      grants: resolveGrants(plugins[0]?.grants ?? {}),
      env: grantedEnv(plugins[0]?.grants),
      ...(elections && { elections }),
    };
    const { hostCode, relayCode } = script;
    const flags = permissionFlags(start.grants);
    const body = { start, hostCode, heapMb: limits.heapMb, flags };
    this.#body = placement === 'worker' ? startThread(body) : startProcess({ ...body, relayCode });
    const links = plugins.map(plugin => options.linkFor(plugin.name));
    this.#servers = links.map((link, i) => this.#serve(link, i));
    // Whose line it is cannot be known in a thread that several share.
    this.#console = new LogGate(options.clock, (...line) => links[0]?.log(...line));
    this.#broker = new Broker({
      plugin: name,
      grants: start.grants,
      channel: this.#body.broker,
      onBadMessage: error => this.#onBadMessage(name, error),
    });
    const { control } = this.#body;
    this.#outbox = new Outbox(frame => control.send(frame));
    this.ready = this.#command('', PoolLimits.startTimeoutMs, 'start').then(() => {
      this.#beat();
      this.#watchMemory();
    });
    control.receive(frame => this.#receive(frame));
    void this.#body.gone.then(end => this.#onGone(end));
  }

  /** Evaluates the plugin's entry module, and gives what it says about itself. */
  async load(plugin: string): Promise<LoadedDefinition> {
    const definition = await this.#send({ type: 'load', plugin }, this.#activateTimeoutMs);
    if (!definition) throw new Error(`Cannot load plugin "${plugin}": its host gave no definition`);
    return definition;
  }

  /** `config` is validated, with its defaults. Rejects when the deadline passes. */
  async activate(plugin: string, config: unknown): Promise<void> {
    await this.#send({ type: 'activate', plugin, config }, this.#activateTimeoutMs);
  }

  /** Disposes all that the plugin's context handed out. */
  async deactivate(plugin: string): Promise<void> {
    await this.#send({ type: 'deactivate', plugin }, PoolLimits.deactivateTimeoutMs);
  }

  /**
   * Ends the host as it stands; `deactivate` its plugins before. Resolves when it is gone, rejects
   * when its thread cannot be ended.
   */
  async stop(): Promise<void> {
    this.#end({ reason: 'stopped', error: new Error(`Host "${this.name}" was stopped`) });
    const { reason, error } = await this.#over;
    if (reason === 'not-terminated') throw error;
  }

  stats(): HostStats {
    return {
      heapUsed: this.#heapUsed,
      resident: this.#body.residentBytes(),
      badMessages: this.#badMessages,
    };
  }

  get #activateTimeoutMs(): number {
    return this.#options.limits.activateTimeoutMs;
  }

  #serve(link: EncodedLink, index: number): LinkServer {
    const plugin = this.#options.plugins[index]?.name ?? '';
    const channel = this.#body.plugins[index];
    if (!channel) throw new Error(`Cannot serve plugin "${plugin}": it has no channel`);
    const onBadMessage = (error: Error) => this.#onBadMessage(plugin, error);
    const onDone = (answer: PluginAnswer) => this.#onDone(plugin, answer);
    const { clock } = this.#options;
    return new LinkServer({ link, channel, clock, host: this, onDone, onBadMessage });
  }

  #send(command: HostCommand & { plugin: string }, timeoutMs: number) {
    const answer = this.#command(command.plugin, timeoutMs, command.type);
    if (!this.#ended) this.#outbox.push(command);
    return answer;
  }

  /** One at a time for each plugin. */
  #command(plugin: string, timeoutMs: number, verb: string): Promise<LoadedDefinition | undefined> {
    const what = plugin ? `plugin "${plugin}"` : `host "${this.name}"`;
    if (this.#ended) return Promise.reject(this.#ended.error);
    if (this.#commands.has(plugin)) {
      return Promise.reject(new Error(`Cannot ${verb} ${what}: another command is under way`));
    }
    return new Promise((resolve, reject) => {
      const timer = this.#options.clock.setTimeout(() => {
        this.#commands.delete(plugin);
        reject(new Error(`Cannot ${verb} ${what}: it was not done within ${timeoutMs} ms`));
      }, timeoutMs);
      this.#commands.set(plugin, {
        resolve(definition) {
          timer.cancel();
          resolve(definition);
        },
        reject(error) {
          timer.cancel();
          reject(error);
        },
      });
    });
  }

  #receive(frame: unknown): void {
    try {
      if (!(frame instanceof ArrayBuffer)) throw new Error('Cannot read frame: it is no bytes');
      for (const message of decodeFrame(frame).messages) this.#take(checkHostReport(message));
    } catch (error) {
      this.#onBadMessage(this.name, error instanceof Error ? error : new Error(String(error)));
    }
  }

  #take(report: HostReport): void {
    if (report.type === 'pong') {
      this.#pongLast = Math.max(this.#pongLast, Math.min(report.id, this.#pingLast));
      this.#heapUsed = report.heapUsed;
      return;
    }
    if (report.type === 'console') {
      this.#console.log(report.level, report.message, { from: 'console' });
      return;
    }
    this.#settle('')?.resolve(undefined);
  }

  #onDone(plugin: string, { error, definition }: PluginAnswer): void {
    const command = this.#settle(plugin);
    if (!error) command?.resolve(definition);
    else command?.reject(mapStack(fromWireError(error), this.#options.script, this.name));
  }

  #settle(plugin: string): PendingCommand | undefined {
    const command = this.#commands.get(plugin);
    this.#commands.delete(plugin);
    return command;
  }

  #beat(): void {
    const { clock, limits } = this.#options;
    if (this.#ended) return;
    const missed = this.#pingLast - this.#pongLast;
    if (missed >= PoolLimits.heartbeatsMissedMax) {
      const ms = missed * limits.heartbeatMs;
      const error = new Error(`Host "${this.name}" was ended: it did not answer for ${ms} ms`);
      this.#end({ reason: 'hung', error });
      return;
    }
    this.#pingLast++;
    this.#outbox.push({ type: 'ping', id: this.#pingLast });
    this.#heartbeat = clock.setTimeout(() => this.#beat(), limits.heartbeatMs);
    this.#heartbeat.unref();
  }

  /** A process's memory beside the heap, which V8 does not limit. */
  #watchMemory(): void {
    const { clock, limits } = this.#options;
    const resident = this.#body.residentBytes();
    if (this.#ended || resident === undefined) return;
    const residentMax = (limits.heapMb + PoolLimits.processBaseMb) * 1024 * 1024;
    if (resident > residentMax) {
      const error = new Error(
        `Host "${this.name}" was ended: ${resident} bytes are resident, want <= ${residentMax}`,
      );
      this.#end({ reason: 'out-of-memory', error });
      return;
    }
    this.#memoryWatch = clock.setTimeout(() => this.#watchMemory(), PoolLimits.residentCheckMs);
    this.#memoryWatch.unref();
  }

  #onBadMessage(from: string, cause: Error): void {
    this.#badMessages++;
    if (this.#badMessages < PoolLimits.badMessagesMax) return;
    const error = new Error(
      `Host "${this.name}" was ended: "${from}" sent ${this.#badMessages} messages that break the rules`,
      { cause },
    );
    this.#end({ reason: 'misbehaved', error });
  }

  #onGone({ reason, error }: BodyEnd): void {
    this.#gone = true;
    const mapped = mapStack(error, this.#options.script, this.name);
    this.#end({ reason: reason === 'out-of-memory' ? reason : 'crashed', error: mapped });
    const ended = this.#ended;
    if (ended) this.#report(ended);
  }

  /** The first reason counts. Everything of the plugins at the kernel ends at once. */
  #end(exit: HostExit): void {
    if (this.#ended) return;
    this.#ended = exit;
    this.#heartbeat?.cancel();
    this.#memoryWatch?.cancel();
    for (const server of this.#servers) server.close(exit.error);
    this.#broker.close();
    for (const command of this.#commands.values()) command.reject(exit.error);
    this.#commands.clear();
    if (this.#gone) return;
    this.#body.kill();
    const timer = this.#options.clock.setTimeout(() => {
      const error = new Error(
        `Host "${this.name}" did not terminate within ${PoolLimits.terminateTimeoutMs} ms`,
        { cause: exit.error },
      );
      this.#report({ reason: 'not-terminated', error });
    }, PoolLimits.terminateTimeoutMs);
    void this.#body.gone.then(() => timer.cancel());
  }

  #report(exit: HostExit): void {
    if (this.#reported) return;
    this.#reported = true;
    const { control, broker, plugins } = this.#body;
    for (const channel of [control, broker, ...plugins]) channel.close();
    this.#settleOver(exit);
    this.#options.onExit(exit);
  }
}

type PluginAnswer = PluginMessage & { type: 'done' };

interface PendingCommand {
  resolve(definition: LoadedDefinition | undefined): void;
  reject(error: Error): void;
}

function assertSameGrants({ name, plugins }: HostOptions): void {
  const [first, ...others] = plugins.map(({ grants }) => canonical(grants));
  if (others.some(other => other !== first)) {
    throw new Error(
      `Cannot start host "${name}": its plugins have different permissions, and share a thread`,
    );
  }
}

function grantedEnv(grants: Grants | undefined): Record<string, string> {
  const names = grants?.env ?? [];
  return Object.fromEntries(
    names.flatMap(name => (process.env[name] === undefined ? [] : [[name, process.env[name]]])),
  );
}

function canonical(grants: Grants): string {
  const entries = Object.entries(grants).filter(([, names]) => names.length > 0);
  return JSON.stringify(entries.map(([key, names]) => [key, [...names].sort()]).sort());
}
