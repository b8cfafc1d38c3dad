import {
  type BatchResult,
  createRequest,
  Lease,
  Node,
  type ObjectRequest,
  type PluginContext,
  patchRequest,
  toMicroTime,
} from 'kernetes/sdk';
import { nodeConditions } from './node-object.ts';
import type { NodeRegistry } from './node-registry.ts';

/**
 * Tells that the nodes live: each one's Lease every ten seconds, its conditions every five minutes
 * or when somebody changed them. The nodes take turns, so that thousands do not write at one moment.
 * One timer serves all.
 */
export class Heartbeat {
  readonly #ctx: PluginContext<unknown>;
  readonly #registry: NodeRegistry;
  /** Nodes whose Lease is known to exist. */
  readonly #leased = new Set<string>();
  readonly #reportedAtMs = new Map<string, number>();
  /** Of this round, still to come. */
  #round: string[] = [];

  constructor(ctx: PluginContext<unknown>, registry: NodeRegistry) {
    this.#ctx = ctx;
    this.#registry = registry;
  }

  start(): void {
    this.#ctx.clock.setTimeout(() => void this.#beat(), 0);
  }

  async #beat(): Promise<void> {
    const { clock, log } = this.#ctx;
    const startedAtMs = clock.monotonic();
    if (this.#round.length === 0) this.#round = this.#registry.names();
    const beats = Math.max(1, Math.ceil(this.#registry.names().length / NODES_PER_BEAT));
    const names = this.#round.splice(0, NODES_PER_BEAT);
    try {
      await this.#renew(names);
      await this.#registry.ensure();
    } catch (error) {
      log.warn('Heartbeats not written', { nodes: names.length, error });
    }
    const waitMs = RENEW_MS / beats - (clock.monotonic() - startedAtMs);
    clock.setTimeout(() => void this.#beat(), Math.max(0, waitMs));
  }

  async #renew(names: readonly string[]): Promise<void> {
    const requests = names.flatMap(name => [
      this.#leaseRequest(name),
      ...this.#statusRequest(name),
    ]);
    const results = await this.#ctx.objects.batch(requests);
    const missing: ObjectRequest[] = [];
    for (const [i, request] of requests.entries()) {
      if (this.#settle(request, results[i]) === 'missing')
        missing.push(this.#newLease(request.name ?? ''));
    }
    if (missing.length === 0) return;
    const created = await this.#ctx.objects.batch(missing);
    for (const [i, request] of missing.entries()) this.#settle(request, created[i]);
  }

  #leaseRequest(name: string): ObjectRequest {
    if (!this.#leased.has(name)) return this.#newLease(name);
    const spec = { renewTime: toMicroTime(this.#ctx.clock.now()) };
    return patchRequest(Lease, { namespace: LEASE_NAMESPACE, name }, { spec });
  }

  #newLease(name: string): ObjectRequest {
    const uid = this.#registry.object(name)?.metadata.uid ?? '';
    const metadata = {
      name,
      namespace: LEASE_NAMESPACE,
      ownerReferences: [{ apiVersion: 'v1', kind: 'Node', name, uid }],
    };
    const spec = {
      holderIdentity: name,
      leaseDurationSeconds: LEASE_SECONDS,
      renewTime: toMicroTime(this.#ctx.clock.now()),
    };
    return createRequest(Lease, { metadata, spec });
  }

  #statusRequest(name: string): ObjectRequest[] {
    const { clock } = this.#ctx;
    const node = this.#registry.object(name);
    if (!node) return [];
    const before = node.status?.conditions ?? [];
    const conditions = nodeConditions(clock.now(), before);
    const changed = conditions.some(({ type, status, reason }) => {
      const old = before.find(condition => condition.type === type);
      return old?.status !== status || old.reason !== reason;
    });
    const last = this.#reportedAtMs.get(name) ?? heartbeatOf(node);
    if (!changed && clock.now() - last < STATUS_MS) return [];
    this.#reportedAtMs.set(name, clock.now());
    const type = 'application/strategic-merge-patch+json';
    return [
      patchRequest(Node, { name }, { status: { conditions } }, { subresource: 'status', type }),
    ];
  }

  #settle(request: ObjectRequest, result: BatchResult | undefined): 'missing' | undefined {
    const name = request.name ?? (request.body as Lease).metadata.name ?? '';
    if (request.resource !== Lease.resource) {
      if (!result?.ok) this.#reportedAtMs.delete(name);
    } else if (result?.ok || result?.error.reason === 'AlreadyExists') {
      this.#leased.add(name);
    } else if (request.verb === 'patch' && result?.error.reason === 'NotFound') {
      this.#leased.delete(name);
      return 'missing';
    }
    if (!result?.ok && result?.error.reason !== 'AlreadyExists') {
      this.#ctx.log.debug('Heartbeat not written', { node: name, error: result?.error });
    }
    return undefined;
  }
}

function heartbeatOf(node: Node): number {
  const ready = node.status?.conditions?.find(({ type }) => type === 'Ready');
  return Date.parse(ready?.lastHeartbeatTime ?? '') || 0;
}

const LEASE_NAMESPACE = 'kube-node-lease';
/** Upstream's numbers. */
const LEASE_SECONDS = 40;
const RENEW_MS = 10_000;
const STATUS_MS = 300_000;
/** About 50 ms of writing at a time. */
const NODES_PER_BEAT = 500;
