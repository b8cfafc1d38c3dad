import {
  type Clock,
  type Container,
  type ContainerExit,
  type ContainerOutcome,
  type Disposer,
  delay,
  type Logger,
  type PodSandbox,
  type Probe,
  type ProbeResult,
  type PullResult,
  type Random,
  type ResumeRequest,
  type RunPodResult,
  type Runtime,
  type RuntimeSink,
  type RuntimeUsage,
  type StartRequest,
  type StartResult,
  type Timer,
  type UsageRequest,
} from 'kernetes/sdk';
import { type Behaviour, type BehaviourConfig, Behaviours } from './behaviour.ts';
import { fullImageName, imageIdOf } from './image-name.ts';
import type { SimNetwork } from './sim-network.ts';
import type { UsageMeter } from './usage-meter.ts';

export interface SimRuntimeOptions {
  readonly config: BehaviourConfig;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** Where its containers can be reached. */
  readonly network: SimNetwork;
  readonly meter: UsageMeter;
}

/**
 * Pods that are nothing but records: a container that runs for ever costs no timer. What it knows
 * is lost with its thread, but a resumed container goes on exactly where it would be by now.
 */
export class SimRuntime implements Runtime {
  readonly name = 'sim';
  readonly version = '0.1.0';
  readonly #options: SimRuntimeOptions;
  readonly #behaviours: Behaviours;
  readonly #sinks = new Set<RuntimeSink>();
  /** By uid, the last container of each name. */
  readonly #pods = new Map<string, Map<string, SimContainer>>();
  readonly #running = new Map<string, SimContainer>();
  /** What was pulled: by node, the images' names as they were asked for. */
  readonly #images = new Map<string, Set<string>>();
  /** Many nodes pull the same few images. */
  readonly #imageIds = new Map<string, string>();

  constructor(options: SimRuntimeOptions) {
    this.#options = options;
    this.#behaviours = new Behaviours(options.config, options.random);
  }

  subscribe(sink: RuntimeSink): Disposer {
    this.#sinks.add(sink);
    return () => void this.#sinks.delete(sink);
  }

