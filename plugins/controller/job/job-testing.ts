import { strict as assert } from 'node:assert';
import {
  Event,
  isPodActive,
  Job,
  type JobSpec,
  keyOf,
  Pod,
  type PodStatus,
  toTime,
} from 'kernetes/sdk';
import { activate, type FakeClock, fakeClock, running, TestKernel } from 'kernetes/sdk/testing';
import plugin from './plugin.ts';

export const JOB_KEY = 'default/work';
export const MATCH = { 'batch.kubernetes.io/controller-uid': 'job-uid' };

/** A Job as the server would have completed it. */
export function job(spec: Partial<JobSpec> = {}): Job {
  const { template, ...rest } = spec;
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name: 'work', namespace: 'default', uid: 'job-uid' },
    spec: {
      parallelism: 1,
      backoffLimit: 6,
      completionMode: 'NonIndexed',
      selector: { matchLabels: MATCH },
      ...rest,
      template: template ?? {
        metadata: { labels: MATCH },
        spec: { restartPolicy: 'Never', containers: [{ name: 'main', image: 'busybox' }] },
      },
    },
    status: {},
  };
}

/** A kernel with one Job, its controller, and somebody who plays the kubelet. */
export class Scene {
  readonly kernel: TestKernel;
  readonly clock: FakeClock;
  #dispose: () => Promise<void> = async () => undefined;

  constructor(wanted: Job = job(), ...pods: Pod[]) {
    this.clock = fakeClock();
    this.kernel = new TestKernel({ clock: this.clock });
    this.kernel.add(Job, wanted);
    this.kernel.add(Pod, ...pods);
  }

  /** With a Job of this spec, at work. */
  static async of(spec: Partial<JobSpec>): Promise<Scene> {
    return new Scene(job(spec)).start();
  }

  async start(): Promise<this> {
    const { dispose } = await activate(plugin, { kernel: this.kernel, clock: this.clock });
    this.#dispose = dispose;
    return this.step();
  }

  async stop(): Promise<void> {
    await this.#dispose();
  }

  async restart(): Promise<this> {
    await this.stop();
    return this.start();
  }

  /** Long enough for what can happen at once, and too short for any back-off. */
  async step(ms = 2_000): Promise<this> {
    await this.clock.step(ms);
    return this;
  }

  get job(): Job {
    const found = this.kernel.get(Job, JOB_KEY);
    assert.ok(found);
    return found;
  }

  get status(): NonNullable<Job['status']> {
    return this.job.status ?? {};
  }

  /** `type=status reason`, in order. */
  get conditions(): string[] {
    const { conditions = [] } = this.status;
    return conditions.map(({ type, status, reason }) => `${type}=${status} ${reason}`);
  }

  get pods(): Pod[] {
    return this.kernel.all(Pod);
  }

  get active(): Pod[] {
    return this.pods.filter(isPodActive);
  }

  /** Reasons with messages, of all Events but those about single pods. */
  get events(): string[] {
    return this.kernel
      .all(Event)
      .filter(({ reason }) => reason !== 'SuccessfulCreate' && reason !== 'SuccessfulDelete')
      .map(({ type, reason, message }) => `${type} ${reason}: ${message}`);
  }

  get index(): string[] {
    return this.active.map(
      ({ metadata }) => metadata.annotations?.['batch.kubernetes.io/job-completion-index'] ?? '?',
    );
  }

  at(index: number): Pod {
    const found = this.active[this.index.indexOf(String(index))];
    assert.ok(found, `no pod of index ${index}`);
    return found;
  }

  /** Changes the Job's spec, as a client would. */
  async set(change: Partial<JobSpec>): Promise<this> {
    this.kernel.modify(Job, JOB_KEY, each => {
      each.spec = { ...each.spec, template: {}, ...each.spec, ...change } as JobSpec;
      for (const [name, value] of Object.entries(change)) {
        if (value === undefined) delete (each.spec as unknown as Record<string, unknown>)[name];
      }
    });
    return this.step();
  }

  setStatus(pod: Pod | undefined, status: PodStatus): void {
    assert.ok(pod);
    this.kernel.modify(Pod, keyOf(pod), each => {
      each.status = status;
    });
  }

  run(pod: Pod | undefined, restarts = 0): void {
    const containerStatuses = [{ ...CONTAINER, ready: true, restartCount: restarts }];
    this.setStatus(pod, { ...running(), containerStatuses });
  }

  async succeed(...pods: (Pod | undefined)[]): Promise<this> {
    for (const pod of pods) this.#end(pod, 'Succeeded', 0);
    return this.step();
  }

  async fail(pod: Pod | undefined, exitCode = 1): Promise<this> {
    this.#end(pod, 'Failed', exitCode);
    return this.step();
  }

  /** What a node that stops a pod does at the end: the pod may go. */
  async end(pod: Pod): Promise<this> {
    this.kernel.modify(Pod, keyOf(pod), each => {
      each.metadata.finalizers = (each.metadata.finalizers ?? []).filter(name => name !== HOLD);
    });
    return this.step();
  }

  /** From now on the pod takes its time when it is deleted. */
  hold(pod: Pod | undefined): void {
    assert.ok(pod);
    this.kernel.modify(Pod, keyOf(pod), each => {
      each.metadata.finalizers = [...(each.metadata.finalizers ?? []), HOLD];
    });
  }

  async delete(pod: Pod | undefined): Promise<this> {
    const { namespace = '', name = '' } = pod?.metadata ?? {};
    await this.kernel.objects.delete(Pod, { namespace, name });
    return this.step();
  }

  count(resource: string, verb: string): number {
    const { requests } = this.kernel;
    return requests.filter(each => each.resource === resource && each.verb === verb).length;
  }

  #end(pod: Pod | undefined, phase: string, exitCode: number): void {
    const finishedAt = toTime(this.clock.now());
    const state = { terminated: { exitCode, finishedAt } };
    this.setStatus(pod, { phase, containerStatuses: [{ ...CONTAINER, state }] });
  }
}

const HOLD = 'test/hold';
const CONTAINER = { name: 'main', image: '', imageID: '', ready: false, restartCount: 0 };
