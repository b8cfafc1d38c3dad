import {
  type Clock,
  type Lease,
  type Metrics,
  Node,
  type NodeCondition,
  type ObjectKey,
  Pod,
  type ReconcileContext,
  toTime,
} from 'kernetes/sdk';
import {
  changedTaints,
  type EvictingTaint,
  evictingTaint,
  NOT_READY,
  UNREACHABLE,
} from './condition-taints.ts';
import type { Config } from './config.ts';
import { changedLabels } from './earlier-labels.ts';
import { Heartbeats } from './heartbeats.ts';
import { markPodsNotReady } from './pod-marks.ts';
import { StoppableClock } from './stoppable-clock.ts';
import { unknownConditions } from './unknown-conditions.ts';
import { Zones } from './zones.ts';

export interface NodeLifecycleOptions {
  readonly clock: Clock;
  readonly config: Config;
  readonly metrics: Metrics;
  /** Has a node reconciled. */
  readonly enqueue: (name: string) => void;
}

type Context = ReconcileContext<Node, Config>;

/** Says of nodes that are not heard of that they are not, and has pods leave them. */
export class NodeLifecycle {
  readonly #clock: StoppableClock;
  readonly #heartbeats: Heartbeats;
  readonly #zones: Zones;
  readonly #enqueue: (name: string) => void;
  /** The last state of each node, for the event of its end. */
  readonly #known = new Map<string, Node>();

  constructor({ clock, config, metrics, enqueue }: NodeLifecycleOptions) {
    const evictions = metrics.counter('evictions_total', 'Nodes that got a taint that evicts.');
    const size = metrics.gauge('zone_nodes', 'Nodes of a zone.');
    const unhealthy = metrics.gauge('zone_unhealthy_nodes', 'Those that are not ready.');
    this.#clock = new StoppableClock(clock);
    this.#enqueue = enqueue;
    this.#heartbeats = new Heartbeats({ clock: this.#clock, config, onOverdue: enqueue });
    this.#zones = new Zones({
      clock: this.#clock,
      config,
      onTurn(name) {
        evictions.add();
        enqueue(name);
      },
      onDisruption: disrupted => this.#disruptionChanged(disrupted),
      onJudged(zone, nodes, notReady) {
        size.set(nodes, { zone });
        unhealthy.set(notReady, { zone });
      },
    });
  }

  /** Nothing becomes due any more. */
  stop(): void {
    this.#clock.stop();
  }

  renewed(lease: Lease): void {
    this.#heartbeats.renewed(lease);
  }

  async reconcile({ name }: ObjectKey, context: Context): Promise<void> {
    const { object: node } = context;
    this.#meet(name, context);
    if (!node) return;
    this.#heartbeats.observe(node);
    this.#zones.observe(node);
    if (this.#heartbeats.isOverdue(name) && (await postUnknown(node, context))) {
      // The change comes back by the watch; what follows from it is done then.
      return;
    }
    await this.#mend(node, context);
    const ready = readyCondition(node);
    if (ready?.status !== 'Unknown') return;
    await markPodsNotReady(context.informer(Pod).byIndex('node', name), ready, context);
  }

  /** Tells of nodes that come and go. One that was made again is another. */
  #meet(name: string, { object: node, events }: Context): void {
    const known = this.#known.get(name);
    const isSame = known?.metadata.uid === node?.metadata.uid;
    if (known && !isSame) {
      tell(known, 'RemovingNode', `Removing Node ${name} from Controller`);
      this.#known.delete(name);
      this.#heartbeats.forget(name);
      this.#zones.forget(name);
    }
    if (!node) return;
    this.#known.set(name, node);
    if (!known || !isSame) tell(node, 'RegisteredNode', `Registered Node ${name} in Controller`);

    function tell(about: Node, reason: string, message: string): void {
      events.event(about, 'Normal', reason, `Node ${name} event: ${message}`, SOURCE);
    }
  }

  /** Of the node as it was read: if somebody changed it since, it fails and is done again. */
  async #mend(node: Node, { objects, clock }: Context): Promise<void> {
    const { name = '', resourceVersion } = node.metadata;
    const evicting = this.#evictingTaint(node);
    const taints = changedTaints(node, { now: toTime(clock.now()), evicting });
    const labels = changedLabels(node);
    if (!taints && !labels) return;
    const patch = {
      metadata: { resourceVersion, ...(labels && { labels }) },
      ...(taints && { spec: { taints: taints.length > 0 ? taints : null } }),
    };
    await objects.patch(Node, { name }, patch);
  }

  /** Which taint the node should have so that its pods are evicted; it may have to wait for it. */
  #evictingTaint(node: Node): EvictingTaint | undefined {
    const { name = '' } = node.metadata;
    const present = evictingTaint(node);
    const wanted = wantedTaint(readyCondition(node), present);
    if (!wanted || present || this.#zones.disrupted) {
      this.#zones.withdraw(name);
      return this.#zones.disrupted ? undefined : wanted;
    }
    if (this.#zones.mayEvict(name)) return wanted;
    this.#zones.failed(name);
    return undefined;
  }

  #disruptionChanged(disrupted: boolean): void {
    // The silence may have been ours: all get their full time again.
    if (!disrupted) this.#heartbeats.reset();
    for (const name of this.#known.keys()) this.#enqueue(name);
  }
}

function readyCondition({ status }: Node): NodeCondition | undefined {
  return status?.conditions?.find(({ type }) => type === 'Ready');
}

function wantedTaint(
  ready: NodeCondition | undefined,
  present: EvictingTaint | undefined,
): EvictingTaint | undefined {
  if (!ready) return present;
  if (ready.status === 'True') return undefined;
  return ready.status === 'False' ? NOT_READY : UNREACHABLE;
}

/** False: it is known to be unknown. */
async function postUnknown(node: Node, { objects, events, clock }: Context): Promise<boolean> {
  const conditions = unknownConditions(node, toTime(clock.now()));
  if (conditions.length === 0) return false;
  const { name = '', resourceVersion } = node.metadata;
  const patch = { metadata: { resourceVersion }, status: { conditions } };
  const type = 'application/strategic-merge-patch+json';
  await objects.patch(Node, { name }, patch, { subresource: 'status', type });
  if (readyCondition(node)?.status === 'True') {
    const message = `Node ${name} status is now: NodeNotReady`;
    events.event(node, 'Normal', 'NodeNotReady', message, SOURCE);
  }
  return true;
}

export const SOURCE = { component: 'node-controller' };
