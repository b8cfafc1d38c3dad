import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  type AdmissionPlugin,
  type AdmissionRequest,
  ALL_VERBS,
  admissionPoint,
  ConfigMap,
  conflict,
  delay,
  type Kind,
  type KubeObject,
  Pod,
  ResourceQuota,
  Service,
  servedKindPoint,
} from 'kernetes/sdk';
import {
  activate,
  admissionRequest,
  type FakeClock,
  fakeClock,
  pod,
  seededRandom,
  service,
  TestKernel,
} from 'kernetes/sdk/testing';
import admission from '../../plugins/admission/resource-quota/plugin.ts';
import controller from '../../plugins/controller/resource-quota/plugin.ts';

/**
 * Who takes from quotas and who counts, against each other, with clients that create, change and
 * delete at the same time, over lines that are slow at times. What storing takes is drawn, up to
 * less than what the counting one allows for.
 */
const COMMIT_MS_MAX = 80;
const LINE_MS_MAX = 150;
const HARD = {
  pods: '7',
  'requests.cpu': '2',
  services: '4',
  'services.nodeports': '3',
  configmaps: '5',
};
const SEEDS = [2, 3, 6, 7];

class Simulation {
  readonly clock: FakeClock = fakeClock();
  readonly kernel: TestKernel;
  readonly #random;
  #servers: AdmissionPlugin[] = [];
  readonly #clients: Promise<void>[] = [];
  #names = 0;

  constructor(seed: number) {
    this.#random = seededRandom(seed);
    this.kernel = new TestKernel({ clock: this.clock, random: this.#random });
  }

  async start(): Promise<void> {
    const { kernel, clock } = this;
    for (const kind of [Pod, Service, ConfigMap]) {
      const served = { ...kind, verbs: ALL_VERBS, expires: false };
      kernel.link('kinds').provide(servedKindPoint, kind.resource, served);
    }
    const names = Object.keys(HARD);
    // Two that share some limits, and of which each is the tighter one in something.
    kernel.add(ResourceQuota, quota('a', HARD), quota('b', { pods: '6', 'count/services': '9' }));
    await activate(controller, { kernel, clock, random: this.#random });
    await clock.step(1_000);
    assert.deepEqual(Object.keys(this.#status('a').used ?? {}).sort(), names.sort());
    // Two servers on one database.
    for (const name of ['one', 'two']) {
      const { context } = await activate(admission, { name, kernel, clock, random: this.#random });
      const own = context
        .contributions(admissionPoint)
        .list()
        .find(({ plugin }) => plugin === name);
      this.#servers.push(own?.value as AdmissionPlugin);
    }
  }

  async run(): Promise<void> {
    for (let round = 0; round < 60; round++) {
      const release = this.#one(4) === 0 ? this.kernel.holdWatches() : undefined;
      for (let left = 1 + this.#one(8); left > 0; left--) this.#begin();
      await this.#pass(this.#one(LINE_MS_MAX));
      release?.();
      await this.#pass(this.#one(COMMIT_MS_MAX));
      if (this.#one(3) === 0) await this.#pass(700);
    }
    await this.#pass(5_000);
    // Who lost a race is told so; anything else is wrong.
    for (const result of await Promise.allSettled(this.#clients)) {
      if (result.status === 'fulfilled') continue;
      const { reason } = result;
      const isLost = ['Forbidden', 'Conflict', 'NotFound'].some(each => reason?.reason === each);
      if (!isLost) throw reason;
    }
  }

  /** A millisecond at a time, each with a look at what must always hold. */
  async #pass(ms: number): Promise<void> {
    for (let i = 0; i < ms; i++) {
      await this.clock.step(1);
      for (const name of ['a', 'b']) this.#assertWithin(name);
    }
  }

  #assertWithin(name: string): void {
    const { hard = {} } = this.#status(name);
    const { used = {} } = this.#status(name);
    const counts = this.counts();
    for (const [limit, most] of Object.entries(hard)) {
      assert.ok(milli(used[limit] ?? '0') <= milli(most), `${name}: ${limit} used ${used[limit]}`);
      assert.ok((counts[limit] ?? 0) <= milli(most), `${name}: ${limit} is ${counts[limit]}`);
    }
  }

  #status(name: string): NonNullable<ResourceQuota['status']> {
    return this.kernel.get(ResourceQuota, `default/${name}`)?.status ?? {};
  }

  used(name: string): Record<string, number> {
    const { used = {} } = this.#status(name);
    return Object.fromEntries(Object.entries(used).map(([limit, text]) => [limit, milli(text)]));
  }

  /** What is stored, counted as simply as can be, in thousandths. */
  counts(): Record<string, number> {
    const running = this.kernel.all(Pod).filter(({ status }) => status?.phase !== 'Succeeded');
    const services = this.kernel.all(Service);
    const nodePorts = services.filter(({ spec }) => spec?.type === 'NodePort');
    return {
      pods: running.length * 1_000,
      'requests.cpu': running.reduce((sum, each) => sum + cpuOf(each), 0),
      services: services.length * 1_000,
      'count/services': services.length * 1_000,
      'services.nodeports': nodePorts.length * 1_000,
      configmaps: this.kernel.all(ConfigMap).length * 1_000,
    };
  }

  /** Its end is looked at when all is over. */
  #begin(): void {
    const act = this.#act();
    act.catch(() => {});
    this.#clients.push(act);
  }

  async #act(): Promise<void> {
    const what = this.#one(10);
    if (what < 3) return this.#create(Pod, this.#newPod());
    if (what < 4) return this.#create(Service, service(this.#name(), { type: this.#type() }));
    if (what < 5)
      return this.#create(ConfigMap, { metadata: { namespace: 'default', name: this.#name() } });
    if (what < 6) return this.#changeType();
    if (what < 7) return this.#finish();
    if (what < 8) return this.#delete(Service);
    return what < 9 ? this.#delete(ConfigMap) : this.#delete(Pod);
  }

  /** As the door does it: some that were admitted are refused, or lost, afterwards. */
  async #create<T extends KubeObject>(kind: Kind<T>, object: T) {
    const { group, resource, kind: name } = kind;
    await this.#admitted(admissionRequest(object, { group, resource, kind: name }), () => {
      this.kernel.add(kind, object);
    });
  }

  async #changeType(): Promise<void> {
    const old = this.#any(Service);
    if (!old) return;
    const type = this.#type();
    const object: Service = { ...old, spec: { ...old.spec, type } };
    const about = { resource: 'services', kind: 'Service', oldObject: old };
    await this.#admitted(admissionRequest(object, about), () => {
      const { metadata } = old;
      const now = this.kernel.get(Service, `default/${metadata.name}`);
      if (now?.metadata.resourceVersion !== metadata.resourceVersion) throw conflict(Service, '');
      this.kernel.modify(Service, `default/${metadata.name}`, ({ spec }) => {
        Object.assign(spec ?? {}, { type });
      });
    });
  }