  async pods(): Promise<readonly string[]> {
    return [...this.#pods.keys()];
  }

  async runPod({ uid }: PodSandbox): Promise<RunPodResult> {
    if (!this.#pods.has(uid)) this.#pods.set(uid, new Map());
    return { ok: true };
  }

  async removePod(uid: string): Promise<void> {
    for (const container of this.#pods.get(uid)?.values() ?? []) {
      container.timer?.cancel();
      this.#options.network.remove(container);
      this.#running.delete(container.id);
    }
    this.#pods.delete(uid);
  }

  async findImage(node: string, image: string): Promise<string | undefined> {
    const has = this.#images.get(node)?.has(image) || this.#behaviours.ofImage(image).preloaded;
    return has ? this.#imageId(image) : undefined;
  }

  async pullImage(node: string, image: string): Promise<PullResult> {
    const imageID = this.#imageId(image);
    if (imageID === undefined) {
      const message = `couldn't parse image name "${image}": invalid reference format`;
      return { ok: false, reason: 'InvalidImageName', message };
    }
    const { pullMs, missing, sizeBytes } = this.#behaviours.ofImage(image);
    await this.#wait(pullMs);
    if (missing) {
      const message = `failed to resolve reference "${fullImageName(image)}": not found`;
      return { ok: false, reason: 'ErrImagePull', message };
    }
    const images = this.#images.get(node);
    if (images) images.add(image);
    else this.#images.set(node, new Set([image]));
    return { ok: true, imageID, sizeBytes };
  }

  async startContainer({ pod, container, ip }: StartRequest): Promise<StartResult> {
    const behaviour = this.#behaviours.ofContainer(container);
    await this.#wait(behaviour.startMs);
    const containers = this.#pods.get(pod.uid);
    if (!containers) {
      return { ok: false, reason: 'RunContainerError', message: `sandbox of ${pod.uid} is gone` };
    }
    const id = this.#newId();
    const startedAtMs = this.#options.clock.now();
    this.#run({ id, pod, spec: container, startedAtMs, behaviour, ...(ip && { ip }) });
    return { ok: true, id, startedAtMs };
  }

  async resumeContainer(request: ResumeRequest): Promise<ContainerOutcome | undefined> {
    const { pod, container, id, startedAtMs, ip } = request;
    const containers = this.#pods.get(pod.uid);
    if (!containers) return undefined;
    const known = containers.get(container.name);
    if (known?.id === id) {
      return known.exit ? { running: false, exit: known.exit } : { running: true };
    }
    return this.#takeUp({ id, pod, spec: container, startedAtMs, ...(ip && { ip }) });
  }

  stopContainer(id: string, graceMs: number): void {
    const container = this.#running.get(id);
    if (!container) return;
    const { stopMs, stopExitCode } = container.behaviour;
    const now = this.#options.clock.now();
    const asked = container.stopAskedAtMs ?? now;
    container.stopAskedAtMs = asked;
    const killed = now + graceMs < asked + stopMs;
    const atMs = killed ? now + graceMs : asked + stopMs;
    const ends = container.endsAtMs;
    if (ends !== undefined && ends <= atMs) return;
    this.#endAt(container, Math.max(atMs, now), killed ? KILLED : stopExitCode);
  }

  async probe(id: string, _probe: Probe): Promise<ProbeResult> {
    const container = this.#running.get(id);
    if (!container) return { ok: false, message: 'container is not running' };
    const { ok, afterMs = 0, message = 'simulated failure' } = container.behaviour.probe;
    const final = this.#options.clock.now() >= container.startedAtMs + afterMs;
    return final === ok ? { ok: true, final } : { ok: false, message, final };
  }

  async usage(pods: readonly UsageRequest[]): Promise<RuntimeUsage> {
    const { meter } = this.#options;
    const window = meter.window();
    const shared = meter.shared(window);
    const measured = pods.map(asked => {
      const containers = [...(this.#pods.get(asked.uid)?.values() ?? [])];
      return meter.measure(containers, asked, { window, shared });
    });
    const windowMs = window.endMs - window.fromMs;
    return { timestampMs: window.endMs, windowMs, pods: measured };
  }

  #takeUp(known: Omit<SimContainer, 'behaviour'>): ContainerOutcome {
    const behaviour = this.#behaviours.ofContainer(known.spec);
    const container: SimContainer = { ...known, behaviour };
    const { end } = behaviour;
    const endsAtMs = end && known.startedAtMs + end.runMs;
    if (!end || endsAtMs === undefined || endsAtMs > this.#options.clock.now()) {
      this.#run(container);
      return { running: true };
    }
    container.exit = exitOf(container, end.exitCode, endsAtMs);
    this.#keep(container);
    return { running: false, exit: container.exit };
  }

  #run(container: SimContainer): void {
    this.#keep(container);
    this.#running.set(container.id, container);
    const { end } = container.behaviour;
    if (end) this.#endAt(container, container.startedAtMs + end.runMs, end.exitCode);
  }

  /** In the place of the one that had its name before. */
  #keep(container: SimContainer): void {
    const containers = this.#pods.get(container.pod.uid);
    const before = containers?.get(container.spec.name);
    if (before) this.#options.network.remove(before);
    containers?.set(container.spec.name, container);
    this.#options.network.add(container);
  }

  /** Always through a timer, so that nobody hears of an end within the call that caused it. */
  #endAt(container: SimContainer, endsAtMs: number, exitCode: number): void {
    const { clock } = this.#options;
    container.timer?.cancel();
    container.endsAtMs = endsAtMs;
    container.timer = clock.setTimeout(() => {
      this.#running.delete(container.id);
      const exit = exitOf(container, exitCode, clock.now());
      container.exit = exit;
      for (const sink of this.#sinks) this.#tell(sink, exit);
    }, endsAtMs - clock.now());
  }

  #tell(sink: RuntimeSink, exit: ContainerExit): void {
    try {
      sink.exited(exit);
    } catch (error) {
      this.#options.log.error('Runtime sink failed', { container: exit.id, error });
    }
  }

  #imageId(image: string): string | undefined {
    const known = this.#imageIds.get(image);
    if (known !== undefined) return known;
    const full = fullImageName(image);
    if (full === undefined) return undefined;
    const id = imageIdOf(full);
    if (this.#imageIds.size >= IMAGE_IDS_MAX) this.#imageIds.clear();
    this.#imageIds.set(image, id);
    return id;
  }

  #newId(): string {
    const { random } = this.#options;
    return `sim://${(random.uuid() + random.uuid()).replaceAll('-', '')}`;
  }

  async #wait(ms: number): Promise<void> {
    if (ms > 0) await delay(this.#options.clock, ms);
  }
}

/** One start of a container. */
export interface SimContainer {
  readonly id: string;
  readonly pod: PodSandbox;
  readonly spec: Container;
  readonly ip?: string;
  readonly startedAtMs: number;
  readonly behaviour: Behaviour;
  /** When it will end, with the timer for it; absent while it runs for ever. */
  endsAtMs?: number;
  timer?: Timer;
  /** When it was first asked to stop. */
  stopAskedAtMs?: number;
  exit?: ContainerExit;
}

function exitOf(container: SimContainer, exitCode: number, finishedAtMs: number): ContainerExit {
  return {
    podUid: container.pod.uid,
    container: container.spec.name,
    id: container.id,
    exitCode,
    reason: exitCode === 0 ? 'Completed' : 'Error',
    finishedAtMs,
  };
}

/** What the exit code of SIGKILL is. */
const KILLED = 137;
/** Far more than a cluster has images; only a hash is lost when they are forgotten. */
const IMAGE_IDS_MAX = 10_000;
