import {
  type Clock,
  type ContainerExit,
  type EventRecorder,
  type EventType,
  type Pod,
  type PodSandbox,
  type PodStatus,
  type Probe,
  type RunPodResult,
  type Runtime,
  type Timer,
  toTime,
} from 'kernetes/sdk';
import { ContainerProbes } from './container-probes.ts';
import {
  type ContainerRecord,
  finishedAtMs,
  isActive,
  isOver,
  recordsOf,
  restarts,
  terminatedBy,
  terminatedUnknown,
  wantedOf,
} from './container-record.ts';
import { type ContainerStart, startContainer } from './container-starter.ts';
import type { ServedNode } from './node-registry.ts';
import { PodAddress } from './pod-address.ts';
import { PodReport } from './pod-report.ts';
import { podStatusOf } from './pod-status.ts';
import { formatDelay, nextDelay, retryAtMs } from './retry-delay.ts';
import type { Owed, Reporter, StatusWriter } from './status-writer.ts';

/** What all pods of the agent share. */
export interface PodEnvironment {
  readonly runtime: Runtime;
  readonly clock: Clock;
  readonly events: EventRecorder;
  readonly statuses: StatusWriter;
}

/**
 * One pod on one of the agent's nodes, from its binding to its end. Whatever happens (the API's
 * object changes, a container ends, a start is answered, a back-off is over) changes a record and
 * calls `sync`, which looks at the whole and does what is next. It has at most one timer beside
 * its probes', and none when it just runs.
 */
export class PodWorker implements Reporter {
  readonly uid: string;
  readonly #env: PodEnvironment;
  readonly #node: ServedNode;
  readonly #sandbox: PodSandbox;
  readonly #records: readonly ContainerRecord[];
  readonly #probes: ContainerProbes;
  readonly #address: PodAddress;
  readonly #report = new PodReport();
  readonly #startTime: string;
  #pod: Pod;
  #state: WorkerState = 'new';
  #retryAtMs = 0;
  #wake: { readonly atMs: number; readonly timer: Timer } | undefined;

