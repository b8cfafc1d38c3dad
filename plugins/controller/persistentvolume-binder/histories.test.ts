import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  matchVolume,
  PersistentVolume,
  PersistentVolumeClaim,
  serviceUnavailable,
  VOLUME_ANNOTATIONS,
} from 'kernetes/sdk';
import { fakeClock, TestKernel } from 'kernetes/sdk/testing';
import { claimOf, startBinder, volumeOf } from './test-setup.ts';

/** One thing that happens; `n` says to which of a handful of names. */
type Step =
  | { readonly do: 'volume' | 'claim'; readonly n: number; readonly size: number }
  | { readonly do: 'named' | 'reserved' | 'overtake'; readonly n: number; readonly other: number }
  | { readonly do: 'delete-volume' | 'delete-claim' | 'free'; readonly n: number }
  | { readonly do: 'fail' | 'wait'; readonly n: number }
  | { readonly do: 'hold' | 'crash' };

const n = fc.nat({ max: 3 });
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    fc.record({ do: fc.constantFrom('volume', 'claim'), n, size: fc.integer({ min: 1, max: 3 }) }),
    fc.record({ do: fc.constantFrom('named', 'reserved', 'overtake'), n, other: n }),
    fc.record({ do: fc.constantFrom('delete-volume', 'delete-claim', 'free'), n }),
    fc.record({ do: fc.constantFrom('fail', 'wait'), n }),
    fc.record({ do: fc.constantFrom('hold', 'crash') }),
  ) as fc.Arbitrary<Step>,
  { maxLength: 30 },
);

test('any history of two controllers ends with one volume to a claim and one claim to a volume', async () => {
  await fc.assert(
    fc.asyncProperty(steps, async history => {
      const world = new World();
      await world.start();
      for (const step of history) {
        await world.apply(step);
        await world.clock.step(0);
        world.assertNothingIsShared();
      }
      await world.settle();
      world.assertNothingIsShared();
      world.assertAllIsBoundThatCanBe();
      await world.stop();
    }),
    { numRuns: 100, seed: 1 },
  );
});

/** Until what is under way is done; between two retries; until all is looked at again. */
const WAITS_MS = [0, 7, 50, 15_000];

class World {
  readonly clock = fakeClock();
  readonly kernel = new TestKernel({ clock: this.clock });
  #stops: (() => Promise<void>)[] = [];
  #failures = 0;
  /** Nothing of the one's is written. */
  #isCut = false;
  #release: () => void = () => {};

