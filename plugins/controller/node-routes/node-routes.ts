import {
  type Cidr,
  type Contributions,
  type Informer,
  Node,
  type NodeCondition,
  type PluginContext,
  parseCidr,
  patchRequest,
  type Routes,
  toTime,
} from 'kernetes/sdk';
import { type PlannedRoute, planRoutes, routesOf } from './route-plan.ts';

export interface Config {
  readonly clusterName: string;
  /** One range, or one of each family with a comma between. */
  readonly clusterCidr: string;
  readonly routeReconciliationPeriodMs: number;
  /** The name of the contribution that is used; empty: the only one. */
  readonly provider: string;
}

export interface NodeRoutesOptions {
  readonly nodes: Informer<Node>;
  readonly providers: Contributions<Routes>;
}

/** Makes the routes those that the nodes need, and tells the nodes whether they have theirs. */
export class NodeRoutes {
  readonly #ctx: PluginContext<Config>;
  readonly #options: NodeRoutesOptions;
  readonly #ranges: readonly Cidr[];

  /** Throws for ranges that cannot be. */
  constructor(ctx: PluginContext<Config>, options: NodeRoutesOptions) {
    this.#ctx = ctx;
    this.#options = options;
    this.#ranges = ctx.config.clusterCidr.split(',').map(text => {
      const range = parseCidr(text.trim());
      if (range) return range;
      throw new Error(`Cannot read "${text}" as a range: want one like 10.244.0.0/16 or fd00::/48`);
    });
  }

  async reconcile(): Promise<void> {
    const provider = this.#provider();
    if (!provider) return;
    const { clusterName } = this.#ctx.config;
    const routes = await provider.list(clusterName);
    const nodes = this.#options.nodes.list();
    const plan = planRoutes(nodes, { routes, ranges: this.#ranges });
    await inTurns(plan.deletes, async route => {
      try {
        await provider.delete(clusterName, route);
      } catch (error) {
        const { name, destinationCidr } = route;
        this.#ctx.log.warn('NodeRoute not deleted', { route: name, destinationCidr, error });
      }
    });
    const failed = new Set<Node>();
    await inTurns(plan.creates, async planned => {
      if (!(await this.#create(provider, planned))) failed.add(planned.node);
    });
    await this.#tell(plan.nodes, failed);
  }

  #provider(): Routes | undefined {
    const { provider: wanted } = this.#ctx.config;
    const all = this.#options.providers.list();
    const found = wanted === '' ? all : all.filter(({ name }) => name === wanted);
    if (found.length === 1) return found[0]?.value;
    const known = all.map(({ name }) => name).join();
    this.#ctx.log.warn('Routes not reconciled: want one provider', { wanted, known });
    return undefined;
  }

  async #create(provider: Routes, { node, route }: PlannedRoute): Promise<boolean> {
    const { clock, config, events } = this.#ctx;
    const { name, uid: nameHint = '' } = node.metadata;
    const began = clock.monotonic();
    try {
      await provider.create(config.clusterName, nameHint, route);
      return true;
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      const took = `${Math.round(clock.monotonic() - began)}ms`;
      const what = `Could not create route ${nameHint} ${route.destinationCidr}`;
      const message = `${what} for node ${name} after ${took}: ${why}`;
      events.event(node, 'Warning', 'FailedToCreateRoute', message, SOURCE);
      return false;
    }
  }

  /** In NetworkUnavailable; nothing is written that is said already. */
  async #tell(nodes: readonly Node[], failed: ReadonlySet<Node>): Promise<void> {
    const now = toTime(this.#ctx.clock.now());
    const times = { lastHeartbeatTime: now, lastTransitionTime: now };
    const requests = nodes.flatMap(node => {
      const condition = failed.has(node) || routesOf(node).length === 0 ? WITHOUT : WITH;
      if (networkUnavailable(node)?.status === condition.status) return [];
      const patch = { status: { conditions: [{ ...condition, ...times }] } };
      return [patchRequest(Node, { name: node.metadata.name ?? '' }, patch, STATUS_PATCH)];
    });
    for (const result of await this.#ctx.objects.batch(requests)) {
      if (!result.ok && result.error.reason !== 'NotFound') throw result.error;
    }
  }
}

export function networkUnavailable({ status }: Node): NodeCondition | undefined {
  return status?.conditions?.find(({ type }) => type === 'NetworkUnavailable');
}

/** As many at a time as upstream has under way. */
async function inTurns<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  for (let from = 0; from < items.length; from += AT_A_TIME) {
    await Promise.all(items.slice(from, from + AT_A_TIME).map(work));
  }
}

const AT_A_TIME = 200;
const SOURCE = { component: 'route_controller' };
const STATUS_PATCH = {
  subresource: 'status',
  type: 'application/strategic-merge-patch+json',
} as const;
const WITH = {
  type: 'NetworkUnavailable',
  status: 'False',
  reason: 'RouteCreated',
  message: 'RouteController created a route',
};
const WITHOUT = {
  type: 'NetworkUnavailable',
  status: 'True',
  reason: 'NoRouteCreated',
  message: 'RouteController failed to create a route',
};