  /** Takes over what the pod's status tells; the address in it is reserved here and now. */
  constructor(pod: Pod, node: ServedNode, env: PodEnvironment) {
    const { uid = '', namespace = '', name = '' } = pod.metadata;
    const { hostNetwork = false } = pod.spec ?? {};
    const { phase = '', podIP, startTime } = pod.status ?? {};
    this.uid = uid;
    this.#pod = pod;
    this.#node = node;
    this.#env = env;
    this.#sandbox = { uid, namespace, name, node: node.name, hostNetwork };
    this.#records = recordsOf(pod);
    this.#startTime = startTime ?? toTime(env.clock.now());
    this.#probes = new ContainerProbes({
      ...env,
      event: this.#tell,
      changed: () => this.#changed(),
      kill: (record, probe, message) => this.#killUnhealthy(record, probe, message),
    });
    this.#address = new PodAddress(node, this.#sandbox);
    if (phase === 'Succeeded' || phase === 'Failed') {
      this.#state = 'ended';
      this.#address.recall(podIP);
    } else this.#address.reserve(podIP);
  }

  get pod(): Pod {
    return this.#pod;
  }

  /** The API's object changed. */
  update(pod: Pod): void {
    this.#pod = pod;
    if (this.#report.isContradictedBy(pod, () => this.#newStatus())) this.#changed();
    // After a conflict this may be what the write waits for.
    else if (this.#report.changed) this.#env.statuses.enqueue(this);
    this.sync();
  }

  /** Does what is next, if anything is. Idempotent. */
  sync(): void {
    if (this.#state === 'new') this.#begin();
    else if (this.#state === 'ready') this.#proceed();
    else if (this.#mayRemove()) this.#env.statuses.enqueue(this);
  }

  /** A container of this pod has ended. */
  exited(exit: ContainerExit): void {
    const record = this.#records.find(({ id, state }) => id === exit.id && state.running);
    if (!record) return;
    this.#ended(record, exit);
    this.sync();
  }

  /** The API's object is gone: so is the pod. */
  async remove(): Promise<void> {
    for (const { state, spec } of this.#records) {
      const stopped = this.#state === 'ended' || !state.running;
      if (!stopped) this.#tell('Normal', 'Killing', `Stopping container ${spec.name}`);
    }
    this.#state = 'gone';
    this.#wake?.timer.cancel();
    this.#probes.stopAll();
    await this.#env.runtime.removePod(this.uid);
    this.#address.release();
  }

  owed(): Owed | undefined {
    if (this.#state === 'gone') return undefined;
    if (this.#report.changed) {
      const status = this.#newStatus();
      const resourceVersion = this.#report.versionAfter(this.#pod.metadata.resourceVersion);
      this.#report.writing(status);
      return { status, resourceVersion };
    }
    return this.#mayRemove() ? { remove: true } : undefined;
  }

  settled(owed: Owed, pod: Pod | undefined): void {
    if ('remove' in owed) return;
    const seen = this.#pod.metadata.resourceVersion;
    this.#report.written(owed.status, pod?.metadata.resourceVersion, seen);
    if (this.#mayRemove()) this.#env.statuses.enqueue(this);
  }

  failed(owed: Owed): void {
    if ('status' in owed) this.#report.markChanged();
  }

  #begin(): void {
    const resumes = this.#records.some(({ unverified }) => unverified);
    if (this.#isDeleting() && !resumes) this.#end();
    else if (this.#retryAtMs > this.#env.clock.now()) this.#wakeAt(this.#retryAtMs);
    else void this.#startSandbox();
  }

  async #startSandbox(): Promise<void> {
    this.#state = 'starting';
    const isNew = !this.#pod.status?.startTime;
    if (isNew) this.#changed();
    const result = await this.#runPod();
    if (this.#isGone()) return;
    const failure = result.ok ? this.#address.assign(result.ip) : result.message;
    if (failure !== undefined) {
      this.#tell('Warning', 'FailedCreatePodSandBox', `Failed to create pod sandbox: ${failure}`);
      this.#state = 'new';
      this.#retryAtMs = this.#env.clock.now() + SANDBOX_RETRY_MS;
      return this.sync();
    }
    const lost = this.#records.filter(({ unverified }) => unverified);
    if (lost.length > 0) await Promise.all(lost.map(record => this.#resume(record)));
    if (this.#isGone()) return;
    this.#state = 'ready';
    if (!isNew) this.#report.takeOver();
    // Through `update`: an earlier agent's status may not be right any more.
    this.update(this.#pod);
  }

  async #runPod(): Promise<RunPodResult> {
    try {
      return await this.#env.runtime.runPod(this.#sandbox);
    } catch (error) {
      return { ok: false, message: messageOf(error) };
    }
  }

  /** Finds out what became of a container that ran when an earlier agent ended. */
  async #resume(record: ContainerRecord): Promise<void> {
    const { spec, id, restartCount, state } = record;
    const startedAtMs = Date.parse(state.running?.startedAt ?? '') || this.#env.clock.now();
    const { ip } = this.#address;
    const known = { id, startedAtMs, ...(ip && { ip }) };
    const request = { pod: this.#sandbox, container: spec, attempt: restartCount, ...known };
    const outcome = await this.#env.runtime.resumeContainer(request).catch(() => undefined);
    record.unverified = false;
    if (this.#isGone() || !record.state.running) return;
    if (outcome?.running) return this.#probes.start(record);
    if (outcome) return this.#ended(record, outcome.exit);
    record.state = terminatedUnknown('The container could not be located');
    this.#markStopped(record);
  }

  #proceed(): void {
    const policy = this.#pod.spec?.restartPolicy ?? 'Always';
    if (this.#isDeleting() || isOver(this.#records, policy)) this.#finish();
    else this.#startContainers(policy);
  }

  #startContainers(policy: string): void {
    for (const record of wantedOf(this.#records)) {
      if (isActive(record) || !restarts(record, policy)) continue;
      const atMs = this.#dueAtMs(record);
      if (atMs > this.#env.clock.now()) this.#wakeAt(atMs);
      else void this.#start(record);
    }
  }

  /** When the container may be started; one that has to wait for it is shown as crashing. */
  #dueAtMs(record: ContainerRecord): number {
    const { terminated } = record.state;
    if (!terminated) return record.retryAtMs;
    const atMs = retryAtMs(record.crash, finishedAtMs(record) ?? 0);
    if (atMs <= this.#env.clock.now()) return atMs;
    const { uid, namespace, name } = this.#sandbox;
    const container = record.spec.name;
    const wait = formatDelay(record.crash?.ms ?? 0);
    const pod = `${name}_${namespace}(${uid})`;
    const message = `back-off ${wait} restarting failed container=${container} pod=${pod}`;
    record.lastState = record.state;
    record.state = { waiting: { reason: 'CrashLoopBackOff', message } };
    record.retryAtMs = atMs;
    this.#tell(
      'Warning',
      'BackOff',
      `Back-off restarting failed container ${container} in pod ${pod}`,
    );
    this.#changed();
    return atMs;
  }

  async #start(record: ContainerRecord): Promise<void> {
    const again = record.id !== '';
    const nowMs = this.#env.clock.now();
    if (again)
      record.crash = nextDelay(record.crash, { eventMs: finishedAtMs(record) ?? nowMs, nowMs });
    record.starting = true;
    const attempt = again ? record.restartCount + 1 : 0;
    const { ip } = this.#address;
    const options = { ...this.#env, sandbox: this.#sandbox, ip, event: this.#tell };
    const result = await startContainer(record.spec, attempt, options);
    record.starting = false;
    if (this.#isGone()) return;
    if (result.ok) this.#started(record, result, attempt);
    else this.#notStarted(record, result);
    this.#changed();
    this.sync();
  }

  #started(record: ContainerRecord, start: ContainerStart & { ok: true }, attempt: number): void {
    if (record.state.terminated) record.lastState = record.state;
    record.state = { running: { startedAt: toTime(start.startedAtMs) } };
    record.id = start.id;
    record.imageID = start.imageID;
    record.restartCount = attempt;
    delete record.pull;
    this.#probes.start(record);
  }

  #notStarted(record: ContainerRecord, failure: ContainerStart & { ok: false }): void {
    const { step, reason, message } = failure;
    const kind = step === 'image' ? 'pull' : 'crash';
    const nowMs = this.#env.clock.now();
    const delay = nextDelay(record[kind], { eventMs: nowMs, nowMs });
    record[kind] = delay;
    record.retryAtMs = nowMs + delay.ms;
    if (record.state.terminated) record.lastState = record.state;
    const shown = { waiting: { reason, message } };
    record.state = shown;
    if (reason !== 'ErrImagePull') return;
    this.#env.clock.setTimeout(() => {
      if (record.state === shown) this.#showPullBackoff(record, message);
    }, PULL_ERROR_SHOWN_MS);
  }

  #showPullBackoff(record: ContainerRecord, cause: string): void {
    if (this.#isGone()) return;
    const text = `Back-off pulling image "${record.spec.image}"`;
    const message = `${text}: ErrImagePull: ${cause}`;
    record.state = { waiting: { reason: 'ImagePullBackOff', message } };
    this.#tell('Normal', 'BackOff', text);
    this.#tell('Warning', 'Failed', 'Error: ImagePullBackOff');
    this.#changed();
  }

  #ended(record: ContainerRecord, exit: ContainerExit): void {
    record.state = terminatedBy(exit, record.state.running?.startedAt);
    this.#markStopped(record);
  }

  #markStopped(record: ContainerRecord): void {
    record.ready = false;
    record.started = false;
    delete record.stopGraceMs;
    this.#probes.stop(record);
    this.#changed();
  }

  /** Stops what runs, sidecars last; when nothing does, the pod has ended. */
  #finish(): void {
    const active = this.#records.filter(isActive);
    const first = active.filter(({ role }) => role !== 'sidecar');
    const graceMs = this.#graceMs();
    for (const record of first.length > 0 ? first : active) {
      this.#stop(record, graceMs, `Stopping container ${record.spec.name}`);
    }
    if (active.length === 0) this.#end();
  }

  #stop(record: ContainerRecord, graceMs: number, message: string): void {
    const { stopGraceMs, state, id } = record;
    if (!state.running || (stopGraceMs !== undefined && stopGraceMs <= graceMs)) return;
    if (stopGraceMs === undefined) this.#tell('Normal', 'Killing', message);
    record.stopGraceMs = graceMs;
    this.#env.runtime.stopContainer(id, graceMs);
  }

  #killUnhealthy(record: ContainerRecord, probe: Probe, message: string): void {
    const seconds = probe.terminationGracePeriodSeconds;
    this.#stop(record, seconds === undefined ? this.#graceMs() : seconds * 1000, message);
  }

  #end(): void {
    for (const record of this.#records) {
      if (record.role !== 'main' || record.state.terminated) continue;
      record.state = record.lastState.terminated
        ? { terminated: record.lastState.terminated }
        : terminatedUnknown('The container could not be located when the pod was terminated');
    }
    this.#state = 'ended';
    this.#wake?.timer.cancel();
    // A pod that is being deleted keeps its address until nobody can take it for its own.
    if (!this.#isDeleting()) this.#address.release();
    this.#changed();
  }

  #graceMs(): number {
    const { metadata, spec } = this.#pod;
    const ofPod = spec?.terminationGracePeriodSeconds ?? DEFAULT_GRACE_SECONDS;
    const seconds = this.#isDeleting() ? (metadata.deletionGracePeriodSeconds ?? ofPod) : ofPod;
    return seconds * 1000;
  }

  #newStatus(): PodStatus {
    const view = {
      pod: this.#pod,
      records: this.#records,
      hostIP: this.#node.ip,
      podIP: this.#address.ip,
      startTime: this.#startTime,
      sandboxReady: this.#state === 'ready',
      ended: this.#state === 'ended',
      conditions: this.#report.status?.conditions ?? [],
    };
    return podStatusOf(view, this.#env.clock.now());
  }

  #changed(): void {
    this.#report.markChanged();
    this.#env.statuses.enqueue(this);
  }

  #wakeAt(atMs: number): void {
    if (this.#wake && this.#wake.atMs <= atMs) return;
    this.#wake?.timer.cancel();
    const timer = this.#env.clock.setTimeout(() => {
      this.#wake = undefined;
      this.sync();
    }, atMs - this.#env.clock.now());
    this.#wake = { atMs, timer };
  }

  readonly #tell = (type: EventType, reason: string, message: string): void => {
    const source = { component: 'kubelet', host: this.#node.name };
    this.#env.events.event(this.#pod, type, reason, message, source);
  };

  #isDeleting(): boolean {
    return this.#pod.metadata.deletionTimestamp !== undefined;
  }

  #mayRemove(): boolean {
    return this.#state === 'ended' && this.#isDeleting() && !this.#report.changed;
  }

  #isGone(): boolean {
    return this.#state === 'gone';
  }
}

/**
 * `new`: has no sandbox. `ready`: has one. `ended`: nothing runs, or will. `gone`: is not in the
 * API any more.
 */
type WorkerState = 'new' | 'starting' | 'ready' | 'ended' | 'gone';

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

const SANDBOX_RETRY_MS = 10_000;
/** How long the error itself is shown before the back-off is: a kubelet's next look. */
const PULL_ERROR_SHOWN_MS = 2_000;
/** The API's default. */
const DEFAULT_GRACE_SECONDS = 30;
