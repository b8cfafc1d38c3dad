import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import type { Clock } from '../sdk/clock.ts';
import type { Listening } from '../sdk/door.ts';
import type { KubeObject } from '../sdk/kind.ts';
import { createObjectClient } from '../sdk/object-client.ts';
import type { ObjectClient } from '../sdk/objects.ts';
import type { User } from '../sdk/request.ts';
import { formatAddress } from './address.ts';
import { applyAll, type Manifest } from './apply.ts';
import { systemClock } from './clock.ts';
import {
  type ClusterOptions,
  type ClusterPlan,
  pkiFolder,
  planCluster,
} from './cluster-options.ts';
import { Kernel } from './kernel.ts';
import { kubeconfig } from './kubeconfig.ts';
import { poolHosts } from './loader/hosts.ts';
import { inlineImporter } from './loader/import-entry.ts';
import { installation } from './loader/installation.ts';
import type { Placement } from './loader/profile.ts';
import type { PluginSource } from './loader/sources.ts';
import { createLogger } from './log.ts';
import type { Pki } from './pki.ts';
import { KernelAuthority } from './pki-authority.ts';
import { systemRandom } from './random.ts';
import type { Backend } from './store/backend.ts';
import { memoryBackend } from './store/memory.ts';
import { type UntilOptions, type UntilTarget, untilObject } from './until.ts';

export type { Manifest } from './apply.ts';
export type { ClusterOptions } from './cluster-options.ts';
export { LoadError } from './loader/manifest.ts';
export type { Placement, Profile, ProfileEntry } from './loader/profile.ts';
export { type UntilOptions, type UntilTarget, UntilTimeoutError } from './until.ts';

/** A running cluster in this process. Several may run side by side. */
export interface Cluster extends AsyncDisposable {
  /** Reads and writes objects as an administrator. */
  readonly objects: ObjectClient;
  /** Where it serves HTTPS; undefined as long as it does not. */
  readonly server: string | undefined;
  /**
   * Makes the cluster have what a manifest says: YAML or JSON text, an object, or several. What
   * is there already is merged with it as `kubectl apply` does. Returns the objects as they are
   * then. Objects that name no namespace go to `default`.
   */
  apply(manifest: Manifest): Promise<KubeObject[]>;
  /**
   * Waits until an object is as wanted and resolves with it. Rejects with an `UntilTimeoutError`,
   * which has the object's last state, when that takes longer than `timeoutMs`.
   */
  until<T extends KubeObject>(
    target: UntilTarget<T>,
    predicate: (object: T) => boolean,
    options?: UntilOptions,
  ): Promise<T>;
  /**
   * The path of a kubeconfig for an administrator; the first call opens a listener. The file goes
   * when the cluster is closed, but for one at a path of the caller's choice.
   */
  kubeconfig(path?: string): Promise<string>;
  /** Stops everything and gives everything back. Idempotent. */
  close(): Promise<void>;
}

/** Starts a cluster; rejects with a `LoadError` when the options or a plugin must be mended. */
export async function createCluster(options: ClusterOptions = {}): Promise<Cluster> {
  const installed = installation();
  const plan = planCluster(options, installed);
  const { clock = systemClock(), random = systemRandom(), onStuck = () => undefined } = options;
  const log = options.log ?? createLogger(options.logLevel ?? 'warn');
  const cacheDir = options.data === undefined ? undefined : join(resolve(options.data), 'cache');
  const backend = await openBackend(options, clock);
  const starting = Kernel.start({
    backend,
    clock,
    random,
    log,
    plugins: {
      entries: plan.entries,
      builtins: installed.builtins,
      importEntry: inlineImporter(installed.modules),
      hosts: poolHosts({
        installation: installed,
        clock,
        log,
        onStuck,
        ...(cacheDir && { cacheDir }),
      }),
      defaultPlacement,
      ...(plan.elections && {
        elections: { ...plan.elections, identity: `${hostname()}_${random.uuid()}` },
      }),
    },
  });
  // Keys are made while threads start.
  const pki = options.listen ? preparePki(plan, options.data, clock) : undefined;
  pki?.catch(() => undefined);
  const cluster = new RunningCluster(await starting, plan, { ...options, clock, pki });
  if (!options.listen) return cluster;
  try {
    await cluster.listen();
    return cluster;
  } catch (error) {
    await cluster.close();
    throw error;
  }
}

async function preparePki(
  { serviceAddress, advertiseHost }: ClusterPlan,
  data: string | undefined,
  clock: Clock,
): Promise<Pki> {
  const { openPki } = await import('./pki.ts');
  return openPki({
    clock,
    hosts: [serviceAddress, advertiseHost],
    ...(data !== undefined && { folder: pkiFolder(data) }),
  });
}

