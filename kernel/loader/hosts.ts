import { resolve } from 'node:path';
import type { Clock } from '../../sdk/clock.ts';
import type { Logger } from '../../sdk/logger.ts';
import { Limits } from '../limits.ts';
import { bundleHost, bundlePlugins, type HostCode } from '../pool/bundle.ts';
import { explainBuild } from '../pool/esbuild.ts';
import type { Grants } from '../pool/grants.ts';
import { type HostExit, type HostScript, type PluginHost, startHost } from '../pool/host.ts';
import { type Supervised, Supervisor, type SupervisorState } from '../pool/supervisor.ts';
import { checkConfig } from './config.ts';
import type { GroupBundle, Installation } from './installation.ts';
import type { HostedGroup, HostFactory, HostGroupOptions } from './loader.ts';
import { LoadError } from './manifest.ts';
import type { PlannedPlugin } from './plan.ts';

export interface PoolHostsOptions {
  readonly installation: Installation;
  readonly clock: Clock;
  readonly log: Logger;
  /** Where bundles are kept between runs. */
  readonly cacheDir?: string;
  /** A thread cannot be ended: nothing but the end of the process gives back what it holds. */
  readonly onStuck: (error: Error) => void;
}

interface GroupOptions extends PoolHostsOptions, HostGroupOptions {
  /** Bundled once for all hosts. */
  readonly hostCode: () => Promise<HostCode>;
}

/** Runs plugins in threads and processes of their own. */
export function poolHosts(options: PoolHostsOptions): HostFactory {
  const { installation, cacheDir } = options;
  let hostCode: Promise<HostCode> | undefined;
  const shared = {
    ...options,
    hostCode() {
      hostCode ??= installation.hostCode?.() ?? bundleHost(cacheDir);
      return hostCode;
    },
  };
  return (group, plugins, own) => new PoolGroup(group, plugins, { ...shared, ...own });
}

/** The plugins of one thread or process. The first start must succeed; later ones are repeated. */
class PoolGroup implements HostedGroup {
  readonly #name: string;
  readonly #plugins: readonly PlannedPlugin[];
  readonly #options: GroupOptions;
  readonly #gate = new Gate();
  #script: Promise<HostScript> | undefined;
  #supervisor: Supervisor | undefined;

  constructor(name: string, plugins: readonly PlannedPlugin[], options: GroupOptions) {
    this.#name = name;
    this.#plugins = plugins;
    this.#options = options;
  }

  load(): Promise<void> {
    return new Promise((resolve, reject) => {
      const supervisor = new Supervisor({
        clock: this.#options.clock,
        start: onExit => this.#start(onExit, resolve),
        onChange: state => this.#report(state),
      });
      supervisor.started.catch(reject);
      this.#supervisor = supervisor;
    });
  }

  async activate(): Promise<void> {
    this.#gate.open();
    await this.#supervisor?.started;
  }

  async stop(): Promise<void> {
    this.#gate.close(new Error(`Host "${this.#name}" was stopped before it was activated`));
    await this.#supervisor?.stop();
  }

  /** Loads all, then, once that is allowed, activates all, in order. */
  async #start(onExit: (exit: HostExit) => void, onLoaded: () => void): Promise<Supervised> {
    const host = await this.#startHost(onExit);
    try {
      const configs: unknown[] = [];
      for (const plugin of this.#plugins) {
        const { name, config, source } = plugin;
        const definition = await named(name, host.load(name));
        this.#options.onLoaded(plugin, definition.leader);
        configs.push(checkConfig(name, config, definition.config, source.validateConfig));
      }
      onLoaded();
      await this.#gate.opened;
      for (const [i, { name }] of this.#plugins.entries()) {
        await named(name, host.activate(name, configs[i]));
      }
    } catch (error) {
      // That it cannot be ended is told by `onExit`.
      await host.stop().catch(() => undefined);
      throw error;
    }
    return { stop: () => this.#stopHost(host) };
  }