  async #admitted(request: AdmissionRequest, store: () => void) {
    const server = this.#servers[this.#one(2)];
    const isRefusedLater = this.#one(6) === 0;
    try {
      await server?.validate?.(request);
      await delay(this.clock, this.#one(COMMIT_MS_MAX));
      if (isRefusedLater) throw conflict(Pod, 'refused later');
      store();
    } catch (error) {
      server?.abandon?.(request);
      throw error;
    }
  }

  async #finish(): Promise<void> {
    const found = this.#any(Pod);
    if (!found) return;
    this.kernel.modify(Pod, `default/${found.metadata.name}`, each => {
      each.status = { ...each.status, phase: 'Succeeded' };
    });
  }

  async #delete<T extends KubeObject>(kind: Kind<T>): Promise<void> {
    const found = this.#any(kind);
    const { name = '', namespace = '' } = found?.metadata ?? {};
    if (found) await this.kernel.objects.delete(kind, { name, namespace });
  }

  #any<T extends KubeObject>(kind: Kind<T>): T | undefined {
    const all = this.kernel.all(kind);
    return all[this.#one(all.length || 1)];
  }

  #newPod(): Pod {
    const resources = { requests: { cpu: `${100 + 100 * this.#one(6)}m` } };
    return pod(this.#name(), { spec: { containers: [{ name: 'c', image: 'i', resources }] } });
  }

  #type(): string {
    return this.#one(2) === 0 ? 'NodePort' : 'ClusterIP';
  }

  #name(): string {
    return `n${this.#names++}`;
  }

  #one(bound: number): number {
    return this.#random.integer(bound);
  }
}

function quota(name: string, hard: Record<string, string>): ResourceQuota {
  return { metadata: { namespace: 'default', name }, spec: { hard } };
}

function cpuOf({ spec }: Pod): number {
  return milli(spec?.containers[0]?.resources?.requests?.cpu ?? '0');
}

function milli(text: string): number {
  return text.endsWith('m') ? Number.parseInt(text, 10) : Number(text) * 1_000;
}

describe('quotas, whoever does what at the same time', () => {
  for (const seed of SEEDS) {
    it(`are never exceeded, and right in the end (seed ${seed})`, async () => {
      const simulation = new Simulation(seed);
      await simulation.start();
      await simulation.run();
      const counts = simulation.counts();
      for (const name of ['a', 'b']) {
        const used = simulation.used(name);
        for (const [limit, amount] of Object.entries(used))
          assert.equal(amount, counts[limit], limit);
      }
    });
  }
});
