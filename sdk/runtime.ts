import type { Container, Probe } from './api/types-core-v1.ts';
import { type Disposer, definePoint } from './extension.ts';

/**
 * What runs the pods of a node: simulated ones, processes, containers. The node agent decides what
 * should run (order, restarts, back-off, probes' thresholds, status, events); a runtime does it and
 * tells what happened. It knows no API objects but the container and probe specs it is handed.
 *
 * One runtime serves many nodes of its agent. The agent calls it from its own thread, and its
 * functions answer without blocking it. An expected failure is a value (`ok: false`); a rejection
 * is a bug or lost I/O, which the agent reports as `RunContainerError` or the like and tries again.
 * Objects that are handed over may be kept, but not changed.
 *
 * The order of calls for one pod: `runPod`, then for each start of a container `pullImage` if it
 * is needed and `startContainer` (or `resumeContainer`), then `stopContainer`, last `removePod`.
 */
export interface Runtime {
  /** Container ids begin with `<name>://`, and nodes report `<name>://<version>`. */
  readonly name: string;
  readonly version: string;

  /** From then on `sink` hears of every container that ends, until disposed. */
  subscribe(sink: RuntimeSink): Disposer;

  /**
   * The uids of the pods that it holds. Asked once when an agent starts, which then removes those
   * that are gone from the API.
   */
  pods(): Promise<readonly string[]>;

  /** Makes the sandbox in which the pod's containers share a network. Idempotent by uid. */
  runPod(pod: PodSandbox): Promise<RunPodResult>;

  /**
   * Ends what still runs, at once, and forgets the pod with its containers and logs. No `exited`
   * follows. Idempotent; unknown uids are fine.
   */
  removePod(uid: string): Promise<void>;

  /** The id of an image that the node has (`docker.io/library/nginx@sha256:…`), or undefined. */
  findImage(node: string, image: string): Promise<string | undefined>;

  pullImage(node: string, image: string): Promise<PullResult>;

  /**
   * Creates and starts a container in the sandbox of its pod; the image is on the node. `exited`
   * never comes before this has answered.
   */
  startContainer(request: StartRequest): Promise<StartResult>;

  /**
   * Takes up a container that ran when an earlier agent ended. Answers what became of it, with
   * `exited` to follow if it runs; or undefined when it is lost, and the agent then starts anew.
   */
  resumeContainer(request: ResumeRequest): Promise<ContainerOutcome | undefined>;

  /**
   * Asks a container to end, and ends it after `graceMs`; `exited` tells when. Again with less
   * grace shortens it. Ids that do not run are ignored.
   */
  stopContainer(id: string, graceMs: number): void;

  /** Probes a running container once. The agent keeps to the probe's timeout; a late answer is void. */
  probe(id: string, probe: Probe): Promise<ProbeResult>;

  /**
   * What containers use, as it was last measured: of the pods named, those that run, in one call.
   * Absent from a runtime that cannot tell. Called only when somebody wants to know.
   */
  usage?(pods: readonly UsageRequest[]): Promise<RuntimeUsage>;

  /** Reserved: what a container wrote, as bytes, oldest first; a runtime without logs has none. */
  logs?(id: string, options: LogOptions): AsyncIterable<Uint8Array>;
}

/** Runtimes work in the thread of their agent, and answer to a name that the agent's config says. */
export const runtimePoint = definePoint<Runtime>({
  name: 'runtime',
  combine: 'unique',
  methods: [],
});

export interface RuntimeSink {
  /** Once per container that ran, also when `stopContainer` ended it; not after `removePod`. */
  exited(exit: ContainerExit): void;
}

export interface PodSandbox {
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
  readonly node: string;
  /** The pod uses its node's network. */
  readonly hostNetwork: boolean;
}

export type RunPodResult =
  | {
      readonly ok: true;
      /** The pod's address, from a runtime that gives its own; absent: the agent allocates one. */
      readonly ip?: string;
    }
  | { readonly ok: false; readonly message: string };

export type PullResult =
  | { readonly ok: true; readonly imageID: string; readonly sizeBytes: number }
  | {
      readonly ok: false;
      /** The waiting reason that is shown. */
      readonly reason: 'ErrImagePull' | 'InvalidImageName' | 'RegistryUnavailable';
      readonly message: string;
    };

export interface StartRequest {
  readonly pod: PodSandbox;
  /** The pod's address, its node's own in the host's network. */
  readonly ip?: string;
  readonly container: Container;
  /** How often the container was restarted before. */
  readonly attempt: number;
}

export interface ResumeRequest extends StartRequest {
  /** As `startContainer` gave it. */
  readonly id: string;
  readonly startedAtMs: number;
}

export type StartResult =
  | { readonly ok: true; readonly id: string; readonly startedAtMs: number }
  | {
      readonly ok: false;
      /** The waiting reason that is shown. */
      readonly reason: 'CreateContainerConfigError' | 'CreateContainerError' | 'RunContainerError';
      readonly message: string;
    };

export type ContainerOutcome =
  | { readonly running: true }
  | { readonly running: false; readonly exit: ContainerExit };

export interface ContainerExit {
  readonly podUid: string;
  readonly container: string;
  /** As `startContainer` gave it. */
  readonly id: string;
  readonly exitCode: number;
  readonly signal?: number;
  readonly reason: 'Completed' | 'Error' | 'OOMKilled' | 'ContainerCannotRun';
  /** The termination message, if the container left one. */
  readonly message?: string;
  readonly finishedAtMs: number;
}

export interface ProbeResult {
  readonly ok: boolean;
  /** Why not: `HTTP probe failed with statuscode: 500`. */
  readonly message?: string;
  /** The answer holds as long as the container runs: asking again is of no use. */
  readonly final?: boolean;
}

export interface UsageRequest {
  readonly uid: string;
  /** The pod's, as they are now. */
  readonly annotations: Readonly<Record<string, string>>;
}

export interface RuntimeUsage {
  /** The end of the time that was measured; that it is some seconds ago is well. */
  readonly timestampMs: number;
  /** How long is measured. */
  readonly windowMs: number;
  /** In the order of the question, of each pod its containers; those of unknown pods are none. */
  readonly pods: readonly (readonly ContainerUsage[])[];
}

/** A container that has run for too short a time to tell has none. */
export interface ContainerUsage {
  readonly name: string;
  /** The mean of the window, in billionths of a core. */
  readonly cpuNanoCores: number;
  /** The working set at the window's end. */
  readonly memoryBytes: number;
  /** Shorter than the others' when the container began within. */
  readonly windowMs: number;
}

export interface LogOptions {
  readonly follow?: boolean;
  readonly tailLines?: number;
  readonly sinceMs?: number;
}