async function openBackend({ data, etcd }: ClusterOptions, clock: Clock): Promise<Backend> {
  // Each is loaded when it is needed: they bring native code and a gRPC client.
  if (etcd !== undefined) {
    const { openEtcd } = await import('./store/etcd.ts');
    return openEtcd({ endpoints: etcd, clock });
  }
  if (data === undefined) return memoryBackend();
  const { openLmdb } = await import('./store/lmdb.ts');
  return openLmdb({ path: join(resolve(data), 'db') });
}

/** Code of somebody else's gets a thread of its own, that of a package a process. */
function defaultPlacement({ origin }: PluginSource): Placement {
  if (origin === 'package') return 'process';
  return origin === 'builtin' || origin === 'object' ? 'inline' : 'worker';
}

class RunningCluster implements Cluster {
  readonly objects: ObjectClient;
  readonly #kernel: Kernel;
  readonly #plan: ClusterPlan;
  readonly #options: RunningOptions;
  #listening: Promise<Served> | undefined;
  #server: string | undefined;
  #kubeconfig: Promise<string> | undefined;
  #closed: Promise<void> | undefined;

  constructor(kernel: Kernel, plan: ClusterPlan, options: RunningOptions) {
    this.#kernel = kernel;
    this.#plan = plan;
    this.#options = options;
    this.objects = createObjectClient(kernel.linkFor('kubernetes-admin', ADMIN, { remote: false }));
  }

  get server(): string | undefined {
    return this.#server;
  }

  apply(manifest: Manifest): Promise<KubeObject[]> {
    const kinds = () => this.#kernel.kinds();
    return applyAll(manifest, { objects: this.objects, kinds, namespace: 'default' });
  }

  until<T extends KubeObject>(
    target: UntilTarget<T>,
    predicate: (object: T) => boolean,
    options?: UntilOptions,
  ): Promise<T> {
    const { objects } = this;
    return untilObject({ objects, clock: this.#options.clock }, target, predicate, options);
  }

  async kubeconfig(path?: string): Promise<string> {
    if (this.#closed) throw new Error('Cannot write a kubeconfig: the cluster is closed');
    if (path !== undefined) return this.#writeKubeconfig(resolve(path));
    this.#kubeconfig ??= mkdtemp(join(tmpdir(), 'kernetes-')).then(folder =>
      this.#writeKubeconfig(join(folder, 'kubeconfig')),
    );
    return this.#kubeconfig;
  }

  /** Serves HTTPS from now on. */
  listen(): Promise<Served> {
    if (this.#closed) return Promise.reject(new Error('Cannot listen: the cluster is closed'));
    this.#listening ??= this.#listen();
    return this.#listening;
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #listen(): Promise<Served> {
    const { listen, advertiseHost } = this.#plan;
    const { clock, data, pki: prepared } = this.#options;
    const pki = await (prepared ?? preparePki(this.#plan, data, clock));
    const { certificate, key } = pki.server;
    const listening = await this.#kernel.listen({
      ...listen,
      certificate,
      key,
      clientCa: pki.ca.certificate,
    });
    const server = `https://${formatAddress({ host: advertiseHost, port: listening.port })}`;
    this.#server = server;
    const certificateAuthority = pki.ca.certificate;
    const frontProxy = {
      certificateAuthority: pki.frontProxyCa.certificate,
      credentials: () => pki.frontProxyClient,
    };
    const listener = { server, certificateAuthority };
    this.#kernel.advertise(listener, new KernelAuthority(pki.ca), frontProxy);
    return { pki, listening, server };
  }

  async #writeKubeconfig(path: string): Promise<string> {
    const { pki, server } = await this.listen();
    const { certificate, key } = pki.admin;
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, kubeconfig({ server, ca: pki.ca.certificate, certificate, key }), {
      mode: 0o600,
    });
    // The mode above is for a new file only.
    await chmod(path, 0o600);
    return path;
  }

  async #close(): Promise<void> {
    const written = await this.#kubeconfig?.catch(() => undefined);
    await this.#listening?.catch(() => undefined);
    await this.#kernel.close();
    if (written !== undefined) await rm(dirname(written), { recursive: true, force: true });
  }
}

interface RunningOptions extends ClusterOptions {
  readonly clock: Clock;
  /** When it is under way already. */
  readonly pki: Promise<Pki> | undefined;
}

interface Served {
  readonly pki: Pki;
  readonly listening: Listening;
  readonly server: string;
}

/** Whom the kubeconfig's certificate names too. */
const ADMIN: User = {
  name: 'kubernetes-admin',
  groups: ['system:masters', 'system:authenticated'],
};
