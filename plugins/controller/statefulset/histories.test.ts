import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  ControllerRevision,
  isPodFinished,
  keyOf,
  type ObjectRequest,
  PersistentVolumeClaim,
  Pod,
  parseKey,
  StatefulSet,
  type StatefulSetSpec,
  scaledValue,
  serviceUnavailable,
} from 'kernetes/sdk';
import { activate, fakeClock, running, TestKernel } from 'kernetes/sdk/testing';
import { ownersOf } from './claims.ts';
import { isReady, isTerminating } from './health.ts';
import { firstOrdinal, ordinalOf, podName, replicasOf } from './identity.ts';
import plugin from './plugin.ts';
import {
  changeSpec,
  claimTemplate,
  imageOf,
  KEY,
  revisionIn,
  runPods,
  setStatus,
  templateWith,
  webSet,
} from './running-set.ts';

/** One thing that happens; `n` says which pod, how many, how long. */
interface Step {
  readonly do: (typeof DEEDS)[number];
  readonly n: number;
}

const DEEDS = [
  ...(['scale', 'start', 'template', 'break', 'partition', 'maxUnavailable', 'retain'] as const),
  ...(['run', 'run', 'run', 'weaken', 'fail', 'delete', 'linger', 'end'] as const),
  ...(['refuse', 'lose', 'lag', 'crash', 'wait', 'orphan'] as const),
] as const;

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.record({ do: fc.constantFrom(...DEEDS), n: fc.nat({ max: 4 }) }),
  { maxLength: 30 },
);

for (const podManagementPolicy of ['OrderedReady', 'Parallel']) {
  for (const type of ['RollingUpdate', 'OnDelete']) {
    test(`any history of a set that is ${podManagementPolicy} and ${type} ends as specified, within bounds`, async () => {
      await fc.assert(
        fc.asyncProperty(steps, async history => {
          const world = new World({ podManagementPolicy, updateStrategy: { type } });
          await world.start();
          for (const step of history) {
            await world.apply(step);
            await world.clock.step(100);
          }
          await world.settle();
          await world.stop();
          world.assertIsAsSpecified();
          assert.deepEqual(world.violations, []);
        }),
        { numRuns: 60, includeErrorInReport: true },
      );
    });
  }
}

class World {
  readonly clock = fakeClock();
  readonly kernel = new TestKernel({ clock: this.clock });
  /** Writes that were out of order or too many. */
  readonly violations: string[] = [];
  #stop: () => Promise<void> = async () => {};
  #refusals = 0;
  #losses = 0;

  constructor(spec: Partial<StatefulSetSpec>) {
    this.kernel.add(StatefulSet, webSet({ ...spec, volumeClaimTemplates: [claimTemplate('www')] }));
    this.kernel.fault = request => this.#fault(request);
  }

  async start(): Promise<void> {
    this.#stop = (await activate(plugin, { kernel: this.kernel, clock: this.clock })).dispose;
  }

  async stop(): Promise<void> {
    await this.#stop();
  }

  async apply({ do: deed, n }: Step): Promise<void> {
    const { kernel } = this;
    const pod = kernel.all(Pod)[n];
    switch (deed) {
      case 'scale':
        return changeSpec(kernel, { replicas: n });
      case 'start':
        return changeSpec(kernel, { ordinals: { start: n } });
      case 'template':
        return changeSpec(kernel, { template: templateWith(`nginx:${n}`) });
      case 'break':
        return changeSpec(kernel, { template: templateWith(`broken:${n}`) });
      case 'partition':
      case 'maxUnavailable':
        return this.#changeStrategy({ [deed]: n });
      case 'retain':
        return changeSpec(kernel, {
          persistentVolumeClaimRetentionPolicy: {
            whenDeleted: n % 2 ? 'Delete' : 'Retain',
            whenScaled: n > 1 ? 'Delete' : 'Retain',
          },
        });
      case 'run':
        return runPods(kernel, isBroken);
      case 'weaken':
        return pod && setStatus(kernel, pod, running({ ready: false }));
      case 'fail':
        return pod && setStatus(kernel, pod, { phase: n % 2 ? 'Failed' : 'Succeeded' });
      case 'delete':
        return pod && kernel.objects.delete(Pod, parseKey(keyOf(pod)));
      case 'linger':
        return pod && this.#setFinalizers(pod, ['example.com/slow']);
      case 'end':
        return this.#end();
      case 'orphan':
        return pod && this.#orphan(pod);
      case 'refuse':
        this.#refusals = n;
        return;
      case 'lose':
        this.#losses = n;
        return;
      case 'lag':
        return this.#lag(n);
      case 'crash':
        await this.#stop();
        return this.start();
      case 'wait':
        return this.clock.step(n * 10_000);
    }
  }

