import {
  type ClusterNetwork,
  type ContainerExit,
  type Informer,
  type PluginContext,
  Pod,
  type PodUsageSource,
  type Runtime,
} from 'kernetes/sdk';
import type { AgentConfig } from './config.ts';
import { Heartbeat } from './heartbeat.ts';
import { Kubelets } from './kubelet.ts';
import { NodeRegistry, type ServedNode } from './node-registry.ts';
import { type PodEnvironment, PodWorker } from './pod-worker.ts';
import { StatusWriter } from './status-writer.ts';
import { podUsageSource } from './usage.ts';

/** What of a pod the agent needs; volumes, affinities and the like stay where they are. */
const POD_FIELDS = [
  'spec.containers',
  'spec.hostNetwork',
  'spec.initContainers',
  'spec.nodeName',
  'spec.readinessGates',
  'spec.restartPolicy',
  'spec.terminationGracePeriodSeconds',
  'status',
];

/** All nodes of the agent, and a worker for each pod on them. One watch of pods serves all. */
export class PodAgent {
  readonly #ctx: PluginContext<AgentConfig>;
  readonly #environment: PodEnvironment;
  readonly #registry: NodeRegistry;
  readonly #pods: Informer<Pod>;
  /** By uid. */
  readonly #workers = new Map<string, PodWorker>();
  /** Undefined where the runtime cannot tell. */
  readonly #measure: Runtime['usage'];

  /** Throws when the config cannot be. */
  constructor(ctx: PluginContext<AgentConfig>, runtime: Runtime) {
    const { clock, events, objects, log } = ctx;
    this.#ctx = ctx;
    const statuses = new StatusWriter({ objects, clock, log });
    this.#environment = { runtime, clock, events, statuses };
    this.#measure = runtime.usage?.bind(runtime);
    this.#registry = new NodeRegistry(ctx, runtime);
    this.#pods = ctx.informer(Pod, {
      fieldSelector: 'spec.nodeName!=',
      fields: POD_FIELDS,
      indexes: { node: ({ spec }: Pod) => [spec?.nodeName ?? ''] },
    });
  }

  /** Resolves when the nodes are registered and the pods that were there are taken over. */
  async start(): Promise<void> {
    const { runtime } = this.#environment;
    await this.#pods.synced;
    this.#ctx.onDispose(runtime.subscribe({ exited: exit => this.#exited(exit) }));
    await this.#registry.start(node => this.#serve(node));
    this.#ctx.onDispose(
      this.#pods.on({
        added: pod => this.#update(pod),
        updated: pod => this.#update(pod),
        deleted: pod => void this.#remove(pod),
      }),
    );
    await this.#removeOrphans();
    new Heartbeat(this.#ctx, this.#registry).start();
  }

  /** The servers that kubelets are, at the addresses of their nodes. */
  kubelets(): ClusterNetwork {
    return new Kubelets({
      nodeAt: ip => {
        const name = this.#registry.at(ip)?.name;
        return name === undefined ? undefined : { name, isServed: !!this.#registry.get(name) };
      },
      podsOf: node => this.#pods.byIndex('node', node),
      usage: this.#measure,
    });
  }

  /** Undefined where the runtime cannot tell. */
  usage(): PodUsageSource | undefined {
    const usage = this.#measure;
    if (usage === undefined) return undefined;
    return podUsageSource({
      pods: this.#pods,
      nodes: () => this.#registry.names().flatMap(name => this.#registry.object(name) ?? []),
      isServed: node => this.#registry.get(node) !== undefined,
      usage,
    });
  }

  /** Takes over a node's pods: their addresses first, so that no new one is given a taken one. */
  #serve(node: ServedNode): void {
    const workers = this.#pods.byIndex('node', node.name).map(pod => this.#workerOf(pod, node));
    for (const worker of workers) worker.sync();
  }

  #update(pod: Pod): void {
    const { uid = '' } = pod.metadata;
    const worker = this.#workers.get(uid);
    if (worker) {
      worker.update(pod);
      return;
    }
    const node = this.#registry.get(pod.spec?.nodeName ?? '');
    if (node) this.#workerOf(pod, node).sync();
  }

  #workerOf(pod: Pod, node: ServedNode): PodWorker {
    const { uid = '' } = pod.metadata;
    const known = this.#workers.get(uid);
    if (known) return known;
    const worker = new PodWorker(pod, node, this.#environment);
    this.#workers.set(uid, worker);
    return worker;
  }

  async #remove({ metadata: { uid = '', namespace, name } }: Pod): Promise<void> {
    const worker = this.#workers.get(uid);
    this.#workers.delete(uid);
    try {
      await worker?.remove();
    } catch (error) {
      this.#ctx.log.error('Pod not removed from the runtime', { namespace, pod: name, error });
    }
  }

  #exited(exit: ContainerExit): void {
    this.#workers.get(exit.podUid)?.exited(exit);
  }

  /** What was deleted from the API while there was no agent. */
  async #removeOrphans(): Promise<void> {
    const { runtime } = this.#environment;
    const orphans = (await runtime.pods()).filter(uid => !this.#workers.has(uid));
    await Promise.all(orphans.map(uid => runtime.removePod(uid)));
  }
}
