import type { Clock } from '../clock.ts';
import type { Disposer } from '../extension.ts';
import type {
  ContainerExit,
  ContainerOutcome,
  PodSandbox,
  ProbeResult,
  PullResult,
  ResumeRequest,
  RunPodResult,
  Runtime,
  RuntimeSink,
  StartRequest,
  StartResult,
} from '../runtime.ts';

interface FakeContainer {
  readonly pod: PodSandbox;
  readonly name: string;
  readonly id: string;
}

/**
 * A runtime whose containers run until the test ends them, for tests of what uses a runtime. What
 * does not exist or goes wrong is set by its fields; every call is written down.
 */
export class FakeRuntime implements Runtime {
  readonly name = 'fake';
  readonly version = '0.0.0';
  /** `start default/web main 0`, in order. Looking for images and probing is left out. */
  readonly calls: string[] = [];
  /** Images that no registry has. */
  readonly missing = new Set<string>();
  /** Containers by name whose start is refused, with the message. */
  readonly refused = new Map<string, string>();
  /** Why sandboxes cannot be made; absent when they can. */
  sandboxFailure: string | undefined;
  /** What probes answer, by container. */
  readonly probes = new Map<string, ProbeResult>();
  /** Containers go on when they are asked to stop, until the test ends them. */
  stubborn = false;
  readonly #clock: Clock;
  readonly #sinks = new Set<RuntimeSink>();
  readonly #pods = new Set<string>();
  readonly #images = new Set<string>();
  readonly #running = new Map<string, FakeContainer>();
  #started = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Ends a container, as if by itself. */
  exit(pod: string, container: string, exitCode = 0): void {
    const found = [...this.#running.values()].find(
      running => keyOf(running.pod) === pod && running.name === container,
    );
    if (!found) throw new Error(`Cannot end container "${container}" of "${pod}": it does not run`);
    this.#running.delete(found.id);
    this.#tell(found, exitCode);
  }

  /** What runs: `default/web main`, sorted. */
  running(): string[] {
    return [...this.#running.values()].map(({ pod, name }) => `${keyOf(pod)} ${name}`).sort();
  }

  subscribe(sink: RuntimeSink): Disposer {
    this.#sinks.add(sink);
    return () => void this.#sinks.delete(sink);
  }

  async pods(): Promise<readonly string[]> {
    return [...this.#pods];
  }

  async runPod(pod: PodSandbox): Promise<RunPodResult> {
    this.calls.push(`runPod ${keyOf(pod)}`);
    if (this.sandboxFailure !== undefined) return { ok: false, message: this.sandboxFailure };
    this.#pods.add(pod.uid);
    return { ok: true };
  }

  async removePod(uid: string): Promise<void> {
    this.calls.push(`removePod ${uid}`);
    this.#pods.delete(uid);
    for (const { pod, id } of [...this.#running.values()]) {
      if (pod.uid === uid) this.#running.delete(id);
    }
  }

  async findImage(node: string, image: string): Promise<string | undefined> {
    return this.#images.has(`${node} ${image}`) ? `fake/${image}` : undefined;
  }

  async pullImage(node: string, image: string): Promise<PullResult> {
    this.calls.push(`pull ${node} ${image}`);
    if (this.missing.has(image)) return { ok: false, reason: 'ErrImagePull', message: 'not found' };
    this.#images.add(`${node} ${image}`);
    return { ok: true, imageID: `fake/${image}`, sizeBytes: 1000 };
  }

  async startContainer({ pod, container, attempt }: StartRequest): Promise<StartResult> {
    this.calls.push(`start ${keyOf(pod)} ${container.name} ${attempt}`);
    const message = this.refused.get(container.name);
    if (message !== undefined) return { ok: false, reason: 'RunContainerError', message };
    const id = `fake://${++this.#started}`;
    this.#running.set(id, { pod, name: container.name, id });
    return { ok: true, id, startedAtMs: this.#clock.now() };
  }

  async resumeContainer({
    pod,
    container,
    id,
  }: ResumeRequest): Promise<ContainerOutcome | undefined> {
    this.calls.push(`resume ${keyOf(pod)} ${container.name}`);
    return this.#running.has(id) ? { running: true } : undefined;
  }

  stopContainer(id: string, graceMs: number): void {
    const container = this.#running.get(id);
    if (!container) return;
    this.calls.push(`stop ${keyOf(container.pod)} ${container.name} ${graceMs}`);
    if (this.stubborn) return;
    queueMicrotask(() => {
      if (this.#running.delete(id)) this.#tell(container, 0);
    });
  }

  async probe(id: string): Promise<ProbeResult> {
    return this.probes.get(this.#running.get(id)?.name ?? '') ?? { ok: true };
  }

  #tell({ pod, name, id }: FakeContainer, exitCode: number): void {
    const exit: ContainerExit = {
      podUid: pod.uid,
      container: name,
      id,
      exitCode,
      reason: exitCode === 0 ? 'Completed' : 'Error',
      finishedAtMs: this.#clock.now(),
    };
    for (const sink of [...this.#sinks]) sink.exited(exit);
  }
}

function keyOf({ namespace, name }: PodSandbox): string {
  return `${namespace}/${name}`;
}
