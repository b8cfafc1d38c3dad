import { authorizerPoint } from '../sdk/auth.ts';
import {
  type CertificateAuthority,
  certificateAuthorityPoint,
} from '../sdk/certificates/certificates.ts';
import type { Clock } from '../sdk/clock.ts';
import {
  doorPoint,
  type Listening,
  type ListenOptions,
  type Route,
  type RouteResponse,
  routePoint,
  serverPoint,
} from '../sdk/door.ts';
import type { Disposer } from '../sdk/extension.ts';
import { type FrontProxy, frontProxyPoint } from '../sdk/front-proxy.ts';
import { kindPoint } from '../sdk/kind-definition.ts';
import { type Listener, listenerPoint } from '../sdk/listener.ts';
import type { Logger } from '../sdk/logger.ts';
import { metricsPoint } from '../sdk/metrics.ts';
import type { Random } from '../sdk/random.ts';
import type { User } from '../sdk/request.ts';
import { KernelDoor } from './door/door.ts';
import { KindRegistry } from './door/registry.ts';
import { Stages } from './door/stages.ts';
import { Extensions } from './extensions.ts';
import { GrantAuthorizer } from './loader/grants.ts';
import { KindLoader } from './loader/kind-loader.ts';
import { Loader, type LoaderOptions } from './loader/loader.ts';
import { LoadError } from './loader/manifest.ts';
import { MetricsRegistry } from './metrics.ts';
import { PluginLink, type PluginLinkOptions } from './plugin-link.ts';
import type { Backend } from './store/backend.ts';
import { Expiry } from './store/expiry.ts';
import { ObjectStore } from './store/object-store.ts';
import type { ResourceStore } from './store/resource-store.ts';
import { WatchBus } from './watch/bus.ts';

export interface KernelOptions {
  /** The kernel's from now on: it closes it, also when the start fails. */
  readonly backend: Backend;
  readonly plugins: Pick<
    LoaderOptions,
    'entries' | 'builtins' | 'importEntry' | 'hosts' | 'defaultPlacement' | 'elections'
  >;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** Objects that are shared are frozen, so that a plugin that changes one fails. For tests. */
  readonly freezeObjects?: boolean;
}

/**
 * Store, bus, door and loader wired together. Parts start in the order in which they stand here
 * and stop in reverse: plugins first, so that none sees a closed store.
 */
export class Kernel {
  readonly door: KernelDoor;
  readonly metrics = new MetricsRegistry();
  readonly #extensions: Extensions;
  readonly #objects: ObjectStore;
  readonly #bus: WatchBus;
  readonly #kinds: KindLoader;
  readonly #loader: Loader;
  readonly #log: Logger;
  readonly #listeners: Listening[] = [];
  readonly #advertised: Disposer[] = [];

  /** Use `Kernel.start`. */
  constructor(options: KernelOptions) {
    const { backend, clock, random, log } = options;
    this.#log = log;
    this.#bus = new WatchBus();
    this.#objects = new ObjectStore(backend, this.#bus, log, {
      freeze: options.freezeObjects ?? false,
    });
    this.#extensions = new Extensions(name => this.#loader.rankOf(name));
    const kinds = new KindRegistry(this.#objects, this.#bus);
    const objects = this.#objects;
    const bus = this.#bus;
    const extensions = this.#extensions;
    const stages = new Stages({ objects, bus, kinds, extensions, clock, random });
    this.door = new KernelDoor(stages, log);
    const expire = (resource: ResourceStore, ttlMs: number) =>
      new Expiry(resource, ttlMs, { objects, bus, clock, log });
    this.#kinds = new KindLoader({ extensions, registry: kinds, expire, log });
    const grants = new GrantAuthorizer();
    this.#loader = new Loader({
      ...options.plugins,
      clock,
      random,
      log,
      grants,
      linkFor: (plugin, where) => this.linkFor(plugin, grants.userOf(plugin), where),
      settled: () => this.#kinds.settled(),
    });
    // The place of a contribution is asked of the loader.
    extensions.provide(authorizerPoint, {
      name: 'kernel',
      plugin: 'kernel',
      value: grants,
      remote: false,
    });
    const door = { name: 'door', plugin: 'kernel', value: this.door, remote: false };
    extensions.provide(doorPoint, door);
    const metrics: Route = { path: '/metrics', handle: () => this.#metricsPage() };
    const plugin = 'kernel';
    extensions.provide(routePoint, { name: '/metrics', plugin, value: metrics, remote: false });
  }

  /** Rejects with a `LoadError` when the operator must mend something; everything is closed then. */
  static async start(options: KernelOptions): Promise<Kernel> {
    const kernel = new Kernel(options);
    try {
      await kernel.#objects.start();
      await kernel.#loader.start();
    } catch (error) {
      await kernel.close();
      throw error;
    }
    return kernel;
  }

  /** A line into the kernel for somebody who is trusted to be `user`. */
  linkFor(
    plugin: string,
    user: User,
    where: Pick<PluginLinkOptions, 'remote' | 'provides'>,
  ): PluginLink {
    const { door, metrics } = this;
    const extensions = this.#extensions;
    return new PluginLink({ plugin, user, ...where, door, extensions, metrics, log: this.#log });
  }

  /** Serves the door to a network, by the plugin that contributes the `server`. */
  async listen(options: ListenOptions): Promise<Listening> {
    const [server] = this.#extensions.list(serverPoint);
    if (server === undefined) {
      throw new LoadError('Cannot listen: no plugin of the profile contributes a "server"');
    }
    const listening = await server.value.listen(this.door, options);
    this.#listeners.push(listening);
    return listening;
  }

  /**
   * Tells plugins where clients reach what listens, and lets those of this thread have signed and
   * pass requests on.
   */
  advertise(value: Listener, authority: CertificateAuthority, frontProxy: FrontProxy): void {
    const own = { plugin: 'kernel', remote: false };
    const told = { name: value.server, value, ...own };
    this.#advertised.push(this.#extensions.provide(listenerPoint, told));
    const signer = { name: value.server, value: authority, ...own };
    this.#extensions.provide(certificateAuthorityPoint, signer);
    const proxy = { name: value.server, value: frontProxy, ...own };
    this.#extensions.provide(frontProxyPoint, proxy);
  }

  /** Names of the kinds' resources that are served: for what has to know them all. */
  kinds() {
    return this.#extensions.list(kindPoint).map(({ value }) => value);
  }

  /** For Prometheus: the metrics of every plugin. */
  async #metricsPage(): Promise<RouteResponse> {
    const headers = { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' };
    const sources = this.#extensions.list(metricsPoint).map(({ value }) => value.text());
    return { code: 200, headers, body: [await this.metrics.text(), ...sources].join('\n') };
  }

  /** Idempotent. Everything is tried; what failed is logged. */
  async close(): Promise<void> {
    const steps = [
      // Who asks whether the server is ready hears that it stops.
      ...this.#advertised.splice(0).map(withdraw => async () => withdraw()),
      ...this.#listeners.splice(0).map(listening => () => listening.close()),
      () => this.#loader.stop(),
      async () => this.#kinds.close(),
      async () => this.#bus.close(),
      () => this.#objects.close(),
    ];
    for (const step of steps) {
      await step().catch((error: unknown) => this.#log.error('Cannot stop a part', { error }));
    }
  }
}