  async #startHost(onExit: (exit: HostExit) => void): Promise<PluginHost> {
    const { linkFor, clock, elections } = this.#options;
    this.#script ??= this.#makeScript();
    const [first] = this.#plugins;
    return startHost({
      name: this.#name,
      placement: first?.placement === 'process' ? 'process' : 'worker',
      plugins: this.#plugins.map(plugin => ({
        name: plugin.name,
        grants: grantsOf(plugin, this.#plugins.length === 1),
      })),
      script: await this.#script,
      limits: {
        heapMb: this.#isBuiltin() ? Limits.builtinHeapMb : Limits.hostHeapMb,
        activateTimeoutMs: Limits.activateTimeoutMs,
        heartbeatMs: Limits.hostHeartbeatMs,
      },
      linkFor,
      clock,
      ...(elections && { elections }),
      onExit,
    });
  }

  async #stopHost(host: PluginHost): Promise<void> {
    for (const { name } of [...this.#plugins].reverse()) {
      await host.deactivate(name).catch((error: unknown) => {
        this.#options.log.warn('Cannot deactivate a plugin', { plugin: name, error });
      });
    }
    await host.stop();
  }

  #report({ phase, restarts, lastError: error }: SupervisorState): void {
    const { log } = this.#options;
    const fields = { host: this.#name, plugins: this.#plugins.map(({ name }) => name) };
    if (phase === 'waiting') log.error('A plugin host was lost', { ...fields, error });
    else if (phase === 'stuck') {
      log.error('A plugin host cannot be ended', { ...fields, error });
      if (error !== undefined) this.#options.onStuck(error);
    } else if (phase === 'running' && restarts > 0) {
      log.warn('A plugin host was started again', { ...fields, restarts });
    }
  }

  async #makeScript(): Promise<HostScript> {
    const { installation, cacheDir } = this.#options;
    const { modules } = installation;
    const cache = cacheDir === undefined ? {} : { cacheDir };
    const entries = this.#plugins.map(({ name, source }) => ({ name, file: source.file ?? '' }));
    const prebuilt = this.#isBuiltin()
      ? installation.groupBundle?.(entries.map(({ name }) => name))
      : undefined;
    try {
      const [bundle, code] = await Promise.all([
        prebuilt ?? bundled(entries, { modules, ...cache }),
        this.#options.hostCode(),
      ]);
      return { code: bundle.code, map: bundle.map, ...code };
    } catch (cause) {
      const names = entries.map(({ name }) => name).join(', ');
      throw new LoadError(`Cannot bundle ${names}: ${explainBuild(cause)}`, { cause });
    }
  }

  #isBuiltin(): boolean {
    return this.#plugins.every(({ source }) => source.origin === 'builtin');
  }
}

/** Lets nobody through until it is opened. */
class Gate {
  readonly opened: Promise<void>;
  #settle: { open: () => void; close: (error: Error) => void } | undefined;

  constructor() {
    this.opened = new Promise((open, close) => {
      this.#settle = { open, close };
    });
    this.opened.catch(() => undefined);
  }

  open(): void {
    this.#settle?.open();
  }

  /** Nothing when it is open. */
  close(error: Error): void {
    this.#settle?.close(error);
  }
}

async function bundled(...args: Parameters<typeof bundlePlugins>): Promise<GroupBundle> {
  const { code, map } = await bundlePlugins(...args);
  return { code, map: () => map };
}

/**
 * Paths in grants are relative to the plugin's folder. That folder a plugin that has one may read,
 * when it is alone: those that share a host have the same grants.
 */
function grantsOf({ granted, source }: PlannedPlugin, alone: boolean): Grants {
  const { objects: _, read = [], write = [], ...rest } = granted;
  const { root, origin } = source;
  const absolute = (paths: readonly string[]) => paths.map(path => resolve(root, path));
  const own = alone && (origin === 'folder' || origin === 'package') ? [root] : [];
  return { ...rest, read: [...own, ...absolute(read)], write: absolute(write) };
}

async function named<T>(plugin: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new LoadError(`plugin/${plugin}: ${why.split('\n', 1)[0]}`, { cause });
  }
}