  /** Nothing goes wrong any more, the template is a good one, and time passes. */
  async settle(): Promise<void> {
    const { kernel } = this;
    this.#refusals = 0;
    this.#losses = 0;
    changeSpec(kernel, {
      template: templateWith('nginx:good'),
      updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 0 } },
    });
    await this.clock.step(20_000);
    for (let rounds = 0, quiet = 0; quiet < 3; rounds++) {
      assert.ok(rounds < 100, 'The pods do not come to rest');
      const before = JSON.stringify(kernel.all(Pod));
      this.#end();
      await this.#collectGarbage();
      this.#heal();
      await this.clock.step(20_000);
      quiet = JSON.stringify(kernel.all(Pod)) === before ? quiet + 1 : 0;
    }
  }

  assertIsAsSpecified(): void {
    const { kernel } = this;
    const set = this.#set();
    const ordinals = Array.from({ length: replicasOf(set) }, (_, i) => firstOrdinal(set) + i);
    const pods = kernel.all(Pod);
    assert.deepEqual(
      pods.map(pod => `${pod.metadata.name}=${imageOf(pod)} ${isReady(pod)}`),
      ordinals.map(ordinal => `${podName(set, ordinal)}=nginx:good true`),
    );
    for (const pod of pods) {
      const claim = kernel.get(PersistentVolumeClaim, `default/www-${pod.metadata.name}`);
      assert.ok(claim && ownersOf(claim, { set, pod, isCondemned: false }) === undefined);
    }
    const { status } = set;
    const counts = [status?.replicas, status?.readyReplicas, status?.updatedReplicas];
    assert.deepEqual(counts, Array(3).fill(pods.length));
    assert.equal(status?.currentRevision, status?.updateRevision);
    assert.ok(pods.every(pod => revisionIn(pod) === status?.updateRevision));
    assert.ok(kernel.all(ControllerRevision).length <= 11);
  }

  /**
   * Makes all pods work that can. Also broken ones beside the replicas: of several such none is
   * ended, since each waits for its predecessors to be well.
   */
  #heal(): void {
    for (const pod of this.kernel.all(Pod)) {
      const isHopeless = isPodFinished(pod) || (isBroken(pod) && this.#isReplica(pod));
      if (!isHopeless && !isReady(pod)) setStatus(this.kernel, pod, running());
    }
  }

  #isReplica(pod: Pod): boolean {
    const set = this.#set();
    const index = (ordinalOf(set, pod) ?? -1) - firstOrdinal(set);
    return index >= 0 && index < replicasOf(set);
  }

  #set(): StatefulSet {
    const set = this.kernel.get(StatefulSet, KEY);
    assert.ok(set);
    return set;
  }

  #changeStrategy(change: { partition?: number; maxUnavailable?: number }): void {
    const { type, rollingUpdate } = this.#set().spec?.updateStrategy ?? {};
    if (type !== 'RollingUpdate') return;
    const changed = { partition: 0, ...rollingUpdate, ...change };
    const { maxUnavailable } = changed;
    changeSpec(this.kernel, {
      // As validation has it: at least one.
      updateStrategy: {
        type,
        rollingUpdate: { ...changed, ...(maxUnavailable === 0 && { maxUnavailable: '30%' }) },
      },
    });
  }

  /** The controller learns late of what it has done itself. */
  async #lag(n: number): Promise<void> {
    const release = this.kernel.holdWatches();
    await this.clock.step(n * 40);
    release();
  }

  #setFinalizers(pod: Pod, finalizers: string[]): void {
    this.kernel.modify(Pod, keyOf(pod), ({ metadata }) => {
      metadata.finalizers = finalizers;
    });
  }

  #end(): void {
    for (const pod of this.kernel.all(Pod)) this.#setFinalizers(pod, []);
  }

  #orphan(pod: Pod): void {
    this.kernel.modify(Pod, keyOf(pod), ({ metadata }) => {
      delete metadata.ownerReferences;
    });
  }

  /** What the garbage collector would do with claims whose pod is gone. */
  async #collectGarbage(): Promise<void> {
    const uids = new Set(this.kernel.all(Pod).map(({ metadata }) => metadata.uid));
    for (const claim of this.kernel.all(PersistentVolumeClaim)) {
      const owners = claim.metadata.ownerReferences ?? [];
      const isGarbage = owners.some(({ kind, uid }) => kind === 'Pod' && !uids.has(uid));
      if (isGarbage)
        await this.kernel.objects.delete(PersistentVolumeClaim, parseKey(keyOf(claim)));
    }
  }

  #fault(request: ObjectRequest) {
    const isWrite = request.verb !== 'get' && request.resource !== 'events';
    if (!isWrite) return undefined;
    if (this.#refusals > 0) {
      this.#refusals--;
      return serviceUnavailable('down');
    }
    if (request.resource === 'pods') this.#judge(request);
    if (this.#losses === 0) return undefined;
    this.#losses--;
    this.kernel.objects.request(request).catch(() => {
      // It was wrong, too; the controller is told of the loss alone.
    });
    return serviceUnavailable('the answer was lost');
  }

  #judge({ verb, name, body }: ObjectRequest): void {
    const pod = verb === 'create' ? (body as Pod) : this.kernel.get(Pod, `default/${name}`);
    const isDelete = verb === 'delete' && pod && isReady(pod) && !isTerminating(pod);
    const ordinal = pod && ordinalOf(this.#set(), pod);
    if (ordinal === undefined) return;
    const why =
      verb === 'create'
        ? this.#whyNotCreate(ordinal)
        : isDelete
          ? this.#whyNotDelete(ordinal, pod)
          : undefined;
    if (why) this.violations.push(`${verb} ${pod?.metadata.name}: ${why}`);
  }

  #whyNotCreate(ordinal: number): string | undefined {
    const set = this.#set();
    const index = ordinal - firstOrdinal(set);
    if (index < 0 || index >= replicasOf(set)) return 'not wanted';
    if (this.kernel.get(Pod, `default/${podName(set, ordinal)}`)) return undefined;
    if (set.spec?.podManagementPolicy === 'Parallel') return undefined;
    return this.#works().slice(0, index).every(Boolean) ? undefined : 'not its turn';
  }

  /** Of a pod that works. */
  #whyNotDelete(ordinal: number, pod: Pod): string | undefined {
    const set = this.#set();
    const index = ordinal - firstOrdinal(set);
    const works = this.#works();
    const isOrdered = set.spec?.podManagementPolicy !== 'Parallel';
    if (index < 0 || index >= works.length) {
      if (!isOrdered) return undefined;
      if (!works.every(Boolean)) return 'the others are not well';
      const condemned = this.kernel
        .all(Pod)
        .map(each => ordinalOf(set, each) ?? -1)
        .filter(each => each < firstOrdinal(set) || each >= firstOrdinal(set) + works.length);
      return condemned.some(each => each > ordinal) ? 'not the last one' : undefined;
    }
    const { type, rollingUpdate } = set.spec?.updateStrategy ?? {};
    if (type === 'OnDelete') return 'not updated by the controller';
    if (index < (rollingUpdate?.partition ?? 0)) return 'below the partition';
    if (revisionIn(pod) === set.status?.updateRevision && imageOf(pod) === this.#image()) {
      return 'up to date';
    }
    const most = Math.max(1, scaledValue(rollingUpdate?.maxUnavailable ?? 1, works.length, false));
    const down = works.filter(isWorking => !isWorking).length;
    return down < most ? undefined : `${down} of at most ${most} are down`;
  }

  #image(): string | undefined {
    return this.#set().spec?.template.spec?.containers[0]?.image;
  }

  /** By index, whether the pod is there and well. */
  #works(): boolean[] {
    const set = this.#set();
    return Array.from({ length: replicasOf(set) }, (_, i) => {
      const pod = this.kernel.get(Pod, `default/${podName(set, firstOrdinal(set) + i)}`);
      return pod !== undefined && isReady(pod) && !isTerminating(pod);
    });
  }
}

function isBroken(pod: Pod): boolean {
  return imageOf(pod)?.startsWith('broken') ?? false;
}