  constructor() {
    this.kernel.fault = ({ verb }, plugin) =>
      verb === 'patch' && plugin === 'one' && (this.#isCut || this.#failures-- > 0)
        ? serviceUnavailable('down')
        : undefined;
  }

  /** Two, as if neither knew of the other. */
  async start(): Promise<void> {
    for (const name of ['one', 'other']) {
      const { dispose } = await startBinder({ name, kernel: this.kernel, clock: this.clock });
      this.#stops.push(dispose);
    }
  }

  async stop(): Promise<void> {
    for (const stop of this.#stops.splice(0)) await stop();
  }

  async apply(step: Step): Promise<void> {
    const { kernel } = this;
    switch (step.do) {
      case 'volume':
        this.#addVolume(step.n, { capacity: { storage: `${step.size}Gi` } });
        break;
      case 'reserved':
        this.#addVolume(step.n, { claimRef: { namespace: 'default', name: `c${step.other}` } });
        break;
      case 'claim':
        this.#addClaim(step.n, { resources: { requests: { storage: `${step.size}Gi` } } });
        break;
      case 'named':
        this.#addClaim(step.n, { volumeName: `v${step.other}` });
        break;
      case 'delete-volume':
        if (kernel.get(PersistentVolume, `v${step.n}`)) {
          await kernel.objects.delete(PersistentVolume, { name: `v${step.n}` });
        }
        break;
      case 'delete-claim':
        if (kernel.get(PersistentVolumeClaim, `default/c${step.n}`)) {
          const key = { namespace: 'default', name: `c${step.n}` };
          await kernel.objects.delete(PersistentVolumeClaim, key);
        }
        break;
      case 'free':
        this.#free(`v${step.n}`);
        break;
      case 'fail':
        this.#failures = 2 * step.n + 1;
        break;
      case 'hold':
        this.#hold();
        break;
      case 'overtake':
        await this.#overtake(step.n, step.other);
        break;
      case 'crash':
        await this.stop();
        await this.start();
        break;
      case 'wait':
        await this.clock.step(WAITS_MS[step.n] ?? 0);
        break;
    }
  }

  async settle(): Promise<void> {
    this.#failures = 0;
    this.#release();
    await this.clock.step(120_000);
  }

  /** No two claims were ever told that the same volume is theirs, and from none it was taken. */
  assertNothingIsShared(): void {
    const owners = new Map<string, string>();
    for (const { metadata, spec, status } of this.kernel.all(PersistentVolumeClaim)) {
      const { volumeName = '' } = spec ?? {};
      const isTaken = status?.phase === 'Lost' && this.kernel.get(PersistentVolume, volumeName);
      assert.ok(!isTaken, `The volume of ${metadata.name} was given to another`);
      if (status?.phase !== 'Bound') continue;
      assert.equal(owners.get(volumeName), undefined, `Two claims have ${volumeName}`);
      owners.set(volumeName, metadata.name ?? '');
    }
  }

  assertAllIsBoundThatCanBe(): void {
    const volumes = this.kernel.all(PersistentVolume);
    const taken = new Map<string, string>();
    for (const { metadata, spec, status } of volumes) {
      const uid = spec?.claimRef?.uid;
      if (status?.phase !== 'Bound' || !uid) continue;
      assert.equal(taken.get(uid), undefined, `One claim has ${metadata.name} and another`);
      taken.set(uid, metadata.name ?? '');
    }
    for (const claim of this.kernel.all(PersistentVolumeClaim)) {
      const { metadata, spec, status } = claim;
      if (status?.phase === 'Bound') {
        assert.equal(taken.get(metadata.uid ?? ''), spec?.volumeName);
      } else {
        assert.equal(taken.get(metadata.uid ?? ''), undefined, `${metadata.name} is not Bound`);
      }
      if (status?.phase === 'Pending' && !spec?.volumeName) {
        assert.equal(matchVolume(claim, volumes), undefined, `${metadata.name} could be bound`);
      }
    }
  }

  #hold(): void {
    this.#release();
    this.#release = this.kernel.holdWatches({ plugin: 'one', resource: 'persistentvolumes' });
  }

  /** The other binds a claim, unseen by the one; who then looks for a volume for another. */
  async #overtake(first: number, second: number): Promise<void> {
    this.#hold();
    this.#isCut = true;
    this.#addClaim(first, {});
    await this.clock.step(0);
    this.#isCut = false;
    this.#addClaim(second, {});
  }

  #addVolume(at: number, spec: Parameters<typeof volumeOf>[1]): void {
    const name = `v${at}`;
    // Another of the name of one that a claim lost is a story of its own (see plugin.test.ts).
    const isLost = ({ spec }: PersistentVolumeClaim) => spec?.volumeName === name;
    if (this.kernel.get(PersistentVolume, name)) return;
    if (this.kernel.all(PersistentVolumeClaim).filter(isBoundOnce).some(isLost)) return;
    this.kernel.add(PersistentVolume, volumeOf(name, spec));
  }

  #addClaim(at: number, spec: Parameters<typeof claimOf>[1]): void {
    const name = `c${at}`;
    if (!this.kernel.get(PersistentVolumeClaim, `default/${name}`)) {
      this.kernel.add(PersistentVolumeClaim, claimOf(name, spec));
    }
  }

  /** The administrator has looked after a released volume. */
  #free(name: string): void {
    if (this.kernel.get(PersistentVolume, name)?.status?.phase !== 'Released') return;
    this.kernel.modify(PersistentVolume, name, ({ spec }) => {
      delete spec?.claimRef;
    });
  }
}

function isBoundOnce({ metadata }: PersistentVolumeClaim): boolean {
  return metadata.annotations?.[VOLUME_ANNOTATIONS.bindCompleted] !== undefined;
}
